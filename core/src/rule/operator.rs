//! The operators of conditions, under every spelling that people use.

use std::fmt;

/// An operator, as it is stored and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs)] // RULES.md section 3.1 says what each means
pub enum Operator {
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
    During,
    NotDuring,
    Within,
    NotWithin,
    Top,
    Bottom,
}

use Operator::*;

/// Every operator with its spelling.
pub(crate) const OPERATORS: [(Operator, &str); 26] = [
    (Equal, "="),
    (NotEqual, "!="),
    (Less, "<"),
    (LessOrEqual, "<="),
    (Greater, ">"),
    (GreaterOrEqual, ">="),
    (Between, "between"),
    (NotBetween, "notBetween"),
    (In, "in"),
    (NotIn, "notIn"),
    (Contains, "contains"),
    (DoesNotContain, "doesNotContain"),
    (BeginsWith, "beginsWith"),
    (DoesNotBeginWith, "doesNotBeginWith"),
    (EndsWith, "endsWith"),
    (DoesNotEndWith, "doesNotEndWith"),
    (Matches, "matches"),
    (DoesNotMatch, "doesNotMatch"),
    (Null, "null"),
    (NotNull, "notNull"),
    (During, "during"),
    (NotDuring, "notDuring"),
    (Within, "within"),
    (NotWithin, "notWithin"),
    (Top, "top"),
    (Bottom, "bottom"),
];

/// Other spellings, in small letters and without spaces, underscores and hyphens.
const ALIASES: [(&str, Operator); 30] = [
    ("==", Equal),
    ("eq", Equal),
    ("equals", Equal),
    ("is", Equal),
    ("<>", NotEqual),
    ("ne", NotEqual),
    ("notequals", NotEqual),
    ("isnot", NotEqual),
    ("lt", Less),
    ("lte", LessOrEqual),
    ("gt", Greater),
    ("gte", GreaterOrEqual),
    ("notcontains", DoesNotContain),
    ("notcontain", DoesNotContain),
    ("startswith", BeginsWith),
    ("doesnotstartwith", DoesNotBeginWith),
    ("notstartswith", DoesNotBeginWith),
    ("notbeginswith", DoesNotBeginWith),
    ("notbeginwith", DoesNotBeginWith),
    ("notendswith", DoesNotEndWith),
    ("notendwith", DoesNotEndWith),
    ("notmatches", DoesNotMatch),
    ("notmatch", DoesNotMatch),
    ("regex", Matches),
    ("isnull", Null),
    ("isnotnull", NotNull),
    ("isin", In),
    ("isnotin", NotIn),
    ("isbetween", Between),
    ("isnotbetween", NotBetween),
];

impl Operator {
    /// Reads an operator in any of its spellings.
    #[must_use]
    pub fn parse(text: &str) -> Option<Operator> {
        if text.len() > 40 {
            return None;
        }
        let plain: String = text
            .chars()
            .filter(|c| !matches!(c, ' ' | '_' | '-'))
            .flat_map(char::to_lowercase)
            .collect();
        let stored = OPERATORS.iter().find(|(_, name)| name.to_lowercase() == plain);
        stored
            .map(|(operator, _)| *operator)
            .or_else(|| ALIASES.iter().find(|(name, _)| *name == plain).map(|(_, op)| *op))
    }

    /// The spelling that is stored and shown.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        OPERATORS.iter().find(|(op, _)| *op == self).map_or("", |(_, name)| name)
    }

    /// Whether it is one of `=`, `!=`, `<`, `<=`, `>` and `>=`.
    pub(crate) fn compares(self) -> bool {
        matches!(self, Equal | NotEqual | Less | LessOrEqual | Greater | GreaterOrEqual)
    }

    /// Whether it looks for one string in another, or for its absence.
    pub(crate) fn looks_into(self) -> bool {
        matches!(self.positive().0, Contains | BeginsWith | EndsWith)
    }

    /// The operator that a negative one negates, and whether it is negative.
    pub(crate) fn positive(self) -> (Operator, bool) {
        match self {
            NotEqual => (Equal, true),
            NotBetween => (Between, true),
            NotIn => (In, true),
            DoesNotContain => (Contains, true),
            DoesNotBeginWith => (BeginsWith, true),
            DoesNotEndWith => (EndsWith, true),
            DoesNotMatch => (Matches, true),
            NotNull => (Null, true),
            NotDuring => (During, true),
            NotWithin => (Within, true),
            other => (other, false),
        }
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
