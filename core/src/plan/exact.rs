//! Exact comparison of numbers of different kinds: decimals, doubles and averages.

use std::cmp::Ordering;
use std::ops::Bound;

use arrow::array::{ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type};
use datafusion::common::Result;
use num_bigint::BigInt;

use crate::document::Number;

use super::functions::{arg, counts};

/// What kind of number an argument, or a pair of them, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// An integer or a decimal of so many digits after the point.
    Exact { scale: i8 },
    /// A double.
    Double,
    /// A sum of that scale and, in the argument after it, a count.
    Ratio { scale: i8 },
}

impl Kind {
    /// How many arguments the number takes.
    pub(super) fn width(self) -> usize {
        if matches!(self, Kind::Ratio { .. }) { 2 } else { 1 }
    }
}

/// One number: `digits / (10^scale × count)`, or a double.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Value {
    Ratio { digits: i128, scale: i8, count: i64 },
    Double(f64),
}

/// The numbers of a column, or of two for a ratio; missing ones are `None`.
pub(super) fn values(args: &[ArrayRef], from: usize, kind: Kind) -> Result<Vec<Option<Value>>> {
    let first = arg(args, from)?;
    Ok(match kind {
        Kind::Double => {
            let doubles = cast(first, &DataType::Float64)?;
            let doubles = doubles.as_primitive::<Float64Type>();
            doubles.iter().map(|d| d.filter(|d| d.is_finite()).map(Value::Double)).collect()
        }
        Kind::Exact { scale } => {
            let exact = cast(first, &DataType::Decimal128(38, scale))?;
            let exact = exact.as_primitive::<Decimal128Type>();
            exact.iter().map(|d| d.map(|digits| Value::Ratio { digits, scale, count: 1 })).collect()
        }
        Kind::Ratio { scale } => {
            let sums = first.as_primitive::<Decimal128Type>().iter();
            let counts = counts(arg(args, from + 1)?)?;
            sums.zip(counts)
                .map(|pair| match pair {
                    (Some(digits), Some(count)) if count > 0 => {
                        Some(Value::Ratio { digits, scale, count })
                    }
                    _ => None,
                })
                .collect()
        }
    })
}

impl Value {
    pub(super) fn cmp(self, other: Value) -> Ordering {
        match (self, other) {
            (
                Value::Ratio { digits: a, scale: s, count: n },
                Value::Ratio { digits: b, scale: t, count: m },
            ) => compare((a, i32::from(s), n), (b, i32::from(t), m)),
            // A double beside any other number: both as the nearest double, and -0 is 0.
            _ => (self.to_f64() + 0.0).total_cmp(&(other.to_f64() + 0.0)),
        }
    }

    pub(super) fn to_f64(self) -> f64 {
        match self {
            Value::Double(value) => value,
            Value::Ratio { digits, scale, count } => nearest(digits, i32::from(scale), count),
        }
    }

    /// Whether the number lies within the bounds.
    pub(super) fn within(self, low: Bound<Number>, high: Bound<Number>) -> bool {
        let against = |number: Number| match self {
            Value::Ratio { digits, scale, count } => {
                compare((digits, i32::from(scale), count), (number.digits(), number.scale(), 1))
            }
            Value::Double(value) => value.total_cmp(&number.to_f64()),
        };
        let above = match low {
            Bound::Unbounded => true,
            Bound::Included(low) => against(low) != Ordering::Less,
            Bound::Excluded(low) => against(low) == Ordering::Greater,
        };
        above
            && match high {
                Bound::Unbounded => true,
                Bound::Included(high) => against(high) != Ordering::Greater,
                Bound::Excluded(high) => against(high) == Ordering::Less,
            }
    }
}

/// Whether a sum of so many digits after its point, divided by a count, lies within bounds.
pub(crate) fn ratio_is_within(
    sum: i128,
    scale: i8,
    count: i64,
    (low, high): &(Bound<Number>, Bound<Number>),
) -> bool {
    Value::Ratio { digits: sum, scale, count }.within(*low, *high)
}

/// Compares two numbers `digits / (10^scale × count)` by multiplying crosswise.
fn compare(left: (i128, i32, i64), right: (i128, i32, i64)) -> Ordering {
    let shift = left.1 - right.1;
    let small = |digits: i128, factor: i64, power: i32| {
        let power = 10i128.checked_pow(u32::try_from(power).ok()?)?;
        digits.checked_mul(i128::from(factor))?.checked_mul(power)
    };
    let fast = small(left.0, right.2, (-shift).max(0)).zip(small(right.0, left.2, shift.max(0)));
    if let Some((left, right)) = fast {
        return left.cmp(&right);
    }
    let large = |digits: i128, factor: i64, power: i32| {
        BigInt::from(digits) * factor * BigInt::from(10).pow(u32::try_from(power).unwrap_or(0))
    };
    large(left.0, right.2, (-shift).max(0)).cmp(&large(right.0, left.2, shift.max(0)))
}

/// The double nearest to `digits / (10^scale × count)`.
fn nearest(digits: i128, scale: i32, count: i64) -> f64 {
    if count == 1 {
        return format!("{digits}e{}", -scale).parse().unwrap_or(f64::NAN);
    }
    // Forty digits of the quotient and one more that says whether anything follows decide the
    // rounding of any double.
    let scaled = BigInt::from(digits) * BigInt::from(10).pow(60);
    let count = BigInt::from(count);
    let quotient = &scaled / &count;
    let rest = if &quotient * &count == scaled { 0 } else { 1 };
    format!("{quotient}{rest}e{}", -scale - 61).parse().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ratio(digits: i128, scale: i8, count: i64) -> Value {
        Value::Ratio { digits, scale, count }
    }

    #[test]
    fn averages_are_never_rounded() {
        let third = ratio(1, 0, 3);
        let number = |text: &str| text.parse::<Number>().unwrap();
        let below = number("0.33333333333333333333333333333333333333");
        let above = number("0.33333333333333333333333333333333333334");
        assert!(third.within(Bound::Excluded(below), Bound::Excluded(above)));
        assert_eq!(third.cmp(ratio(2, 0, 6)), Ordering::Equal);
        assert_eq!(ratio(10i128.pow(37), 0, i64::MAX).cmp(ratio(1, 38, 1)), Ordering::Greater);
        assert_eq!(ratio(3, 1, 3).cmp(Value::Double(0.1)), Ordering::Equal);
        assert_eq!(ratio(1, 0, 3).to_f64(), 1.0 / 3.0);
        assert_eq!(ratio(-2, 0, 3).to_f64(), -2.0 / 3.0);
    }
}
