//! Functions that DataFusion lacks and the language needs, as scalar UDFs made where they are used.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, BinaryArray, BooleanArray, Date32Array, Decimal128Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type, Int64Type, TimeUnit};
use arrow::row::{RowConverter, SortField};
use chrono_tz::Tz;
use datafusion::common::{DataFusionError, Result, exec_err};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::document::MAX_38;
use crate::error::{Code, Error};
use crate::model::{FieldType, Offsets};
use crate::predicate::fold as fold_text;

use super::exact_sum::OVERFLOWED;
use super::native;

type Body = dyn Fn(&[ArrayRef], usize) -> Result<ArrayRef> + Send + Sync;

/// A function of whole columns. Two are the same if name and `identity` are.
struct Function {
    name: &'static str,
    identity: String,
    returns: DataType,
    signature: Signature,
    body: Arc<Body>,
}

impl fmt::Debug for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}({})", self.name, self.identity)
    }
}

impl PartialEq for Function {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.identity == other.identity
    }
}

impl Eq for Function {}

impl Hash for Function {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
        self.identity.hash(state);
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    /// Tells apart, in the names of columns, functions that differ in what is built into them.
    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let args: Vec<String> = args.iter().map(|arg| arg.schema_name().to_string()).collect();
        Ok(format!("{}[{}]({})", self.name, self.identity, args.join(", ")))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let arrays = args.args.into_iter().map(|arg| arg.into_array(rows));
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        (self.body)(&arrays, rows).map(ColumnarValue::Array)
    }
}

/// A call of a function made of `body`.
pub(super) fn call(
    name: &'static str,
    identity: String,
    args: Vec<Expr>,
    returns: DataType,
    body: impl Fn(&[ArrayRef], usize) -> Result<ArrayRef> + Send + Sync + 'static,
) -> Expr {
    make(name, identity, args, returns, Volatility::Immutable, Arc::new(body))
}

fn make(
    name: &'static str,
    identity: String,
    args: Vec<Expr>,
    returns: DataType,
    volatility: Volatility,
    body: Arc<Body>,
) -> Expr {
    let signature = match args.len() {
        0 => Signature::nullary(volatility),
        count => Signature::any(count, volatility),
    };
    let function = Function { name, identity, returns, signature, body };
    ScalarUDF::from(function).call(args)
}

/// The argument at `index` of a body.
pub(super) fn arg(args: &[ArrayRef], index: usize) -> Result<&ArrayRef> {
    match args.get(index) {
        Some(array) => Ok(array),
        None => exec_err!("a function lacks its argument {index}"),
    }
}

/// A DataFusion error that carries one of ours.
pub(crate) fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// A sum as it is, or the error that it has more than 38 digits.
///
/// It counts as volatile so that it is not moved below the join, where the sums of events without
/// a user are.
pub(super) fn checked_sum(sum: Expr, what: &str, returns: DataType) -> Expr {
    let message = format!("the sum of {what} has more than 38 digits for a user");
    let body = move |args: &[ArrayRef], _: usize| {
        let sums = arg(args, 0)?;
        let overflowed = sums.as_primitive::<Decimal128Type>().iter().flatten();
        if overflowed.into_iter().any(|sum| sum == OVERFLOWED) {
            return Err(external(Error::new(Code::Overflow, message.clone())));
        }
        Ok(Arc::clone(sums))
    };
    let identity = what.to_owned();
    make("checked_sum", identity, vec![sum], returns, Volatility::Volatile, Arc::new(body))
}

