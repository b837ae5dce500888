//! What is done with an input: it is read, and whatever is read is written, read back and used. Each
//! target answers whether the input could be read, and panics where a promise is broken. `fuzz/` builds
//! this file as well.

use std::sync::OnceLock;

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use segmentry::{
    AudienceModel, Catalog, DependencyFinder, Error, Key, KeyColumn, MemoryCatalog, NewMembers,
    NewRun, NewSegment, Rule, RuleChange, RuleLibrary, RuleParser, RuleText, Schedule,
    SegmentEngine, Table,
};

const MODEL: &str = r#"{
    "users": {"table": "people", "key": "id"},
    "events": {"buys": {"user": "user_id", "time": "at"}, "visits": {"user": "user_id", "time": "at"}},
    "traits": {
        "total_spend": {"aggregate": "sum", "field": "amount", "events": ["buys", "visits"]},
        "buy_count": {"aggregate": "count", "events": "buys"},
        "home": {"latitude": "lat", "longitude": "lon"}
    }
}"#;

/// The tables that the grammars speak of.
fn tables() -> Vec<Table> {
    let text = || DataType::Utf8;
    let time = || DataType::Timestamp(TimeUnit::Microsecond, None);
    let tags = || DataType::new_list(DataType::Utf8, true);
    let table = |name: &str, columns: Vec<(&str, DataType)>| {
        let fields = columns.into_iter().map(|(name, ty)| Field::new(name, ty, true));
        let schema = Schema::new(fields.collect::<Vec<_>>());
        Table { name: name.to_owned(), schema: schema.into() }
    };
    vec![
        table(
            "people",
            vec![
                ("id", DataType::Int64),
                ("city_tier", DataType::Int32),
                ("balance", DataType::Decimal128(12, 2)),
                ("score", DataType::Float64),
                ("country", text()),
                ("active", DataType::Boolean),
                ("born", DataType::Date32),
                ("created_at", time()),
                ("tags", tags()),
                ("lat", DataType::Float64),
                ("lon", DataType::Float64),
            ],
        ),
        table(
            "buys",
            vec![
                ("user_id", DataType::Int64),
                ("at", time()),
                ("amount", DataType::Decimal128(12, 2)),
                ("price", DataType::Float64),
                ("category", text()),
                ("online", DataType::Boolean),
            ],
        ),
        table(
            "visits",
            vec![
                ("user_id", DataType::Int64),
                ("at", time()),
                ("amount", DataType::Int64),
                ("category", DataType::Int64),
                ("page", text()),
            ],
        ),
    ]
}

