//! Where hostile strings are let loose: a folder with a catalog, sources and bystanders, in which
//! every file but the catalog's own has to stay what it is, and so has a table in each database.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rusqlite::Connection;
use segmentry::SqliteCatalog;

/// What lies in a folder, files with their content and time of change.
type Tree = BTreeMap<PathBuf, Option<(Vec<u8>, SystemTime)>>;

/// A folder that is watched.
pub struct Ground {
    outer: tempfile::TempDir,
    before: Tree,
}

/// What the canary says in every database.
const WORD: &str = "still here";

impl Ground {
    /// A catalog with a canary, a SQLite file with the same that has whatever `fill` puts there,
    /// and files that nobody asked to touch, also where `..` leads.
    pub fn new(fill: impl FnOnce(&Connection)) -> Ground {
        let outer = tempfile::tempdir().unwrap();
        let mut ground = Ground { outer, before: Tree::new() };
        for folder in ["catalog", "sources", "bystanders"] {
            std::fs::create_dir_all(ground.path(folder)).unwrap();
        }
        for name in ["bystanders/canary", "bystanders/canary.csv", "sources/canary", "canary"] {
            std::fs::write(ground.path(name), WORD).unwrap();
        }
        std::fs::write(ground.outer.path().join("canary"), WORD).unwrap();
        ground.plant("catalog/audience.db");
        fill(&ground.plant("sources/platform.db"));
        ground.note();
        ground
    }

    /// A path that lies deep enough for `../../..` to end within what is watched.
    pub fn path(&self, name: &str) -> PathBuf {
        self.outer.path().join("a/b/c").join(name)
    }

    fn plant(&self, name: &str) -> Connection {
        let database = Connection::open(self.path(name)).unwrap();
        database.execute_batch("CREATE TABLE canary (word TEXT)").unwrap();
        database.execute("INSERT INTO canary VALUES (?1)", [WORD]).unwrap();
        database
    }

    /// The catalog in which the canary is.
    pub fn catalog(&self) -> SqliteCatalog {
        SqliteCatalog::open(self.path("catalog/audience.db")).unwrap()
    }

    /// Takes what there is for what has to be there; a test puts files there before.
    pub fn note(&mut self) {
        self.before = self.tree();
    }

    /// Everything but the catalog's own files and the profile store's.
    fn tree(&self) -> Tree {
        let mut tree = Tree::new();
        collect(self.outer.path(), &mut tree);
        let (own, store) = (self.path("catalog/audience.db"), self.path("store"));
        let own = own.to_str().unwrap();
        let theirs = [own.to_owned(), format!("{own}-wal"), format!("{own}-shm")];
        tree.retain(|path, _| {
            !theirs.iter().any(|own| Path::new(own) == path) && !path.starts_with(&store)
        });
        tree
    }

    /// Nothing was created, changed or removed, and the canaries say what they said.
    pub fn check(&self) {
        let now = self.tree();
        for (path, state) in &self.before {
            assert!(now.get(path) == Some(state), "{} was changed or removed", path.display());
        }
        let more: Vec<_> = now.keys().filter(|path| !self.before.contains_key(*path)).collect();
        assert!(more.is_empty(), "created: {more:?}");
        for name in ["catalog/audience.db", "sources/platform.db"] {
            let database = Connection::open(self.path(name)).unwrap();
            let mut said = database.prepare("SELECT word FROM canary").unwrap();
            let said: Result<Vec<String>, _> =
                said.query_map([], |row| row.get(0)).unwrap().collect();
            assert_eq!(said.unwrap(), [WORD], "the canary in {name}");
            let sound: String =
                database.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
            assert_eq!(sound, "ok", "{name}");
        }
    }
}

fn collect(folder: &Path, tree: &mut Tree) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let about = std::fs::symlink_metadata(&path).unwrap();
        if about.is_dir() {
            collect(&path, tree);
        }
        let content = || (std::fs::read(&path).unwrap(), about.modified().unwrap());
        tree.insert(path.clone(), about.is_file().then(content));
    }
}

#[test]
fn hostile_ground_notices_what_is_done_to_it() {
    let broken = |harm: fn(&Ground)| {
        let ground = Ground::new(|_| {});
        ground.catalog();
        ground.check();
        harm(&ground);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| ground.check())).is_err()
    };
    assert!(broken(|ground| std::fs::write(ground.path("catalog/x"), "x").unwrap()));
    assert!(broken(|ground| std::fs::write(ground.path("../../../x"), "x").unwrap()));
    assert!(broken(|ground| std::fs::write(ground.path("bystanders/canary"), "x").unwrap()));
    assert!(broken(|ground| std::fs::remove_file(ground.path("../../../canary")).unwrap()));
    assert!(broken(|ground| {
        let catalog = Connection::open(ground.path("catalog/audience.db")).unwrap();
        catalog.execute_batch("DROP TABLE canary").unwrap();
    }));
}