/// The decimal nearest to a double with 9 digits after the point, ties away from zero.
pub(crate) fn nearest_decimal(value: f64) -> i128 {
    const UNIT: i128 = 1_000_000_000;
    let bits = value.to_bits();
    let exponent = i64::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
    let fraction = i128::from(bits & ((1 << 52) - 1));
    let (mantissa, exponent) = match exponent {
        0 => (fraction, -1074),
        _ => (fraction | (1 << 52), exponent - 1075),
    };
    // mantissa < 2^53 and the unit < 2^30: the product has 83 bits at most.
    let scaled = mantissa * UNIT;
    let magnitude = if exponent >= 0 {
        // 83 bits shifted by more than 43 leave the 127 there are.
        match u32::try_from(exponent) {
            Ok(shift) if shift <= 43 => scaled << shift,
            _ if mantissa == 0 => 0,
            _ => return OVERFLOWED,
        }
    } else {
        match u32::try_from(-exponent) {
            Ok(shift) if shift <= 84 => (scaled + (1 << (shift - 1))) >> shift,
            _ => 0,
        }
    };
    if magnitude > MAX_38 {
        return OVERFLOWED;
    }
    if value < 0.0 { -magnitude } else { magnitude }
}

/// Doubles as decimals of 9 digits after the point; NaN and infinity are null.
pub(super) fn decimal_of_double(double: Expr) -> Expr {
    let returns = DataType::Decimal128(38, 9);
    call("decimal_of", String::new(), vec![double], returns, |args, _| {
        let doubles = arg(args, 0)?.as_primitive::<Float64Type>();
        let decimals = doubles.iter().map(|d| d.filter(|d| d.is_finite()).map(nearest_decimal));
        let decimals: Decimal128Array = decimals.collect();
        Ok(Arc::new(decimals.with_precision_and_scale(38, 9)?))
    })
}

