//! Dates and durations as a rule writes them.

use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SecondsFormat, Timelike, Utc};

use crate::document::{Fields, Json, Path, describe};
use crate::error::{Code, Problem};

/// A date or an instant in a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// A date without a time: its whole day, in the rule's zone.
    Day(NaiveDate),
    /// A date and time without an offset, in the rule's zone.
    Local(NaiveDateTime),
    /// A date and time with an offset.
    Instant(DateTime<Utc>),
}

impl Moment {
    /// Reads `2025-01-31`, `2025-01-31T10:00[:00[.000000]]` (or a space for the `T`), and either
    /// with `Z` or an offset. Digits beyond microseconds are cut.
    #[must_use]
    pub fn parse(text: &str) -> Option<Moment> {
        let text = text.trim();
        let date = text.get(..10)?;
        let day = parse_day(date)?;
        let rest = text.get(10..)?;
        if rest.is_empty() {
            return Some(Moment::Day(day));
        }
        let time = rest.strip_prefix(['T', 't', ' '])?;
        let zone_at = time.find(['Z', 'z', '+', '-']);
        let (clock, zone) = time.split_at(zone_at.unwrap_or(time.len()));
        let local = day.and_time(parse_clock(clock)?);
        if zone.is_empty() {
            return Some(Moment::Local(local));
        }
        let offset = parse_offset(zone)?;
        let utc = local.checked_sub_signed(chrono::TimeDelta::seconds(offset))?;
        Some(Moment::Instant(utc.and_utc()))
    }
}

fn parse_day(text: &str) -> Option<NaiveDate> {
    let well_formed = text
        .bytes()
        .enumerate()
        .all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    let day = well_formed.then(|| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())??;
    (chrono::Datelike::year(&day) >= 1).then_some(day)
}

fn parse_clock(text: &str) -> Option<chrono::NaiveTime> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    if fraction.is_empty() || fraction.len() > 18 || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let number = |s: &str| (s.len() == 2).then(|| s.parse::<u32>().ok())?;
    let mut parts = whole.split(':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let second = match parts.next() {
        Some(second) => number(second)?,
        None if text.contains('.') => return None,
        None => 0,
    };
    let micros: u32 = format!("{fraction:0<6}").get(..6)?.parse().ok()?;
    parts
        .next()
        .is_none()
        .then(|| chrono::NaiveTime::from_hms_micro_opt(hour, minute, second, micros))?
}

/// Seconds east of Greenwich of `Z`, `+05:30` or `+0530`.
fn parse_offset(text: &str) -> Option<i64> {
    if text.eq_ignore_ascii_case("z") {
        return Some(0);
    }
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let digits: String = text.get(1..)?.chars().filter(|c| *c != ':').collect();
    let shape = text.len() == 5 || (text.len() == 6 && text.get(3..4) == Some(":"));
    if !shape || digits.len() != 4 || !digits.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes): (i64, i64) =
        (digits.get(..2)?.parse().ok()?, digits.get(2..)?.parse().ok()?);
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Moment::Day(day) => write!(f, "{}", day.format("%Y-%m-%d")),
            Moment::Local(time) if time.nanosecond() == 0 => {
                write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%S"))
            }
            Moment::Local(time) => write!(f, "{}", time.format("%Y-%m-%dT%H:%M:%S%.6f")),
            Moment::Instant(time) => {
                let format = match time.nanosecond() {
                    0 => SecondsFormat::Secs,
                    _ => SecondsFormat::Micros,
                };
                f.write_str(&time.to_rfc3339_opts(format, true))
            }
        }
    }
}

/// What a duration is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)] // their names say it
pub enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    /// Calendar months of the rule's zone, clamped to the month's end.
    Month,
    /// Calendar years.
    Year,
}

/// The units with their names, in singular.
const UNITS: [(Unit, &str); 7] = [
    (Unit::Second, "second"),
    (Unit::Minute, "minute"),
    (Unit::Hour, "hour"),
    (Unit::Day, "day"),
    (Unit::Week, "week"),
    (Unit::Month, "month"),
    (Unit::Year, "year"),
];

/// The longest duration, in years: longer than any calendar in use.
const MAX_YEARS: u64 = 10_000;

/// A length of time, `30 days`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Duration {
    /// How many.
    pub count: u64,
    /// Of what.
    pub unit: Unit,
}

impl Duration {
    /// Reads a whole number, one space and a unit in singular or plural.
    #[must_use]
    pub fn parse(text: &str) -> Option<Duration> {
        let (count, unit) = text.trim().split_once(' ')?;
        if count.is_empty() || !count.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let count: u64 = count.parse().ok()?;
        let name = unit.to_ascii_lowercase();
        let name = name.strip_suffix('s').unwrap_or(&name);
        let unit = UNITS.iter().find(|(_, n)| *n == name).map(|(unit, _)| *unit)?;
        let duration = Duration { count, unit };
        (duration.years() <= MAX_YEARS).then_some(duration)
    }

