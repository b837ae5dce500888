//! Instants, local days and durations: how wall time becomes microseconds since 1970 in UTC.

use chrono::{Datelike, Days, LocalResult, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeZone};
use chrono_tz::Tz;

use super::{OracleError, failed};

pub const SECOND: i64 = 1_000_000;
pub const DAY: i64 = 86_400 * SECOND;

pub fn zone(name: &str) -> Result<Tz, OracleError> {
    name.parse().or_else(|_| failed("bad_timezone", format!("{name:?} is no time zone")))
}

/// Wall time as microseconds since 1970-01-01 00:00 on the same wall.
fn wall_micros(local: NaiveDateTime) -> i64 {
    local.and_utc().timestamp_micros()
}

fn wall(micros: i64) -> NaiveDateTime {
    chrono::DateTime::from_timestamp_micros(micros).expect("a time that chrono holds").naive_utc()
}

/// The instant of a local time: of a repeated one the first pass, of a skipped one the first
/// instant after the gap.
pub fn instant(zone: Tz, local: NaiveDateTime) -> i64 {
    match zone.from_local_datetime(&local) {
        LocalResult::Single(time) => time.timestamp_micros(),
        LocalResult::Ambiguous(one, other) => one.timestamp_micros().min(other.timestamp_micros()),
        LocalResult::None => after_gap(zone, local),
    }
}

/// The first instant whose local time is past `local`, which does not exist.
fn after_gap(zone: Tz, local: NaiveDateTime) -> i64 {
    let wanted = wall_micros(local).div_euclid(SECOND);
    let (mut before, mut after) = (wanted - 16 * 3600, wanted + 16 * 3600);
    while after - before > 1 {
        let middle = before + (after - before) / 2;
        if wall_micros(local_time(zone, middle * SECOND)).div_euclid(SECOND) > wanted {
            after = middle;
        } else {
            before = middle;
        }
    }
    after * SECOND
}

pub fn local_time(zone: Tz, micros: i64) -> NaiveDateTime {
    zone.from_utc_datetime(&wall(micros)).naive_local()
}

/// The first instant of a local day.
pub fn day_start(zone: Tz, date: NaiveDate) -> i64 {
    instant(zone, date.and_time(NaiveTime::MIN))
}

pub fn day_end(zone: Tz, date: NaiveDate) -> i64 {
    day_start(zone, date + Days::new(1))
}

/// The instant of wall time that a column without a zone holds.
pub fn instant_of_wall(zone: Tz, micros: i64) -> i64 {
    instant(zone, wall(micros))
}

pub fn date_of_days(days: i32) -> NaiveDate {
    NaiveDate::from_num_days_from_ce_opt(days + 719_163).expect("a date that chrono holds")
}

pub fn days_of_date(date: NaiveDate) -> i32 {
    date.num_days_from_ce() - 719_163
}

/// What a date in a document says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Moment {
    Day(NaiveDate),
    Instant(i64),
}

impl Moment {
    pub fn parse(text: &str, zone: Tz) -> Result<Moment, OracleError> {
        read_moment(text, zone)
            .map_or_else(|| failed("bad_date", format!("{text:?} is no date or time")), Ok)
    }

    pub fn start(self, zone: Tz) -> i64 {
        match self {
            Moment::Day(date) => day_start(zone, date),
            Moment::Instant(micros) => micros,
        }
    }

    /// The first instant that is no longer inside.
    pub fn end(self, zone: Tz) -> i64 {
        match self {
            Moment::Day(date) => day_end(zone, date),
            Moment::Instant(micros) => micros + 1,
        }
    }
}

pub fn parse_date(text: &str) -> Option<NaiveDate> {
    if text.len() != 10 || !text.is_ascii() {
        return None;
    }
    NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()
}

