//! Time zones: wall times to instants and back, as RULES.md section 2 reads them.
//!
//! Instants are microseconds since 1970-01-01T00:00:00Z; wall times are microseconds since
//! 1970-01-01T00:00:00 on the wall. A wall time that a change repeats is the first of the two, one
//! that it skips is the first instant after the gap; so the reading never runs backwards, which is
//! what lets a bound on instants become a bound on a column of wall times.

use chrono::{DateTime, Datelike, Days, LocalResult, Months, NaiveDate, NaiveDateTime, Offset};
use chrono::{TimeZone, Utc};
use chrono_tz::Tz;

/// One second in microseconds.
pub(crate) const SECOND: i64 = 1_000_000;
/// One day of 24 hours in microseconds.
pub(crate) const DAY: i64 = 86_400 * SECOND;
/// More than any jump that a zone ever made (Samoa left out a whole day).
const JUMP: i64 = 50 * 3_600 * SECOND;

/// The zone of that IANA name.
pub(crate) fn parse_zone(name: &str) -> Option<Tz> {
    name.parse().ok()
}

/// A known zone name near `name`.
pub(crate) fn nearest_zone(name: &str) -> Option<&'static str> {
    crate::error::nearest(name, chrono_tz::TZ_VARIANTS.iter().map(|tz| tz.name()))
}

fn naive(micros: i64) -> NaiveDateTime {
    // Out of chrono's range only beyond the year 262,000, which no column holds.
    DateTime::<Utc>::from_timestamp_micros(micros).unwrap_or_default().naive_utc()
}

fn micros(time: NaiveDateTime) -> i64 {
    time.and_utc().timestamp_micros()
}

/// The wall time at an instant.
pub(crate) fn wall(zone: Tz, instant: i64) -> i64 {
    let offset = zone.offset_from_utc_datetime(&naive(instant)).fix().local_minus_utc();
    instant.saturating_add(i64::from(offset) * SECOND)
}

/// The instant of a wall time.
pub(crate) fn instant(zone: Tz, wall_time: i64) -> i64 {
    if zone == Tz::UTC {
        return wall_time;
    }
    match zone.from_local_datetime(&naive(wall_time)) {
        LocalResult::Single(time) => time.timestamp_micros(),
        LocalResult::Ambiguous(first, _) => first.timestamp_micros(),
        LocalResult::None => {
            first_after(wall_time.saturating_sub(JUMP), 2 * JUMP, |t| wall(zone, t) >= wall_time)
        }
    }
}

/// The earliest wall time whose instant is `at` or later.
pub(crate) fn wall_bound(zone: Tz, at: i64) -> i64 {
    if zone == Tz::UTC {
        return at;
    }
    first_after(at.saturating_sub(JUMP), 2 * JUMP, |wall_time| instant(zone, wall_time) >= at)
}

/// The wall times that a zone skips between two instants, or near them: from the first of each gap
/// to the first after it.
pub(crate) fn gaps(zone: Tz, start: i64, end: i64) -> Vec<(i64, i64)> {
    // No zone changed its clocks before the first or is known to after the second.
    let (first, last) = (-130 * 366 * DAY, 180 * 366 * DAY);
    let mut found = Vec::new();
    if start >= end || zone == Tz::UTC {
        return found;
    }
    let mut at = start.saturating_sub(JUMP).max(first);
    let end = end.saturating_add(JUMP).min(last);
    let offset = |at: i64| wall(zone, at) - at;
    while at < end {
        let next = at.saturating_add(DAY);
        if offset(at) != offset(next) {
            let change = first_after(at, DAY, |t| offset(t) != offset(at));
            let (from, to) = (change + offset(at), change + offset(change));
            if from < to {
                found.push((from, to));
            }
        }
        at = next;
    }
    found
}

