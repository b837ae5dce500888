//! Values of conditions as literals, written so that no engine reads them as another value.

use arrow::datatypes::{DataType, TimeUnit};
use chrono::DateTime;
use datafusion::common::ScalarValue;
use datafusion::logical_expr::{Expr, cast, lit};

use crate::error::{Code, Error, Result};
use crate::predicate::DoubleRange;

use super::flavor::elsewhere;
use super::{Dialect, Flavor, Planner, balanced};

impl Planner<'_> {
    /// A whole unit as a literal of a column's type.
    pub(super) fn unit(&self, unit: i128, data_type: &DataType) -> Result<Expr> {
        let unfit = || Error::new(Code::Internal, format!("{unit} is no {data_type}"));
        let int = i64::try_from(unit);
        let scalar = match data_type {
            DataType::Decimal128(_, scale) => ScalarValue::Decimal128(Some(unit), 38, *scale),
            DataType::Date32 => {
                let day = i32::try_from(unit).map_err(|_| unfit())?;
                return Ok(self.literal(ScalarValue::Date32(Some(day))));
            }
            DataType::UInt64 => {
                ScalarValue::UInt64(Some(u64::try_from(unit).map_err(|_| unfit())?))
            }
            other => {
                let int = ScalarValue::Int64(Some(int.map_err(|_| unfit())?));
                int.cast_to(other).map_err(super::internal)?
            }
        };
        Ok(Expr::Literal(scalar, None))
    }

    /// A date or timestamp as the dialect writes it.
    pub(super) fn literal(&self, value: ScalarValue) -> Expr {
        let Flavor::Text(dialect) = self.flavor else { return Expr::Literal(value, None) };
        let zoned = matches!(value.data_type(), DataType::Timestamp(_, Some(_)));
        let text = match (&value, micros(&value)) {
            (ScalarValue::Date32(Some(days)), _) if dialect == Dialect::Sqlite => {
                let at = DateTime::from_timestamp(i64::from(*days) * 86_400, 0);
                at.map(|at| at.format("%Y-%m-%d").to_string())
            }
            (_, Some(micros)) if dialect == Dialect::Sqlite => stamp(micros),
            // An offset is lost on the way to a timestamp without a zone.
            (_, Some(micros)) if zoned && dialect != Dialect::Spark => {
                let zoned = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
                let text = stamp(micros).map(|text| lit(format!("{text}+00:00")));
                let text = text.map(|text| match value.data_type() {
                    // DuckDB does not compare its two types of instants with each other.
                    DataType::Timestamp(TimeUnit::Nanosecond, _) if dialect == Dialect::DuckDb => {
                        elsewhere("nanosecond_instant", vec![text], zoned)
                    }
                    _ => cast(text, zoned),
                });
                return text.unwrap_or(Expr::Literal(value, None));
            }
            _ => None,
        };
        text.map_or(Expr::Literal(value, None), lit)
    }

    /// A double; text that says it to the last digit, where the plain number would be read as a
    /// decimal and lose some.
    pub(super) fn double(&self, value: f64) -> Expr {
        let text = format!("{value:?}");
        match self.flavor {
            Flavor::Text(_) if text.len() > 15 || text.contains('e') => {
                cast(lit(text), DataType::Float64)
            }
            _ => lit(value),
        }
    }

    /// Whether a double is neither missing nor NaN nor infinite.
    pub(super) fn finite(&self, value: Expr) -> Expr {
        if self.flavor == Flavor::Text(Dialect::DuckDb) {
            return elsewhere("isfinite", vec![value], DataType::Boolean);
        }
        let all = DoubleRange::FINITE;
        let low = value.clone().gt_eq(self.double(all.low));
        low.and(value.lt_eq(self.double(all.high)))
    }

    /// Whether a double is in one of the ranges.
    pub(super) fn doubles(&self, expr: Expr, ranges: &[DoubleRange]) -> Expr {
        let parts = ranges.iter().map(|range| {
            let (low, high) = (self.double(range.low), self.double(range.high));
            let low = match range.low_open {
                true => expr.clone().gt(low),
                false => expr.clone().gt_eq(low),
            };
            let high = match range.high_open {
                true => expr.clone().lt(high),
                false => expr.clone().lt_eq(high),
            };
            low.and(high)
        });
        balanced(parts.collect(), false)
    }
}

/// The microseconds of a timestamp; a bound on nanoseconds is always a whole number of them.
fn micros(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::TimestampSecond(Some(at), _) => at.checked_mul(1_000_000),
        ScalarValue::TimestampMillisecond(Some(at), _) => at.checked_mul(1_000),
        ScalarValue::TimestampMicrosecond(Some(at), _) => Some(*at),
        ScalarValue::TimestampNanosecond(Some(at), _) => Some(at.div_euclid(1_000)),
        _ => None,
    }
}

fn stamp(micros: i64) -> Option<String> {
    let at = DateTime::from_timestamp_micros(micros)?;
    Some(at.format("%Y-%m-%d %H:%M:%S%.6f").to_string())
}
