//! Faults that are planted one at a time, each of which has to turn a test red: `make mutations` does
//! it. Here only that they can still be planted.

use std::collections::BTreeSet;
use std::path::Path;

use crate::oracle::json::Json;

#[test]
fn mutations_can_be_planted() {
    let core = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |path: &Path| std::fs::read_to_string(path).unwrap();
    let document = Json::parse(&read(&core.join("tests/mutations/mutations.json"))).unwrap();
    let mutations = document.get("mutations").unwrap().list().unwrap();
    let mut names = BTreeSet::new();
    for mutation in mutations {
        let member = |name: &str| mutation.text_of(name).unwrap().unwrap();
        let source = read(&core.join("..").join(member("file")));
        assert_eq!(source.matches(member("from")).count(), 1, "{}", member("name"));
        assert_ne!(member("from"), member("to"));
        assert!(names.insert(member("name")), "{} comes twice", member("name"));
    }
    assert!(names.len() >= 20, "only {}", names.len());
}
