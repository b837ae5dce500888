//! Times in a column's own unit: instants become bounds on the column, and the column instants.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Date32Type, TimeUnit, TimestampMicrosecondType, TimestampMillisecondType,
    TimestampNanosecondType, TimestampSecondType,
};
use chrono_tz::Tz;
use datafusion::common::{Result, ScalarValue, exec_err};

use crate::model::{DAY, Offsets, SECOND, day_bound, wall_bound};

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

/// How a column's times become instants: microseconds, rounded down.
#[derive(Clone)]
pub(crate) struct Instants {
    /// A unit of the column is so many microseconds; of nanoseconds, a thousand are one.
    unit: i64,
    /// What wall times are read by.
    offsets: Option<Arc<Offsets>>,
}

impl std::fmt::Debug for Instants {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Instants({}, {})", self.unit, self.offsets.is_some())
    }
}

impl Instants {
    /// Of a date or timestamp column; without a zone of its own, it has the wall times of `zone`.
    pub(crate) fn of(data_type: &DataType, zone: Tz) -> Self {
        let (unit, naive) = match data_type {
            DataType::Timestamp(unit, zone) => {
                let unit = match unit {
                    TimeUnit::Second => SECOND,
                    TimeUnit::Millisecond => 1_000,
                    TimeUnit::Microsecond => 1,
                    TimeUnit::Nanosecond => 0,
                };
                (unit, zone.is_none())
            }
            _ => (DAY, true),
        };
        Instants { unit, offsets: (naive && zone != Tz::UTC).then(|| Offsets::of(zone)) }
    }

    /// The instant of a time.
    pub(crate) fn at(&self, time: i64) -> i64 {
        let micros = match self.unit {
            0 => time.div_euclid(1_000),
            unit => time.saturating_mul(unit),
        };
        self.offsets.as_ref().map_or(micros, |offsets| offsets.instant(micros))
    }
}

/// The instants of a date or timestamp column, in microseconds, rounded down.
pub(super) fn micros(array: &ArrayRef, zone: Tz) -> Result<Vec<Option<i64>>> {
    let instants = Instants::of(array.data_type(), zone);
    let times: Vec<Option<i64>> = match array.data_type() {
        DataType::Date32 | DataType::Date64 => {
            let days = cast(array, &DataType::Date32)?;
            days.as_primitive::<Date32Type>().iter().map(|d| d.map(i64::from)).collect()
        }
        DataType::Timestamp(unit, _) => match unit {
            TimeUnit::Second => array.as_primitive::<TimestampSecondType>().iter().collect(),
            TimeUnit::Millisecond => {
                array.as_primitive::<TimestampMillisecondType>().iter().collect()
            }
            TimeUnit::Microsecond => {
                array.as_primitive::<TimestampMicrosecondType>().iter().collect()
            }
            TimeUnit::Nanosecond => {
                array.as_primitive::<TimestampNanosecondType>().iter().collect()
            }
        },
        other => return exec_err!("{other} is no time"),
    };
    Ok(times.into_iter().map(|time| time.map(|time| instants.at(time))).collect())
}
