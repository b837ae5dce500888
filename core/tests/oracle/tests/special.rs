//! Ranks, buckets, places, sequences, and the numbers under everything.

use super::super::json::Json;
use super::super::number::Exact;
use super::*;

#[test]
fn ranks() {
    let world = plain(LONG, [5, 9, 9, 1].map(Cell::Int).into_iter().chain([Cell::Null]).collect());
    assert_eq!(asked(&world, "top", r#"{"count": 1}"#), [2]);
    assert_eq!(asked(&world, "top", r#"{"count": 2}"#), [2, 3]);
    assert_eq!(asked(&world, "bottom", r#"{"count": 3}"#), [1, 2, 4]);
    assert_eq!(asked(&world, "bottom", r#"{"count": 99}"#), [1, 2, 3, 4]);
    // a quarter and a bit of four is two
    assert_eq!(asked(&world, "top", r#"{"percent": 25.01}"#), [2, 3]);
    assert_eq!(asked(&world, "top", r#"{"percent": 25}"#), [2]);
    assert_eq!(code(&world, &on_x("top", r#"{"percent": 0}"#)), "bad_value");
    let among = r#"{"field": "x", "operator": "top", "value": {"count": 1},
        "among": [{"field": "x", "operator": "<", "value": 9}]}"#;
    assert_eq!(chosen(&world, among), [1]);
    // a rank looks past what stands beside it
    let beside = format!("[{}, {}]", on_x("top", r#"{"count": 2}"#), on_x("<", "9"));
    assert_eq!(chosen(&world, &beside), [0; 0]);
}

#[test]
fn buckets() {
    let world = plain(LONG, vec![Cell::Null; 200]);
    let within = |low: u32, high: u32| {
        let condition = format!(
            r#"{{"field": "bucket", "operator": "between", "value": [{low}, {high}],
                "salt": "autumn-test"}}"#
        );
        chosen(&world, &condition)
    };
    assert_eq!(within(0, 99).len(), 200);
    assert_eq!(within(0, 49).len() + within(50, 99).len(), 200);
    // the published value of xxh64 of the empty string, and so of the hash that buckets use
    assert_eq!(xxhash_rust::xxh64::xxh64(b"", 0), 0xef46_db37_51d8_e999);
    let bucket = xxhash_rust::xxh64::xxh64(b"autumn-test:1", 0) % 100;
    assert!(within(bucket as u32, bucket as u32).contains(&1));
}

/// Users 1, 2, ... at (latitude, longitude).
fn placed(points: &[(f64, f64)]) -> World {
    let mut tables = users(LONG, vec![Cell::Null; points.len()]);
    let (lat, lon) = points.iter().map(|(lat, lon)| (Cell::Float(*lat), Cell::Float(*lon))).unzip();
    tables[0].columns.push(Column::new("lat", ColumnType::Float64, lat));
    tables[0].columns.push(Column::new("lon", ColumnType::Float64, lon));
    let model = r#"{"users": {"key": "user_id"},
        "traits": {"home": {"latitude": "lat", "longitude": "lon"}}}"#;
    World::new(model, tables)
}

fn home(operator: &str, value: &str) -> String {
    format!(r#"{{"field": "home", "operator": "{operator}", "value": {value}}}"#)
}

#[test]
fn circles() {
    // one degree of a great circle is 111,195 m and a little
    let world = placed(&[(0.0, 0.0), (0.0, 1.0), (91.0, 0.0)]);
    let circle = |radius| format!(r#"{{"lat": 0, "lon": 0, "radius": "{radius}"}}"#);
    assert_eq!(chosen(&world, &home("within", &circle("111.1 km"))), [1]);
    assert_eq!(chosen(&world, &home("within", &circle("111196 m"))), [1, 2]);
    assert_eq!(chosen(&world, &home("notWithin", &circle("69 mi"))), [2]);
    assert_eq!(chosen(&world, r#"{"field": "home", "operator": "null"}"#), [3]);
}

#[test]
fn polygons() {
    let world = placed(&[(1.0, 1.0), (0.0, 1.0), (2.0, 2.0), (3.0, 1.0), (f64::NAN, 1.0)]);
    let square = r#"{"polygon": [[0, 0], [2, 0], [2, 2], [0, 2], [0, 0]]}"#;
    assert_eq!(chosen(&world, &home("within", square)), [1, 2, 3]);
    assert_eq!(chosen(&world, &home("notWithin", square)), [4]);
    // from 170 east to 170 west, the shorter way
    let world = placed(&[(0.0, 180.0), (0.0, -175.0), (0.0, 0.0), (0.0, 169.0), (5.0, 175.0)]);
    let across = r#"{"polygon": [[170, -5], [-170, -5], [-170, 5], [170, 5]]}"#;
    assert_eq!(chosen(&world, &home("within", across)), [1, 2, 5]);
}

#[test]
fn sequences() {
    let day = |number: i32| moment(&format!("2025-03-{number:02}T00:00:00Z"));
    // user 1: 1 then 2 after 7 days; user 2: after 8 days; user 3: at the same instant;
    // user 4: an early 1 too far back, a later one near enough
    let events = [
        (1, 1, 1),
        (1, 8, 2),
        (2, 1, 1),
        (2, 9, 2),
        (3, 1, 1),
        (3, 1, 2),
        (4, 1, 1),
        (4, 5, 1),
        (4, 10, 2),
    ];
    let events = events.map(|(user, on, kind)| (user, day(on), Cell::Int(kind))).to_vec();
    let world = paying(4, LONG, events);
    let step = |kind, more: &str| {
        format!(
            r#"{{"events": "pay", {more}
                "where": [{{"field": "amount", "operator": "=", "value": {kind}}}]}}"#
        )
    };
    let (first, second) = (step(1, ""), step(2, r#""within": "7 days","#));
    let ask = |more: &str| chosen(&world, &format!(r#"{{"sequence": [{first}, {second}]{more}}}"#));
    assert_eq!(ask(""), [1, 4]);
    assert_eq!(ask(r#", "operator": "didNot""#), [2, 3]);
    assert_eq!(ask(r#", "window": {"start": "2025-03-02"}"#), [4]);
    assert_eq!(code(&world, &format!(r#"{{"sequence": [{second}, {first}]}}"#)), "bad_value");
}

#[test]
fn fractions_and_doubles() {
    assert_eq!(Exact::fraction(1, 3).nearest_double(), 1.0 / 3.0);
    assert_eq!(Exact::fraction(-2, 3).nearest_double(), -2.0 / 3.0);
    assert_eq!(Exact::int((1 << 53) + 1).nearest_double(), 9_007_199_254_740_992.0);
    assert_eq!(Exact::int((1 << 53) + 3).nearest_double(), 9_007_199_254_740_996.0);
    assert_eq!(Exact::of_double(0.1).nearest_double(), 0.1);
    assert_eq!(Exact::of_double(-0.75), Exact::fraction(-3, 4));
    assert_eq!(Exact::parse("1.25e2").unwrap(), Exact::int(125));
    assert_eq!(Exact::parse("-125E-3").unwrap(), Exact::fraction(-1, 8));
    assert_eq!(Exact::nine_digits(0.5e-9), Exact::fraction(1, 1_000_000_000));
    assert_eq!(Exact::nine_digits(1e-20), Exact::int(0));
    for text in ["01", "1.", ".5", "+1", "1e", "--1", "", "0x1", "NaN"] {
        assert!(Exact::parse(text).is_err(), "{text}");
    }
}

#[test]
fn json_as_it_is_written() {
    let parsed = |text| Json::parse(text).unwrap();
    assert_eq!(parsed("\"\\ud83d\\ude00\\n\\u00e9\""), Json::Text("😀\né".to_owned()));
    assert_eq!(parsed(" 1.50 "), Json::Number("1.50".to_owned()));
    let object = parsed(r#"{"a": [true, null], "b": null}"#);
    assert_eq!(object.get("a"), Some(&Json::List(vec![Json::Bool(true), Json::Null])));
    assert_eq!(object.get("b"), None);
    for text in ["", "{", "[1,]", "{\"a\": 1, \"a\": 2}", "01", "nul", "\"\\ud83d\"", "1 2"] {
        assert_eq!(Json::parse(text).unwrap_err().code, "malformed", "{text}");
    }
}
