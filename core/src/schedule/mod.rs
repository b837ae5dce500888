//! When: what a [`Schedule`] means in a zone, to the minute (RULES.md section 2).
//!
//! A schedule names times on the wall (`calendar.rs`). A zone is a row of stretches in which its clocks
//! run evenly (`stretches.rs`); in each the times on the wall are instants, shifted by one offset.
//! Between two stretches times are skipped or come again, and there the two kinds of schedules differ.

mod calendar;
mod stretches;
mod words;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;

use crate::rule::Schedule;
use calendar::Calendar;
use stretches::{JUMP, Times, stretches};

/// When a schedule fires, in a zone.
///
/// A time that a change of the clocks skips fires once, at the first instant after the gap, and one
/// that comes twice fires at its first pass. A schedule whose hour field begins with `*` fires at
/// the minutes that there are on the wall instead: none of the gap, and both passes of the overlap.
///
/// ```
/// use chrono_tz::America::New_York;
/// use segmentry::Schedule;
/// let at = |text: &str| text.parse().unwrap();
///
/// // On 9 March 2025 the clocks went from 02:00 to 03:00.
/// let nightly = Schedule::parse("30 2 * * *").unwrap();
/// let next = nightly.next_after(at("2025-03-08T12:00:00Z"), New_York);
/// assert_eq!(next, Some(at("2025-03-09T07:00:00Z"))); // 03:00
///
/// // On 2 November they went from 02:00 back to 01:00.
/// let nightly = Schedule::parse("30 1 * * *").unwrap();
/// let first = nightly.next_after(at("2025-11-02T00:00:00Z"), New_York);
/// assert_eq!(first, Some(at("2025-11-02T05:30:00Z")));
/// let second = nightly.next_after(first.unwrap(), New_York);
/// assert_eq!(second, Some(at("2025-11-03T06:30:00Z"))); // a day of 25 hours later
/// let hourly = Schedule::parse("30 * * * *").unwrap();
/// let day = (at("2025-11-02T04:00:00Z"), at("2025-11-03T05:00:00Z"));
/// assert_eq!(hourly.count(day.0, day.1, New_York), 25);
/// ```
impl Schedule {
    /// The first firing after an instant, that instant not included; `None` if there is none any
    /// more, see [`Schedule::never_fires`].
    #[must_use]
    pub fn next_after(&self, at: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let times = self.times();
        let mut from = at.timestamp_micros().saturating_add(1);
        loop {
            // Days on which nothing can fire are passed over at once.
            from = from.max(times.near_after(from)?.saturating_sub(JUMP));
            let to = from.saturating_add(3 * JUMP);
            if let Some(found) = stretches(zone, from, to).find_map(|of| times.first(&of)) {
                return DateTime::from_timestamp_micros(found);
            }
            from = to;
        }
    }

    /// The last firing at or before an instant.
    ///
    /// ```
    /// use segmentry::Schedule;
    /// let monthly = Schedule::parse("@monthly").unwrap();
    /// let last = monthly.last_until("2025-03-01T00:00:00Z".parse().unwrap(), chrono_tz::UTC);
    /// assert_eq!(last.unwrap().to_rfc3339(), "2025-03-01T00:00:00+00:00");
    /// ```
    #[must_use]
    pub fn last_until(&self, at: DateTime<Utc>, zone: Tz) -> Option<DateTime<Utc>> {
        let times = self.times();
        let mut to = at.timestamp_micros().saturating_add(1);
        loop {
            to = to.min(times.near_before(to)?.saturating_add(JUMP));
            let from = to.saturating_sub(3 * JUMP);
            if let Some(found) = stretches(zone, from, to).filter_map(|of| times.last(&of)).last() {
                return DateTime::from_timestamp_micros(found);
            }
            to = from;
        }
    }

    /// How many firings there are after one instant and until another, the former not included.
    /// It takes the same time whether they are few or many.
    #[must_use]
    pub fn count(&self, after: DateTime<Utc>, until: DateTime<Utc>, zone: Tz) -> u64 {
        let times = self.times();
        let instant = |at: DateTime<Utc>| at.timestamp_micros().saturating_add(1);
        let stretches = stretches(zone, instant(after), instant(until));
        u64::try_from(stretches.map(|of| times.count(&of)).sum::<i64>()).unwrap_or(0)
    }

    /// Whether there is no day on which it could fire, as 30 February.
    ///
    /// ```
    /// use segmentry::Schedule;
    /// assert!(Schedule::parse("0 0 30 2 *").unwrap().never_fires());
    /// assert!(!Schedule::parse("0 0 29 2 *").unwrap().never_fires());
    /// assert!(!Schedule::parse("0 0 30 2 mon").unwrap().never_fires()); // Mondays in February
    /// ```
    #[must_use]
    pub fn never_fires(&self) -> bool {
        Calendar::of(self).is_empty()
    }

    /// The schedule in words, for people.
    ///
    /// ```
    /// use segmentry::Schedule;
    /// let words = |text| Schedule::parse(text).unwrap().describe(chrono_tz::Asia::Kolkata);
    /// assert_eq!(words("0 6 * * 1-5"), "at 06:00 on weekdays, Asia/Kolkata");
    /// assert_eq!(words("*/15 * * * *"), "every 15 minutes, Asia/Kolkata");
    /// ```
    #[must_use]
    pub fn describe(&self, zone: Tz) -> String {
        format!("{}, {}", words::describe(&Calendar::of(self)), zone.name())
    }

    fn times(&self) -> Times {
        let [_, hours, ..] = self.values();
        Times { calendar: Calendar::of(self), by_wall: hours.star }
    }
}