/// Instants (microseconds, UTC) of a date or timestamp column of any unit.
pub(super) fn instants(time: Expr, zone: Tz) -> Expr {
    let returns = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    call("instant", zone.name().to_owned(), vec![time], returns, move |args, _| {
        let micros = native::micros(arg(args, 0)?, zone)?;
        Ok(Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC")))
    })
}

/// The day on the wall of `zone`, of instants as [`instants`] gives them.
pub(super) fn local_days(instants: Expr, zone: Tz) -> Expr {
    let (name, offsets) = (zone.name().to_owned(), Offsets::of(zone));
    call("local_day", name, vec![instants], DataType::Date32, move |args, _| {
        let micros = native::micros(arg(args, 0)?, Tz::UTC)?;
        let days = micros.into_iter().map(|t| t.map(|t| offsets.day(t)));
        Ok(Arc::new(days.collect::<Date32Array>()))
    })
}

/// A time and a value as bytes whose order is that of the pairs, so that the least of them holds
/// the smallest value at the earliest time; null where either is.
pub(super) fn pack(time: Expr, value: Expr) -> Expr {
    call("pack", String::new(), vec![time, value], DataType::Binary, |args, _| {
        let (times, values) = (arg(args, 0)?, arg(args, 1)?);
        let converter = RowConverter::new(vec![
            SortField::new(times.data_type().clone()),
            SortField::new(values.data_type().clone()),
        ])?;
        let rows = converter.convert_columns(&[Arc::clone(times), Arc::clone(values)])?;
        let packed = rows.iter().enumerate().map(|(row, bytes)| {
            (times.is_valid(row) && values.is_valid(row)).then(|| bytes.as_ref().to_vec())
        });
        Ok(Arc::new(packed.collect::<BinaryArray>()))
    })
}

/// The value of what [`pack`] made of a time and a value of these types.
pub(super) fn unpack(packed: Expr, time: DataType, value: DataType) -> Expr {
    let identity = format!("{time} {value}");
    let returns = value.clone();
    call("unpack", identity, vec![packed], returns, move |args, rows| {
        let packed = arg(args, 0)?.as_binary::<i32>();
        let fields = vec![SortField::new(time.clone()), SortField::new(value.clone())];
        let converter = RowConverter::new(fields)?;
        let parser = converter.parser();
        let parsed = converter.convert_rows(packed.iter().flatten().map(|b| parser.parse(b)))?;
        let Some(values) = parsed.get(1) else { return exec_err!("a pair has two parts") };
        let mut next = 0u64;
        let at: arrow::array::UInt64Array = (0..rows)
            .map(|row| {
                packed.is_valid(row).then(|| {
                    next += 1;
                    next - 1
                })
            })
            .collect();
        Ok(arrow::compute::take(values, &at, None)?)
    })
}

/// Strings under Unicode simple case folding.
pub(super) fn fold(text: Expr) -> Expr {
    call("fold", String::new(), vec![text], DataType::Utf8, |args, _| {
        let text = cast(arg(args, 0)?, &DataType::Utf8)?;
        let folded = text.as_string::<i32>().iter().map(|t| t.map(fold_text));
        Ok(Arc::new(folded.collect::<StringArray>()))
    })
}

/// Whether the regular expression is found.
pub(super) fn matches(text: Expr, pattern: regex::Regex, folded: bool) -> Expr {
    let identity = format!("{}{}", if folded { "(?i)" } else { "" }, pattern.as_str());
    call("matches", identity, vec![text], DataType::Boolean, move |args, _| {
        let text = cast(arg(args, 0)?, &DataType::Utf8)?;
        let found = text.as_string::<i32>().iter().map(|t| t.map(|t| pattern.is_match(t)));
        Ok(Arc::new(found.collect::<BooleanArray>()))
    })
}

/// Whether the key's user is a member, by a look-up that never says null.
pub(super) fn is_member(key: Expr, identity: String, contains: super::Contains) -> Expr {
    call("in_segment", identity, vec![key], DataType::Boolean, move |args, _| {
        Ok(Arc::new(contains(arg(args, 0)?)?))
    })
}

/// Whole 24-hour days from an instant to `as_of`, rounded down.
pub(super) fn days_since(instant_of: Expr, as_of: i64) -> Expr {
    let identity = as_of.to_string();
    call("days_since", identity, vec![instant_of], DataType::Int64, move |args, _| {
        let micros = native::micros(arg(args, 0)?, Tz::UTC)?;
        let days = micros
            .into_iter()
            .map(|t| t.map(|t| as_of.saturating_sub(t).div_euclid(crate::model::DAY)));
        Ok(Arc::new(days.collect::<arrow::array::Int64Array>()))
    })
}

/// The type of a value for exact comparison, see [`super::exact`].
pub(super) fn number_kind(ty: &FieldType, data_type: &DataType) -> super::exact::Kind {
    use super::exact::Kind;
    match (ty, data_type) {
        (FieldType::Ratio, DataType::Decimal128(_, scale)) => Kind::Ratio { scale: *scale },
        (FieldType::Float, _) => Kind::Double,
        (_, DataType::Decimal128(_, scale)) => Kind::Exact { scale: *scale },
        _ => Kind::Exact { scale: 0 },
    }
}

/// A column as exact numbers, doubles, or the sum and count of a ratio.
pub(super) fn counts(array: &ArrayRef) -> Result<Vec<Option<i64>>> {
    let array = cast(array, &DataType::Int64)?;
    Ok(array.as_primitive::<Int64Type>().iter().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles_become_the_nearest_decimal() {
        for (double, decimal) in [
            (0.1, 100_000_000),
            (-0.1, -100_000_000),
            (1.0 / 1024.0, 976_563),
            (-1.0 / 1024.0, -976_563),
            (0.1 + 0.2, 300_000_000),
            (1e-10, 0),
            (5e-324, 0),
            (0.0, 0),
            (-0.0, 0),
            (1e20, 100_000_000_000_000_000_000_000_000_000),
        ] {
            assert_eq!(nearest_decimal(double), decimal, "{double}");
        }
        assert_eq!(nearest_decimal(1e30), OVERFLOWED);
        assert_eq!(nearest_decimal(f64::MIN), OVERFLOWED);
    }
}
