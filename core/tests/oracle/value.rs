//! Values as rules see them: cells without their widths, units and zones. A missing one is `None`.

use std::cmp::Ordering;

use chrono_tz::Tz;

use super::number::Exact;
use super::table::{Cell, ColumnType, TimeUnit};
use super::time::{date_of_days, day_start, instant_of_wall};
use super::{OracleError, failed};

#[derive(Clone, Debug, PartialEq)]
pub enum Kind {
    Bool,
    /// Integers and decimals.
    Exact,
    Float,
    Text,
    Date,
    Stamp,
    List(Box<Kind>),
    Point,
}

#[derive(Clone, Debug)]
pub enum Value {
    Bool(bool),
    Exact(Exact),
    /// Finite, and never −0.
    Float(f64),
    Text(String),
    /// Days since 1970.
    Date(i32),
    /// Microseconds since 1970, UTC.
    Stamp(i64),
    List(Vec<Value>),
    /// Latitude and longitude, in range.
    Point(f64, f64),
}

impl Kind {
    pub fn of(ty: &ColumnType) -> Kind {
        match ty {
            ColumnType::Bool => Kind::Bool,
            ColumnType::Int { .. } | ColumnType::Decimal { .. } => Kind::Exact,
            ColumnType::Float32 | ColumnType::Float64 => Kind::Float,
            ColumnType::Text => Kind::Text,
            ColumnType::Date => Kind::Date,
            ColumnType::Stamp { .. } => Kind::Stamp,
            ColumnType::List(item) => Kind::List(Box::new(Kind::of(item))),
        }
    }

    pub fn is_number(&self) -> bool {
        matches!(self, Kind::Exact | Kind::Float)
    }

    pub fn is_ordered(&self) -> bool {
        matches!(self, Kind::Exact | Kind::Float | Kind::Text | Kind::Date | Kind::Stamp)
    }

    /// The kind that holds both.
    pub fn unify(self, other: Kind) -> Result<Kind, OracleError> {
        if self == other {
            Ok(self)
        } else if self.is_number() && other.is_number() {
            Ok(Kind::Float)
        } else {
            failed("type_mismatch", format!("{self:?} in one table, {other:?} in another"))
        }
    }

    /// Whether a field of this kind may be compared with one of the other.
    pub fn comparable(&self, other: &Kind) -> bool {
        (self.is_number() && other.is_number())
            || (self == other && !matches!(self, Kind::List(_) | Kind::Point))
    }
}

impl Value {
    pub fn float(value: f64) -> Option<Value> {
        // adding zero turns −0 into 0
        if value.is_finite() { Some(Value::Float(value + 0.0)) } else { None }
    }

    /// The value of a cell; wall time is read in the model's zone.
    pub fn of_cell(
        cell: &Cell,
        ty: &ColumnType,
        model_zone: Tz,
    ) -> Result<Option<Value>, OracleError> {
        Ok(match (cell, ty) {
            (Cell::Null, _) => None,
            (Cell::Bool(value), ColumnType::Bool) => Some(Value::Bool(*value)),
            (Cell::Int(value), ColumnType::Int { .. }) => Some(Value::Exact(Exact::int(*value))),
            (Cell::Decimal(unscaled), ColumnType::Decimal { scale, .. }) => {
                Some(Value::Exact(Exact::decimal(*unscaled, i32::from(*scale))))
            }
            (Cell::Float(value), ColumnType::Float64) => Value::float(*value),
            (Cell::Float(value), ColumnType::Float32) => Value::float(f64::from(*value as f32)),
            (Cell::Text(text), ColumnType::Text) => Some(Value::Text(text.clone())),
            (Cell::Date(days), ColumnType::Date) => Some(Value::Date(*days)),
            (Cell::Stamp(count), ColumnType::Stamp { unit, zone }) => {
                let micros = micros(*count, *unit)?;
                Some(Value::Stamp(match zone {
                    Some(_) => micros,
                    None => instant_of_wall(model_zone, micros),
                }))
            }
            (Cell::List(cells), ColumnType::List(item)) => {
                let mut items = Vec::new();
                for cell in cells {
                    items.extend(Value::of_cell(cell, item, model_zone)?);
                }
                Some(Value::List(items))
            }
            (cell, ty) => {
                return failed("unreadable_source", format!("{cell:?} in a column of {ty:?}"));
            }
        })
    }

    /// The value as the kind of its field: an exact number in a field of floats is the nearest one.
    pub fn of_kind(self, kind: &Kind) -> Value {
        match (self, kind) {
            (Value::Exact(value), Kind::Float) => Value::Float(value.nearest_double()),
            (value, _) => value,
        }
    }

    /// The order of two values of comparable kinds. Where either number is a double, both are.
    pub fn order(&self, other: &Value) -> Ordering {
        let doubles = |one: f64, other: f64| one.partial_cmp(&other).expect("never NaN");
        match (self, other) {
            (Value::Bool(one), Value::Bool(other)) => one.cmp(other),
            (Value::Exact(one), Value::Exact(other)) => one.cmp(other),
            (Value::Float(one), Value::Float(other)) => doubles(*one, *other),
            (Value::Exact(one), Value::Float(other)) => doubles(one.nearest_double(), *other),
            (Value::Float(one), Value::Exact(other)) => doubles(*one, other.nearest_double()),
            // bytes of UTF-8 are in the order of code points
            (Value::Text(one), Value::Text(other)) => one.cmp(other),
            (Value::Date(one), Value::Date(other)) => one.cmp(other),
            (Value::Stamp(one), Value::Stamp(other)) => one.cmp(other),
            (one, other) => panic!("{one:?} and {other:?} have no order"),
        }
    }

    /// The instant of a date or a timestamp; a date is its midnight in `zone`.
    pub fn instant(&self, zone: Tz) -> i64 {
        match self {
            Value::Date(days) => day_start(zone, date_of_days(*days)),
            Value::Stamp(micros) => *micros,
            other => panic!("{other:?} is no time"),
        }
    }
}

fn micros(count: i64, unit: TimeUnit) -> Result<i64, OracleError> {
    let micros = match unit {
        TimeUnit::Second => count.checked_mul(1_000_000),
        TimeUnit::Millisecond => count.checked_mul(1_000),
        TimeUnit::Microsecond => Some(count),
        TimeUnit::Nanosecond => Some(count.div_euclid(1_000)),
    };
    micros.map_or_else(|| failed("overflow", "a timestamp out of range"), Ok)
}
