//! Round trips: every rule of the corpus and random ones, as text and back.

use std::path::{Path, PathBuf};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use segmentry::{Rule, RuleParser};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use super::{read, written};
use crate::differential::setting;
use crate::generate::{self, Options, Random};
use crate::oracle::json::Json;

/// Whether sqlparser's own parser, in its generic dialect, takes the text for one expression.
fn sql_reads(text: &str) -> Result<(), String> {
    let parser = Parser::new(&GenericDialect {}).with_recursion_limit(1_000);
    let mut parser = parser.try_with_sql(text).map_err(|e| e.to_string())?;
    let expression = parser.parse_expr().map_err(|e| e.to_string())?;
    match parser.peek_token().token {
        sqlparser::tokenizer::Token::EOF => drop(expression),
        token => return Err(format!("{token} is left")),
    }
    Ok(())
}

/// The places of a text's tree lead into the document that the same conditions are stored as.
fn same_places(rule: &Rule, text: &str) {
    let rule = Rule { rule_name: "New".to_owned(), ..rule.clone() };
    let document = Json::parse(&rule.to_json_text()).unwrap();
    let conditions = document.get("conditions").unwrap().write();
    let stored = RuleParser::parse_conditions(conditions).unwrap().conditions.unwrap();
    assert_eq!(format!("{:?}", read(text)), format!("{stored:?}"), "{text}");
}

/// Writes the rule's conditions, reads them back, and lets sqlparser read them as well.
fn check(rule: &Rule) -> Option<String> {
    let text = written(rule.conditions.as_ref()?);
    // The empty list is known to some dialects only.
    if !text.contains("in ()") {
        sql_reads(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    }
    same_places(rule, &text);
    Some(text)
}

/// The JSON files below a folder of the project.
fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "json") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn json(file: &Path) -> Json {
    Json::parse(&std::fs::read_to_string(file).unwrap()).unwrap()
}

#[test]
fn text_gives_every_rule_of_the_corpus_back() {
    let mut rules = 0;
    let corpus = files("tests/cases").into_iter().filter(|file| file.ends_with("rules.json"));
    for document in corpus.flat_map(|file| json(&file).list().unwrap().to_vec()) {
        check(&RuleParser::parse(document.write()).unwrap());
        rules += 1;
    }
    for file in files("../examples/rules") {
        check(&RuleParser::parse(json(&file).write()).unwrap());
        rules += 1;
    }
    println!("{rules} rules");
    assert!(rules >= 150, "only {rules} rules");
}

#[test]
fn text_gives_what_is_wrong_only_in_meaning_back() {
    // Most bad documents are well formed: what is wrong with them shows beside the data.
    let mut rules = 0;
    for file in files("tests/bad/documents") {
        for bad in json(&file).list().unwrap() {
            let Some(Ok(rule)) = bad.get("rule").map(|rule| RuleParser::parse(rule.write())) else {
                continue;
            };
            rules += usize::from(check(&rule).is_some());
        }
    }
    println!("{rules} rules");
    assert!(rules >= 100, "only {rules} rules");
}

#[test]
fn text_gives_random_rules_back() {
    let wanted = usize::try_from(setting("SEGMENTRY_RULES", 4_000)).unwrap();
    let first = setting("SEGMENTRY_SEED", 0);
    let options = Options {
        users: (20, 40),
        max_events: 200,
        rules: (40, 60),
        places: true,
        ranks: true,
        buckets: true,
        sequences: true,
        field_strings: true,
        retries: 0,
    };
    let (mut rules, mut seed) = (0, first);
    while rules < wanted {
        println!("seed {seed}");
        for (_, document) in generate::case(seed, &options).rules {
            let rule = RuleParser::parse(document.as_str()).unwrap();
            rules += usize::from(check(&rule).is_some());
        }
        seed += 1;
    }
    println!("seeds {first} to {}, {rules} rules", seed - 1);
}

/// A rule whose every name is this one.
fn named(name: &str) -> Rule {
    let condition = serde_json::json!([
        {"field": name, "operator": "=", "value": 1},
        {"field": name, "operator": "notNull"},
        {"field": name, "operator": "contains", "value": name, "valueSource": "field"},
        {"field": name, "operator": "in", "value": [name], "caseSensitive": false},
        {"field": name, "operator": ">", "value": 1, "window": "all", "where": {
            "field": name, "operator": "<", "valueSource": "field", "value": name}},
        {"events": name, "aggregate": "count", "operator": "=", "value": 0},
        {"events": name, "aggregate": "sum", "field": name, "operator": "=", "value": 0},
        {"events": [name, "x"], "aggregate": "sum", "field": name, "operator": "=", "value": 0},
        {"events": ["x", name], "aggregate": "count", "operator": "=", "value": 0},
        {"sequence": [{"events": name}, {"events": [name, "x"]}]},
        {"field": "bucket", "operator": "=", "value": 1, "salt": name},
        {"field": "segment", "operator": "in", "value": [name]},
    ]);
    RuleParser::parse_conditions(condition).unwrap()
}

