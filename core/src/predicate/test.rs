//! From an operator and its values to a [`Test`] in the units of the value's type.

use std::collections::BTreeSet;
use std::ops::Bound;

use chrono_tz::Tz;

use crate::document::{Number, OnGrid, Path};
use crate::error::{Code, Problem};
use crate::model::{FieldType, day_number};
use crate::rule::{Condition, Moment, Operand, Operator, Scalar};

use super::window::span_of;
use super::{DoubleRange, Ranges, Test, TextTest};

/// Unicode simple case folding.
pub(crate) fn fold(text: &str) -> String {
    let mapper = icu_casemap::CaseMapper::new();
    text.chars().map(|c| mapper.simple_fold(c)).collect()
}

/// Makes tests of one condition's operator and values.
pub(crate) struct Tester<'a> {
    pub(crate) condition: &'a Condition,
    pub(crate) zone: Tz,
    /// What the condition is about, for messages.
    pub(crate) name: &'a str,
    pub(crate) problems: &'a mut Vec<Problem>,
}

impl Tester<'_> {
    fn place(&self, member: &str) -> String {
        Path::at(self.condition.at.as_str()).member(member).to_string()
    }

    fn bad(&mut self, code: Code, place: String, message: String) {
        self.problems.push(Problem::new(code, place, message));
    }

    fn bad_operator<T>(&mut self, ty: &FieldType) -> Option<T> {
        let known = operators_of(ty).iter().map(|o| o.as_str()).collect::<Vec<_>>().join(" ");
        let message = format!(
            "{} does not go with {}, {}; expected one of {known}",
            self.condition.operator,
            self.name,
            ty.one()
        );
        self.bad(Code::BadOperator, self.place("operator"), message);
        None
    }

    /// The test for a value of type `ty`; negation is left to the atom. It holds only if there are
    /// no problems.
    pub(crate) fn test(&mut self, ty: &FieldType) -> Option<Test> {
        let (operator, _) = self.condition.operator.positive();
        let folds = matches!(ty, FieldType::String)
            || matches!(ty, FieldType::List(e) if **e == FieldType::String);
        if !self.condition.case_sensitive && !folds {
            let message = format!("caseSensitive goes with strings; {} is {}", self.name, ty.one());
            self.bad(Code::TypeMismatch, self.place("caseSensitive"), message);
        }
        if operator == Operator::Null {
            return Some(Test::Present);
        }
        if !operators_of(ty).contains(&self.condition.operator) {
            return self.bad_operator(ty);
        }
        if let Operand::Window(window) = &self.condition.operand {
            return Some(Test::During(*window));
        }
        match ty {
            FieldType::Boolean => self.booleans(),
            FieldType::Integer => self.units(operator, &mut |t, v, p| t.on_grid(v, 0, p)),
            FieldType::Decimal { scale } => {
                let scale = *scale;
                self.units(operator, &mut |t, v, p| t.on_grid(v, scale, p))
            }
            FieldType::Date => self.units(operator, &mut |t, v, p| t.day(v, p)),
            FieldType::Timestamp => self.units(operator, &mut |t, v, p| t.instants(v, p)),
            FieldType::Float => self.doubles(operator),
            FieldType::Ratio => self.ratios(operator),
            FieldType::String => self.texts(operator),
            FieldType::List(element) => self.element(element),
            FieldType::Point => self.bad_operator(ty),
        }
    }

    /// The values with the places they stand at.
    fn values(&self) -> Vec<(Scalar, String)> {
        let place = self.place("value");
        let path = Path::at(&place);
        match &self.condition.operand {
            Operand::One(value) => vec![(value.clone(), place.clone())],
            Operand::Pair(low, high) => vec![
                (low.clone(), path.index(0).to_string()),
                (high.clone(), path.index(1).to_string()),
            ],
            Operand::List(values) => values
                .iter()
                .enumerate()
                .map(|(index, value)| (value.clone(), path.index(index).to_string()))
                .collect(),
            _ => Vec::new(),
        }
    }

    /// Every value as `read` makes it; of very many bad ones the first hundred are told.
    fn each<T>(
        &mut self,
        read: &mut dyn FnMut(&mut Self, &Scalar, String) -> Option<T>,
    ) -> Option<Vec<T>> {
        let values = self.values();
        let count = values.len();
        let before = self.problems.len();
        let mut found = Vec::with_capacity(count);
        for (value, place) in values {
            found.extend(read(self, &value, place));
            if self.problems.len() > before + 100 {
                return None;
            }
        }
        (found.len() == count).then_some(found)
    }

    fn mismatch<T>(&mut self, expected: &str, value: &Scalar, place: String) -> Option<T> {
        let message = format!("{} is {expected}, found {value}", self.name);
        self.bad(Code::TypeMismatch, place, message);
        None
    }

    fn booleans(&mut self) -> Option<Test> {
        let values = self.each(&mut |t, value, place| match value {
            Scalar::Bool(value) => Some(*value),
            other => t.mismatch("a boolean: expected true or false", other, place),
        })?;
        Some(match values.as_slice() {
            [one] => Test::Bool(*one),
            several if several.contains(&true) && several.contains(&false) => Test::Present,
            several => match several.first() {
                Some(value) => Test::Bool(*value),
                None => Test::Units(Ranges::default()),
            },
        })
    }

    fn number(&mut self, value: &Scalar, place: String) -> Option<Number> {
        match value {
            Scalar::Number(number) => Some(*number),
            Scalar::Text(text) => match text.trim().parse() {
                Ok(number) => Some(number),
                Err(_) => self.mismatch("a number", value, place),
            },
            Scalar::Bool(_) => self.mismatch("a number", value, place),
        }
    }

    /// The units at the grid of `scale` that a number stands for: one, or the gap between two.
    fn on_grid(&mut self, value: &Scalar, scale: i32, place: String) -> Option<UnitSpan> {
        let number = self.number(value, place)?;
        Some(match number.on_grid(scale) {
            OnGrid::Exact(unit) => UnitSpan { first: unit, last: unit },
            // No unit is equal; those up to `unit` are less and those after it greater.
            OnGrid::After(unit) => UnitSpan { first: unit + 1, last: unit },
            OnGrid::Above => UnitSpan { first: Ranges::MAX, last: Ranges::MAX - 1 },
            OnGrid::Below => UnitSpan { first: Ranges::MIN + 1, last: Ranges::MIN },
        })
    }

    fn moment(&mut self, value: &Scalar, place: String) -> Option<Moment> {
        let Scalar::Text(text) = value else {
            return self.mismatch("a date or timestamp", value, place);
        };
        let moment = Moment::parse(text);
        if moment.is_none() {
            let message = format!(
                "expected a date or an instant such as 2025-01-31 or 2025-01-31T18:30:00Z, found {value}"
            );
            self.bad(Code::BadDate, place, message);
        }
        moment
    }

    fn day(&mut self, value: &Scalar, place: String) -> Option<UnitSpan> {
        match self.moment(value, place.clone())? {
            Moment::Day(day) => {
                let day = i128::from(day_number(day));
                Some(UnitSpan { first: day, last: day })
            }
            _ => self.mismatch("a date: expected one without a time", value, place),
        }
    }

    fn instants(&mut self, value: &Scalar, place: String) -> Option<UnitSpan> {
        let span = span_of(self.moment(value, place)?, self.zone);
        Some(UnitSpan { first: i128::from(span.start), last: i128::from(span.end) - 1 })
    }

    fn low_above_high<T>(&mut self) -> Option<T> {
        let message = "the low end is above the high end".to_owned();
        self.bad(Code::BadValue, self.place("value"), message);
        None
    }

    fn units(&mut self, operator: Operator, read: &mut ReadUnits<'_>) -> Option<Test> {
        let values = self.each(read)?;
        let (min, max) = (Ranges::MIN, Ranges::MAX);
        let ranges = match (operator, values.as_slice()) {
            (Operator::Less, [v]) => Ranges::of([(min, v.first.saturating_sub(1))]),
            (Operator::LessOrEqual, [v]) => Ranges::of([(min, v.last)]),
            (Operator::Greater, [v]) => Ranges::of([(v.last.saturating_add(1), max)]),
            (Operator::GreaterOrEqual, [v]) => Ranges::of([(v.first, max)]),
            (Operator::Between, [low, high]) => {
                if self.is_inverted() || (low.first > high.first && low.last > high.last) {
                    return self.low_above_high();
                }
                Ranges::of([(low.first, high.last)])
            }
            (_, values) => Ranges::of(values.iter().map(|v| (v.first, v.last))),
        };
        Some(Test::Units(ranges))
    }

    /// Whether the pair is of numbers whose first is above the second.
    fn is_inverted(&self) -> bool {
        let number = |value: &Scalar| match value {
            Scalar::Number(number) => Some(*number),
            Scalar::Text(text) => text.trim().parse::<Number>().ok(),
            Scalar::Bool(_) => None,
        };
        match &self.condition.operand {
            Operand::Pair(low, high) => number(low).zip(number(high)).is_some_and(|(l, h)| l > h),
            _ => false,
        }
    }

    fn doubles(&mut self, operator: Operator) -> Option<Test> {
        let values = self.each(&mut |t, value, place| t.number(value, place))?;
        if operator == Operator::Between && self.is_inverted() {
            return self.low_above_high();
        }
        let values: Vec<f64> = values.into_iter().map(Number::to_f64).collect();
        let all = (f64::NEG_INFINITY, f64::INFINITY);
        let ranges = match (operator, values.as_slice()) {
            (Operator::Less, [v]) => vec![DoubleRange::new(all.0, false, *v, true)],
            (Operator::LessOrEqual, [v]) => vec![DoubleRange::new(all.0, false, *v, false)],
            (Operator::Greater, [v]) => vec![DoubleRange::new(*v, true, all.1, false)],
            (Operator::GreaterOrEqual, [v]) => vec![DoubleRange::new(*v, false, all.1, false)],
            (Operator::Between, [l, h]) => vec![DoubleRange::new(*l, false, *h, false)],
            (_, values) => values.iter().map(|v| DoubleRange::new(*v, false, *v, false)).collect(),
        };
        Some(Test::Doubles(ranges.into_iter().flatten().collect()))
    }

    fn ratios(&mut self, operator: Operator) -> Option<Test> {
        let values = self.each(&mut |t, value, place| t.number(value, place))?;
        if operator == Operator::Between && self.is_inverted() {
            return self.low_above_high();
        }
        let (open, closed) = (Bound::Excluded, Bound::Included);
        let no = Bound::Unbounded;
        Some(Test::Ratios(match (operator, values.as_slice()) {
            (Operator::Less, [v]) => vec![(no, open(*v))],
            (Operator::LessOrEqual, [v]) => vec![(no, closed(*v))],
            (Operator::Greater, [v]) => vec![(open(*v), no)],
            (Operator::GreaterOrEqual, [v]) => vec![(closed(*v), no)],
            (Operator::Between, [low, high]) => vec![(closed(*low), closed(*high))],
            (_, values) => values.iter().map(|v| (closed(*v), closed(*v))).collect(),
        }))
    }

    fn texts(&mut self, operator: Operator) -> Option<Test> {
        let folds = !self.condition.case_sensitive;
        let mut values = self.each(&mut |t, value, place| match value {
            Scalar::Text(text) if folds && operator != Operator::Matches => Some(fold(text)),
            Scalar::Text(text) => Some(text.clone()),
            other => t.mismatch("a string", other, place),
        })?;
        if operator == Operator::Between && values.first() > values.get(1) {
            return self.low_above_high();
        }
        let (open, closed) = (Bound::Excluded, Bound::Included);
        let no = Bound::Unbounded;
        let mut one = || values.pop().unwrap_or_default();
        let test = match operator {
            Operator::Less => TextTest::Range(no, open(one())),
            Operator::LessOrEqual => TextTest::Range(no, closed(one())),
            Operator::Greater => TextTest::Range(open(one()), no),
            Operator::GreaterOrEqual => TextTest::Range(closed(one()), no),
            Operator::Between => {
                let high = one();
                TextTest::Range(closed(one()), closed(high))
            }
            Operator::Contains => TextTest::Contains(one()),
            Operator::BeginsWith => TextTest::Begins(one()),
            Operator::EndsWith => TextTest::Ends(one()),
            Operator::Matches => TextTest::Matches(one()),
            _ => TextTest::In(values.into_iter().collect::<BTreeSet<_>>()),
        };
        Some(Test::Text { test, fold: folds })
    }

    /// `contains` on a list: an element equal to the value.
    fn element(&mut self, ty: &FieldType) -> Option<Test> {
        let test = match ty {
            FieldType::Boolean => self.booleans(),
            FieldType::Integer => self.units(Operator::Equal, &mut |t, v, p| t.on_grid(v, 0, p)),
            FieldType::Decimal { scale } => {
                let scale = *scale;
                self.units(Operator::Equal, &mut |t, v, p| t.on_grid(v, scale, p))
            }
            FieldType::Date => self.units(Operator::Equal, &mut |t, v, p| t.day(v, p)),
            FieldType::Timestamp => self.units(Operator::Equal, &mut |t, v, p| t.instants(v, p)),
            FieldType::Float => self.doubles(Operator::Equal),
            FieldType::String => self.texts(Operator::Equal),
            FieldType::Ratio | FieldType::List(_) | FieldType::Point => self.bad_operator(ty),
        }?;
        Some(Test::Has { element: Box::new(test) })
    }
}

