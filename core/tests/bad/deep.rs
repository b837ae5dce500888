//! Ten times every limit, on a stack of 2 MiB: a typed error, and the process lives.

use segmentry::{
    AudienceModel, Code, Error, MAX_BYTES, MAX_CONDITIONS, MAX_LEVELS, MAX_VALUES, RuleParser,
    Schedule,
};

use super::limits::{ACTIVE, groups, on_a_small_stack, rule};

const TIMES: usize = 10;

/// The codes of what is told of a document, which are few and short.
fn refused(error: Error) -> Vec<Code> {
    let problems = error.into_problems();
    assert!(problems.len() <= 200, "{} problems", problems.len());
    assert!(problems.iter().all(|problem| problem.message.len() < 2_000), "{}", problems[0]);
    let mut codes: Vec<Code> = problems.into_iter().map(|problem| problem.code).collect();
    codes.dedup();
    codes
}

fn told(document: &str) -> Vec<Code> {
    refused(RuleParser::parse(document).unwrap_err())
}

fn told_of_text(text: &str) -> Vec<Code> {
    refused(RuleParser::parse_text(text).unwrap_err())
}

#[test]
fn bad_documents_of_ten_times_every_limit() {
    on_a_small_stack(|| {
        let levels = MAX_LEVELS * TIMES;
        assert_eq!(told(&rule(&groups(levels, ACTIVE))), [Code::LimitExceeded]);
        let where_in = |inner: String| {
            format!(r#"[{{"events": "buys", "operator": ">", "value": 1, "where": {inner}}}]"#)
        };
        assert_eq!(told(&rule(&where_in(groups(levels, ACTIVE)))), [Code::LimitExceeded]);
        let among = (0..levels).fold(ACTIVE.to_owned(), |inner, _| {
            format!(
                r#"{{"field": "score", "operator": "top", "value": {{"count": 1}}, "among": {inner}}}"#
            )
        });
        assert_eq!(told(&rule(&among)), [Code::LimitExceeded]);
        let many = vec![ACTIVE; MAX_CONDITIONS * TIMES].join(",");
        assert_eq!(told(&rule(&format!("[{many}]"))), [Code::LimitExceeded]);
        let joined = vec![ACTIVE; MAX_CONDITIONS * TIMES].join(r#","or","#);
        assert_eq!(told(&rule(&format!("[{joined}]"))), [Code::LimitExceeded]);
        let group = r#"{"combinator":"or","rules":[]}"#;
        let many = vec![group; MAX_CONDITIONS * TIMES].join(",");
        assert_eq!(told(&rule(&format!("[{many}]"))), [Code::LimitExceeded]);
        let step = vec![r#"{"events": "buys"}"#; 10 * TIMES].join(",");
        assert_eq!(told(&rule(&format!(r#"[{{"sequence": [{step}]}}]"#))), [Code::BadValue]);
        let operands = vec!["1"; MAX_CONDITIONS * TIMES].join(",");
        let text =
            format!(r#"{{"rule_name": "New", "depends_on": [{operands}], "operation": "UNION"}}"#);
        assert_eq!(told(&text), [Code::LimitExceeded]);
        let text = format!(
            r#"{{"rule_name": "New", "depends_on": "[{operands}]", "operation": "UNION"}}"#
        );
        assert_eq!(told(&text), [Code::LimitExceeded]);
        let tables = vec![r#""buys""#; 1_000 * TIMES].join(",");
        let text = format!(r#"[{{"events": [{tables}], "operator": ">", "value": 1}}]"#);
        assert!(
            RuleParser::parse(rule(&text)).is_ok() || told(&rule(&text)) == [Code::LimitExceeded]
        );
    });
    crate::reached("deep", "levels, conditions and windows: typed errors");
}

#[test]
fn bad_documents_of_ten_times_the_values_and_bytes() {
    on_a_small_stack(|| {
        let values = "1,".repeat(MAX_VALUES * TIMES);
        let values = values.trim_end_matches(',');
        let listed = |list: &str| {
            rule(&format!(r#"[{{"field": "city_tier", "operator": "in", "value": {list}}}]"#))
        };
        assert_eq!(told(&listed(&format!("[{values}]"))), [Code::LimitExceeded]);
        assert_eq!(told(&listed(&format!("\"{values}\""))), [Code::LimitExceeded]);
        let keys = format!(r#"{{"rule_name": "New", "conditions": [], "include": [{values}]}}"#);
        assert_eq!(told(&keys), [Code::LimitExceeded]);
        let points = "[0,1],".repeat(MAX_VALUES * 5);
        let place = format!(
            r#"[{{"field": "home", "operator": "within", "value": {{"polygon": [{points}[1,1]]}}}}]"#
        );
        assert_eq!(told(&rule(&place)), [Code::LimitExceeded]);
        assert_eq!(told_of_text(&format!("a in ({values})")), [Code::LimitExceeded]);
        drop(points);
        let full = " ".repeat(MAX_BYTES * TIMES);
        assert_eq!(told(&full), [Code::LimitExceeded]);
        assert_eq!(told_of_text(&full), [Code::LimitExceeded]);
        assert_eq!(refused(AudienceModel::parse(&full).unwrap_err()), [Code::LimitExceeded]);
    });
    crate::reached("deep", "values and bytes: typed errors");
}

#[test]
fn bad_names_and_texts_of_any_length() {
    on_a_small_stack(|| {
        let long = "x".repeat(10_000_000);
        for (member, code) in [
            ("rule_name", Code::BadName),
            ("schedule", Code::BadSchedule),
            ("timezone", Code::BadTimezone),
            ("start_date", Code::BadDate),
            ("operation", Code::BadValue),
            ("depends_on", Code::Malformed),
            ("enabled", Code::Malformed),
            (&long, Code::UnknownMember),
        ] {
            let name = if member == "rule_name" { "" } else { r#""rule_name": "New", "# };
            let text = format!(r#"{{{name}"{member}": "{long}", "conditions": []}}"#);
            assert!(told(&text).contains(&code), "{}", &member[..member.len().min(20)]);
        }
        for (member, code) in [
            ("operator", Code::BadOperator),
            ("window", Code::BadWindow),
            ("where", Code::Malformed),
            ("valueSource", Code::BadValue),
            ("caseSensitive", Code::Malformed),
        ] {
            let operator = if member == "operator" { "" } else { r#""operator": ">", "# };
            let text =
                format!(r#"[{{"events": "buys", "value": 1, {operator}"{member}": "{long}"}}]"#);
            let codes = told(&rule(&text));
            assert!(codes.contains(&code), "{member}: {codes:?}");
        }
        let pattern = |pattern: &str| {
            rule(&format!(
                r#"[{{"field": "country", "operator": "matches", "value": "{pattern}"}}]"#
            ))
        };
        for deep in
            ["(".repeat(1_000_000), "(a|".repeat(1_000_000), "((a{1000}){1000}){1000}".to_owned()]
        {
            assert_eq!(told(&pattern(&deep)), [Code::BadValue]);
        }
        assert_eq!(told(&pattern(&"a".repeat(10_000_000))), [Code::BadValue]);
        assert!(Schedule::parse(&"* ".repeat(5_000_000)).unwrap_err().len() < 500);
        assert!(
            Schedule::parse(&format!("{} * * * *", "1,".repeat(1_000_000))).unwrap_err().len()
                < 500
        );
    });
    crate::reached("deep", "names, texts and patterns: typed errors");
}

#[test]
fn bad_numbers_of_a_million_digits() {
    on_a_small_stack(|| {
        let digits = "7".repeat(1_000_000);
        for number in [
            digits.clone(),
            format!("-{digits}"),
            format!("0.{digits}"),
            format!("1e{digits}"),
            format!("1e-{digits}"),
            format!("{digits}.{digits}e+{digits}"),
        ] {
            for (condition, code) in [
                (r#"{"field": "score", "operator": "=", "value": N}"#, Code::BadValue),
                (r#"{"field": "score", "operator": "in", "value": [1, N]}"#, Code::BadValue),
                (r#"{"field": "score", "operator": "top", "value": {"count": N}}"#, Code::BadValue),
                (
                    r#"{"field": "home", "operator": "within", "value": {"lat": N, "lon": 1, "radius": "1 km"}}"#,
                    Code::BadValue,
                ),
                (
                    r#"{"field": "home", "operator": "within", "value": {"lat": 1, "lon": 1, "radius": "N km"}}"#,
                    Code::BadValue,
                ),
                (
                    r#"{"events": "buys", "operator": "=", "value": 1, "window": {"last": "N days"}}"#,
                    Code::BadWindow,
                ),
                (r#"{"field": "segment", "operator": "in", "value": N}"#, Code::BadValue),
            ] {
                let codes = told(&rule(&condition.replace('N', &number)));
                assert_eq!(codes, [code], "{condition} {}", &number[..20]);
            }
            let keys =
                format!(r#"{{"rule_name": "New", "conditions": [], "include": [{number}]}}"#);
            assert_eq!(told(&keys), [Code::BadValue]);
            let codes = told_of_text(&format!("a = {number}"));
            assert!(matches!(codes[..], [Code::BadValue | Code::Malformed]), "{codes:?}");
        }
    });
    crate::reached("deep", "digits: typed errors");
}

#[test]
fn bad_models_of_any_depth_and_width() {
    on_a_small_stack(|| {
        let users = r#""users": {"table": "people", "key": "id"}"#;
        let deep = groups(MAX_LEVELS * TIMES, ACTIVE);
        let filtered = format!(
            r#"{{{users}, "events": {{"buys": {{"user": "u", "time": "t"}}}}, "traits": {{"x":
                {{"aggregate": "count", "events": "buys", "where": {deep}}}}}}}"#
        );
        assert_eq!(refused(AudienceModel::parse(&filtered).unwrap_err()), [Code::LimitExceeded]);
        for bracket in ["[", "{\"users\":", "{\"events\":{\"a\":"] {
            let text = bracket.repeat(1_000_000);
            let codes = refused(AudienceModel::parse(&text).unwrap_err());
            assert!(matches!(codes[..], [Code::LimitExceeded | Code::Malformed]), "{codes:?}");
        }
        let many: Vec<String> =
            (0..100_000).map(|n| format!(r#""e{n}": {{"user": "u", "time": "t"}}"#)).collect();
        let wide = format!(r#"{{{users}, "events": {{{}}}}}"#, many.join(","));
        if let Err(error) = AudienceModel::parse(&wide) {
            assert_eq!(refused(error), [Code::LimitExceeded]);
        }
    });
    crate::reached("deep", "models: typed errors");
}
