//! A rule written out as SQL, for people and for other engines.

use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::{ScalarValue, not_impl_err};
use datafusion::datasource::{empty::EmptyTable, provider_as_source};
use datafusion::logical_expr::{
    Expr, LogicalPlan, LogicalPlanBuilder, Operator, binary_expr, cast, in_subquery, lit,
};
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, Ident};
use datafusion::sql::unparser::Unparser;
use datafusion::sql::unparser::dialect::{
    self as dialects, CustomDialectBuilder, Dialect as Writer,
};

use crate::document::{Number, OnGrid};
use crate::error::{Code, Error, Result};
use crate::model::FieldType;
use crate::predicate::Predicate;
use crate::rule::Aggregate;

use super::flavor::{Dialect, Flavor, WRITTEN, elsewhere};
use super::quoting::escape;
use super::{Planner, internal, named};

/// The name of the table that holds a rule's segment in the engine's SQL.
pub(crate) fn segment_table(rule: i64) -> String {
    format!("segment_output_{rule}")
}

/// The plan as SQL of the dialect.
pub(crate) fn to_sql(plan: &LogicalPlan, dialect: Dialect) -> Result<String> {
    let writer: Box<dyn Writer> = match dialect {
        Dialect::DataFusion => {
            Box::new(CustomDialectBuilder::new().with_identifier_quote_style('"').build())
        }
        Dialect::Postgres => Box::new(dialects::PostgreSqlDialect {}),
        Dialect::Sqlite => Box::new(dialects::SqliteDialect {}),
        Dialect::DuckDb => Box::new(duckdb()),
        Dialect::Spark => {
            Box::new(CustomDialectBuilder::new().with_identifier_quote_style('`').build())
        }
    };
    let unparser = Unparser::new(writer.as_ref());
    // Each level of a plan takes the unparser a large part of a small stack.
    crate::stack::deep(|| {
        let mut statement = unparser.plan_to_sql(plan).map_err(|error| {
            Error::new(Code::Unsupported, format!("{dialect} can't say this rule: {error}"))
                .caused_by(error)
        })?;
        match escape(&mut statement, dialect) {
            ControlFlow::Break(what) => Flavor::Text(dialect).cannot(what),
            ControlFlow::Continue(()) => Ok(statement.to_string()),
        }
    })
}

/// DuckDB with the functions that are written as an expression.
fn duckdb() -> dialects::DuckDBDialect {
    let written = WRITTEN.iter().map(|(name, template)| {
        let write: dialects::ScalarFnToSqlHandler = Box::new(|unparser, args| {
            let Some(arg) = args.first() else { return Ok(None) };
            let mut arg = unparser.expr_to_sql(arg)?;
            if let ControlFlow::Break(what) = escape(&mut arg, Dialect::DuckDb) {
                return not_impl_err!("{what}");
            }
            let text = template.replace("{}", &arg.to_string());
            // A name without quotes is written as it is.
            Ok(Some(SqlExpr::Nested(Box::new(SqlExpr::Identifier(Ident::new(text))))))
        });
        (*name, write)
    });
    dialects::DuckDBDialect::new().with_custom_scalar_overrides(written.collect())
}

/// Says what SQLite has no exact type or arithmetic for.
pub(super) fn refuse_in_sqlite(predicate: &Predicate) -> Result<()> {
    let refuse = |what: &str| Flavor::Text(Dialect::Sqlite).cannot(what);
    for column in predicate.columns() {
        match column.data_type {
            DataType::UInt64 => return refuse("unsigned 64-bit integers"),
            ref data_type if data_type.is_decimal() => return refuse("decimals"),
            _ if matches!(column.ty, FieldType::List(_)) => return refuse("a test of a list"),
            _ => {}
        }
    }
    for metric in predicate.metrics() {
        let sums = matches!(metric.aggregate, Aggregate::Sum | Aggregate::Avg);
        let mut fields = metric.sources.iter().filter_map(|source| source.field.as_ref());
        // Its sums are of 64 bits.
        if sums && fields.any(|f| f.ty == FieldType::Float || f.data_type == DataType::Int64) {
            return refuse("a sum of floats or of 64-bit integers");
        }
    }
    Ok(())
}

