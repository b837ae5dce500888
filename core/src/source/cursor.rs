//! Ever-growing columns: which can be one, and their values as literals.

use arrow::datatypes::{DataType, Schema, TimeUnit};
use datafusion::common::ScalarValue;

use crate::error::{Code, Error, Problem, Result};

/// A whole number, in the column's own unit, as a literal of a type; nothing for types that a
/// cursor can't have.
pub(crate) fn literal(data_type: &DataType, value: i64) -> Option<ScalarValue> {
    Some(match data_type {
        DataType::Timestamp(unit, zone) => {
            let (value, zone) = (Some(value), zone.clone());
            match unit {
                TimeUnit::Second => ScalarValue::TimestampSecond(value, zone),
                TimeUnit::Millisecond => ScalarValue::TimestampMillisecond(value, zone),
                TimeUnit::Microsecond => ScalarValue::TimestampMicrosecond(value, zone),
                TimeUnit::Nanosecond => ScalarValue::TimestampNanosecond(value, zone),
            }
        }
        DataType::Date32 => ScalarValue::Date32(Some(i32::try_from(value).ok()?)),
        DataType::Decimal128(precision, scale) => {
            ScalarValue::Decimal128(Some(value.into()), *precision, *scale)
        }
        integer if integer.is_integer() => ScalarValue::Int64(Some(value)).cast_to(integer).ok()?,
        _ => return None,
    })
}

/// Refuses a column that is not there or can't be a cursor.
pub(super) fn check(schema: &Schema, column: &str) -> Result<()> {
    let Ok(field) = schema.field_with_name(column) else {
        let message = format!("there is no column {column:?} to be its cursor");
        let names = schema.fields().iter().map(|field| field.name().as_str());
        return Err(Problem::new(Code::MissingColumn, "", message).nearest(column, names).into());
    };
    if literal(field.data_type(), 0).is_none() {
        let message = format!(
            "the column {column:?} of type {} can't be its cursor, which is an integer, a decimal, \
             a date or a timestamp",
            field.data_type()
        );
        return Err(Error::new(Code::TypeMismatch, message));
    }
    Ok(())
}
