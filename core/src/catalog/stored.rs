//! What storing does to texts, instants and keys, the same in every catalog.

use std::collections::HashSet;
use std::ops::Range;

use arrow::array::{Int64Array, LargeStringArray};
use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, SubsecRound, TimeDelta, Utc};

use super::{NewRun, Owner, RuleText, ScheduleRow};
use crate::error::{Code, Error, Result};
use crate::model::{Key, KeyColumn, KeyType};

/// The instant in whole microseconds, which is all that is kept of it.
pub(super) fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

/// The run with its instants as they are kept.
pub(super) fn run(run: &NewRun) -> NewRun {
    NewRun {
        as_of: micros(run.as_of),
        started_at: micros(run.started_at),
        finished_at: micros(run.finished_at),
        report: run.report.clone(),
    }
}

/// So much later, or as late as there is.
pub(super) fn later(at: DateTime<Utc>, by: TimeDelta) -> DateTime<Utc> {
    micros(at.checked_add_signed(by).unwrap_or(DateTime::<Utc>::MAX_UTC))
}

/// The schedule's state with its instants as they are kept.
pub(super) fn schedule(row: &ScheduleRow) -> ScheduleRow {
    ScheduleRow {
        handled_until: row.handled_until.map(micros),
        missed_at: row.missed_at.map(micros),
        retry_at: row.retry_at.map(micros),
        ..row.clone()
    }
}

/// The instant as it is written: `2025-01-01T00:00:00.000000Z`.
pub(super) fn instant_text(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// The instant that a text means. Texts without a zone are what the original wrote, in UTC.
pub(super) fn instant(text: &str) -> Option<DateTime<Utc>> {
    let text = text.trim();
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(micros(at.to_utc()));
    }
    let naive = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f"]
        .iter()
        .find_map(|format| NaiveDateTime::parse_from_str(text, format).ok())
        .or_else(|| {
            let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
            Some(day.and_time(NaiveTime::MIN))
        })?;
    Some(micros(naive.and_utc()))
}

/// The wording as it is kept: a blank text, or the JSON text `null`, is nothing.
///
/// Web forms and JSON columns write those where they mean that a member is absent.
pub(super) fn wording(text: RuleText) -> RuleText {
    RuleText {
        rule_name: text.rule_name,
        description: text.description.filter(|description| !description.is_empty()),
        conditions: something(text.conditions),
        schedule: something(text.schedule),
        timezone: something(text.timezone),
        start_date: something(text.start_date),
        end_date: something(text.end_date),
        depends_on: something(text.depends_on),
        operation: something(text.operation),
        include: something(text.include),
        exclude: something(text.exclude),
        enabled: text.enabled,
    }
}

fn something(text: Option<String>) -> Option<String> {
    text.filter(|text| !matches!(text.trim(), "" | "null"))
}

/// A segment's new members lean on those of a version that is not there.
pub(super) fn no_members(rule: i64) -> Error {
    let message = format!("the segment of rule {rule} has no members to begin with");
    Error::new(Code::Internal, message)
}

/// A lease that others have taken over, or that was given back.
pub(super) fn lease_lost(rule: i64, by: Option<&Owner>) -> Error {
    let by = by.map_or_else(String::new, |owner| format!(" by {owner}"));
    let message = format!("the lease on rule {rule} was taken over{by}; nothing was published");
    Error::new(Code::LeaseLost, message)
}

/// Refuses keys of another kind than those that are there.
pub(super) fn check_key_type(there: KeyType, new: KeyType) -> Result<()> {
    if there == new { Ok(()) } else { Err(other_key_type(there, new)) }
}

fn other_key_type(there: KeyType, new: KeyType) -> Error {
    let (there, new) = (there.as_str(), new.as_str());
    Error::new(Code::BadKey, format!("the keys known so far are {there}, these are {new}"))
}

/// Refuses keys whose ordinals would not fit.
pub(super) fn check_key_count(there: usize, more: usize) -> Result<()> {
    match there.checked_add(more).map(u32::try_from) {
        Some(Ok(_)) => Ok(()),
        _ => Err(Error::new(Code::LimitExceeded, "there can be no more than 2^32 - 1 user keys")),
    }
}