fn read_moment(text: &str, zone: Tz) -> Option<Moment> {
    if let Some(date) = parse_date(text) {
        return Some(Moment::Day(date));
    }
    let date = parse_date(text.get(..10)?)?;
    let rest = text.get(10..)?.strip_prefix(['T', 't', ' '])?;
    let end = rest.find(|letter: char| !matches!(letter, '0'..='9' | ':' | '.'));
    let (clock, offset) = rest.split_at(end.unwrap_or(rest.len()));
    let local = date.and_time(read_clock(clock)?);
    if offset.is_empty() {
        return Some(Moment::Instant(instant(zone, local)));
    }
    let offset_seconds = match offset {
        "Z" | "z" => 0,
        _ => {
            let sign = if offset.starts_with('-') { -1 } else { 1 };
            let (hours, minutes) = offset.get(1..)?.split_once(':')?;
            sign * (number(hours)? * 3600 + number(minutes)? * 60)
        }
    };
    Some(Moment::Instant(wall_micros(local) - offset_seconds * SECOND))
}

fn read_clock(text: &str) -> Option<NaiveTime> {
    let mut parts = text.split(':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let (second, fraction) = match parts.next() {
        None => (0, 0),
        Some(seconds) => {
            let (whole, fraction) = seconds.split_once('.').unwrap_or((seconds, "0"));
            // digits past the microsecond are cut off, which rounds down
            let micros: String = fraction.chars().chain("000000".chars()).take(6).collect();
            (number(whole)?, micros.parse::<u32>().ok()?)
        }
    };
    if parts.next().is_some() {
        return None;
    }
    NaiveTime::from_hms_micro_opt(hour as u32, minute as u32, second as u32, fraction)
}

/// Two digits.
fn number(text: &str) -> Option<i64> {
    let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
    if fits { text.parse().ok() } else { None }
}

/// A length of time: of fixed size, or in months of the calendar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Duration {
    Micros(i64),
    Months(u32),
}

impl Duration {
    pub fn parse(text: &str) -> Result<Duration, OracleError> {
        let wrong = || failed("bad_window", format!("{text:?} is no duration"));
        let Some((count, unit)) = text.split_once(' ') else { return wrong() };
        let Ok(count) = count.parse::<i64>() else { return wrong() };
        if count < 0 {
            return wrong();
        }
        let size = match unit.strip_suffix('s').unwrap_or(unit) {
            "second" => SECOND,
            "minute" => 60 * SECOND,
            "hour" => 3600 * SECOND,
            "day" => DAY,
            "week" => 7 * DAY,
            "month" => return Ok(Duration::Months(u32::try_from(count).unwrap_or(u32::MAX))),
            "year" => return Ok(Duration::Months(u32::try_from(count * 12).unwrap_or(u32::MAX))),
            _ => return wrong(),
        };
        Ok(Duration::Micros(count.saturating_mul(size)))
    }

    pub fn before(self, zone: Tz, micros: i64) -> i64 {
        match self {
            Duration::Micros(size) => micros.saturating_sub(size),
            Duration::Months(count) => local_time(zone, micros)
                .checked_sub_months(Months::new(count))
                .map_or(i64::MIN, |local| instant(zone, local)),
        }
    }

    pub fn after(self, zone: Tz, micros: i64) -> i64 {
        match self {
            Duration::Micros(size) => micros.saturating_add(size),
            Duration::Months(count) => local_time(zone, micros)
                .checked_add_months(Months::new(count))
                .map_or(i64::MAX, |local| instant(zone, local)),
        }
    }
}

/// The local days of `this` or the `last` day, week, month, quarter or year: first, and first after.
pub fn calendar(text: &str, today: NaiveDate) -> Result<(NaiveDate, NaiveDate), OracleError> {
    let wrong = || failed("bad_window", format!("{text:?} is no calendar window"));
    let Some((which, unit)) = text.split_once(' ') else { return wrong() };
    let back: u32 = match which {
        "this" => 0,
        "last" => 1,
        _ => return wrong(),
    };
    let months = |first_month: u32, length: u32| {
        let start = NaiveDate::from_ymd_opt(today.year(), first_month, 1).expect("a first");
        let start = start - Months::new(back * length);
        (start, start + Months::new(length))
    };
    let days = |start: NaiveDate, length: u64| {
        let start = start - Days::new(u64::from(back) * length);
        (start, start + Days::new(length))
    };
    Ok(match unit {
        "day" => days(today, 1),
        "week" => days(today - Days::new(today.weekday().num_days_from_monday().into()), 7),
        "month" => months(today.month(), 1),
        "quarter" => months((today.month() - 1) / 3 * 3 + 1, 3),
        "year" => months(1, 12),
        _ => return wrong(),
    })
}
