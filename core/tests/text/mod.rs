//! The text form: what is written reads back as the same tree, and what is no text of the language
//! is refused with its place.

mod corpus;
mod hostile;
mod round;

use segmentry::{Group, Problem, Rule, RuleParser};

/// The conditions that a text says.
fn read(text: &str) -> Group {
    let rule = RuleParser::parse_text(text).unwrap_or_else(|error| panic!("{text}\n{error}"));
    rule.conditions.unwrap()
}

/// What is wrong with a text.
fn problems(text: &str) -> Vec<Problem> {
    match RuleParser::parse_text(text) {
        Ok(rule) => panic!("{text}\nis taken for {}", rule.to_json()),
        Err(error) => error.into_problems(),
    }
}

/// The conditions as text, which must give them back.
fn written(conditions: &Group) -> String {
    let text = conditions.to_text();
    let back = read(&text);
    let json = |group: &Group| {
        let rule = RuleParser::parse_text("true").unwrap();
        Rule { conditions: Some(group.clone()), ..rule }.to_json_text()
    };
    assert!(back == *conditions, "{text}\n{}\n{}", json(&back), json(conditions));
    assert_eq!(back.to_text(), text);
    text
}