    fn years(self) -> u64 {
        let per_year = match self.unit {
            Unit::Second => 31_536_000,
            Unit::Minute => 525_600,
            Unit::Hour => 8_760,
            Unit::Day => 365,
            Unit::Week => 52,
            Unit::Month => 12,
            Unit::Year => 1,
        };
        self.count / per_year
    }

    /// The length in microseconds, or `None` for months and years, which have none.
    #[must_use]
    pub fn micros(self) -> Option<i64> {
        let seconds: i64 = match self.unit {
            Unit::Second => 1,
            Unit::Minute => 60,
            Unit::Hour => 3_600,
            Unit::Day => 86_400,
            Unit::Week => 604_800,
            Unit::Month | Unit::Year => return None,
        };
        i64::try_from(self.count).ok()?.checked_mul(seconds * 1_000_000)
    }

    /// The number of months of a calendar duration, or `None` for one of fixed length.
    #[must_use]
    pub fn months(self) -> Option<u32> {
        let months = match self.unit {
            Unit::Month => self.count,
            Unit::Year => self.count.checked_mul(12)?,
            _ => return None,
        };
        u32::try_from(months).ok()
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = UNITS.iter().find(|(unit, _)| *unit == self.unit).map_or("", |(_, name)| name);
        write!(f, "{} {name}{}", self.count, if self.count == 1 { "" } else { "s" })
    }
}

/// A date or instant member, [`Code::BadDate`] if it is none.
pub(crate) fn read_moment(fields: &mut Fields<'_, '_>, name: &str) -> Option<Moment> {
    let json = fields.get(name)?;
    let parsed = match json {
        Json::String(text) => Moment::parse(text),
        _ => None,
    };
    if parsed.is_none() {
        let found = describe(json);
        fields.fault(
            Code::BadDate,
            name,
            format!("expected a date or an instant such as 2025-01-31 or 2025-01-31T18:30:00Z, found {found}"),
        );
    }
    parsed
}

/// Reports a start after its end, as far as that shows without knowing the zone.
pub(crate) fn check_order(
    start: Option<Moment>,
    end: Option<Moment>,
    path: &Path<'_>,
    problems: &mut Vec<Problem>,
) {
    let (Some(start), Some(end)) = (start, end) else { return };
    let date = |moment| match moment {
        Moment::Day(day) => day,
        Moment::Local(time) => time.date(),
        Moment::Instant(time) => time.date_naive(),
    };
    let late = match (start, end) {
        (Moment::Local(a), Moment::Local(b)) => a > b,
        (Moment::Instant(a), Moment::Instant(b)) => a > b,
        // Offsets and zones move a day by at most one; the exact check follows once bound.
        (Moment::Instant(_), _) | (_, Moment::Instant(_)) => {
            date(start).signed_duration_since(date(end)).num_days() > 2
        }
        _ => date(start) > date(end),
    };
    if late {
        problems.push(Problem::new(
            Code::BadDate,
            path.to_string(),
            format!("the start {start} is after the end {end}"),
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        for (text, expected) in [
            ("2025-01-31", "2025-01-31"),
            ("2025-01-31T10:00", "2025-01-31T10:00:00"),
            ("2025-01-31 10:00:01.5", "2025-01-31T10:00:01.500000"),
            ("2025-01-31T10:00:00Z", "2025-01-31T10:00:00Z"),
            ("2025-01-31T10:00:00.1234569+05:30", "2025-01-31T04:30:00.123456Z"),
            ("2025-01-31T00:00:00-0100", "2025-01-31T01:00:00Z"),
        ] {
            let moment = Moment::parse(text).unwrap();
            assert_eq!(moment.to_string(), expected);
            assert_eq!(Moment::parse(expected), Some(moment));
        }
        for text in [
            "",
            "2025-02-30",
            "2025-1-1",
            "2025-01-31T",
            "2025-01-31T25:00",
            "20250131",
            "yesterday",
            "2025-01-31T10:00:00+5",
            "2025-01-31T10",
            "2025-01-31T10:00:00.",
            "0000-01-01",
            "2025-01-31X10:00",
        ] {
            assert_eq!(Moment::parse(text), None, "{text}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(Duration::parse("30 days").unwrap().to_string(), "30 days");
        assert_eq!(Duration::parse("1 Months").unwrap().to_string(), "1 month");
        for text in
            ["30", "days", "-1 days", "1.5 days", "3 fortnights", "99999999 years", "1  day"]
        {
            assert_eq!(Duration::parse(text), None, "{text}");
        }
    }
}
