//! From a stored SQLite value to the Arrow value of its declared type: exact, or not at all.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder,
    Int64Builder, StringBuilder, TimestampMicrosecondBuilder,
};
use arrow::datatypes::{DataType, TimeUnit};
use chrono::{NaiveDate, NaiveTime, Timelike};
use rusqlite::types::ValueRef;

const DAY: i64 = 86_400;
const MICROS: i64 = 1_000_000;
/// From 0001-01-01T00:00:00 to 9999-12-31T23:59:59, what a text can say. Seconds beyond that are
/// most likely milliseconds.
const UNIX_SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// The values of one column of a batch under construction.
pub(super) enum Values {
    Int(Int64Builder),
    Bool(BooleanBuilder),
    Float(Float64Builder),
    Decimal(Decimal128Builder, u8, i8),
    Date(Date32Builder),
    Instant(TimestampMicrosecondBuilder),
    Text(StringBuilder),
    Binary(BinaryBuilder),
}

impl Values {
    /// No values yet, of one of the types that [`super::types::of_declaration`] knows.
    pub(super) fn new(kind: &DataType) -> Self {
        match kind {
            DataType::Int64 => Values::Int(Int64Builder::new()),
            DataType::Boolean => Values::Bool(BooleanBuilder::new()),
            DataType::Float64 => Values::Float(Float64Builder::new()),
            DataType::Decimal128(precision, scale) => Values::Decimal(
                Decimal128Builder::new().with_data_type(kind.clone()),
                *precision,
                *scale,
            ),
            DataType::Date32 => Values::Date(Date32Builder::new()),
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                Values::Instant(TimestampMicrosecondBuilder::new().with_timezone_opt(zone.clone()))
            }
            DataType::Binary => Values::Binary(BinaryBuilder::new()),
            _ => Values::Text(StringBuilder::new()),
        }
    }

    /// Appends the value and says how many bytes it took; nothing if it is none of this type.
    pub(super) fn push(&mut self, value: ValueRef<'_>) -> Option<usize> {
        if matches!(value, ValueRef::Null) {
            self.push_null();
            return Some(1);
        }
        match self {
            Values::Int(values) => values.append_value(int(value)?),
            Values::Bool(values) => values.append_value(bool(value)?),
            Values::Float(values) => values.append_value(float(value)?),
            Values::Decimal(values, precision, scale) => {
                values.append_value(decimal(value, *precision, *scale)?);
            }
            Values::Date(values) => values.append_value(date(value)?),
            Values::Instant(values) => values.append_value(instant(value)?),
            Values::Text(values) => match value {
                ValueRef::Text(text) => {
                    values.append_value(std::str::from_utf8(text).ok()?);
                    return Some(text.len());
                }
                ValueRef::Integer(value) => values.append_value(value.to_string()),
                // The shortest text that reads back as the same number.
                ValueRef::Real(value) => values.append_value(format!("{value:?}")),
                _ => return None,
            },
            Values::Binary(values) => match value {
                ValueRef::Blob(bytes) => {
                    values.append_value(bytes);
                    return Some(bytes.len());
                }
                _ => return None,
            },
        }
        Some(16)
    }

    fn push_null(&mut self) {
        match self {
            Values::Int(values) => values.append_null(),
            Values::Bool(values) => values.append_null(),
            Values::Float(values) => values.append_null(),
            Values::Decimal(values, ..) => values.append_null(),
            Values::Date(values) => values.append_null(),
            Values::Instant(values) => values.append_null(),
            Values::Text(values) => values.append_null(),
            Values::Binary(values) => values.append_null(),
        }
    }

    /// The values so far, leaving none.
    pub(super) fn finish(&mut self) -> ArrayRef {
        match self {
            Values::Int(values) => Arc::new(values.finish()),
            Values::Bool(values) => Arc::new(values.finish()),
            Values::Float(values) => Arc::new(values.finish()),
            Values::Decimal(values, ..) => Arc::new(values.finish()),
            Values::Date(values) => Arc::new(values.finish()),
            Values::Instant(values) => Arc::new(values.finish()),
            Values::Text(values) => Arc::new(values.finish()),
            Values::Binary(values) => Arc::new(values.finish()),
        }
    }
}

