//! What one user has of the values that a rule tests, and which of its conditions hold.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{
    DataType, Decimal128Type, Float64Type, Int64Type, TimestampMicrosecondType,
};
use chrono::{DateTime, SecondsFormat};
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::LogicalPlan;

use crate::Number;
use crate::document::Json;
use crate::error::Result;
use crate::model::FieldType;
use crate::predicate::{Atom, Predicate, Test, Value};

use super::expr::Tested;
use super::stream::Streams;
use super::{Planner, internal};

/// How a value's columns are read.
#[derive(Clone, Debug)]
pub(crate) struct Shown {
    ty: FieldType,
    at: usize,
    /// The column of an average's count.
    count: Option<usize>,
}

impl Planner<'_> {
    /// For each predicate whether it holds, columns from the second on, and after those the
    /// values.
    pub(crate) fn explained(
        &self,
        predicates: &[&Predicate],
        values: &[&Value],
    ) -> Result<(LogicalPlan, Vec<Shown>)> {
        let present = |value: &&Value| {
            let value = (*value).clone();
            Predicate::Atom(Atom { value, test: Test::Present, negated: false })
        };
        let there: Vec<Predicate> = values.iter().map(present).collect();
        let all: Vec<&Predicate> = predicates.iter().copied().chain(&there).collect();
        let streams = Streams::of(&all);
        let mut columns = vec![self.key()];
        for (index, predicate) in predicates.iter().enumerate() {
            let truth = self.predicate(predicate, false, &streams)?;
            columns.push(truth.is_true().alias(format!("p{index}")));
        }
        let mut shown = Vec::with_capacity(values.len());
        for (index, value) in values.iter().enumerate() {
            let Tested { expr, count, ty, .. } = self.comparable(value, &streams)?;
            let at = columns.len();
            columns.push(expr.alias(format!("v{index}")));
            let count = count.map(|count| {
                columns.push(count.alias(format!("n{index}")));
                at + 1
            });
            shown.push(Shown { ty, at, count });
        }
        let plan = self.joined(&streams)?.project(columns).map_err(internal)?;
        Ok((plan.build().map_err(internal)?, shown))
    }
}

impl Shown {
    /// The value in a row of the plan, as JSON: numbers with all of their digits, averages as the
    /// nearest double, days and instants as text, `null` where there is none.
    pub(crate) fn json(&self, columns: &[ArrayRef], row: usize) -> DfResult<Json> {
        let value = super::functions::arg(columns, self.at)?;
        if let Some(count) = self.count {
            let count = cast(super::functions::arg(columns, count)?, &DataType::Int64)?;
            let count = count.as_primitive::<Int64Type>();
            return match (count.is_valid(row), count.is_valid(row).then(|| count.value(row))) {
                (true, Some(count)) if count > 0 => {
                    let Json::Number(sum) = json(value, row)? else { return Ok(Json::Null) };
                    let (digits, scale) = (sum.digits(), i8::try_from(sum.scale()).unwrap_or(0));
                    let average = super::exact::Value::Ratio { digits, scale, count };
                    Ok(number(format!("{:e}", average.to_f64())))
                }
                _ => Ok(Json::Null),
            };
        }
        match self.ty {
            FieldType::Boolean => Ok(match cast(value, &DataType::Boolean)?.as_boolean() {
                truths if truths.is_valid(row) => Json::Bool(truths.value(row)),
                _ => Json::Null,
            }),
            _ => json(value, row),
        }
    }
}

fn number(text: String) -> Json {
    text.parse::<Number>().map_or(Json::Null, Json::Number)
}

/// One value of a column.
fn json(column: &ArrayRef, row: usize) -> DfResult<Json> {
    if column.is_null(row) {
        return Ok(Json::Null);
    }
    Ok(match column.data_type() {
        DataType::Boolean => Json::Bool(column.as_boolean().value(row)),
        DataType::Decimal128(_, scale) => {
            let digits = column.as_primitive::<Decimal128Type>().value(row);
            let number = Number::from_parts(digits, i32::from(*scale));
            number.map_or(Json::Null, Json::Number)
        }
        t if t.is_floating() => {
            let double = cast(column, &DataType::Float64)?;
            match double.as_primitive::<Float64Type>().value(row) {
                double if double.is_finite() => number(format!("{double:e}")),
                _ => Json::Null,
            }
        }
        t if t.is_integer() => {
            let text = cast(column, &DataType::Utf8)?;
            number(text.as_string::<i32>().value(row).to_owned())
        }
        DataType::Timestamp(_, _) => {
            let utc = DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, None);
            let at = cast(column, &utc)?.as_primitive::<TimestampMicrosecondType>().value(row);
            let at = DateTime::from_timestamp_micros(at);
            let text = at.map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true));
            text.map_or(Json::Null, Json::String)
        }
        DataType::List(_) | DataType::LargeList(_) | DataType::FixedSizeList(_, _) => {
            let elements = match column.data_type() {
                DataType::List(_) => column.as_list::<i32>().value(row),
                DataType::LargeList(_) => column.as_list::<i64>().value(row),
                _ => column.as_fixed_size_list().value(row),
            };
            let elements = (0..elements.len()).map(|at| json(&elements, at));
            Json::Array(elements.collect::<DfResult<_>>()?)
        }
        _ => Json::String(cast(column, &DataType::Utf8)?.as_string::<i32>().value(row).to_owned()),
    })
}
