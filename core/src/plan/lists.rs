//! Tests of strings, of lists, and of membership in sets too long for a list of literals.

use std::collections::HashSet;
use std::ops::Bound;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Float64Type};
use chrono_tz::Tz;
use datafusion::common::{Result as DfResult, exec_err};
use datafusion::functions::expr_fn::{contains, ends_with, starts_with};
use datafusion::logical_expr::{Expr, lit};

use crate::error::{Code, Error, Result};
use crate::predicate::{DoubleRange, Ranges, Test, TextTest, fold as fold_text};
use crate::rule::compile;

use super::functions::{arg, call, fold, matches};
use super::regular::literal;
use super::{Dialect, Flavor, Planner, native};

/// Lists of strings longer than this become a set inside a function.
const MANY: usize = 1_000;

/// A test of a string.
pub(super) fn text(flavor: Flavor, expr: Expr, test: &TextTest, folded: bool) -> Result<Expr> {
    if let TextTest::Matches(pattern) = test {
        return regular(flavor, expr, pattern, folded);
    }
    let expr = match (folded, flavor) {
        (true, Flavor::Engine) => fold(expr),
        (true, Flavor::Text(dialect)) => dialect.fold(expr, literals(test).as_deref())?,
        (false, _) => expr,
    };
    Ok(match (test, flavor) {
        (TextTest::In(values), Flavor::Engine) if values.len() > MANY => {
            in_texts(expr, values.iter().cloned().collect())
        }
        (TextTest::In(values), _) => match (values.len(), values.first()) {
            (0, _) => lit(false),
            (1, Some(one)) => expr.eq(lit(one.as_str())),
            _ => expr.in_list(values.iter().map(|v| lit(v.as_str())).collect(), false),
        },
        (TextTest::Range(low, high), _) => {
            let low = match low {
                Bound::Included(low) => Some(expr.clone().gt_eq(lit(low.as_str()))),
                Bound::Excluded(low) => Some(expr.clone().gt(lit(low.as_str()))),
                Bound::Unbounded => None,
            };
            let high = match high {
                Bound::Included(high) => Some(expr.clone().lt_eq(lit(high.as_str()))),
                Bound::Excluded(high) => Some(expr.clone().lt(lit(high.as_str()))),
                Bound::Unbounded => None,
            };
            super::balanced(low.into_iter().chain(high).collect(), true)
        }
        (TextTest::Contains(part), Flavor::Engine) => contains(expr, lit(part.as_str())),
        (TextTest::Begins(part), Flavor::Engine) => starts_with(expr, lit(part.as_str())),
        (TextTest::Ends(part), Flavor::Engine) => ends_with(expr, lit(part.as_str())),
        (TextTest::Contains(part), Flavor::Text(dialect)) => dialect.contains(expr, part),
        (TextTest::Begins(part), Flavor::Text(dialect)) => dialect.begins(expr, part),
        (TextTest::Ends(part), Flavor::Text(dialect)) => dialect.ends(expr, part),
        (TextTest::Matches(_), _) => lit(false),
    })
}

/// The strings that a test looks for; none where it is about their order.
fn literals(test: &TextTest) -> Option<Vec<&str>> {
    match test {
        TextTest::In(values) => Some(values.iter().map(String::as_str).collect()),
        TextTest::Contains(part) | TextTest::Begins(part) | TextTest::Ends(part) => {
            Some(vec![part])
        }
        TextTest::Range(..) | TextTest::Matches(_) => None,
    }
}

fn regular(flavor: Flavor, expr: Expr, pattern: &str, folded: bool) -> Result<Expr> {
    if let (Flavor::Text(_), Some(test)) = (flavor, literal(pattern, folded)) {
        return text(flavor, expr, &test, folded);
    }
    match flavor {
        Flavor::Engine => {
            let compiled =
                compile(pattern, !folded).map_err(|message| Error::new(Code::BadValue, message))?;
            // A pattern with flags of its own must not be taken for one without.
            Ok(matches(expr, compiled, folded))
        }
        Flavor::Text(dialect) => match dialect.matches(expr, pattern, folded) {
            Some(expr) => Ok(expr),
            None => flavor.cannot("this regular expression"),
        },
    }
}

fn in_texts(expr: Expr, values: HashSet<String>) -> Expr {
    let identity = identity(values.len());
    call("in_set", identity, vec![expr], DataType::Boolean, move |args, _| {
        let text = cast(arg(args, 0)?, &DataType::Utf8)?;
        let found = text.as_string::<i32>().iter().map(|t| t.map(|t| values.contains(t)));
        Ok(Arc::new(found.collect::<BooleanArray>()))
    })
}

/// Whether a whole number, decimal or date is one of these units of its type.
pub(super) fn in_units(expr: Expr, values: Vec<i128>) -> Expr {
    let identity = identity(values.len());
    let values: HashSet<i128> = values.into_iter().collect();
    call("in_set", identity, vec![expr], DataType::Boolean, move |args, _| {
        let found = units(arg(args, 0)?)?.into_iter().map(|u| u.map(|u| values.contains(&u)));
        Ok(Arc::new(found.collect::<BooleanArray>()))
    })
}

