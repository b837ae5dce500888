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
    /// The folder of the data that several cases share, if the data are not the case's own.
    pub shared: Option<PathBuf>,
    pub world: World,
    /// Ids and documents.
    pub rules: Vec<(i64, String)>,
    /// The rules' names, in the same order.
    pub names: Vec<String>,
    /// In the order of the runs.
    pub runs: Vec<Run>,
}

/// What the rules are to give at one instant.
pub struct Run {
    /// Microseconds since 1970, UTC.
    pub as_of: i64,
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
    Case {
        name: folder.file_name().unwrap().to_string_lossy().into_owned(),
        shared,
        world: World::new(model, tables),
        rules: (1..).zip(documents.iter().map(Json::write)).collect(),
        names: names.collect(),
        runs: runs(about.get("as_of").unwrap(), &json(&folder.join("expected.json"))),
    }
}

/// One run at an instant, or one at each of a list, whose members stand under the instant.
fn runs(as_of: &Json, expected: &Json) -> Vec<Run> {
    let instants: Vec<&str> = match as_of {
        Json::List(instants) => instants.iter().map(|instant| instant.text().unwrap()).collect(),
        one => vec![one.text().unwrap()],
    };
    let rules = expected.members().unwrap();
    let at = |instant: &&str| {
        let members = rules.iter().map(|(name, members)| {
            let members = match as_of {
                Json::List(_) => {
                    let told = members.members().unwrap();
                    let told: Vec<&str> = told.iter().map(|(instant, _)| &**instant).collect();
                    assert_eq!(told, instants, "{name}");
                    members.get(instant).unwrap()
                }
                _ => members,
            };
            (name.clone(), Expected::read(members))
        });
        let as_of = chrono::DateTime::parse_from_rfc3339(instant).unwrap().timestamp_micros();
        Run { as_of, expected: members.collect() }
    };
    instants.iter().map(at).collect()
}
