//! Times in a column's own unit: instants become bounds on the column, and the column instants.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use chrono_tz::Tz;
use datafusion::common::{Result, ScalarValue, exec_err};

use crate::model::{DAY, SECOND, day_bound, instant, wall_bound};

/// The least value of the column whose instant is `at` or later; `None` where the bound keeps or
/// drops everything that the unit can hold.
pub(super) fn bound(data_type: &DataType, zone: Tz, at: i64) -> Option<ScalarValue> {
    if at == i64::MIN || at == i64::MAX {
        return None;
    }
    match data_type {
        DataType::Date32 | DataType::Date64 => Some(ScalarValue::Date32(Some(day_bound(zone, at)))),
        DataType::Timestamp(unit, column_zone) => {
            // A column without a zone holds wall times of the model's zone.
            let at = if column_zone.is_some() { at } else { wall_bound(zone, at) };
            let zone = column_zone.clone();
            Some(match unit {
                TimeUnit::Second => ScalarValue::TimestampSecond(Some(ceil(at, SECOND)), zone),
                TimeUnit::Millisecond => {
                    ScalarValue::TimestampMillisecond(Some(ceil(at, 1_000)), zone)
                }
                TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(Some(at), zone),
                TimeUnit::Nanosecond => {
                    ScalarValue::TimestampNanosecond(Some(at.checked_mul(1_000)?), zone)
                }
            })
        }
        _ => None,
    }
}

fn ceil(value: i64, unit: i64) -> i64 {
    value.div_euclid(unit) + i64::from(value.rem_euclid(unit) != 0)
}

/// The instants of a date or timestamp column, in microseconds, rounded down.
pub(super) fn micros(array: &ArrayRef, zone: Tz) -> Result<Vec<Option<i64>>> {
    let at = |wall: i64| instant(zone, wall);
    let (raw, naive): (Vec<Option<i64>>, bool) = match array.data_type() {
        DataType::Date32 | DataType::Date64 => {
            let days = cast(array, &DataType::Date32)?;
            let days = days.as_primitive::<Date32Type>();
            (days.iter().map(|d| d.map(|d| i64::from(d).saturating_mul(DAY))).collect(), true)
        }
        DataType::Timestamp(unit, column_zone) => {
            let raw = match unit {
                TimeUnit::Second => {
                    scaled(array.as_primitive::<TimestampSecondType>().iter(), SECOND)
                }
                TimeUnit::Millisecond => {
                    scaled(array.as_primitive::<TimestampMillisecondType>().iter(), 1_000)
                }
                TimeUnit::Microsecond => {
                    array.as_primitive::<TimestampMicrosecondType>().iter().collect()
                }
                TimeUnit::Nanosecond => array
                    .as_primitive::<TimestampNanosecondType>()
                    .iter()
                    .map(|t| t.map(|t| t.div_euclid(1_000)))
                    .collect(),
            };
            (raw, column_zone.is_none())
        }
        other => return exec_err!("{other} is no time"),
    };
    if !naive || zone == Tz::UTC {
        return Ok(raw);
    }
    Ok(raw.into_iter().map(|t| t.map(at)).collect())
}

fn scaled(values: impl Iterator<Item = Option<i64>>, by: i64) -> Vec<Option<i64>> {
    values.map(|t| t.map(|t| t.saturating_mul(by))).collect()
}
