//! Dates, zones, windows and months.

use chrono::NaiveDate;
use chrono_tz::{America, Asia, Australia, Tz};

use super::super::time::{Duration, calendar, day_start};
use super::super::window::Bounds;
use super::*;
use crate::oracle::json::Json;

fn local(text: &str, zone: Tz) -> i64 {
    Moment::parse(text, zone).unwrap().start(zone)
}

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn window(json: &str, zone: Tz, as_of: &str) -> (i64, i64) {
    let bounds = Bounds::parse(&Json::parse(json).unwrap(), zone, at(as_of)).unwrap();
    (bounds.from, bounds.until)
}

#[test]
fn instants_as_text() {
    assert_eq!(at("2025-03-15T12:00:00Z"), AS_OF);
    assert_eq!(at("2025-03-15T17:30:00+05:30"), AS_OF);
    assert_eq!(local("2025-03-15T17:30:00", Asia::Kolkata), AS_OF);
    assert_eq!(at("2025-03-15T12:00:00.25Z"), AS_OF + 250_000);
    assert!(Moment::parse("2025-02-30", Tz::UTC).is_err());
    assert!(Moment::parse("soon", Tz::UTC).is_err());
}

#[test]
fn a_repeated_local_time_is_its_first_pass() {
    // New York went from -04:00 to -05:00 at 06:00 UTC
    assert_eq!(local("2024-11-03T01:30:00", America::New_York), at("2024-11-03T05:30:00Z"));
    // Lord Howe goes back by half an hour, from +11:00 to +10:30 at 15:00 UTC
    assert_eq!(local("2024-04-07T01:45:00", Australia::Lord_Howe), at("2024-04-06T14:45:00Z"));
}

#[test]
fn a_skipped_local_time_is_the_first_instant_after_the_gap() {
    assert_eq!(local("2024-03-10T02:30:00", America::New_York), at("2024-03-10T07:00:00Z"));
    assert_eq!(local("2024-03-10T02:00:00", America::New_York), at("2024-03-10T07:00:00Z"));
    assert_eq!(local("2024-10-06T02:15:00", Australia::Lord_Howe), at("2024-10-05T15:30:00Z"));
}

#[test]
fn a_skipped_midnight_starts_the_day_an_hour_late() {
    // Sao Paulo had no 2018-11-04 00:00; 01:00 was 03:00 UTC
    let zone = America::Sao_Paulo;
    assert_eq!(day_start(zone, date("2018-11-04")), at("2018-11-04T03:00:00Z"));
    assert_eq!(day_start(zone, date("2018-11-05")), at("2018-11-05T02:00:00Z"));
}

#[test]
fn months_are_clamped_and_days_are_fixed() {
    let before =
        |text: &str, length: &str, zone| Duration::parse(length).unwrap().before(zone, at(text));
    assert_eq!(before("2025-03-31T10:00:00Z", "1 month", Tz::UTC), at("2025-02-28T10:00:00Z"));
    assert_eq!(before("2024-02-29T10:00:00Z", "1 year", Tz::UTC), at("2023-02-28T10:00:00Z"));
    assert_eq!(before("2025-03-31T10:00:00Z", "4 weeks", Tz::UTC), at("2025-03-03T10:00:00Z"));
    // 20:00 in New York in summer is 19:00 UTC later in winter: the wall stays, the instant moves
    let zone = America::New_York;
    assert_eq!(before("2025-04-01T00:00:00Z", "1 month", zone), at("2025-03-01T01:00:00Z"));
    assert_eq!(before("2025-04-01T00:00:00Z", "30 days", zone), at("2025-03-02T00:00:00Z"));
    // 2024-04-10 02:30 in New York less a month falls into the gap
    assert_eq!(before("2024-04-10T06:30:00Z", "1 month", zone), at("2024-03-10T07:00:00Z"));
}

#[test]
fn calendar_windows() {
    let today = date("2025-03-15");
    for (name, from, until) in [
        ("this day", "2025-03-15", "2025-03-16"),
        ("last day", "2025-03-14", "2025-03-15"),
        ("this week", "2025-03-10", "2025-03-17"),
        ("last week", "2025-03-03", "2025-03-10"),
        ("this month", "2025-03-01", "2025-04-01"),
        ("last month", "2025-02-01", "2025-03-01"),
        ("this quarter", "2025-01-01", "2025-04-01"),
        ("last quarter", "2024-10-01", "2025-01-01"),
        ("this year", "2025-01-01", "2026-01-01"),
        ("last year", "2024-01-01", "2025-01-01"),
    ] {
        assert_eq!(calendar(name, today).unwrap(), (date(from), date(until)), "{name}");
    }
    assert!(calendar("next week", today).is_err());
    // a Monday begins its own week
    assert_eq!(calendar("this week", date("2025-03-10")).unwrap().0, date("2025-03-10"));
}

