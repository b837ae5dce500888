//! The values of conditions: one, a pair, a list, a list as text; keys and names of rules.

use std::fmt;

use crate::document::{Json, MAX_VALUES, Number, Path, describe};
use crate::error::{Code, Problem};
use crate::model::Key;

use super::RuleRef;

/// One value in a condition, as it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Scalar {
    /// `true` or `false`.
    Bool(bool),
    /// A number, exact.
    Number(Number),
    /// A string; it may stand for a number, a date or an instant where a field is one.
    Text(String),
}

impl Scalar {
    pub(crate) fn to_json(&self) -> Json {
        match self {
            Scalar::Bool(value) => Json::Bool(*value),
            Scalar::Number(number) => Json::Number(*number),
            Scalar::Text(text) => Json::String(text.clone()),
        }
    }
}

impl fmt::Display for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Scalar::Bool(value) => write!(f, "{value}"),
            Scalar::Number(number) => write!(f, "the number {number}"),
            Scalar::Text(text) if text.chars().count() <= 60 => write!(f, "the string {text:?}"),
            Scalar::Text(text) => {
                write!(f, "the string {:?}…", text.chars().take(60).collect::<String>())
            }
        }
    }
}

/// Reads one value, [`Code::BadValue`] if it is none.
pub(crate) fn scalar_of(
    json: &Json,
    path: &Path<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Scalar> {
    match json {
        Json::Bool(value) => Some(Scalar::Bool(*value)),
        Json::Number(number) => Some(Scalar::Number(*number)),
        Json::String(text) => Some(Scalar::Text(text.clone())),
        other => {
            let expected = match other {
                Json::LongNumber(_) => "a number of at most 38 digits",
                _ => "one value",
            };
            problems.push(Problem::new(
                Code::BadValue,
                path.to_string(),
                format!("expected {expected}, found {}", describe(other)),
            ));
            None
        }
    }
}

/// The most faults of one list that are told one by one.
const TOLD: usize = 100;

/// Reads every element of a list with `read`; of very many bad ones the first hundred are told.
pub(crate) fn each<T>(
    items: &[Json],
    path: &Path<'_>,
    problems: &mut Vec<Problem>,
    mut read: impl FnMut(&Json, &Path<'_>, &mut Vec<Problem>) -> Option<T>,
) -> Option<Vec<T>> {
    let mut found = Vec::with_capacity(items.len());
    let mut bad = 0usize;
    for (index, item) in items.iter().enumerate() {
        let before = problems.len();
        match read(item, &path.index(index), problems) {
            Some(value) => found.push(value),
            None => {
                bad += 1;
                if bad > TOLD {
                    problems.truncate(before);
                }
            }
        }
    }
    if bad > TOLD {
        problems.push(Problem::new(
            Code::BadValue,
            path.to_string(),
            format!("{} more elements of this list are wrong", bad - TOLD),
        ));
    }
    (bad == 0).then_some(found)
}

/// The parts of a list in text: split at commas, trimmed, empties dropped, `\,` a comma.
pub(crate) fn split_list(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match (c, parts.last_mut()) {
            ('\\', Some(part)) if characters.peek() == Some(&',') => {
                characters.next();
                part.push(',');
            }
            (',', _) => parts.push(String::new()),
            (c, Some(part)) => part.push(c),
            (_, None) => {}
        }
    }
    let trimmed = parts.iter().map(|part| part.trim().to_owned());
    trimmed.filter(|part| !part.is_empty()).collect()
}

/// A list of values: a JSON list, or text that is split.
pub(crate) fn list_of(
    json: &Json,
    path: &Path<'_>,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Scalar>> {
    match json {
        Json::Array(items) => each(items, path, problems, scalar_of),
        Json::String(text) => {
            let parts = split_list(text);
            if parts.len() > MAX_VALUES {
                let message = "the limit of 1,000,000 values in a list is passed";
                problems.push(Problem::new(Code::LimitExceeded, path.to_string(), message));
                return None;
            }
            Some(parts.into_iter().map(Scalar::Text).collect())
        }
        other => {
            problems.push(Problem::new(
                Code::BadValue,
                path.to_string(),
                format!("expected a list, found {}", describe(other)),
            ));
            None
        }
    }
}

/// A user key: a whole number of 64 bits, or a string.
pub(crate) fn key_of(json: &Json, path: &Path<'_>, problems: &mut Vec<Problem>) -> Option<Key> {
    let key = match json {
        Json::Number(number) => number.to_i64().map(Key::Int),
        Json::String(text) => Some(Key::Text(text.clone())),
        _ => None,
    };
    if key.is_none() {
        problems.push(Problem::new(
            Code::BadValue,
            path.to_string(),
            format!("expected a key, a 64-bit integer or a string, found {}", describe(json)),
        ));
    }
    key
}

/// A rule's id or name.
pub(crate) fn rule_ref_of(
    json: &Json,
    path: &Path<'_>,
    problems: &mut Vec<Problem>,
) -> Option<RuleRef> {
    let found = match json {
        Json::Number(number) => number.to_i64().map(RuleRef::Id),
        Json::String(text) => Some(RuleRef::Name(nfc(text))),
        _ => None,
    };
    if found.is_none() {
        problems.push(Problem::new(
            Code::BadValue,
            path.to_string(),
            format!("expected a rule's id or its name, found {}", describe(json)),
        ));
    }
    found
}

/// The text in Unicode normal form C, as names are kept.
pub(crate) fn nfc(text: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    match text.is_ascii() {
        true => text.to_owned(),
        false => text.nfc().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_in_text() {
        assert_eq!(split_list(" a, b ,,c\\,d , "), ["a", "b", "c,d"]);
        assert_eq!(split_list(""), Vec::<String>::new());
        assert_eq!(split_list("a\\b"), ["a\\b"]);
    }
}
