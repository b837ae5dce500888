//! Ranks: the values by which users are ranked, and the first of them.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use datafusion::logical_expr::LogicalPlan;

use crate::error::Result;
use crate::model::{FieldType, Key};
use crate::predicate::{Atom, Predicate, Test, Value};
use crate::rule::RankSize;

use super::exact::{self, values as numbers};
use super::expr::Tested;
use super::functions::number_kind;
use super::stream::Streams;
use super::{Planner, internal};

/// The value of one user, in the order of its type.
#[derive(Clone, Debug)]
pub(crate) enum Ranked {
    Whole(i128),
    Number(exact::Value),
    Text(Box<str>),
}

impl Ranked {
    fn cmp(&self, other: &Ranked) -> Ordering {
        match (self, other) {
            (Ranked::Whole(one), Ranked::Whole(two)) => one.cmp(two),
            (Ranked::Number(one), Ranked::Number(two)) => one.cmp(*two),
            (Ranked::Text(one), Ranked::Text(two)) => one.cmp(two),
            // A value has one type for all users.
            _ => Ordering::Equal,
        }
    }
}

/// How the columns of a plan of ranks are read.
#[derive(Clone, Debug)]
pub(crate) struct RankColumns {
    ty: FieldType,
    data_type: DataType,
}

impl Planner<'_> {
    /// The keys and values of those who may be ranked: who have a value and are in `among`.
    pub(crate) fn ranked(
        &self,
        value: &Value,
        among: Option<&Predicate>,
    ) -> Result<(LogicalPlan, RankColumns)> {
        let present =
            Predicate::Atom(Atom { value: value.clone(), test: Test::Present, negated: false });
        let who = Predicate::all(among.cloned().into_iter().chain([present.clone()]));
        // An `among` that is nobody leaves nothing of the rest; the value is a column all the same.
        let streams = Streams::of(&[&who, &present]);
        let filter = self.predicate(&who, false, &streams)?;
        let Tested { expr, count, ty, data_type } = self.comparable(value, &streams)?;
        let mut columns = vec![self.key(), expr.alias("value")];
        columns.extend(count.map(|count| count.alias("count")));
        let builder = self.joined(&streams)?.filter(filter).map_err(internal)?;
        let plan = builder.project(columns).map_err(internal)?.build().map_err(internal)?;
        Ok((plan, RankColumns { ty, data_type }))
    }
}

impl RankColumns {
    /// The values of a batch of the plan, those of its columns after the key.
    pub(crate) fn values(
        &self,
        columns: &[ArrayRef],
    ) -> datafusion::common::Result<Vec<Option<Ranked>>> {
        let first = super::functions::arg(columns, 0)?;
        Ok(match &self.ty {
            FieldType::String => {
                let texts = cast(first, &DataType::LargeUtf8)?;
                texts.as_string::<i64>().iter().map(|t| t.map(|t| Ranked::Text(t.into()))).collect()
            }
            FieldType::Ratio | FieldType::Float => {
                let kind = number_kind(&self.ty, &self.data_type);
                let numbers = numbers(columns, 0, kind)?.into_iter();
                numbers.map(|number| number.map(Ranked::Number)).collect()
            }
            FieldType::Decimal { .. } => {
                let digits = first.as_primitive::<Decimal128Type>().iter();
                digits.map(|digits| digits.map(Ranked::Whole)).collect()
            }
            _ if first.data_type() == &DataType::UInt64 => {
                let wide = cast(first, &DataType::Decimal128(20, 0))?;
                let digits = wide.as_primitive::<Decimal128Type>().iter();
                digits.map(|digits| digits.map(Ranked::Whole)).collect()
            }
            _ => {
                let whole = match first.data_type() {
                    DataType::Date32 => cast(&cast(first, &DataType::Int32)?, &DataType::Int64)?,
                    _ => cast(first, &DataType::Int64)?,
                };
                let whole = whole.as_primitive::<Int64Type>().iter();
                whole.map(|whole| whole.map(|whole| Ranked::Whole(whole.into()))).collect()
            }
        })
    }
}

/// The first users by value, the greatest first if `top`; ties go to the smaller keys. A selection
/// does, so that the rest stays in no order.
pub(crate) fn first_of<T>(
    mut users: Vec<(Ranked, Key, T)>,
    top: bool,
    size: RankSize,
) -> impl Iterator<Item = T> {
    let wanted = match size {
        RankSize::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
        RankSize::Percent(percent) => share(percent, users.len()),
    };
    let order = |one: &(Ranked, Key, T), two: &(Ranked, Key, T)| {
        let by_value = one.0.cmp(&two.0);
        (if top { by_value.reverse() } else { by_value }).then_with(|| one.1.cmp(&two.1))
    };
    if wanted < users.len() {
        if wanted > 0 {
            users.select_nth_unstable_by(wanted - 1, order);
        }
        users.truncate(wanted);
    }
    users.into_iter().map(|(_, _, user)| user)
}

/// So many hundredths of a count, rounded up, exactly.
fn share(percent: crate::Number, of: usize) -> usize {
    // At most 38 digits, of which those after the point are cut but not forgotten.
    let whole = num_bigint::BigInt::from(percent.digits()) * of;
    let scale = u32::try_from(percent.scale().max(0)).unwrap_or(0);
    let whole = whole
        * num_bigint::BigInt::from(10).pow(u32::try_from((-percent.scale()).max(0)).unwrap_or(0));
    let hundred = num_bigint::BigInt::from(100) * num_bigint::BigInt::from(10).pow(scale);
    let up: num_bigint::BigInt = (whole + &hundred - 1) / hundred;
    usize::try_from(up).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(values: &[i128], top: bool, size: RankSize) -> Vec<usize> {
        let users = values.iter().enumerate().map(|(at, value)| {
            // Keys run against the places.
            (Ranked::Whole(*value), Key::Int(-(at as i64)), at)
        });
        let mut found: Vec<usize> = first_of(users.collect(), top, size).collect();
        found.sort_unstable();
        found
    }

    #[test]
    fn ties_go_by_key_and_shares_round_up() {
        assert_eq!(first(&[5, 9, 9, 9, 1], true, RankSize::Count(2)), [2, 3]);
        assert_eq!(first(&[5, 9, 9, 9, 1], false, RankSize::Count(2)), [0, 4]);
        assert_eq!(first(&[5, 9], true, RankSize::Count(7)), [0, 1]);
        let percent = |text: &str| RankSize::Percent(text.parse().unwrap());
        assert_eq!(first(&[1, 2, 3], true, percent("33.4")).len(), 2);
        assert_eq!(first(&[1, 2, 3], true, percent("0.0000001")).len(), 1);
        assert_eq!(first(&[1; 200], true, percent("10")).len(), 20);
        assert_eq!(first(&[1; 200], true, percent("1e1")).len(), 20);
        assert_eq!(first(&[], true, percent("10")).len(), 0);
        assert_eq!(first(&[1, 2, 3], true, percent("100")).len(), 3);
    }
}