/// The value for an error message, shortened.
pub(super) fn shown(value: ValueRef<'_>) -> String {
    const MOST: usize = 60;
    match value {
        ValueRef::Null => "NULL".to_owned(),
        ValueRef::Integer(value) => value.to_string(),
        ValueRef::Real(value) => format!("{value:?}"),
        ValueRef::Text(text) => {
            // A character has at most four bytes; what was cut in two is past the end anyway.
            let start = text.get(..4 * (MOST + 1)).unwrap_or(text);
            let start = String::from_utf8_lossy(start);
            let short: String = start.chars().take(MOST).collect();
            let more = if short.len() < start.len() { "…" } else { "" };
            format!("{short:?}{more}")
        }
        ValueRef::Blob(bytes) => format!("a blob of {} bytes", bytes.len()),
    }
}

/// A double counts if it is a whole number, as SQLite keeps it in an `INTEGER` column.
fn int(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(value) => Some(value),
        // Above 2^53 not every integer is a double, so the one that was meant is not known.
        ValueRef::Real(value) if value.fract() == 0.0 && value.abs() <= EXACT => Some(value as i64),
        _ => None,
    }
}

/// 2^53: to here, every integer is a double.
const EXACT: f64 = 9_007_199_254_740_992.0;

fn float(value: ValueRef<'_>) -> Option<f64> {
    match value {
        ValueRef::Real(value) => Some(value),
        ValueRef::Integer(value) => {
            let float = value as f64;
            (float as i128 == i128::from(value)).then_some(float)
        }
        _ => None,
    }
}

fn bool(value: ValueRef<'_>) -> Option<bool> {
    match value {
        ValueRef::Integer(0) | ValueRef::Text(b"0") => Some(false),
        ValueRef::Integer(1) | ValueRef::Text(b"1") => Some(true),
        ValueRef::Text(text) if text.eq_ignore_ascii_case(b"false") => Some(false),
        ValueRef::Text(text) if text.eq_ignore_ascii_case(b"true") => Some(true),
        _ => None,
    }
}

fn decimal(value: ValueRef<'_>, precision: u8, scale: i8) -> Option<i128> {
    match value {
        ValueRef::Integer(value) => {
            let unscaled =
                i128::from(value).checked_mul(10_i128.checked_pow(u32::try_from(scale).ok()?)?)?;
            fits(unscaled, precision)
        }
        // Rust writes the shortest digits that read back as the same double.
        ValueRef::Real(value) => parse_decimal(format!("{value:e}").as_bytes(), precision, scale),
        ValueRef::Text(text) => parse_decimal(text.trim_ascii(), precision, scale),
        _ => None,
    }
}

fn fits(unscaled: i128, precision: u8) -> Option<i128> {
    let end = 10_u128.checked_pow(u32::from(precision))?;
    (unscaled.unsigned_abs() < end).then_some(unscaled)
}

/// `[+-]digits[.digits][e[+-]digits]` times 10^scale, rounded half away from zero.
fn parse_decimal(text: &[u8], precision: u8, scale: i8) -> Option<i128> {
    let (negative, text) = match text.split_first()? {
        (b'-', rest) => (true, rest),
        (b'+', rest) => (false, rest),
        _ => (false, text),
    };
    let (mantissa, exponent) = match text.iter().position(|byte| matches!(byte, b'e' | b'E')) {
        Some(at) => {
            let exponent = std::str::from_utf8(text.get(at + 1..)?).ok()?;
            (text.get(..at)?, i64::from(exponent.parse::<i16>().ok()?))
        }
        None => (text, 0),
    };
    let (whole, fraction) = match mantissa.iter().position(|byte| *byte == b'.') {
        Some(at) => (mantissa.get(..at)?, mantissa.get(at + 1..)?),
        None => (mantissa, [].as_slice()),
    };
    let digits = || whole.iter().chain(fraction);
    let count = i64::try_from(whole.len() + fraction.len()).ok()?;
    if count == 0 || !digits().all(u8::is_ascii_digit) {
        return None;
    }
    // So many digits from the left are before the decimal point once the scale is applied.
    let kept = i64::try_from(whole.len()).ok()? + exponent + i64::from(scale);
    let mut unscaled = 0_i128;
    for digit in digits().take(usize::try_from(kept).unwrap_or(0)) {
        unscaled = unscaled.checked_mul(10)?.checked_add(i128::from(digit - b'0'))?;
    }
    if kept > count && unscaled != 0 {
        let zeros = u32::try_from(kept - count).ok()?;
        unscaled = unscaled.checked_mul(10_i128.checked_pow(zeros)?)?;
    }
    let next = usize::try_from(kept).ok().and_then(|kept| digits().nth(kept));
    if next.is_some_and(|digit| *digit >= b'5') {
        unscaled = unscaled.checked_add(1)?;
    }
    fits(if negative { -unscaled } else { unscaled }, precision)
}

