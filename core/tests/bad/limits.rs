//! The limits of the language, and documents that were made to hurt.

use segmentry::{Code, MAX_BYTES, MAX_CONDITIONS, MAX_LEVELS, MAX_VALUES, RuleParser};

use super::engine;

pub fn rule(conditions: &str) -> String {
    format!(r#"{{"rule_name": "New", "conditions": {conditions}}}"#)
}

/// The only problem of a document, which passes a limit.
fn refused(document: &str) -> (String, String) {
    let problems = RuleParser::parse(document).unwrap_err().into_problems();
    let [problem] = problems.as_slice() else { panic!("{problems:?}") };
    assert_eq!(problem.code, Code::LimitExceeded, "{problem}");
    (problem.path.clone(), problem.message.clone())
}

pub fn groups(levels: usize, innermost: &str) -> String {
    let open = r#"{"combinator": "and", "rules": ["#.repeat(levels);
    format!("{open}{innermost}{}", "]}".repeat(levels))
}

pub const ACTIVE: &str = r#"{"field": "active", "operator": "=", "value": true}"#;

#[tokio::test]
async fn bad_limits_are_exact() {
    let engine = engine().await;
    let good = rule(&groups(MAX_LEVELS, ACTIVE));
    assert_eq!(engine.validate(&good).await.unwrap(), []);
    let many = vec![ACTIVE; MAX_CONDITIONS].join(",");
    assert_eq!(engine.validate(rule(&format!("[{many}]"))).await.unwrap(), []);
    let values = vec!["1"; MAX_VALUES].join(",");
    let values = format!(r#"[{{"field": "city_tier", "operator": "in", "value": [{values}]}}]"#);
    assert_eq!(engine.validate(rule(&values)).await.unwrap(), []);
    let full = rule("[]");
    let full = format!("{full}{}", " ".repeat(MAX_BYTES - full.len()));
    assert_eq!(engine.validate(&full).await.unwrap(), []);
}

#[test]
fn bad_limit_of_levels() {
    let (path, message) = refused(&rule(&groups(MAX_LEVELS + 1, ACTIVE)));
    assert_eq!(path, format!("/conditions{}", "/rules/0".repeat(MAX_LEVELS)));
    assert!(message.contains("64 levels"), "{message}");
}

#[test]
fn bad_limit_of_levels_counts_where_and_among() {
    let filter = groups(MAX_LEVELS, ACTIVE);
    let condition =
        format!(r#"[{{"events": "buys", "operator": ">", "value": 1, "where": {filter}}}]"#);
    assert!(refused(&rule(&condition)).0.starts_with("/conditions/0/where/rules/0"));
    let mut among = ACTIVE.to_owned();
    for _ in 0..200 {
        among = format!(
            r#"{{"field": "score", "operator": "top", "value": {{"count": 1}}, "among": [{among}]}}"#
        );
    }
    assert!(refused(&rule(&among)).0.starts_with("/conditions/among/0/among"));
}

#[test]
fn bad_limit_of_conditions() {
    let many = vec![ACTIVE; MAX_CONDITIONS + 1].join(",");
    let (path, message) = refused(&rule(&format!("[{many}]")));
    assert_eq!(path, "/conditions/10000");
    assert!(message.contains("10000 conditions"), "{message}");
    // Over several groups, and what is switched off counts as well.
    let half = vec![r#"{"disabled": true}"#; MAX_CONDITIONS / 2].join(",");
    let group = format!(r#"{{"combinator": "or", "rules": [{half}]}}"#);
    assert_eq!(refused(&rule(&format!("[{group}, {group}, {ACTIVE}]"))).0, "/conditions/2");
    let empty = vec![r#"{"combinator": "or", "rules": []}"#; MAX_CONDITIONS].join(",");
    assert_eq!(refused(&rule(&format!("[{empty}]"))).0, "/conditions/9999");
}

#[test]
fn bad_limit_of_values() {
    let values = vec!["1"; MAX_VALUES + 1].join(",");
    let condition = format!(r#"[{{"field": "city_tier", "operator": "in", "value": [{values}]}}]"#);
    let (path, message) = refused(&rule(&condition));
    assert_eq!(path, "/conditions/0/value");
    assert!(message.contains("1,000,000 values"), "{message}");
    let keys = format!(r#"{{"rule_name": "[\"", "conditions": [], "include": [{values}]}}"#);
    assert_eq!(refused(&keys).0, "/include");
    // A list that is written as text is a list all the same.
    let condition = format!(r#"{{"field": "city_tier", "operator": "in", "value": "{values}"}}"#);
    assert_eq!(refused(&rule(&condition)).0, "/conditions/value");
}

#[test]
fn bad_limit_of_bytes() {
    let full = rule("[]");
    let over = format!("{full}{}", " ".repeat(MAX_BYTES + 1 - full.len()));
    let (path, message) = refused(&over);
    assert_eq!(path, "");
    assert!(message.contains("64 MiB"), "{message}");
}

#[test]
fn bad_names_of_any_length() {
    for name in ["x".repeat(10_000_000), "e\u{301}".repeat(3_000_000)] {
        let document = format!(r#"{{"rule_name": "{name}", "conditions": []}}"#);
        let problems = RuleParser::parse(&document).unwrap_err().into_problems();
        assert_eq!(problems.len(), 1);
        assert_eq!((problems[0].code, problems[0].path.as_str()), (Code::BadName, "/rule_name"));
        assert!(problems[0].message.len() < 500);
    }
    // A name may be longer before it is composed.
    let name = "e\u{301}".repeat(200);
    let parsed = RuleParser::parse(format!(r#"{{"rule_name": "{name}", "conditions": []}}"#));
    assert_eq!(parsed.unwrap().rule_name, "\u{e9}".repeat(200));
}

/// Runs on a thread whose stack is as small as that of a server's worker.
pub fn on_a_small_stack(work: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 * 1024 * 1024).spawn(work).unwrap().join().unwrap();
}

#[test]
fn bad_brackets_by_the_million() {
    on_a_small_stack(|| {
        for bracket in ["[", "{\"rules\":[", "{\"a\":", "[[{\"not\":"] {
            let brackets = bracket.repeat(10_000_000 / bracket.len());
            let problems = RuleParser::parse(rule(&brackets)).unwrap_err().into_problems();
            assert_eq!(problems.len(), 1, "{bracket}");
            assert_eq!(problems[0].code, Code::LimitExceeded, "{bracket}");
        }
        let closed = format!("{}{}", "[".repeat(5_000_000), "]".repeat(5_000_000));
        assert_eq!(refused(&rule(&closed)).1, "the limit of 64 levels of conditions is passed");
        let wide = format!("[{}[]]", "[],".repeat(1_000_000));
        assert_eq!(refused(&rule(&wide)).0, "/conditions");
        let members: String = (0..100_000).map(|i| format!("\"{i}\": 1,")).collect();
        assert_eq!(refused(&rule(&format!("{{{members}\"x\": 1}}"))).0, "/conditions/256");
    });
}

#[test]
fn bad_depth_and_width_need_no_large_stack() {
    on_a_small_stack(|| {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let engine = engine().await;
            let deep = |innermost: &str| rule(&groups(MAX_LEVELS, innermost));
            assert_eq!(engine.validate(deep(ACTIVE)).await.unwrap(), []);
            let unknown = r#"{"field": "activ", "operator": "=", "value": true}"#;
            let problems = engine.validate(deep(unknown)).await.unwrap();
            let path = format!("/conditions{}/field", "/rules/0".repeat(MAX_LEVELS));
            assert_eq!(problems[0].path, path);
            let mut among = ACTIVE.to_owned();
            for _ in 1..MAX_LEVELS {
                among = format!(
                    r#"{{"field": "score", "operator": "top", "value": {{"count": 1}}, "among": {among}}}"#
                );
            }
            assert_eq!(engine.validate(rule(&among)).await.unwrap(), []);
            // Ten thousand problems are told, each once.
            let many = vec![unknown; MAX_CONDITIONS].join(",");
            let problems = engine.validate(rule(&format!("[{many}]"))).await.unwrap();
            assert_eq!(problems.len(), MAX_CONDITIONS);
        });
    });
}
