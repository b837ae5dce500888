//! The two flavors of a plan: the engine's own functions, or those of a SQL dialect.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::Result as DfResult;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};

use crate::error::{Code, Error, Result};

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
    /// DataFusion's own, which the engine's `sql` verb takes.
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
    pub(super) fn matches(self, text: Expr, pattern: &str) -> Option<Expr> {
        // Classes such as \d are Unicode's in one engine and ASCII's in another, and so on.
        let plain = pattern.is_ascii() && !pattern.contains(['\\', '(']) && !pattern.contains("[[");
        let name = match self {
            Dialect::DuckDb => "regexp_matches",
            Dialect::DataFusion => "regexp_like",
            Dialect::Spark => "rlike",
            Dialect::Postgres | Dialect::Sqlite => return None,
        };
        plain.then(|| elsewhere(name, vec![text, lit(pattern)], DataType::Boolean))
    }
}

fn length_of(part: &str) -> i64 {
    i64::try_from(part.chars().count()).unwrap_or(i64::MAX)
}

/// A shared empty name for functions that need none.
pub(super) fn aggregate_elsewhere(
    name: &'static str,
    returns: DataType,
) -> Arc<datafusion::logical_expr::AggregateUDF> {
    Arc::new(datafusion::logical_expr::AggregateUDF::from(AggregateElsewhere {
        name,
        returns,
        signature: Signature::any(1, Volatility::Immutable),
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
