//! Ranks: the values by which users are ranked, the first of them, and where those end.

use std::cmp::Ordering;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Decimal128Type, Int64Type};
use chrono::{DateTime, Days, NaiveDate, SecondsFormat};
use datafusion::logical_expr::LogicalPlan;
use serde::{Deserialize, Serialize};

use crate::document::{Json, Number};
use crate::error::Result;
use crate::model::{FieldType, Key};
use crate::predicate::{Atom, Predicate, Test, Value};
use crate::rule::RankSize;

use super::exact::{self, values as numbers};
use super::expr::Tested;
use super::functions::number_kind;
use super::stream::Streams;
use super::{Planner, internal};

/// The value of one user, in the order of its type. It is kept as words: JSON's numbers are not
/// read back to the last digit everywhere.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(into = "Vec<String>", try_from = "Vec<String>")]
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

impl From<Ranked> for Vec<String> {
    fn from(value: Ranked) -> Self {
        match value {
            Ranked::Whole(units) => vec!["whole".to_owned(), units.to_string()],
            Ranked::Number(exact::Value::Double(double)) => {
                vec!["double".to_owned(), format!("{double:e}")]
            }
            Ranked::Number(exact::Value::Ratio { digits, scale, count }) => {
                vec!["ratio".to_owned(), digits.to_string(), scale.to_string(), count.to_string()]
            }
            Ranked::Text(text) => vec!["text".to_owned(), text.into()],
        }
    }
}

impl TryFrom<Vec<String>> for Ranked {
    type Error = String;

    fn try_from(words: Vec<String>) -> std::result::Result<Self, String> {
        let wrong = || format!("{words:?} is no value of a rank");
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let value = match words.as_slice() {
            ["whole", units] => units.parse().ok().map(Ranked::Whole),
            ["double", double] => double.parse().ok().map(exact::Value::Double).map(Ranked::Number),
            ["ratio", digits, scale, count] => {
                let parts = (digits.parse(), scale.parse(), count.parse());
                let (Ok(digits), Ok(scale), Ok(count)) = parts else { return Err(wrong()) };
                Some(Ranked::Number(exact::Value::Ratio { digits, scale, count }))
            }
            ["text", text] => Some(Ranked::Text((*text).into())),
            _ => None,
        };
        value.ok_or_else(wrong)
    }
}

/// Where a rank ends.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Cutoff {
    /// Nowhere: there is room for one more user than have a value.
    Everyone,
    /// With the user of that ordinal.
    Last { value: Ranked, user: u32 },
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

    /// A value as people are shown it, like those of [`Planner::explained`].
    pub(crate) fn json(&self, value: &Ranked) -> Json {
        let double = |value: f64| format!("{value:e}").parse().map_or(Json::Null, Json::Number);
        match (value, &self.ty, &self.data_type) {
            (Ranked::Text(text), ..) => Json::String(text.to_string()),
            (Ranked::Number(number), ..) => double(number.to_f64()),
            (Ranked::Whole(days), FieldType::Date, _) => {
                day(*days).map_or(Json::Null, Json::String)
            }
            (Ranked::Whole(micros), FieldType::Timestamp, _) => {
                let at = i64::try_from(*micros).ok().and_then(DateTime::from_timestamp_micros);
                let text = at.map(|at| at.to_rfc3339_opts(SecondsFormat::Micros, true));
                text.map_or(Json::Null, Json::String)
            }
            (Ranked::Whole(digits), _, data_type) => {
                let scale = match data_type {
                    DataType::Decimal128(_, scale) => i32::from(*scale),
                    _ => 0,
                };
                Number::from_parts(*digits, scale).map_or(Json::Null, Json::Number)
            }
        }
    }
}

/// The day that is so many days after 1 January 1970.
fn day(days: i128) -> Option<String> {
    let first = NaiveDate::default();
    let count = Days::new(u64::try_from(days.unsigned_abs()).ok()?);
    let day = if days < 0 { first.checked_sub_days(count) } else { first.checked_add_days(count) };
    day.map(|day| day.to_string())
}

/// Users with what they are ranked by.
pub(crate) type RankedUser = (Ranked, Key, u32);

/// How users come one after another: by value, the greatest first if `top`, then the smaller keys.
pub(crate) fn rank_order(
    top: bool,
    (value, key): (&Ranked, &Key),
    (other, other_key): (&Ranked, &Key),
) -> Ordering {
    let by_value = value.cmp(other);
    (if top { by_value.reverse() } else { by_value }).then_with(|| key.cmp(other_key))
}