#[test]
fn text_gives_every_name_back() {
    let odd = [
        "",
        " ",
        ".",
        "a.",
        ".a",
        "a..b",
        "a.b",
        "a b.c",
        "1",
        "1a",
        "a1",
        "_",
        "é",
        "नाम",
        "🎉",
        "a\"b",
        "a'b",
        "a`b",
        "\"",
        "''",
        "a,b",
        "a, b",
        "a\\,b",
        "\\",
        " a",
        "a ",
        "a\nb",
        "\0",
        "--",
        "/*",
        "*/",
        "$1",
        "#a",
        "@a",
        "a$",
        "time:day",
        "a.time:day",
        "a(b)",
        "not (a)",
        "Count",
        "users.select",
        "select.users",
        "a.not",
        "E'x'",
        "x'",
        "\u{feff}a",
        "\r\n",
    ];
    let words = sqlparser::keywords::ALL_KEYWORDS.iter().map(|word| word.to_lowercase());
    // As a field it is the language's own, and takes no window.
    let words = words.filter(|word| word != "bucket");
    let mut unread = Vec::new();
    for name in odd.into_iter().map(str::to_owned).chain(words) {
        let rule = named(&name);
        let text = written(rule.conditions.as_ref().unwrap());
        if let Err(error) = sql_reads(&text) {
            unread.push(format!("{name:?}: {error}"));
        }
    }
    assert!(unread.is_empty(), "{}", unread.join("\n"));
}

#[test]
fn text_gives_every_number_back() {
    let digits = "12345678901234567890123456789012345678";
    let mut numbers: Vec<String> =
        ["0", "-0", "-1", "1e300", "1e-300", "-1e10000", "1e-9999", "0.1"]
            .into_iter()
            .map(str::to_owned)
            .collect();
    for scale in -50..50 {
        numbers.push(format!("{digits}e{scale}"));
        numbers.push(format!("-7e{scale}"));
    }
    for number in numbers {
        let text =
            format!(r#"[{{"field": "a", "operator": "in", "value": [{number}, "{number}"]}}]"#);
        check(&RuleParser::parse_conditions(text).unwrap());
    }
}

/// Conditions of any shape: groups of no, one or more members, joined and turned in every way.
fn shape(random: &mut Random, depth: i64) -> String {
    let leaf = r#"{"field": "a", "operator": "=", "value": 1}"#;
    if random.percent(30) || depth == 0 {
        return match random.range(0, 9) {
            0 => r#"{"disabled": true, "field": "it's", "x": [1.50, 1e400, null]}"#.to_owned(),
            1 => format!(
                r#"{{"events": "t", "operator": ">", "value": 0, "where": {}}}"#,
                columns(random, depth)
            ),
            2 if depth > 0 => format!(
                r#"{{"field": "a", "operator": "top", "value": {{"count": 3}}, "among": {}}}"#,
                shape(random, depth - 1)
            ),
            _ => leaf.to_owned(),
        };
    }
    let count = random.range(0, 3);
    let rules: Vec<String> = (0..count).map(|_| shape(random, depth - 1)).collect();
    group(random, &rules)
}

/// The same on the columns of events.
fn columns(random: &mut Random, depth: i64) -> String {
    if random.percent(40) || depth == 0 {
        return r#"{"field": "b", "operator": "null"}"#.to_owned();
    }
    let count = random.range(0, 3);
    let rules: Vec<String> = (0..count).map(|_| columns(random, depth - 1)).collect();
    group(random, &rules)
}

fn group(random: &mut Random, rules: &[String]) -> String {
    let combinator = if random.percent(50) { "and" } else { "or" };
    let not = random.percent(30);
    let rules = rules.join(", ");
    format!(r#"{{"combinator": "{combinator}", "not": {not}, "rules": [{rules}]}}"#)
}

#[test]
fn text_gives_groups_of_every_shape_back() {
    let wanted = setting("SEGMENTRY_RULES", 20_000);
    let first = setting("SEGMENTRY_SEED", 0);
    println!("seed {first}, {wanted} groups");
    let mut random = Random { rng: ChaCha8Rng::seed_from_u64(first) };
    let mut texts = std::collections::BTreeMap::new();
    for _ in 0..wanted {
        let document = shape(&mut random, 5);
        let document = if random.percent(50) { format!("[{document}]") } else { document };
        let rule = RuleParser::parse_conditions(document).unwrap();
        let text = check(&rule).unwrap();
        // Two trees that differ have texts that differ.
        assert!(*texts.entry(text).or_insert_with(|| rule.clone()) == rule);
    }
    println!("{} different texts", texts.len());
}