/// The keys of both columns, which must be of one kind.
pub(super) fn join(first: &KeyColumn, second: &KeyColumn) -> Result<KeyColumn> {
    let nulls = first.null_count() + second.null_count() > 0;
    match (first, second) {
        (KeyColumn::Int(first), KeyColumn::Int(second)) if !nulls => {
            let keys = first.values().iter().chain(second.values()).copied();
            Ok(KeyColumn::Int(Int64Array::from_iter_values(keys)))
        }
        (KeyColumn::Int(first), KeyColumn::Int(second)) => {
            Ok(KeyColumn::Int(first.iter().chain(second.iter()).collect()))
        }
        (KeyColumn::Text(first), KeyColumn::Text(second)) => {
            Ok(KeyColumn::Text(first.iter().chain(second.iter()).collect()))
        }
        _ => Err(other_key_type(first.key_type(), second.key_type())),
    }
}

/// The keys at these places, which must be there.
pub(super) fn slice(keys: &KeyColumn, places: Range<usize>) -> KeyColumn {
    let (from, count) = (places.start, places.len());
    match keys {
        KeyColumn::Int(keys) => KeyColumn::Int(keys.slice(from, count)),
        KeyColumn::Text(keys) => KeyColumn::Text(keys.slice(from, count)),
    }
}

/// The keys but for those at some places, where there is none.
pub(super) fn without(keys: &KeyColumn, places: impl Iterator<Item = u32>) -> KeyColumn {
    let places: HashSet<usize> = places.filter_map(|place| usize::try_from(place).ok()).collect();
    if places.is_empty() {
        return keys.clone();
    }
    let there = |place: &usize| !places.contains(place);
    match keys {
        KeyColumn::Int(keys) => {
            let keys = keys.iter().enumerate();
            KeyColumn::Int(keys.map(|(place, key)| key.filter(|_| there(&place))).collect())
        }
        KeyColumn::Text(keys) => {
            let keys = keys.iter().enumerate();
            KeyColumn::Text(keys.map(|(place, key)| key.filter(|_| there(&place))).collect())
        }
    }
}

/// The places of a key.
pub(super) fn places<'a>(
    keys: &'a KeyColumn,
    key: &'a Key,
) -> Box<dyn Iterator<Item = usize> + 'a> {
    match (keys, key) {
        (KeyColumn::Int(keys), Key::Int(key)) => {
            let keys = keys.iter().enumerate();
            Box::new(keys.filter(move |(_, known)| *known == Some(*key)).map(|(place, _)| place))
        }
        (KeyColumn::Text(keys), Key::Text(key)) => {
            let keys = keys.iter().enumerate();
            Box::new(keys.filter(move |(_, known)| *known == Some(key)).map(|(place, _)| place))
        }
        _ => Box::new(std::iter::empty()),
    }
}

/// The keys with nothing written at a place.
pub(super) fn blanked(keys: &KeyColumn, blank: usize) -> KeyColumn {
    match keys {
        KeyColumn::Int(keys) => {
            let keys = keys.values().iter().enumerate();
            let keys = keys.map(|(place, key)| if place == blank { 0 } else { *key });
            KeyColumn::Int(Int64Array::from_iter_values(keys))
        }
        KeyColumn::Text(keys) => {
            let keys = keys.iter().enumerate();
            let keys = keys.map(|(place, key)| match key {
                Some(key) if place != blank => key,
                _ => "",
            });
            KeyColumn::Text(LargeStringArray::from_iter_values(keys))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_of_both_programs_are_read() {
        let at = instant("2025-03-01T06:30:00.250000Z");
        assert_eq!(at.map(instant_text).as_deref(), Some("2025-03-01T06:30:00.250000Z"));
        assert_eq!(instant("2025-03-01 06:30:00.250000"), at);
        assert_eq!(instant("2025-03-01T12:00:00.2500009+05:30"), at);
        assert_eq!(instant("2025-03-01"), instant("2025-03-01 00:00:00"));
        assert!(instant("2025-03-01").is_some());
        assert_eq!(instant("yesterday"), None);
        assert_eq!(instant(""), None);
    }
}
