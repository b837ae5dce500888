//! The Arrow types of metrics: of the field that is aggregated, and of the value that comes out.

use arrow::datatypes::{DataType, TimeUnit};

use crate::model::{Column, FieldType};
use crate::predicate::{Metric, sum_scale};
use crate::rule::Aggregate;

use super::Flavor;
use super::expr::plain_type;
use super::times::Clock;

/// A metric's field as every source gives it.
pub(super) fn value_type(metric: &Metric, flavor: Flavor) -> DataType {
    let fields: Vec<&Column> = metric.sources.iter().filter_map(|s| s.field.as_ref()).collect();
    let types: Vec<&FieldType> = fields.iter().map(|field| &field.ty).collect();
    match (metric.aggregate, types.first()) {
        (Aggregate::Sum | Aggregate::Avg, _) => {
            let scale = sum_scale(&types);
            match (fields.as_slice(), flavor) {
                ([one], Flavor::Engine) if one.ty == FieldType::Integer => match one.data_type {
                    DataType::UInt64 => DataType::Decimal128(20, 0),
                    _ => DataType::Int64,
                },
                _ => DataType::Decimal128(38, i8::try_from(scale).unwrap_or(0)),
            }
        }
        (_, Some(_)) if fields.len() == 1 => {
            fields.first().map_or(DataType::Null, |field| plain_type(&field.data_type))
        }
        (_, Some(_)) if types.contains(&&FieldType::Float) => DataType::Float64,
        (_, Some(FieldType::Integer | FieldType::Decimal { .. })) => {
            let unsigned = fields.iter().any(|field| field.data_type == DataType::UInt64);
            match types.iter().all(|ty| **ty == FieldType::Integer) {
                true if unsigned => DataType::Decimal128(20, 0),
                true => DataType::Int64,
                false => {
                    let scale = sum_scale(&types);
                    DataType::Decimal128(38, i8::try_from(scale).unwrap_or(0))
                }
            }
        }
        (_, Some(FieldType::String)) => DataType::Utf8,
        (_, Some(FieldType::Date)) => DataType::Date32,
        (_, Some(FieldType::Timestamp)) => shared_type(&field_types(metric), flavor),
        (_, Some(_)) => DataType::Boolean,
        (_, None) => DataType::Int64,
    }
}

/// The type of instants: microseconds in UTC.
pub(super) fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

/// The type of times of several columns: a dialect keeps wall times as they are.
pub(super) fn shared_type(types: &[&DataType], flavor: Flavor) -> DataType {
    let zoned = types.iter().any(|t| matches!(t, DataType::Timestamp(_, Some(_))));
    match flavor {
        Flavor::Text(_) if !zoned => Clock::Wall.data_type(),
        _ => instant_type(),
    }
}

pub(super) fn time_types(metric: &Metric) -> Vec<&DataType> {
    metric.sources.iter().map(|source| &source.time.data_type).collect()
}

pub(super) fn field_types(metric: &Metric) -> Vec<&DataType> {
    let fields = metric.sources.iter().filter_map(|source| source.field.as_ref());
    fields.map(|field| &field.data_type).collect()
}

/// The Arrow type of a metric's value, for tests of it.
pub(super) fn result_type(metric: &Metric, flavor: Flavor) -> DataType {
    let value = value_type(metric, flavor);
    match metric.aggregate {
        Aggregate::Count | Aggregate::CountDistinct => DataType::Int64,
        Aggregate::Sum | Aggregate::Avg => match value {
            DataType::Decimal128(_, scale) => DataType::Decimal128(38, scale),
            _ => DataType::Decimal128(38, 0),
        },
        Aggregate::Min | Aggregate::Max | Aggregate::First | Aggregate::Last => value,
        Aggregate::DaysSinceFirst | Aggregate::DaysSinceLast => match metric.sources.as_slice() {
            [one] => plain_type(&one.time.data_type),
            _ => shared_type(&time_types(metric), flavor),
        },
    }
}