fn library() -> &'static RuleLibrary {
    static LIBRARY: OnceLock<RuleLibrary> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        let model = AudienceModel::parse(MODEL).unwrap();
        let finder = DependencyFinder::new(&model, &tables()).unwrap();
        let rule = |name: &str, conditions: &str| {
            let text = format!(r#"{{"rule_name": "{name}", "conditions": {conditions}}}"#);
            RuleParser::parse(&text).unwrap()
        };
        let spenders = r#"[{"field": "total_spend", "operator": ">", "value": 100}]"#;
        let rules = [
            (1, rule("High spenders", spenders)),
            (2, rule("Lapsed", r#"[{"events": "visits", "operator": "=", "value": 0}]"#)),
            (3, rule("Café", r#"[{"field": "country", "operator": "=", "value": "IN"}]"#)),
        ];
        finder.as_of(chrono::DateTime::UNIX_EPOCH).read(&rules).unwrap()
    })
}

/// Every problem has a message for people and a place: a JSON Pointer, or line and column.
fn check_error(error: &Error) {
    assert!(!error.problems().is_empty());
    for problem in error.problems() {
        assert!(!problem.message.is_empty() && problem.message.len() < 4_000, "{problem}");
        let pointer = problem.path.is_empty() || problem.path.starts_with('/');
        let place = || problem.path.split_once(':').is_some_and(|(l, c)| number(l) && number(c));
        assert!(pointer || place(), "{problem}");
        assert_ne!(problem.code.as_str(), "internal", "{problem}");
    }
}

fn number(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|number| number > 0)
}

/// A rule that was read gives itself back in both forms, and means the same as itself.
fn check_rule(rule: &Rule) {
    // Conditions alone have no name.
    let name = if rule.rule_name.is_empty() { "New" } else { &rule.rule_name };
    let rule = &Rule { rule_name: name.to_owned(), ..rule.clone() };
    let json = rule.to_json_text();
    let back = RuleParser::parse(&json).unwrap_or_else(|error| panic!("{json}\n{error}"));
    assert!(back == *rule, "{json}\n{}", back.to_json_text());
    if let Some(conditions) = &rule.conditions {
        let text = conditions.to_text();
        let back = RuleParser::parse_text(&text).unwrap_or_else(|e| panic!("{text}\n{e}"));
        assert!(back.conditions.as_ref() == Some(conditions), "{text}\n{json}");
    }
    match library().is_same(rule, rule) {
        Ok(same) => assert!(same, "{json}"),
        Err(error) => check_error(&error),
    }
    if let Err(error) = library().find(rule) {
        check_error(&error);
    }
}

/// A rule's document, or its conditions alone.
pub fn rule(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    for parsed in [RuleParser::parse(&*text), RuleParser::parse_conditions(&*text)] {
        match parsed {
            Ok(rule) => {
                check_rule(&rule);
                return true;
            }
            Err(error) => check_error(&error),
        }
    }
    false
}

/// Conditions in text form.
pub fn text(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    match RuleParser::parse_text(&text) {
        Ok(rule) => check_rule(&rule),
        Err(error) => {
            check_error(&error);
            return false;
        }
    }
    true
}

/// A model, and its binding to the tables.
pub fn model(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    let model = match AudienceModel::parse(&*text) {
        Ok(model) => model,
        Err(error) => {
            check_error(&error);
            return false;
        }
    };
    let json = model.to_json();
    let back = AudienceModel::parse(&json).unwrap_or_else(|error| panic!("{json}\n{error}"));
    // In a `Value` members are in the order of their names, which are all that the two may differ in.
    assert_eq!(back.to_json(), json);
    if let Err(error) = DependencyFinder::new(&model, &tables()) {
        check_error(&error);
    }
    true
}

/// A schedule.
pub fn cron(input: &[u8]) -> bool {
    let text = String::from_utf8_lossy(input);
    match Schedule::parse(&text) {
        Ok(schedule) => {
            assert_eq!(Schedule::parse(schedule.as_str()).as_ref(), Ok(&schedule), "{text:?}");
            true
        }
        Err(message) => {
            assert!(!message.is_empty() && message.len() < 1_000, "{message}");
            false
        }
    }
}

/// The users whose keys there are; an ordinal beyond them has none.
const USERS: i64 = 70_000;

/// Members as a catalog keeps them, each the segment of a rule of its own; how many could be read. Of
/// what could be, every verb that works on bitmaps is called.
pub fn bitmaps(inputs: &[Vec<u8>]) -> usize {
    let at = chrono::DateTime::UNIX_EPOCH;
    let catalog = MemoryCatalog::new();
    let keys: Vec<i64> = (0..USERS).collect();
    catalog.append_keys(0, &KeyColumn::Int(keys.into())).unwrap();
    let rules: Vec<RuleChange> = (1..).zip(inputs).map(|(id, _)| inserted(id)).collect();
    assert!(catalog.change_rules(catalog.revision().unwrap(), &rules, at).unwrap());
    let segments: Vec<NewSegment> =
        (1..).zip(inputs).map(|(id, bytes)| segment(id, bytes.clone())).collect();
    let run = NewRun { as_of: at, started_at: at, finished_at: at, report: "{}".to_owned() };
    catalog.publish(&run, &segments).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let engine = SegmentEngine::builder().catalog(catalog).threads(1).build().await.unwrap();
        let mut read = Vec::new();
        for id in (1..).take(inputs.len()) {
            match engine.segment(id).await {
                Ok(segment) => {
                    for key in [0, 1, 65_535, 65_536, USERS - 1, USERS] {
                        let _ = segment.contains(&Key::Int(key));
                    }
                    if let Err(error) = segment.keys() {
                        check_error(&error);
                    }
                    read.push(id);
                }
                Err(error) => check_error(&error),
            }
        }
        for pair in read.chunks_exact(2) {
            let overlap = engine.overlap(pair.iter().copied()).await.unwrap();
            assert_eq!(overlap.segments.len(), 2);
        }
        read.len()
    })
}

fn inserted(id: i64) -> RuleChange {
    let text = RuleText {
        rule_name: format!("r{id}"),
        conditions: Some("[]".to_owned()),
        enabled: true,
        ..RuleText::default()
    };
    RuleChange::Insert { id, text }
}

/// A segment of these members, with the number of them that the catalog was told.
fn segment(rule_id: i64, bytes: Vec<u8>) -> NewSegment {
    let count = roaring::RoaringBitmap::deserialize_from(bytes.as_slice()).map(|found| found.len());
    NewSegment {
        rule_id,
        rule_version: 1,
        segment_name: String::new(),
        description: None,
        sql_query: String::new(),
        row_count: count.map_or(0, |count| i64::try_from(count).unwrap_or(0)),
        entered: 0,
        exited: 0,
        members: NewMembers::Whole(bytes),
        since_version: 0,
        column_types: "{}".to_owned(),
        reused: "[]".to_owned(),
        basis: "null".to_owned(),
        cutoffs: "{}".to_owned(),
        forgotten: 0,
    }
}