/// The first of the `span` values from `from` on for which `holds`, which never turns false again.
pub(crate) fn first_after(from: i64, span: i64, holds: impl Fn(i64) -> bool) -> i64 {
    let (mut low, mut high) = (from, from.saturating_add(span));
    while low < high {
        let middle = low + (high - low) / 2;
        if holds(middle) {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    low
}

/// The instant at which a day begins in a zone.
pub(crate) fn midnight(zone: Tz, date: NaiveDate) -> i64 {
    instant(zone, micros(date.and_time(chrono::NaiveTime::MIN)))
}

/// The day on the wall at an instant.
pub(crate) fn day_of(zone: Tz, at: i64) -> NaiveDate {
    naive(wall(zone, at)).date()
}

/// The day after.
pub(crate) fn next_day(date: NaiveDate) -> NaiveDate {
    date.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX)
}

/// Days since 1970-01-01.
pub(crate) fn day_number(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - 719_163
}

/// The first day whose midnight in `zone` is `at` or later, in days since 1970.
pub(crate) fn day_bound(zone: Tz, at: i64) -> i32 {
    let mut day = day_of(zone, at);
    if midnight(zone, day) < at {
        day = next_day(day);
    }
    // Days that a zone left out begin at the same instant as the day after.
    while let Some(before) = day.pred_opt().filter(|before| midnight(zone, *before) >= at) {
        day = before;
    }
    day_number(day)
}

/// `months` calendar months before an instant, on the wall, clamped to the month's end.
pub(crate) fn months_before(zone: Tz, at: i64, months: u32) -> i64 {
    match naive(wall(zone, at)).checked_sub_months(Months::new(months)) {
        Some(time) => instant(zone, micros(time)),
        None => i64::MIN,
    }
}

/// `months` calendar months after an instant, on the wall, clamped to the month's end.
pub(crate) fn months_after(zone: Tz, at: i64, months: u32) -> i64 {
    match naive(wall(zone, at)).checked_add_months(Months::new(months)) {
        Some(time) => instant(zone, micros(time)),
        None => i64::MAX,
    }
}

/// Microseconds of a wall time.
pub(crate) fn wall_micros(time: NaiveDateTime) -> i64 {
    micros(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> i64 {
        text.parse::<DateTime<Utc>>().unwrap().timestamp_micros()
    }

    fn on_wall(text: &str) -> i64 {
        micros(text.parse().unwrap())
    }

    #[test]
    fn gaps_are_the_walls_that_were_skipped() {
        let zone = parse_zone("America/New_York").unwrap();
        let of_2025 = gaps(zone, at("2025-01-01T00:00:00Z"), at("2025-12-31T00:00:00Z"));
        assert_eq!(of_2025, [(at("2025-03-09T02:00:00Z"), at("2025-03-09T03:00:00Z"))]);
        let apia = parse_zone("Pacific/Apia").unwrap();
        let skipped = gaps(apia, at("2011-12-20T00:00:00Z"), at("2012-01-10T00:00:00Z"));
        assert_eq!(skipped, [(at("2011-12-30T00:00:00Z"), at("2011-12-31T00:00:00Z"))]);
        assert!(gaps(zone, 5, 5).is_empty());
        for zone in ["Africa/Casablanca", "America/Sao_Paulo", "Asia/Kathmandu"] {
            let zone = parse_zone(zone).unwrap();
            for (from, to) in gaps(zone, i64::MIN, i64::MAX) {
                assert_eq!(instant(zone, from), instant(zone, to), "{zone}");
                assert!(instant(zone, from - 1) < instant(zone, from), "{zone}");
            }
        }
    }

    #[test]
    fn repeated_and_skipped_times() {
        let new_york = Tz::America__New_York;
        assert_eq!(instant(new_york, on_wall("2025-07-01T12:00:00")), at("2025-07-01T16:00:00Z"));
        // 2025-11-02 01:30 came twice; the first was in summer time.
        assert_eq!(instant(new_york, on_wall("2025-11-02T01:30:00")), at("2025-11-02T05:30:00Z"));
        // 2025-03-09 02:30 never came; 03:00 was the first instant after the gap.
        assert_eq!(instant(new_york, on_wall("2025-03-09T02:30:00")), at("2025-03-09T07:00:00Z"));
        // Samoa had no 30 December 2011.
        assert_eq!(
            instant(Tz::Pacific__Apia, on_wall("2011-12-30T12:00:00")),
            at("2011-12-30T10:00:00Z")
        );
    }

    #[test]
    fn a_bound_on_the_wall_keeps_what_a_bound_on_instants_keeps() {
        for zone in [Tz::America__New_York, Tz::Australia__Lord_Howe, Tz::Pacific__Apia, Tz::UTC] {
            for start in ["2025-03-09T05:00:00Z", "2025-11-02T04:00:00Z", "2025-04-05T13:00:00Z"] {
                let start = at(start);
                for b in 0..24 {
                    let bound = start + b * 900 * SECOND;
                    let edge = wall_bound(zone, bound);
                    for w in -40..40 {
                        let time = wall(zone, start) + w * 600 * SECOND;
                        assert_eq!(instant(zone, time) >= bound, time >= edge, "{zone} {bound}");
                    }
                }
            }
        }
    }

    #[test]
    fn months_are_clamped() {
        assert_eq!(
            months_before(Tz::UTC, at("2025-03-31T10:00:00Z"), 1),
            at("2025-02-28T10:00:00Z")
        );
        assert_eq!(day_number(NaiveDate::from_ymd_opt(1970, 1, 2).unwrap()), 1);
    }
}
