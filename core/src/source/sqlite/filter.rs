//! The filters that SQLite can be trusted with: it never drops a row that DataFusion would keep.

use arrow::datatypes::{DataType, Schema};
use datafusion::common::{Column, ScalarValue};
use datafusion::logical_expr::{BinaryExpr, Expr, Operator};

use super::quoted;

/// More conditions than this are left to DataFusion: SQLite's parser is bounded in depth.
pub(super) const MOST: usize = 100;

/// What of `expr` SQLite can check, as conditions that all have to hold; none if nothing.
///
/// Only a comparison of an integer column with an integer goes, and `IS [NOT] NULL`, alone, under
/// AND and under `IS TRUE`. For those the two engines agree on every value that can be read. A row
/// with a value that can't be read may be left out by a condition on that column, and is then not
/// reported.
pub(super) fn conditions(expr: &Expr, schema: &Schema) -> Vec<String> {
    let mut conditions = Vec::new();
    let mut rest = vec![expr];
    while let Some(expr) = rest.pop() {
        match expr {
            Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
                rest.extend([right.as_ref(), left.as_ref()]);
            }
            Expr::IsTrue(inner) => rest.push(inner),
            leaf => conditions.extend(condition(leaf, schema)),
        }
    }
    conditions
}

fn condition(expr: &Expr, schema: &Schema) -> Option<String> {
    let name = |expr: &Expr| match expr {
        Expr::Column(column) => named(column, schema, |_| true),
        _ => None,
    };
    match expr {
        Expr::IsNull(inner) => Some(format!("{} IS NULL", name(inner)?)),
        Expr::IsNotNull(inner) => Some(format!("{} IS NOT NULL", name(inner)?)),
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            let (column, op, value) = match (left.as_ref(), right.as_ref()) {
                (Expr::Column(column), Expr::Literal(value, _)) => (column, *op, value),
                (Expr::Literal(value, _), Expr::Column(column)) => (column, op.swap()?, value),
                _ => return None,
            };
            let column = named(column, schema, |kind| *kind == DataType::Int64)?;
            let op = match op {
                Operator::Eq => "=",
                Operator::Lt => "<",
                Operator::LtEq => "<=",
                Operator::Gt => ">",
                Operator::GtEq => ">=",
                _ => return None,
            };
            Some(format!("{column} {op} {}", integer(value)?))
        }
        _ => None,
    }
}

/// The column in SQL, if it is one of the table's and of the right type.
fn named(column: &Column, schema: &Schema, kind: impl Fn(&DataType) -> bool) -> Option<String> {
    let field = schema.field_with_name(&column.name).ok()?;
    kind(field.data_type()).then(|| format!("t.{}", quoted(&column.name)))
}

fn integer(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::Int8(value) => value.map(i64::from),
        ScalarValue::Int16(value) => value.map(i64::from),
        ScalarValue::Int32(value) => value.map(i64::from),
        ScalarValue::Int64(value) => *value,
        ScalarValue::UInt8(value) => value.map(i64::from),
        ScalarValue::UInt16(value) => value.map(i64::from),
        ScalarValue::UInt32(value) => value.map(i64::from),
        ScalarValue::UInt64(value) => value.and_then(|value| i64::try_from(value).ok()),
        _ => None,
    }
}
