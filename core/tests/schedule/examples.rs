//! Worked examples, each as a page of a calendar would have it.

use chrono::TimeDelta;
use chrono_tz::Tz;

use super::*;

/// The firings from one instant to another, both included, as they are on the wall.
fn firings(text: &str, zone: &str, from: &str, to: &str) -> Vec<String> {
    let (schedule, zone): (_, Tz) = (Schedule::parse(text).unwrap(), zone.parse().unwrap());
    let (from, to): (DateTime<Utc>, DateTime<Utc>) = (from.parse().unwrap(), to.parse().unwrap());
    let before = from - TimeDelta::microseconds(1);
    let next = |at: &DateTime<Utc>| schedule.next_after(*at, zone).filter(|at| *at <= to);
    let found: Vec<DateTime<Utc>> = std::iter::successors(next(&before), next).collect();
    assert_eq!(schedule.count(before, to, zone), found.len() as u64);
    found.iter().map(|at| at.with_timezone(&zone).format("%m-%d %H:%M %z").to_string()).collect()
}

#[test]
fn skipped_times_fire_once_after_the_gap() {
    let day = ("2025-03-09T00:00:00-05:00", "2025-03-09T23:59:59-04:00");
    let on = |text| firings(text, "America/New_York", day.0, day.1);
    assert_eq!(on("30 2 * * *"), ["03-09 03:00 -0400"]);
    // Two skipped times are one firing, and so are a skipped one and 03:00 itself.
    assert_eq!(on("10,30 2 * * *"), ["03-09 03:00 -0400"]);
    assert_eq!(on("0 2,3 * * *"), ["03-09 03:00 -0400"]);
    assert_eq!(
        on("0,30 1-3 * * *"),
        ["03-09 01:00 -0500", "03-09 01:30 -0500", "03-09 03:00 -0400", "03-09 03:30 -0400"]
    );
    // An hour that begins with * knows only what was on the wall.
    assert_eq!(on("30 */2 9 3 *").len(), 11);
    assert_eq!(firings("30 * * * *", "America/New_York", day.0, day.1).len(), 23);
    assert!(!on("30 */2 * * *").iter().any(|at| at.contains(" 03:")));
}

#[test]
fn repeated_times_fire_at_their_first_pass() {
    let day = ("2025-11-02T00:00:00-04:00", "2025-11-02T23:59:59-05:00");
    let on = |text| firings(text, "America/New_York", day.0, day.1);
    assert_eq!(on("30 1 * * *"), ["11-02 01:30 -0400"]);
    assert_eq!(on("0 1,2 * * *"), ["11-02 01:00 -0400", "11-02 02:00 -0500"]);
    assert_eq!(on("30 * * * *").len(), 25);
    assert_eq!(on("30 */1 2 11 *").len(), 25);
    assert_eq!(on("0 0-23 * * *").len(), 24);
}

#[test]
fn changes_of_half_an_hour_and_at_midnight() {
    // Lord Howe: half an hour, at two in the morning.
    let lord_howe = |text| {
        let (from, to) = ("2025-10-05T00:00:00+10:30", "2025-10-05T05:00:00+11:00");
        firings(text, "Australia/Lord_Howe", from, to)
    };
    assert_eq!(lord_howe("15 2 * * *"), ["10-05 02:30 +1100"]);
    assert_eq!(lord_howe("45 2 * * *"), ["10-05 02:45 +1100"]);
    // Beirut: there is no midnight when summer time begins.
    let beirut = |text| {
        let (from, to) = ("2025-03-29T12:00:00+02:00", "2025-03-30T12:00:00+03:00");
        firings(text, "Asia/Beirut", from, to)
    };
    assert_eq!(beirut("@daily"), ["03-30 01:00 +0300"]);
    assert_eq!(beirut("0 1 30 * *"), ["03-30 01:00 +0300"]);
    // And twice 23:00 when it ends.
    let ends = ("2025-10-25T20:00:00+03:00", "2025-10-26T03:00:00+02:00");
    assert_eq!(firings("30 23 * * *", "Asia/Beirut", ends.0, ends.1), ["10-25 23:30 +0300"]);
    let hourly = firings("30 * * * *", "Asia/Beirut", ends.0, ends.1);
    assert_eq!(hourly.iter().filter(|at| at.contains("23:30")).count(), 2);
}

