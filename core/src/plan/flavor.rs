//! The two flavors of a plan: the engine's own functions, or those of a SQL dialect.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::Result as DfResult;
use datafusion::functions_aggregate::expr_fn::{max, min};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{
    AggregateUDF, ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility, binary_expr, cast, lit, when,
};

use crate::error::{Code, Error, Result};

use super::internal;
use super::regular::same_in_re2;

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flavor {
    /// To be run by the engine.
    Engine,
    /// To be written out as SQL.
    Text(Dialect),
}

/// The SQL that a rule can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// DataFusion's own, which the engine's `sql` verb takes and people are shown. Doubles in sums
    /// are rounded to nine digits as DataFusion's cast does.
    DataFusion,
    /// PostgreSQL.
    Postgres,
    /// SQLite; dates and times are text, as `YYYY-MM-DD` and `YYYY-MM-DD HH:MM:SS.ffffff`.
    Sqlite,
    /// DuckDB.
    DuckDb,
    /// Spark SQL.
    Spark,
}

const DIALECTS: [(Dialect, &str); 5] = [
    (Dialect::DataFusion, "datafusion"),
    (Dialect::Postgres, "postgres"),
    (Dialect::Sqlite, "sqlite"),
    (Dialect::DuckDb, "duckdb"),
    (Dialect::Spark, "spark"),
];

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(DIALECTS.iter().find(|(d, _)| d == self).map_or("", |(_, name)| name))
    }
}

impl FromStr for Dialect {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let known = DIALECTS.iter().find(|(_, name)| name.eq_ignore_ascii_case(text));
        known.map(|(dialect, _)| *dialect).ok_or_else(|| {
            let names: Vec<&str> = DIALECTS.iter().map(|(_, name)| *name).collect();
            let shown: String = text.chars().take(40).collect();
            Error::new(
                Code::BadValue,
                format!("{shown:?} is no dialect; known are {}", names.join(", ")),
            )
        })
    }
}

impl Flavor {
    /// The error of a form that a dialect can't say exactly.
    pub(super) fn cannot<T>(self, what: &str) -> Result<T> {
        let dialect = match self {
            Flavor::Engine => "the engine".to_owned(),
            Flavor::Text(dialect) => dialect.to_string(),
        };
        Err(Error::new(Code::Unsupported, format!("{dialect} can't say exactly: {what}")))
    }
}

/// A function that exists in the other engine; here it has a name and a type, to be written out.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Elsewhere {
    name: &'static str,
    returns: DataType,
    signature: Signature,
}

impl ScalarUDFImpl for Elsewhere {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> DfResult<ColumnarValue> {
        datafusion::common::exec_err!("{} runs in another engine", self.name)
    }
}

/// A call of another engine's function.
pub(super) fn elsewhere(name: &'static str, args: Vec<Expr>, returns: DataType) -> Expr {
    let signature = Signature::any(args.len(), Volatility::Immutable);
    ScalarUDF::from(Elsewhere { name, returns, signature }).call(args)
}

impl Dialect {
    /// Whether `text` holds the literal `part` anywhere.
    pub(super) fn contains(self, text: Expr, part: &str) -> Expr {
        let found = |name, returns| elsewhere(name, vec![text.clone(), lit(part)], returns);
        match self {
            Dialect::Sqlite => found("instr", DataType::Int64).gt(lit(0i64)),
            Dialect::Postgres => found("strpos", DataType::Int64).gt(lit(0i64)),
            _ => found("contains", DataType::Boolean),
        }
    }

    /// Whether `text` begins with the literal `part`.
    pub(super) fn begins(self, text: Expr, part: &str) -> Expr {
        match self {
            Dialect::Sqlite => {
                let length = lit(length_of(part));
                let args = vec![text, lit(1i64), length];
                elsewhere("substr", args, DataType::Utf8).eq(lit(part))
            }
            Dialect::Spark => elsewhere("startswith", vec![text, lit(part)], DataType::Boolean),
            _ => elsewhere("starts_with", vec![text, lit(part)], DataType::Boolean),
        }
    }