/// Sets are not compared: each is the only one of its name.
fn identity(length: usize) -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{length} values, {}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Values as whole units of their type.
fn units(array: &ArrayRef) -> DfResult<Vec<Option<i128>>> {
    let array = match array.data_type() {
        DataType::Decimal128(_, _) => Arc::clone(array),
        DataType::Date32 => {
            let days = cast(array, &DataType::Int32)?;
            cast(&days, &DataType::Decimal128(38, 0))?
        }
        _ => cast(array, &DataType::Decimal128(38, 0))?,
    };
    Ok(array.as_primitive::<Decimal128Type>().iter().collect())
}

/// Whether a list has an element that passes the test.
pub(super) fn has(expr: Expr, test: &Test, list: &DataType, zone: Tz) -> Result<Expr> {
    let identity = format!("{test:?}");
    let test = test.clone();
    let _ = list;
    Ok(call("has_element", identity, vec![expr], DataType::Boolean, move |args, _| {
        let lists = arg(args, 0)?;
        let lists = match lists.data_type() {
            DataType::List(_) => Arc::clone(lists),
            DataType::LargeList(field) | DataType::FixedSizeList(field, _) => {
                cast(lists, &DataType::List(Arc::clone(field)))?
            }
            other => return exec_err!("{other} is no list"),
        };
        let lists = lists.as_list::<i32>();
        let values = super::expr::plain_type(lists.value_type_ref());
        let truths = element_truths(&cast(lists.values(), &values)?, &test, zone)?;
        let found = lists.offsets().windows(2).enumerate().map(|(row, edges)| {
            let (from, to) = match edges {
                [from, to] => (usize::try_from(*from).ok()?, usize::try_from(*to).ok()?),
                _ => return None,
            };
            lists
                .is_valid(row)
                .then(|| truths.get(from..to).is_some_and(|part| part.contains(&true)))
        });
        Ok(Arc::new(found.collect::<BooleanArray>()))
    }))
}

trait ValueType {
    fn value_type_ref(&self) -> &DataType;
}

impl ValueType for arrow::array::ListArray {
    fn value_type_ref(&self) -> &DataType {
        self.values().data_type()
    }
}

/// The truth of a test for each element; a missing element passes none.
fn element_truths(elements: &ArrayRef, test: &Test, zone: Tz) -> DfResult<Vec<bool>> {
    let in_ranges = |unit: Option<i128>, ranges: &Ranges| {
        unit.is_some_and(|unit| ranges.iter().any(|(low, high)| low <= unit && unit <= high))
    };
    Ok(match test {
        Test::Bool(wanted) => {
            elements.as_boolean().iter().map(|value| value == Some(*wanted)).collect()
        }
        Test::Units(ranges) if matches!(elements.data_type(), DataType::Timestamp(_, _)) => {
            let micros = native::micros(elements, zone)?.into_iter();
            micros.map(|at| in_ranges(at.map(i128::from), ranges)).collect()
        }
        Test::Units(ranges) if *elements.data_type() == DataType::Boolean => {
            let _ = ranges;
            vec![false; elements.len()]
        }
        Test::Units(ranges) => {
            units(elements)?.into_iter().map(|unit| in_ranges(unit, ranges)).collect()
        }
        Test::Doubles(ranges) => {
            let doubles = cast(elements, &DataType::Float64)?;
            let doubles = doubles.as_primitive::<Float64Type>().iter();
            doubles.map(|d| d.is_some_and(|d| ranges.iter().any(|r| r.holds(d)))).collect()
        }
        Test::Text { test: TextTest::In(values), fold } => {
            let texts = cast(elements, &DataType::Utf8)?;
            let texts = texts.as_string::<i32>().iter();
            texts
                .map(|text| match (text, fold) {
                    (Some(text), true) => values.contains(&fold_text(text)),
                    (Some(text), false) => values.contains(text),
                    (None, _) => false,
                })
                .collect()
        }
        other => return exec_err!("no test of a list's element: {other:?}"),
    })
}

impl DoubleRange {
    fn holds(&self, value: f64) -> bool {
        let above = if self.low_open { value > self.low } else { value >= self.low };
        above && if self.high_open { value < self.high } else { value <= self.high }
    }
}

/// The same in a dialect that has lists.
pub(super) fn has_in(
    dialect: Dialect,
    planner: &Planner<'_>,
    expr: Expr,
    test: &Test,
    element: DataType,
) -> Result<Expr> {
    let name = match dialect {
        Dialect::DuckDb => "list_contains",
        Dialect::DataFusion => "array_has",
        Dialect::Spark => "array_contains",
        Dialect::Postgres | Dialect::Sqlite => return planner.flavor.cannot("a test of a list"),
    };
    let wanted = match test {
        Test::Text { test: TextTest::In(values), fold: false } if values.len() == 1 => {
            values.first().map(|value| lit(value.as_str()))
        }
        Test::Units(ranges) => match ranges.iter().collect::<Vec<_>>().as_slice() {
            [(low, high)] if low == high && element.is_integer() => {
                let (low, element) = (*low, super::expr::plain_type(&element));
                Some(planner.unit(low, &element)?)
            }
            _ => None,
        },
        Test::Bool(value) => Some(lit(*value)),
        _ => None,
    };
    match wanted {
        Some(wanted) => Ok(super::flavor::elsewhere(name, vec![expr, wanted], DataType::Boolean)),
        None => planner.flavor.cannot("this test of a list"),
    }
}
