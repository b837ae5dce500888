//! Columns as whole numbers of 64 bits, the one form in which the pass keeps values.

use arrow::array::{Array, ArrayRef, AsArray, PrimitiveArray};
use arrow::buffer::{NullBuffer, ScalarBuffer};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float64Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt64Type,
};
use datafusion::common::Result as DfResult;

use crate::plan::ordered;

/// The values of a column.
#[derive(Clone)]
pub(in crate::engine) struct Whole {
    pub(in crate::engine) values: ScalarBuffer<i64>,
    /// Which are there; all if nothing.
    pub(in crate::engine) valid: Option<NullBuffer>,
    /// Whether one of them does not fit.
    pub(in crate::engine) unfit: bool,
}

fn own<T: ArrowPrimitiveType<Native = i64>>(array: &ArrayRef) -> (ScalarBuffer<i64>, bool) {
    (array.as_primitive::<T>().values().clone(), false)
}

/// Values of another type, and whether one that is there does not fit; such stand at an end.
fn narrowed<T: ArrowPrimitiveType>(
    array: &PrimitiveArray<T>,
    narrow: impl Fn(T::Native) -> Result<i64, i64>,
) -> (ScalarBuffer<i64>, bool) {
    let mut unfit = false;
    let values = array.values().iter().enumerate().map(|(row, value)| {
        narrow(*value).unwrap_or_else(|end| {
            unfit |= array.is_valid(row);
            end
        })
    });
    (values.collect::<Vec<i64>>().into(), unfit)
}

/// The column's numbers in its own unit: decimals at their scale, days, times in the column's
/// unit, doubles as numbers of the same order (NaN and infinity are missing), truths as 0 and 1. Of
/// other types only tells which values are there.
pub(in crate::engine) fn whole(array: &ArrayRef) -> DfResult<Whole> {
    let mut valid = array.logical_nulls().filter(|nulls| nulls.null_count() > 0);
    let (values, unfit) = match array.data_type() {
        DataType::Int64 => own::<Int64Type>(array),
        DataType::Timestamp(TimeUnit::Second, _) => own::<TimestampSecondType>(array),
        DataType::Timestamp(TimeUnit::Millisecond, _) => own::<TimestampMillisecondType>(array),
        DataType::Timestamp(TimeUnit::Microsecond, _) => own::<TimestampMicrosecondType>(array),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => own::<TimestampNanosecondType>(array),
        DataType::UInt64 => narrowed(array.as_primitive::<UInt64Type>(), |value| {
            i64::try_from(value).or(Err(i64::MAX))
        }),
        DataType::Decimal128(_, _) => narrowed(array.as_primitive::<Decimal128Type>(), |value| {
            i64::try_from(value).map_err(|_| if value < 0 { i64::MIN } else { i64::MAX })
        }),
        DataType::Date32 => {
            narrowed(array.as_primitive::<Date32Type>(), |value| Ok(i64::from(value)))
        }
        DataType::Float64 => {
            let doubles = array.as_primitive::<Float64Type>();
            let finite = NullBuffer::from_iter(doubles.values().iter().map(|v| v.is_finite()));
            valid = NullBuffer::union(valid.as_ref(), Some(&finite)).filter(|n| n.null_count() > 0);
            narrowed(doubles, |value| Ok(ordered(value)))
        }
        DataType::Boolean => {
            let truths = array.as_boolean().values().iter();
            (truths.map(i64::from).collect::<Vec<i64>>().into(), false)
        }
        integer if integer.is_integer() => return whole(&cast(array, &DataType::Int64)?),
        _ => (vec![0; array.len()].into(), false),
    };
    Ok(Whole { values, valid, unfit })
}

impl Whole {
    #[inline(always)]
    pub(in crate::engine) fn is_valid(&self, row: usize) -> bool {
        self.valid.as_ref().is_none_or(|valid| valid.is_valid(row))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{Decimal128Array, Float64Array, StringArray, UInt64Array};

    use super::*;

    #[test]
    fn what_does_not_fit_is_told() {
        let large: ArrayRef = Arc::new(UInt64Array::from(vec![Some(7), None, Some(u64::MAX)]));
        let found = whole(&large).unwrap();
        assert!(found.unfit && found.is_valid(0) && !found.is_valid(1));
        let decimals: ArrayRef = Arc::new(Decimal128Array::from(vec![Some(-5), None]));
        let found = whole(&decimals).unwrap();
        assert_eq!((found.values.first(), found.unfit), (Some(&-5), false));
    }

    #[test]
    fn no_double_is_there_without_being_finite() {
        let doubles: ArrayRef = Arc::new(Float64Array::from(vec![1.0, f64::NAN, f64::INFINITY]));
        let found = whole(&doubles).unwrap();
        assert_eq!([0, 1, 2].map(|row| found.is_valid(row)), [true, false, false]);
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None]));
        let found = whole(&texts).unwrap();
        assert_eq!([0, 1].map(|row| found.is_valid(row)), [true, false]);
    }
}