    /// Whether `text` ends with the literal `part`.
    pub(super) fn ends(self, text: Expr, part: &str) -> Expr {
        match self {
            // The last zero characters of a text are all of it to SQLite, none to PostgreSQL.
            Dialect::Sqlite | Dialect::Postgres if part.is_empty() => text.is_not_null(),
            Dialect::Sqlite => {
                let args = vec![text, lit(-length_of(part))];
                elsewhere("substr", args, DataType::Utf8).eq(lit(part))
            }
            Dialect::Postgres => {
                let args = vec![text, lit(length_of(part))];
                elsewhere("right", args, DataType::Utf8).eq(lit(part))
            }
            Dialect::Spark => elsewhere("endswith", vec![text, lit(part)], DataType::Boolean),
            _ => elsewhere("ends_with", vec![text, lit(part)], DataType::Boolean),
        }
    }

    /// Whether the regular expression is found in `text`; `None` where the engines differ on it.
    pub(super) fn matches(self, text: Expr, pattern: &str, folded: bool) -> Option<Expr> {
        let found = |name, args| Some(elsewhere(name, args, DataType::Boolean));
        let plain = pattern.is_ascii() && !pattern.contains(['\\', '(']) && !pattern.contains("[[");
        match self {
            // Its letters without case are those of its own Unicode version, but for ASCII's.
            Dialect::DuckDb if folded && !pattern.is_ascii() => None,
            Dialect::DuckDb if same_in_re2(pattern) => {
                let pattern = format!("{}{pattern}", if folded { "(?i)" } else { "" });
                found("regexp_matches", vec![text, lit(pattern)])
            }
            Dialect::DataFusion if folded => {
                found("regexp_like", vec![text, lit(pattern), lit("i")])
            }
            Dialect::DataFusion => found("regexp_like", vec![text, lit(pattern)]),
            Dialect::Spark if plain && !folded => found("rlike", vec![text, lit(pattern)]),
            _ => None,
        }
    }

    /// The value at the first or last time that has one; among several at one time, the smallest
    /// or largest. What [`Dialect::finished_end`] makes of this is the value.
    pub(super) fn end_of(
        self,
        value: Expr,
        value_type: DataType,
        time: Expr,
        present: Expr,
        first: bool,
    ) -> Result<Expr> {
        let (name, pair) = match (self, first) {
            (Dialect::DuckDb, true) => ("arg_min", "row"),
            (Dialect::DuckDb, false) => ("arg_max", "row"),
            (Dialect::Spark, true) => ("min_by", "struct"),
            (Dialect::Spark, false) => ("max_by", "struct"),
            (Dialect::Sqlite, _) => {
                // Times of one length, and then the value: the least of these texts has both.
                let packed = match &value_type {
                    DataType::Int64 | DataType::UInt64 | DataType::Float64 => {
                        return Flavor::Text(self).cannot("the first or last of such numbers");
                    }
                    of if of.is_integer() => {
                        elsewhere("printf", vec![lit("%011d"), value + lit(SHIFT)], DataType::Utf8)
                    }
                    _ => value,
                };
                let packed = binary_expr(time, Operator::StringConcat, packed);
                // What is printed of nothing is zero.
                let packed = when(present, packed).end().map_err(internal)?;
                return Ok(if first { min(packed) } else { max(packed) });
            }
            _ => return Flavor::Text(self).cannot("the first or last value"),
        };
        let pair = elsewhere(pair, vec![time, value.clone()], DataType::Binary);
        let function = aggregate_elsewhere(name, 2, value_type);
        let filter = Some(Box::new(present));
        let args = vec![value, pair];
        Ok(Expr::AggregateFunction(AggregateFunction::new_udf(
            function,
            args,
            false,
            filter,
            Vec::new(),
            None,
        )))
    }

