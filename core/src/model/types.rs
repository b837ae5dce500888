//! What a column is to the rule language, whatever its exact Arrow type.

use std::fmt;

use arrow::datatypes::DataType;

/// The type of a field, as rules see it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FieldType {
    /// True or false.
    Boolean,
    /// Whole numbers of any width.
    Integer,
    /// Exact decimals with so many digits after the point.
    Decimal {
        /// Digits after the point; negative for whole tens and more.
        scale: i32,
    },
    /// Doubles; NaN and infinity count as missing.
    Float,
    /// An average: an exact ratio that is never rounded.
    Ratio,
    /// Unicode text, ordered by code point.
    String,
    /// A day.
    Date,
    /// An instant in microseconds.
    Timestamp,
    /// A list of values of one of the types above.
    List(Box<FieldType>),
    /// A position on the earth.
    Point,
}

impl FieldType {
    /// The field type of an Arrow type, or `None` where rules can't use it.
    #[must_use]
    pub fn of(data_type: &DataType) -> Option<FieldType> {
        Some(match data_type {
            DataType::Boolean => FieldType::Boolean,
            t if t.is_integer() => FieldType::Integer,
            DataType::Decimal32(_, s)
            | DataType::Decimal64(_, s)
            | DataType::Decimal128(_, s)
            | DataType::Decimal256(_, s) => FieldType::Decimal { scale: i32::from(*s) },
            t if t.is_floating() => FieldType::Float,
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => FieldType::String,
            DataType::Date32 | DataType::Date64 => FieldType::Date,
            DataType::Timestamp(_, _) => FieldType::Timestamp,
            DataType::Dictionary(_, value) => match FieldType::of(value)? {
                FieldType::List(_) => return None,
                scalar => scalar,
            },
            DataType::List(field)
            | DataType::LargeList(field)
            | DataType::FixedSizeList(field, _) => match FieldType::of(field.data_type())? {
                FieldType::List(_) => return None,
                element => FieldType::List(Box::new(element)),
            },
            _ => return None,
        })
    }

    /// Whether it is a number of any kind.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(
            self,
            FieldType::Integer | FieldType::Decimal { .. } | FieldType::Float | FieldType::Ratio
        )
    }

    /// Whether its values have an order: numbers, dates, timestamps and strings.
    #[must_use]
    pub fn is_ordered(&self) -> bool {
        self.is_number()
            || matches!(self, FieldType::String | FieldType::Date | FieldType::Timestamp)
    }

    /// A value of the type, for messages: `an integer`, `a string`.
    pub(crate) fn one(&self) -> String {
        let article = if *self == FieldType::Integer { "an" } else { "a" };
        format!("{article} {self}")
    }
}

impl fmt::Display for FieldType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FieldType::Boolean => f.write_str("boolean"),
            FieldType::Integer => f.write_str("integer"),
            FieldType::Decimal { .. } | FieldType::Ratio => f.write_str("decimal"),
            FieldType::Float => f.write_str("float"),
            FieldType::String => f.write_str("string"),
            FieldType::Date => f.write_str("date"),
            FieldType::Timestamp => f.write_str("timestamp"),
            FieldType::List(element) => write!(f, "list of {element}"),
            FieldType::Point => f.write_str("point"),
        }
    }
}