#[test]
fn a_calendar_day_is_the_zones() {
    // 20:00 UTC is 01:30 of the next day in Kolkata
    let found = window(r#"{"calendar": "this day"}"#, Asia::Kolkata, "2025-03-15T20:00:00Z");
    assert_eq!(found, (at("2025-03-15T18:30:00Z"), at("2025-03-16T18:30:00Z")));
    // the day of the change has 23 hours
    let (from, until) =
        window(r#"{"calendar": "this day"}"#, America::New_York, "2025-03-09T12:00:00Z");
    assert_eq!(until - from, 23 * 3_600_000_000);
}

#[test]
fn windows_of_every_form() {
    let day = 86_400_000_000;
    let found = |json| window(json, Tz::UTC, "2025-03-15T12:00:00Z");
    assert_eq!(found(r#"{"last": "30 days"}"#), (AS_OF - 30 * day, AS_OF));
    assert_eq!(found(r#"{"between": ["90 days", "0 days"]}"#), (AS_OF - 90 * day, AS_OF));
    assert_eq!(
        found(r#"{"start": "2025-01-01", "end": "2025-01-31"}"#),
        (at("2025-01-01"), at("2025-02-01"))
    );
    // an end with a time is that instant, which is inside
    assert_eq!(
        found(r#"{"end": "2025-01-31T12:00:00Z"}"#),
        (i64::MIN, at("2025-01-31T12:00:00Z") + 1)
    );
    let wrong = |json: &str| Bounds::parse(&Json::parse(json).unwrap(), Tz::UTC, AS_OF).is_err();
    assert!(wrong(r#"{"between": ["30 days", "90 days"]}"#));
    assert!(wrong(r#"{"last": "0 days"}"#));
    assert!(wrong(r#"{"last": "soon"}"#));
    assert!(!wrong(r#"{"between": ["30 days", "2 months"]}"#));
}

#[test]
fn a_date_on_a_timestamp_is_its_whole_day() {
    let world = plain(
        utc(),
        vec![
            moment("2025-01-01T23:59:59.999999Z"),
            moment("2025-01-02T00:00:00Z"),
            moment("2025-01-02T23:59:59.999999Z"),
            moment("2025-01-03T00:00:00Z"),
        ],
    );
    for (operator, expected) in [
        ("=", vec![2, 3]),
        ("!=", vec![1, 4]),
        ("<", vec![1]),
        ("<=", vec![1, 2, 3]),
        (">", vec![4]),
        (">=", vec![2, 3, 4]),
        ("in", vec![2, 3]),
        ("notIn", vec![1, 4]),
    ] {
        assert_eq!(asked(&world, operator, "\"2025-01-02\""), expected, "{operator}");
    }
    assert_eq!(asked(&world, "between", r#"["2025-01-01", "2025-01-02"]"#), [1, 2, 3]);
    // 18:30 UTC is midnight in Kolkata: the day there is 2025-01-01 18:30 to 2025-01-02 18:30
    let zone = r#""timezone": "Asia/Kolkata","#;
    assert_eq!(chosen_with(&world, zone, &on_x("=", "\"2025-01-02\"")), [1, 2]);
}

#[test]
fn during_takes_dates_by_their_midnight() {
    let cells = vec![Cell::Date(20_162), Cell::Date(20_163), Cell::Date(20_132), Cell::Null];
    let world = plain(ColumnType::Date, cells);
    // 2025-03-15, 2025-03-16, 2025-02-13; the window begins on 2025-02-13 at 12:00
    assert_eq!(asked(&world, "during", r#"{"last": "30 days"}"#), [1]);
    assert_eq!(asked(&world, "notDuring", r#"{"last": "30 days"}"#), [2, 3]);
    assert_eq!(asked(&world, "during", r#"{"calendar": "this month"}"#), [1, 2]);
    assert_eq!(asked(&world, "<", "\"2025-03-15\""), [3]);
}

#[test]
fn units_round_down_and_wall_time_is_the_models() {
    let nano = ColumnType::Stamp { unit: TimeUnit::Nanosecond, zone: Some("UTC".to_owned()) };
    let world = plain(nano, vec![Cell::Stamp(1_999), Cell::Stamp(-1)]);
    assert_eq!(asked(&world, "=", "\"1970-01-01T00:00:00.000001Z\""), [1]);
    assert_eq!(asked(&world, "=", "\"1969-12-31T23:59:59.999999Z\""), [2]);
    let world = World::new(
        r#"{"users": {"key": "user_id"}, "timezone": "Asia/Kathmandu"}"#,
        users(wall(), vec![moment("2025-01-01T05:45:00Z")]),
    );
    assert_eq!(asked(&world, "=", "\"2025-01-01T00:00:00Z\""), [1]);
}