    /// The value in the text that SQLite's first or last is.
    pub(super) fn finished_end(self, value: Expr, value_type: &DataType) -> Expr {
        if self != Dialect::Sqlite {
            return value;
        }
        let after = lit(TIME_LENGTH + 1);
        let text = elsewhere("substr", vec![value, after], DataType::Utf8);
        match value_type {
            DataType::Boolean => cast(text, DataType::Int64),
            other if other.is_integer() => cast(text, DataType::Int64) - lit(SHIFT),
            _ => text,
        }
    }

    /// The decimal with nine digits after the point that is nearest to a double.
    pub(super) fn nearest_decimal(self, double: Expr) -> Result<Expr> {
        let decimal = DataType::Decimal128(38, 9);
        match self {
            Dialect::DuckDb => Ok(elsewhere(NEAREST_DECIMAL.0, vec![double], decimal)),
            // This dialect is what people are shown: DataFusion's own rounding of the last digit
            // is nearer to what the rule says than no SQL at all.
            Dialect::DataFusion => Ok(cast(double, decimal)),
            _ => Flavor::Text(self).cannot("a sum of floats"),
        }
    }
}

/// The characters of a timestamp in SQLite.
const TIME_LENGTH: i64 = 26;
/// What makes every 32-bit integer a positive number of eleven digits.
const SHIFT: i64 = 50_000_000_000;

/// Functions that DuckDB has no name for, with the SQL that is written for them.
pub(super) const WRITTEN: [(&str, &str); 4] =
    [NEAREST_DECIMAL, FLOOR_TO_MICROS, FLOOR_TO_INSTANT, NANOSECOND_INSTANT];

/// Casts of doubles to decimals go by way of a rounded product. Here whole and fraction are exact
/// integers: 90 bits after the point tell every half of the ninth digit.
const NEAREST_DECIMAL: (&str, &str) = (
    "nearest_decimal",
    "CAST(CAST(trunc({}) AS HUGEINT) * 1000000000 + (CAST(trunc(({} - trunc({})) * pow(2, 90)) AS \
     HUGEINT) * 1000000000 + CAST(sign({}) AS HUGEINT) * 618970019642690137449562112) // \
     1237940039285380274899124224 AS DECIMAL(38, 0)) * CAST('0.000000001' AS DECIMAL(9, 9))",
);

/// Casts of nanoseconds round to the nearest microsecond.
const FLOOR_TO_MICROS: (&str, &str) = (
    "floor_to_micros",
    "make_timestamp((epoch_ns({}) - (epoch_ns({}) % 1000 + 1000) % 1000) // 1000)",
);
const NANOSECOND_INSTANT: (&str, &str) = ("nanosecond_instant", "CAST({} AS TIMESTAMPTZ_NS)");
const FLOOR_TO_INSTANT: (&str, &str) = (
    "floor_to_instant",
    "make_timestamptz((epoch_ns({}) - (epoch_ns({}) % 1000 + 1000) % 1000) // 1000)",
);

fn length_of(part: &str) -> i64 {
    i64::try_from(part.chars().count()).unwrap_or(i64::MAX)
}

/// An aggregate of another engine.
fn aggregate_elsewhere(name: &'static str, args: usize, returns: DataType) -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::from(AggregateElsewhere {
        name,
        returns,
        signature: Signature::any(args, Volatility::Immutable),
    }))
}

/// An aggregate that exists in the other engine.
#[derive(Debug, PartialEq, Eq, Hash)]
struct AggregateElsewhere {
    name: &'static str,
    returns: DataType,
    signature: Signature,
}

impl datafusion::logical_expr::AggregateUDFImpl for AggregateElsewhere {
    fn name(&self) -> &str {
        self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> DfResult<DataType> {
        Ok(self.returns.clone())
    }

    fn accumulator(
        &self,
        _: datafusion::logical_expr::function::AccumulatorArgs,
    ) -> DfResult<Box<dyn datafusion::logical_expr::Accumulator>> {
        datafusion::common::exec_err!("{} runs in another engine", self.name)
    }
}