/// The first users by value, and where they end. A selection finds them, so that the rest stays in
/// no order.
pub(crate) fn first_of(
    mut users: Vec<RankedUser>,
    top: bool,
    size: RankSize,
) -> (impl Iterator<Item = u32>, Cutoff) {
    let wanted = |of: usize| match size {
        RankSize::Count(count) => usize::try_from(count).unwrap_or(usize::MAX),
        RankSize::Percent(percent) => share(percent, of),
    };
    let room = wanted(users.len().saturating_add(1)) > users.len();
    let wanted = wanted(users.len()).min(users.len());
    let mut cutoff = Cutoff::Everyone;
    if let Some(last) = wanted.checked_sub(1).filter(|_| !room) {
        let order = |one: &RankedUser, two: &RankedUser| {
            rank_order(top, (&one.0, &one.1), (&two.0, &two.1))
        };
        let (_, (value, _, user), _) = users.select_nth_unstable_by(last, order);
        cutoff = Cutoff::Last { value: value.clone(), user: *user };
    }
    users.truncate(wanted);
    (users.into_iter().map(|(_, _, user)| user), cutoff)
}

/// So many hundredths of a count, rounded up, exactly.
fn share(percent: Number, of: usize) -> usize {
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

    fn ranked(values: &[i128]) -> Vec<RankedUser> {
        let users = values.iter().enumerate().map(|(at, value)| {
            // Keys run against the places.
            (Ranked::Whole(*value), Key::Int(-(at as i64)), at as u32)
        });
        users.collect()
    }

    fn first(values: &[i128], top: bool, size: RankSize) -> Vec<u32> {
        let mut found: Vec<u32> = first_of(ranked(values), top, size).0.collect();
        found.sort_unstable();
        found
    }

    fn percent(text: &str) -> RankSize {
        RankSize::Percent(text.parse().unwrap())
    }

    #[test]
    fn ties_go_by_key_and_shares_round_up() {
        assert_eq!(first(&[5, 9, 9, 9, 1], true, RankSize::Count(2)), [2, 3]);
        assert_eq!(first(&[5, 9, 9, 9, 1], false, RankSize::Count(2)), [0, 4]);
        assert_eq!(first(&[5, 9], true, RankSize::Count(7)), [0, 1]);
        assert_eq!(first(&[1, 2, 3], true, percent("33.4")).len(), 2);
        assert_eq!(first(&[1, 2, 3], true, percent("0.0000001")).len(), 1);
        assert_eq!(first(&[1; 200], true, percent("10")).len(), 20);
        assert_eq!(first(&[1; 200], true, percent("1e1")).len(), 20);
        assert_eq!(first(&[], true, percent("10")).len(), 0);
        assert_eq!(first(&[1, 2, 3], true, percent("100")).len(), 3);
    }

    /// The user with whom a rank ends, and nobody where there is room for one more.
    fn last(values: &[i128], top: bool, size: RankSize) -> Option<(i128, u32)> {
        match first_of(ranked(values), top, size).1 {
            Cutoff::Last { value: Ranked::Whole(value), user } => Some((value, user)),
            Cutoff::Last { value, .. } => panic!("{value:?}"),
            Cutoff::Everyone => None,
        }
    }

    #[test]
    fn a_rank_ends_with_its_last_user_or_nowhere() {
        assert_eq!(last(&[5, 9, 9, 9, 1], true, RankSize::Count(2)), Some((9, 2)));
        assert_eq!(last(&[5, 9, 9, 9, 1], false, RankSize::Count(2)), Some((5, 0)));
        // All are in, and the next one would not be.
        assert_eq!(last(&[5, 9], true, RankSize::Count(2)), Some((5, 0)));
        assert_eq!(last(&[5, 9], true, percent("60")), Some((5, 0)));
        assert_eq!(last(&[7], true, percent("50")), Some((7, 0)));
        // The next one would.
        assert_eq!(last(&[5, 9], true, RankSize::Count(3)), None);
        assert_eq!(last(&[5, 9], true, percent("99")), None);
        assert_eq!(last(&[], true, RankSize::Count(1)), None);
        assert_eq!(last(&[], true, percent("10")), None);
    }

    #[test]
    fn cutoffs_are_read_back_to_the_last_digit() {
        let ratio = exact::Value::Ratio { digits: i128::MIN, scale: 9, count: i64::MAX };
        let values = [
            Ranked::Whole(i128::MAX),
            Ranked::Number(exact::Value::Double(0.1 + 0.2)),
            Ranked::Number(exact::Value::Double(-5e-324)),
            Ranked::Number(ratio),
            Ranked::Text("größer \"\n".into()),
        ];
        for value in values {
            let cutoff = Cutoff::Last { value, user: u32::MAX };
            let text = serde_json::to_string(&cutoff).unwrap();
            let again: Cutoff = serde_json::from_str(&text).unwrap();
            assert_eq!(format!("{again:?}"), format!("{cutoff:?}"), "{text}");
        }
        let everyone: Cutoff = serde_json::from_str("\"everyone\"").unwrap();
        assert!(matches!(everyone, Cutoff::Everyone));
        for wrong in ["[]", "[\"whole\",\"x\"]", "[\"ratio\",\"1\"]", "[\"texts\",\"a\"]"] {
            let text = format!("{{\"last\": {{\"value\": {wrong}, \"user\": 1}}}}");
            assert!(serde_json::from_str::<Cutoff>(&text).is_err(), "{text}");
        }
    }
}
