//! The texts of `texts.json`, which every language can run: good ones with the conditions that they
//! mean, bad ones with every problem and its place.

use segmentry::RuleParser;

use super::{problems, read, written};
use crate::oracle::json::Json;

fn texts(which: &str) -> Vec<Json> {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/text/texts.json");
    let json = Json::parse(&std::fs::read_to_string(file).unwrap()).unwrap();
    json.get(which).unwrap().list().unwrap().to_vec()
}

#[test]
fn text_says_what_is_written_beside_it() {
    let texts = texts("good");
    assert!(texts.len() >= 60, "only {} texts", texts.len());
    for one in &texts {
        let text = one.text_of("text").unwrap().unwrap();
        let conditions = one.get("conditions").unwrap().write();
        let expected = RuleParser::parse_conditions(conditions.as_str()).unwrap().conditions;
        let found = read(text);
        assert!(Some(&found) == expected.as_ref(), "{text}\nis {found:#?}\nnot {conditions}");
        written(&found);
    }
}

#[test]
fn text_that_is_wrong_is_told_with_its_places() {
    let texts = texts("bad");
    assert!(texts.len() >= 60, "only {} texts", texts.len());
    let mut wrong = Vec::new();
    for one in &texts {
        let text = one.text_of("text").unwrap().unwrap();
        let expected: Vec<String> = one
            .get("problems")
            .unwrap()
            .list()
            .unwrap()
            .iter()
            .map(|problem| {
                let place = |name: &str| problem.get(name).unwrap().write();
                let code = problem.text_of("code").unwrap().unwrap();
                format!("{code} {}:{}", place("line"), place("column"))
            })
            .collect();
        let all = problems(text);
        let found: Vec<String> =
            all.iter().map(|problem| format!("{} {}", problem.code, problem.path)).collect();
        if found != expected {
            wrong.push(format!("{text}\nexpected {expected:?}\nfound {all:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
fn text_shows_a_caret_under_the_place() {
    let problem = problems("tier = 1\nand country = LK").remove(0);
    assert_eq!(problem.path, "2:15");
    assert_eq!(
        problem.message,
        "expected a value, found the name `LK`\nline 2, column 15:\n  and country = LK\n                ^"
    );
    let hint = "a string stands in single quotes, 'LK'; another field is field(LK)";
    assert_eq!(problem.hint.as_deref(), Some(hint));
    // Of a long line the part around the place is shown.
    let long = format!("a in ({}b{})", "1, ".repeat(1_000), ", 1".repeat(1_000));
    let problem = problems(&long).remove(0);
    assert_eq!(problem.path, "1:3007");
    let (_, shown) = problem.message.split_once(":\n").unwrap();
    let (row, caret) = shown.split_once('\n').unwrap();
    assert!(row.chars().count() < 120 && row.starts_with("  …") && row.ends_with('…'), "{row}");
    assert_eq!(row.chars().nth(caret.chars().count() - 1), Some('b'));
}

#[test]
fn text_names_what_is_near() {
    for (text, near) in [
        ("cuont(t) > 1", "count"),
        ("contians(a, 'x')", "contains"),
        ("count(t, lst => '1 day') > 1", "last"),
        ("top(a, precent => 10)", "percent"),
        ("within(a, lati => 1, lon => 1, radius => '1 km')", "lat"),
        ("count_distnct(t.a) > 1", "count_distinct"),
    ] {
        let found = problems(text);
        let hint = format!("did you mean {near:?}?");
        assert!(found.iter().any(|p| p.hint.as_ref() == Some(&hint)), "{text}: {found:?}");
    }
}