/// Days since 1970. Seconds count if they are a midnight, so that 20240131 is no date.
fn date(value: ValueRef<'_>) -> Option<i32> {
    let days = match value {
        ValueRef::Integer(seconds) if UNIX_SECONDS.contains(&seconds) => {
            (seconds % DAY == 0).then_some(seconds / DAY)?
        }
        ValueRef::Text(text) => {
            let (date, time, offset) = parse_instant(text)?;
            if time != NaiveTime::MIN || offset.unwrap_or(0) != 0 {
                return None;
            }
            days(date)
        }
        _ => return None,
    };
    i32::try_from(days).ok()
}

/// Microseconds since 1970, UTC. A text without an offset is taken as it stands.
fn instant(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(seconds) if UNIX_SECONDS.contains(&seconds) => Some(seconds * MICROS),
        ValueRef::Text(text) => {
            let (date, time, offset) = parse_instant(text)?;
            let seconds = days(date) * DAY + i64::from(time.num_seconds_from_midnight());
            // The fraction counts forward, so cutting digits rounds down before 1970 too.
            let fraction = i64::from(time.nanosecond() / 1_000);
            Some((seconds - offset.unwrap_or(0)) * MICROS + fraction)
        }
        _ => None,
    }
}

fn days(date: NaiveDate) -> i64 {
    // The default date is 1970-01-01.
    date.signed_duration_since(NaiveDate::default()).num_days()
}

/// `YYYY-MM-DD[( |T)HH:MM[:SS[.f{1,9}]][[ ](Z|±HH[[:]MM])]]`: date, time of day and seconds east.
fn parse_instant(text: &[u8]) -> Option<(NaiveDate, NaiveTime, Option<i64>)> {
    let mut text = Text(text.trim_ascii());
    let year = text.digits(4).filter(|year| *year > 0)?;
    text.required(b'-')?;
    let month = text.digits(2)?;
    text.required(b'-')?;
    let date = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, text.digits(2)?)?;
    if text.0.is_empty() {
        return Some((date, NaiveTime::MIN, None));
    }
    if !(text.skip(b' ') || text.skip(b'T') || text.skip(b't')) {
        return None;
    }
    let hour = text.digits(2)?;
    text.required(b':')?;
    let minute = text.digits(2)?;
    let second = if text.skip(b':') { text.digits(2)? } else { 0 };
    // A second of 60 is none: chrono wants a leap second's nanoseconds above 10^9.
    let nano = if text.skip(b'.') { text.fraction()? } else { 0 };
    let time = NaiveTime::from_hms_nano_opt(hour, minute, second, nano)?;
    let offset = text.offset()?;
    text.0.is_empty().then_some((date, time, offset))
}

/// What is left of a text.
struct Text<'a>(&'a [u8]);

impl Text<'_> {
    fn skip(&mut self, byte: u8) -> bool {
        match self.0.split_first() {
            Some((first, rest)) if *first == byte => {
                self.0 = rest;
                true
            }
            _ => false,
        }
    }

    fn required(&mut self, byte: u8) -> Option<()> {
        self.skip(byte).then_some(())
    }

    fn digit(&mut self) -> Option<u32> {
        let (first, rest) = self.0.split_first().filter(|(first, _)| first.is_ascii_digit())?;
        self.0 = rest;
        Some(u32::from(first - b'0'))
    }

    fn digits(&mut self, count: usize) -> Option<u32> {
        (0..count).try_fold(0, |number, _| Some(number * 10 + self.digit()?))
    }

    /// One to nine digits after the point, as nanoseconds.
    fn fraction(&mut self) -> Option<u32> {
        let mut nanos = self.digit()?;
        for _ in 1..9 {
            nanos = nanos * 10 + self.digit().unwrap_or(0);
        }
        Some(nanos)
    }

    fn offset(&mut self) -> Option<Option<i64>> {
        if self.0.is_empty() {
            return Some(None);
        }
        self.skip(b' ');
        if self.skip(b'Z') || self.skip(b'z') {
            return Some(Some(0));
        }
        let sign = if self.skip(b'-') { -1 } else { self.required(b'+').map(|()| 1)? };
        let hours = self.digits(2).filter(|hours| *hours < 24)?;
        let minutes = match self.skip(b':') || !self.0.is_empty() {
            true => self.digits(2).filter(|minutes| *minutes < 60)?,
            false => 0,
        };
        Some(Some(sign * i64::from(hours * 3_600 + minutes * 60)))
    }
}
