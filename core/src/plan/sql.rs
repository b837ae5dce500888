//! A rule written out as SQL, for people and for other engines.

use std::ops::Bound;
use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::common::ScalarValue;
use datafusion::datasource::{empty::EmptyTable, provider_as_source};
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast, in_subquery, lit};
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

use super::flavor::{Dialect, Flavor, WRITTEN};
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
    let statement = unparser.plan_to_sql(plan).map_err(|error| {
        Error::new(Code::Unsupported, format!("{dialect} can't say this rule: {error}"))
            .caused_by(error)
    })?;
    Ok(statement.to_string())
}

/// DuckDB with the functions that are written as an expression.
fn duckdb() -> dialects::DuckDBDialect {
    let written = WRITTEN.iter().map(|(name, template)| {
        let write: dialects::ScalarFnToSqlHandler = Box::new(|unparser, args| {
            let Some(arg) = args.first() else { return Ok(None) };
            let text = template.replace("{}", &unparser.expr_to_sql(arg)?.to_string());
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

/// Tests of an average as tests of the sum: `avg > v` is `sum > v × count`.
pub(super) fn ratios(
    flavor: Flavor,
    sum: Expr,
    count: Expr,
    ranges: &[(Bound<Number>, Bound<Number>)],
) -> Result<Expr> {
    let times = |number: Number| -> Result<Expr> {
        let scale = number.scale().max(0);
        let (OnGrid::Exact(digits), Ok(places)) = (number.on_grid(scale), i8::try_from(scale))
        else {
            return flavor.cannot("an average against such a long number");
        };
        if digits.abs() >= 10i128.pow(18) || places > 9 {
            return flavor.cannot("an average against such a long number");
        }
        let value = Expr::Literal(ScalarValue::Decimal128(Some(digits), 18, places), None);
        let value = cast(value, DataType::Decimal128(18, places));
        Ok(value * cast(count.clone(), DataType::Decimal128(18, 0)))
    };
    let mut parts = Vec::with_capacity(ranges.len());
    for (low, high) in ranges {
        let low = match low {
            Bound::Included(low) => Some(sum.clone().gt_eq(times(*low)?)),
            Bound::Excluded(low) => Some(sum.clone().gt(times(*low)?)),
            Bound::Unbounded => None,
        };
        let high = match high {
            Bound::Included(high) => Some(sum.clone().lt_eq(times(*high)?)),
            Bound::Excluded(high) => Some(sum.clone().lt(times(*high)?)),
            Bound::Unbounded => None,
        };
        parts.push(super::balanced(low.into_iter().chain(high).collect(), true));
    }
    if parts.is_empty() {
        return Ok(lit(false));
    }
    Ok(super::balanced(parts, false))
}
