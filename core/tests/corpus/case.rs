//! Reading a case's folder; `tests/cases/README.md` says what is in it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::oracle::World;
use crate::oracle::json::Json;
use crate::oracle::table::Table;

use super::expected::Expected;
use super::{data, parquet};

pub struct Case {
    /// The folder's.
    pub name: String,
    /// Microseconds since 1970, UTC.
    pub as_of: i64,
    /// The folder of the data that several cases share, if the data are not the case's own.
    pub shared: Option<PathBuf>,
    pub world: World,
    /// Ids and documents.
    pub rules: Vec<(i64, String)>,
    /// The rules' names, in the same order.
    pub names: Vec<String>,
    pub expected: BTreeMap<String, Expected>,
}

fn tests() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests")
}

/// Every case, by name.
pub async fn all() -> Vec<Case> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(tests().join("cases"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    let mut shared: BTreeMap<PathBuf, Vec<Table>> = BTreeMap::new();
    let mut cases = Vec::new();
    for folder in folders {
        cases.push(read(&folder, &mut shared).await);
    }
    cases
}

fn json(path: &Path) -> Json {
    let text = std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    Json::parse(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

async fn read(folder: &Path, known: &mut BTreeMap<PathBuf, Vec<Table>>) -> Case {
    let about = json(&folder.join("case.json"));
    let member = |name: &str| about.text_of(name).unwrap().unwrap_or_else(|| panic!("no {name}"));
    let as_of = chrono::DateTime::parse_from_rfc3339(member("as_of")).unwrap().timestamp_micros();
    let model = folder.join("model.json");
    let model =
        if model.exists() { std::fs::read_to_string(model).unwrap() } else { String::new() };
    let (shared, tables) = match member("data") {
        "inline" => (None, data::tables(&json(&folder.join("data.json")))),
        name => {
            let path = tests().join("data").join(name);
            if !known.contains_key(&path) {
                known.insert(path.clone(), parquet::tables(&path).await);
            }
            (Some(path.clone()), known[&path].clone())
        }
    };
    let documents = json(&folder.join("rules.json"));
    let documents = documents.list().unwrap();
    let names = documents.iter().map(|rule| rule.text_of("rule_name").unwrap().unwrap().to_owned());
    let expected = json(&folder.join("expected.json"));
    let expected = expected.members().unwrap().iter();
    Case {
        name: folder.file_name().unwrap().to_string_lossy().into_owned(),
        as_of,
        shared,
        world: World::new(model, tables),
        rules: (1..).zip(documents.iter().map(Json::write)).collect(),
        names: names.collect(),
        expected: expected.map(|(name, keys)| (name.clone(), Expected::read(keys))).collect(),
    }
}
