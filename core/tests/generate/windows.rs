//! Random windows of time.

use chrono_tz::Tz;

use super::Random;
use super::columns::small_hours;
use super::document::{list, object, plain};
use super::literals::utc;
use crate::oracle::time::{DAY, local_time};

const LENGTHS: [&str; 14] = [
    "1 day",
    "7 days",
    "2 weeks",
    "30 days",
    "90 days",
    "180 days",
    "365 days",
    "36 hours",
    "1 month",
    "3 months",
    "6 months",
    "1 year",
    "129600 minutes",
    "2592000 seconds",
];

const CALENDAR: [&str; 10] = [
    "this day",
    "last day",
    "this week",
    "last week",
    "this month",
    "last month",
    "this quarter",
    "last quarter",
    "this year",
    "last year",
];

/// Any window but none and `"all"`.
pub fn window(random: &mut Random, zone: Option<Tz>, as_of: i64) -> String {
    match random.range(0, 9) {
        0..=2 => {
            // mostly long ones, which leave more to tell apart
            let from = if random.percent(70) { 3 } else { 0 };
            object(&[("last", plain(random.pick(&LENGTHS[from..])))])
        }
        3 | 4 => {
            let edges = *random.pick(&[
                ("90 days", "30 days"),
                ("365 days", "7 days"),
                ("12 months", "1 month"),
                ("180 days", "0 days"),
                ("1 year", "14 days"),
                ("30 days", "1 month"),
                ("40 days", "1 day"),
            ]);
            object(&[("between", list(&[plain(edges.0), plain(edges.1)]))])
        }
        5 | 6 => {
            let from = if random.percent(70) { 4 } else { 0 };
            object(&[("calendar", plain(random.pick(&CALENDAR[from..])))])
        }
        _ => {
            let (start, end) = dates(random, zone, as_of);
            let members: Vec<(&str, String)> =
                [("start", start), ("end", end)].into_iter().filter_map(some).collect();
            object(&members)
        }
    }
}

fn some((name, value): (&str, Option<String>)) -> Option<(&str, String)> {
    value.map(|value| (name, value))
}

/// A start and an end in order, as JSON; at least one of them.
pub fn dates(
    random: &mut Random,
    zone: Option<Tz>,
    as_of: i64,
) -> (Option<String>, Option<String>) {
    if let (Some(zone), true) = (zone, random.percent(40))
        && let Some(hours) = small_hours(random, zone, as_of - 150 * DAY)
    {
        // an edge on a day when clocks change, by the day or by the time on the wall
        let wall = local_time(Tz::UTC, hours);
        let edge = plain(match random.percent(50) {
            true => wall.date().to_string(),
            false => wall.format("%Y-%m-%dT%H:%M:%S").to_string(),
        });
        return match random.percent(50) {
            true => (Some(edge), None),
            false => (None, Some(edge)),
        };
    }
    // three days between them, so that no zone and no form turns them round
    let end = as_of - random.range(-30, 200) * DAY;
    let start = end - random.range(3, 250) * DAY;
    let start = date(random, zone, start);
    let end = date(random, zone, end);
    match random.range(0, 5) {
        0 => (Some(start), None),
        1 => (None, Some(end)),
        _ => (Some(start), Some(end)),
    }
}

fn date(random: &mut Random, zone: Option<Tz>, at: i64) -> String {
    let local = local_time(zone.unwrap_or(Tz::UTC), at);
    plain(&match random.range(0, 3) {
        0 => utc(at),
        1 if zone.is_some() => local.format("%Y-%m-%dT%H:%M:%S").to_string(),
        _ => local.date().to_string(),
    })
}