#[test]
fn a_day_that_was_left_out() {
    // Samoa had no 30 December 2011: a Friday.
    let (from, to) = ("2011-12-29T12:00:00Z", "2012-01-02T00:00:00Z");
    assert_eq!(firings("0 12 * * fri", "Pacific/Apia", from, to), ["12-31 00:00 +1400"]);
    assert_eq!(firings("0 * * * fri", "Pacific/Apia", from, to), Vec::<String>::new());
}

#[test]
fn days_of_month_and_week() {
    let on = |text| firings(text, "UTC", "2025-06-01T00:00:00Z", "2025-06-30T23:59:59Z").len();
    assert_eq!(on("0 0 1,15 * mon"), 7); // five Mondays, the 1st and the 15th are Sundays
    assert_eq!(on("0 0 */2 * mon"), 2); // Mondays on odd days: the 9th and the 23rd
    assert_eq!(on("0 0 1-31 * mon"), 30);
    assert_eq!(on("0 0 13 * fri"), 4); // the 13th is a Friday
    assert_eq!(on("0 0 * * 0"), 5);
    assert_eq!(on("0 0 * * 7"), 5);
    assert_eq!(on("0 0 * * sat-sun"), 9);
}

#[test]
fn rare_days_are_found_and_impossible_ones_told() {
    let next = |text: &str| {
        let schedule = Schedule::parse(text).unwrap();
        let at = schedule.next_after(instant(minute_of("2025-06-01T00:00:00Z")), Tz::UTC);
        assert_eq!(at.is_none(), schedule.never_fires(), "{text}");
        at.map(|at| at.format("%Y-%m-%d").to_string())
    };
    assert_eq!(next("0 0 29 2 *").as_deref(), Some("2028-02-29"));
    // The 1st or the 29th, and a Sunday: the day of month begins with *, so that both have to match.
    assert_eq!(next("0 0 */28 2 0").as_deref(), Some("2026-02-01"));
    assert_eq!(next("0 0 30 2 *"), None);
    assert_eq!(next("0 0 31 4,6,9,11 */2"), None);
    let never = Schedule::parse("0 0 30,31 feb *").unwrap();
    assert_eq!(never.last_until(instant(0), Tz::UTC), None);
    assert_eq!(never.count(instant(0), instant(minute_of("9999-01-01T00:00:00Z")), Tz::UTC), 0);
}

#[test]
fn long_times_are_counted() {
    let schedule = Schedule::parse("* * * * *").unwrap();
    let (from, to) = ("2020-01-01T00:00:00Z", "2030-01-01T00:00:00Z");
    let (from, to) = (instant(minute_of(from)), instant(minute_of(to)));
    let minutes = (to - from).num_minutes() as u64;
    for zone in [Tz::UTC, Tz::Europe__Berlin, Tz::Australia__Lord_Howe] {
        assert_eq!(schedule.count(from, to, zone), minutes, "{zone}");
    }
    // Once a day, whatever the clocks do.
    let daily = Schedule::parse("30 2 * * *").unwrap();
    assert_eq!(daily.count(from, to, Tz::Europe__Berlin), 3_653);
    // And beyond what anyone will live to see.
    let (past, future) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
    for zone in [Tz::UTC, Tz::America__New_York] {
        let all = schedule.count(past, future, zone);
        assert!(all > 500_000 * 365 * 1_440, "{all}");
        assert!(schedule.next_after(past, zone).is_some());
        assert!(schedule.last_until(future, zone).is_some());
        assert_eq!(schedule.next_after(future, zone), None);
        assert!(schedule.last_until(past, zone).is_none_or(|at| at <= past));
    }
}