/// The units that one written value covers; `last` is below `first` where it lies between two.
struct UnitSpan {
    first: i128,
    last: i128,
}

type ReadUnits<'r> = dyn FnMut(&mut Tester<'_>, &Scalar, String) -> Option<UnitSpan> + 'r;

impl DoubleRange {
    /// Every value there is.
    pub(crate) const FINITE: DoubleRange =
        DoubleRange { low: f64::MIN, low_open: false, high: f64::MAX, high_open: false };

    /// The finite doubles of a range, if there can be any. Infinity is a missing value, so that an
    /// infinite bound becomes the largest finite one.
    fn new(low: f64, low_open: bool, high: f64, high_open: bool) -> Option<DoubleRange> {
        if low == f64::INFINITY || high == f64::NEG_INFINITY {
            return None;
        }
        let (low, low_open) = if low.is_infinite() { (f64::MIN, false) } else { (low, low_open) };
        let (high, high_open) =
            if high.is_infinite() { (f64::MAX, false) } else { (high, high_open) };
        // Engines order -0.0 before 0.0; the bound that keeps both or neither is written.
        let zero = |value: f64, negative: bool| match (value == 0.0, negative) {
            (true, true) => -0.0,
            (true, false) => 0.0,
            (false, _) => value,
        };
        Some(DoubleRange {
            low: zero(low, !low_open),
            low_open,
            high: zero(high, high_open),
            high_open,
        })
    }
}

