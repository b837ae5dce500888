//! Windows and moments as half-open spans of instants.

use chrono::{Datelike, Days, Months, NaiveDate};
use chrono_tz::Tz;

use crate::model::{day_of, instant, midnight, months_before, next_day, wall_micros};
use crate::rule::{Calendar, Duration, Moment, Period, Window};

/// Instants from `start` (inclusive) to `end` (exclusive), microseconds since 1970; an edge of
/// [`i64::MIN`] or [`i64::MAX`] is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Span {
    pub(crate) start: i64,
    pub(crate) end: i64,
}

impl Span {
    pub(crate) const ALL: Span = Span { start: i64::MIN, end: i64::MAX };

    pub(crate) fn intersect(self, other: Span) -> Span {
        Span { start: self.start.max(other.start), end: self.end.min(other.end) }
    }
}

/// The instants that a date or time covers: its whole day, or itself.
pub(crate) fn span_of(moment: Moment, zone: Tz) -> Span {
    match moment {
        Moment::Day(day) => Span { start: midnight(zone, day), end: midnight(zone, next_day(day)) },
        Moment::Local(time) => at(instant(zone, wall_micros(time))),
        Moment::Instant(time) => at(time.timestamp_micros()),
    }
}

fn at(instant: i64) -> Span {
    Span { start: instant, end: instant.saturating_add(1) }
}

/// The span of a window of the run at `as_of`; may be empty or inverted, which keeps nothing.
pub(crate) fn resolve(window: Window, as_of: i64, zone: Tz) -> Span {
    match window {
        Window::All => Span::ALL,
        Window::Last(duration) => Span { start: before(as_of, duration, zone), end: as_of },
        Window::Between { far, near } => {
            Span { start: before(as_of, far, zone), end: before(as_of, near, zone) }
        }
        Window::Calendar(calendar) => calendar_span(calendar, as_of, zone),
        Window::Range { start, end } => Span {
            start: start.map_or(i64::MIN, |moment| span_of(moment, zone).start),
            end: end.map_or(i64::MAX, |moment| span_of(moment, zone).end),
        },
    }
}

/// The instants that all of the windows keep of events, which never count from `as_of` on.
pub(crate) fn span_of_windows(windows: &[Window], as_of: i64, zone: Tz) -> Span {
    let all = Span { start: i64::MIN, end: as_of };
    windows.iter().map(|window| resolve(*window, as_of, zone)).fold(all, Span::intersect)
}

fn before(as_of: i64, duration: Duration, zone: Tz) -> i64 {
    match (duration.micros(), duration.months()) {
        (Some(micros), _) => as_of.saturating_sub(micros),
        (None, Some(0)) => as_of,
        (None, Some(months)) => months_before(zone, as_of, months),
        (None, None) => i64::MIN,
    }
}

fn calendar_span(calendar: Calendar, as_of: i64, zone: Tz) -> Span {
    let today = day_of(zone, as_of);
    let (start, end) = period_of(calendar.period, today);
    let (start, end) = match calendar.last {
        false => (start, end),
        true => period_of(calendar.period, start.pred_opt().unwrap_or(start)),
    };
    Span { start: midnight(zone, start), end: midnight(zone, end) }
}

/// The first day of the period that holds `day`, and the first day after it.
fn period_of(period: Period, day: NaiveDate) -> (NaiveDate, NaiveDate) {
    let first_of_month = day.with_day(1).unwrap_or(day);
    let (start, months) = match period {
        Period::Day => return (day, next_day(day)),
        Period::Week => {
            let since_monday = u64::from(day.weekday().num_days_from_monday());
            let monday = day.checked_sub_days(Days::new(since_monday)).unwrap_or(day);
            return (monday, monday.checked_add_days(Days::new(7)).unwrap_or(monday));
        }
        Period::Month => (first_of_month, 1),
        Period::Quarter => {
            let past = Months::new(day.month0() % 3);
            (first_of_month.checked_sub_months(past).unwrap_or(first_of_month), 3)
        }
        Period::Year => {
            let past = Months::new(day.month0());
            (first_of_month.checked_sub_months(past).unwrap_or(first_of_month), 12)
        }
    };
    (start, start.checked_add_months(Months::new(months)).unwrap_or(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Path, read};

    fn span(window: &str, zone: Tz) -> String {
        let json = read(window).unwrap();
        let window = Window::read(&json, &Path::ROOT, &mut Vec::new()).unwrap();
        let as_of = "2024-03-31T10:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
        let span = resolve(window, as_of.timestamp_micros(), zone);
        let show = |t| chrono::DateTime::from_timestamp_micros(t).unwrap().format("%FT%T");
        format!("{} {}", show(span.start), show(span.end))
    }

    #[test]
    fn every_form() {
        let utc = Tz::UTC;
        for (window, expected) in [
            (r#"{"last": "30 days"}"#, "2024-03-01T10:00:00 2024-03-31T10:00:00"),
            (r#"{"last": "1 month"}"#, "2024-02-29T10:00:00 2024-03-31T10:00:00"),
            (r#"{"between": ["1 year", "0 days"]}"#, "2023-03-31T10:00:00 2024-03-31T10:00:00"),
            (r#"{"calendar": "this month"}"#, "2024-03-01T00:00:00 2024-04-01T00:00:00"),
            (r#"{"calendar": "last week"}"#, "2024-03-18T00:00:00 2024-03-25T00:00:00"),
            (r#"{"calendar": "last quarter"}"#, "2023-10-01T00:00:00 2024-01-01T00:00:00"),
            (r#"{"calendar": "last year"}"#, "2023-01-01T00:00:00 2024-01-01T00:00:00"),
            (
                r#"{"start": "2024-02-29", "end": "2024-02-29"}"#,
                "2024-02-29T00:00:00 2024-03-01T00:00:00",
            ),
        ] {
            assert_eq!(span(window, utc), expected, "{window}");
        }
        // Clocks went forward at 02:00 that day in Berlin; a day of 24 hours is not a calendar day.
        let berlin = Tz::Europe__Berlin;
        assert_eq!(
            span(r#"{"calendar": "this day"}"#, berlin),
            "2024-03-30T23:00:00 2024-03-31T22:00:00"
        );
        assert_eq!(span(r#"{"last": "1 day"}"#, berlin), "2024-03-30T10:00:00 2024-03-31T10:00:00");
        assert_eq!(
            span(r#"{"last": "1 month"}"#, berlin),
            "2024-02-29T11:00:00 2024-03-31T10:00:00"
        );
    }
}