/// `key IN (SELECT user_id FROM segment_output_7)`.
pub(super) fn in_segment(planner: &Planner<'_>, key: Expr, rule: i64) -> Result<Expr> {
    let name = segment_table(rule);
    let column = &planner.model.key;
    let schema = Schema::new(vec![Field::new(&column.name, column.data_type.clone(), false)]);
    let table = Arc::new(EmptyTable::new(Arc::new(schema)));
    let plan = LogicalPlanBuilder::scan(super::table_name(&name), provider_as_source(table), None)
        .and_then(|scan| scan.project([named(&name, &column.name)]))
        .and_then(LogicalPlanBuilder::build)
        .map_err(internal)?;
    Ok(in_subquery(key, Arc::new(plan)))
}

/// Tests of an average as tests of the sum, whose decimal places are `scale`: `avg > v` is
/// `sum > v × count`.
pub(super) fn ratios(
    flavor: Flavor,
    sum: Expr,
    scale: i8,
    count: Expr,
    ranges: &[(Bound<Number>, Bound<Number>)],
) -> Result<Expr> {
    let average = Average { flavor, sum, scale, count: cast(count, DataType::Decimal128(18, 0)) };
    let mut parts = Vec::with_capacity(ranges.len());
    for (low, high) in ranges {
        let low = match low {
            Bound::Included(low) => Some(average.against(*low, Operator::GtEq)?),
            Bound::Excluded(low) => Some(average.against(*low, Operator::Gt)?),
            Bound::Unbounded => None,
        };
        let high = match high {
            Bound::Included(high) => Some(average.against(*high, Operator::LtEq)?),
            Bound::Excluded(high) => Some(average.against(*high, Operator::Lt)?),
            Bound::Unbounded => None,
        };
        parts.push(super::balanced(low.into_iter().chain(high).collect(), true));
    }
    if parts.is_empty() {
        return Ok(lit(false));
    }
    Ok(super::balanced(parts, false))
}

/// A sum and the count of its values.
struct Average {
    flavor: Flavor,
    sum: Expr,
    scale: i8,
    count: Expr,
}

impl Average {
    /// The comparison with a number, in decimals of 38 digits that cannot overflow while a user has
    /// fewer than 10^12 events.
    fn against(&self, number: Number, operator: Operator) -> Result<Expr> {
        const MOST: i128 = 10i128.pow(26);
        let too_long = || self.flavor.cannot("an average against such a long number");
        let ten = |power: i32| u32::try_from(power).ok().and_then(|p| 10i128.checked_pow(p));
        let own = i32::from(self.scale);
        let places = number.scale().max(own);
        let (OnGrid::Exact(digits), Some(below), Some(all)) =
            (number.on_grid(places), ten(places - own), ten(places))
        else {
            return too_long();
        };
        // The number's digits that the sum has too, and those below.
        let (whole, rest) = (digits.div_euclid(below), digits.rem_euclid(below));
        let small = whole.abs() < 1 << 31 && own == 0 && rest == 0;
        if whole.abs() >= MOST || all >= MOST || (self.sqlite() && !small) {
            return too_long();
        }
        let product = self.decimal(whole, self.scale) * self.count.clone();
        if rest == 0 {
            return Ok(binary_expr(self.sum.clone(), operator, product));
        }
        // What is left of the sum matters only as far as the digits below can reach.
        let least = self.decimal(-1, self.scale);
        let most = self.decimal(1, self.scale) * (self.count.clone() + self.decimal(1, 0));
        let decimal = DataType::Decimal128(38, self.scale);
        let left = self.sum.clone() - product;
        let left = elsewhere("greatest", vec![left, least], decimal.clone());
        let left = elsewhere("least", vec![left, most], decimal) * self.decimal(all, 0);
        let holds = binary_expr(left, operator, self.decimal(rest, 0) * self.count.clone());
        // The greatest of nothing and a number is the number.
        Ok(self.sum.clone().is_not_null().and(holds))
    }

    fn sqlite(&self) -> bool {
        self.flavor == Flavor::Text(Dialect::Sqlite)
    }

    fn decimal(&self, digits: i128, scale: i8) -> Expr {
        let value = Expr::Literal(ScalarValue::Decimal128(Some(digits), 38, scale), None);
        if self.sqlite() { value } else { cast(value, DataType::Decimal128(38, scale)) }
    }
}