use Operator::{
    BeginsWith, Between, Bottom, Contains, DoesNotBeginWith, DoesNotContain, DoesNotEndWith,
    DoesNotMatch, During, EndsWith, Equal, Greater, GreaterOrEqual, In, Less, LessOrEqual, Matches,
    NotBetween, NotDuring, NotEqual, NotIn, NotNull, NotWithin, Null, Top, Within,
};

const OF_NUMBERS: [Operator; 14] = [
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Between,
    NotBetween,
    In,
    NotIn,
    Null,
    NotNull,
    Top,
    Bottom,
];
const OF_TIMES: [Operator; 16] = [
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Between,
    NotBetween,
    In,
    NotIn,
    Null,
    NotNull,
    Top,
    Bottom,
    During,
    NotDuring,
];
const OF_STRINGS: [Operator; 22] = [
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Between,
    NotBetween,
    In,
    NotIn,
    Contains,
    DoesNotContain,
    BeginsWith,
    DoesNotBeginWith,
    EndsWith,
    DoesNotEndWith,
    Matches,
    DoesNotMatch,
    Null,
    NotNull,
    Top,
    Bottom,
];

/// The operators that go with a type.
pub(crate) fn operators_of(ty: &FieldType) -> &'static [Operator] {
    match ty {
        FieldType::Boolean => &[Equal, NotEqual, In, NotIn, Null, NotNull],
        FieldType::String => &OF_STRINGS,
        FieldType::Date | FieldType::Timestamp => &OF_TIMES,
        FieldType::List(_) => &[Contains, DoesNotContain, Null, NotNull],
        FieldType::Point => &[Within, NotWithin, Null, NotNull],
        _ => &OF_NUMBERS,
    }
}
