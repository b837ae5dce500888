//! JSON documents as people send them: read with limits before anything is built, numbers kept
//! to the last digit, every place named by its JSON Pointer.

mod fields;
pub(crate) mod instant;
mod number;
mod path;
mod read;
mod write;

use std::borrow::Cow;

pub(crate) use fields::{Fields, describe};
pub(crate) use number::{MAX_38, OnGrid};
pub use number::{Number, NumberError};
pub(crate) use path::Path;
pub(crate) use read::{read, read_value};

/// Deepest nesting of conditions; the root is level 1, and `where` and `among` count on.
pub const MAX_LEVELS: usize = 64;
/// Most conditions in one document, and most groups.
pub const MAX_CONDITIONS: usize = 10_000;
/// Most values in one list.
pub const MAX_VALUES: usize = 1_000_000;
/// Most bytes in one document: 64 MiB.
pub const MAX_BYTES: usize = 64 * 1024 * 1024;

/// A JSON document to be read: text, or a [`serde_json::Value`].
///
/// Text keeps numbers of up to 38 digits exactly; a `Value` holds what it could.
#[derive(Clone, Debug)]
pub struct Document<'a>(Cow<'a, str>);

impl Document<'_> {
    /// The document as JSON text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'a> From<&'a str> for Document<'a> {
    fn from(text: &'a str) -> Self {
        Document(Cow::Borrowed(text))
    }
}

impl<'a> From<&'a String> for Document<'a> {
    fn from(text: &'a String) -> Self {
        Document(Cow::Borrowed(text))
    }
}

impl From<String> for Document<'_> {
    fn from(text: String) -> Self {
        Document(Cow::Owned(text))
    }
}

impl From<&serde_json::Value> for Document<'_> {
    fn from(value: &serde_json::Value) -> Self {
        Document(Cow::Owned(value.to_string()))
    }
}

impl From<serde_json::Value> for Document<'_> {
    fn from(value: serde_json::Value) -> Self {
        Document::from(&value)
    }
}

/// A JSON value whose members keep their order and whose numbers keep their digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(Number),
    /// A number with more digits or a larger exponent than [`Number`] holds, as it was written.
    LongNumber(Box<str>),
    String(String),
    Array(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// The member of that name, if this is an object that has it.
    pub(crate) fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }
}

/// Where a pointer into `json` has to end at the latest: a text has no places inside of it.
pub(crate) fn end_of(json: &Json, pointer: &str) -> usize {
    let mut at = json;
    let mut end = 0;
    for step in pointer.split('/').skip(1) {
        let below = match at {
            Json::String(_) => return end,
            Json::Array(items) => step.parse().ok().and_then(|index: usize| items.get(index)),
            Json::Object(_) => at.get(&step.replace("~1", "/").replace("~0", "~")),
            _ => None,
        };
        match below {
            Some(below) => at = below,
            None => return pointer.len(),
        }
        end += 1 + step.len();
    }
    pointer.len()
}

impl From<&str> for Json {
    fn from(text: &str) -> Self {
        Json::String(text.to_owned())
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Json::Number(Number::from(value))
    }
}
