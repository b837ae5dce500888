//! The functions of the text form, under every name that is accepted.

use super::super::{AGGREGATES, Aggregate, Operator};

/// What a function of the text form is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    /// A value of a user: an aggregate of events.
    Aggregate(Aggregate),
    /// A value: a trait that is narrowed.
    Trait,
    /// A value whose strings are compared by case folding.
    Ci,
    /// A value: the bucket.
    Bucket,
    /// A condition: a string in a value.
    Strings(Operator),
    /// A condition: a time in a window.
    During(Operator),
    /// A condition: a point in a place.
    Within(Operator),
    /// A condition: a rank.
    Rank(Operator),
    /// A condition: a sequence.
    Sequence { did: bool },
    /// A condition that is switched off.
    Disabled,
    /// A group joined by `or`.
    AnyOf,
    /// Another field, on the right of a comparison.
    Field,
    /// A step of a sequence.
    Step,
}

/// Names that are written, but for those of the aggregates.
const NAMES: [(&str, Function); 23] = [
    ("trait", Function::Trait),
    ("ci", Function::Ci),
    ("bucket", Function::Bucket),
    ("contains", Function::Strings(Operator::Contains)),
    ("not_contains", Function::Strings(Operator::DoesNotContain)),
    ("begins_with", Function::Strings(Operator::BeginsWith)),
    ("not_begins_with", Function::Strings(Operator::DoesNotBeginWith)),
    ("ends_with", Function::Strings(Operator::EndsWith)),
    ("not_ends_with", Function::Strings(Operator::DoesNotEndWith)),
    ("matches", Function::Strings(Operator::Matches)),
    ("not_matches", Function::Strings(Operator::DoesNotMatch)),
    ("during", Function::During(Operator::During)),
    ("not_during", Function::During(Operator::NotDuring)),
    ("within", Function::Within(Operator::Within)),
    ("not_within", Function::Within(Operator::NotWithin)),
    ("top", Function::Rank(Operator::Top)),
    ("bottom", Function::Rank(Operator::Bottom)),
    ("did", Function::Sequence { did: true }),
    ("did_not", Function::Sequence { did: false }),
    ("disabled", Function::Disabled),
    ("any_of", Function::AnyOf),
    ("field", Function::Field),
    ("step", Function::Step),
];

impl Function {
    /// Finds a function by its name, in small letters or capitals.
    pub(super) fn find(name: &str) -> Option<Function> {
        let written = NAMES.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        if let Some((_, function)) = written {
            return Some(*function);
        }
        let aggregate = AGGREGATES.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
        if let Some((aggregate, _)) = aggregate {
            return Some(Function::Aggregate(*aggregate));
        }
        Function::of(Operator::parse(name)?)
    }

    fn of(operator: Operator) -> Option<Function> {
        let own = |function: &Function| match function {
            Function::Strings(op)
            | Function::During(op)
            | Function::Within(op)
            | Function::Rank(op) => *op == operator,
            _ => false,
        };
        NAMES.iter().map(|(_, function)| *function).find(own)
    }

    /// Whether it is a value, to be compared with another.
    pub(super) fn is_value(self) -> bool {
        matches!(self, Function::Aggregate(_) | Function::Trait | Function::Ci | Function::Bucket)
    }
}

/// Every name that is written.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    let aggregates = AGGREGATES.iter().map(|(_, name)| *name);
    NAMES.iter().map(|(name, _)| *name).chain(aggregates)
}

/// The name of the function that writes an operator, if it is one of those.
pub(super) fn name_of(operator: Operator) -> Option<&'static str> {
    let function = Function::of(operator)?;
    NAMES.iter().find(|(_, known)| *known == function).map(|(name, _)| *name)
}
