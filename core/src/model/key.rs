//! The key of a user: a 64-bit integer or a string, and columns of such keys.

use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, Int64Array, LargeStringArray};
use serde::{Serialize, Serializer};

/// The key of one user, as it stands in the users table.
///
/// Integers sort before strings; strings sort by code point.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Key {
    /// An integer key.
    Int(i64),
    /// A string key; UUIDs are strings.
    Text(String),
}

/// Which of the two kinds of key a population has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyType {
    /// 64-bit integers.
    Int,
    /// Strings.
    Text,
}

impl KeyType {
    /// `"int"` or `"text"`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            KeyType::Int => "int",
            KeyType::Text => "text",
        }
    }
}

/// A column of keys. There are no nulls in it, except where [`Catalog::keys`](crate::Catalog::keys)
/// has no key for an ordinal.
#[derive(Clone, Debug, PartialEq)]
pub enum KeyColumn {
    /// Integer keys.
    Int(Int64Array),
    /// String keys.
    Text(LargeStringArray),
}

impl KeyColumn {
    /// No keys, of the given kind.
    #[must_use]
    pub fn empty(key_type: KeyType) -> Self {
        match key_type {
            KeyType::Int => KeyColumn::Int(Int64Array::from(Vec::<i64>::new())),
            KeyType::Text => KeyColumn::Text(LargeStringArray::from(Vec::<&str>::new())),
        }
    }

    /// How many keys there are.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            KeyColumn::Int(keys) => keys.len(),
            KeyColumn::Text(keys) => keys.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Which kind of key it holds.
    #[must_use]
    pub fn key_type(&self) -> KeyType {
        match self {
            KeyColumn::Int(_) => KeyType::Int,
            KeyColumn::Text(_) => KeyType::Text,
        }
    }

    /// The key at `index`, if there is one.
    #[must_use]
    pub fn get(&self, index: usize) -> Option<Key> {
        let there = match self {
            KeyColumn::Int(keys) => index < keys.len() && keys.is_valid(index),
            KeyColumn::Text(keys) => index < keys.len() && keys.is_valid(index),
        };
        there.then(|| match self {
            KeyColumn::Int(keys) => Key::Int(keys.value(index)),
            KeyColumn::Text(keys) => Key::Text(keys.value(index).to_owned()),
        })
    }

    /// The keys as an Arrow array: `Int64` or `LargeUtf8`.
    #[must_use]
    pub fn to_array(&self) -> ArrayRef {
        match self {
            KeyColumn::Int(keys) => Arc::new(keys.clone()),
            KeyColumn::Text(keys) => Arc::new(keys.clone()),
        }
    }
}

impl From<i64> for Key {
    fn from(key: i64) -> Self {
        Key::Int(key)
    }
}

impl From<&str> for Key {
    fn from(key: &str) -> Self {
        Key::Text(key.to_owned())
    }
}

impl From<String> for Key {
    fn from(key: String) -> Self {
        Key::Text(key)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Key::Int(key) => write!(f, "{key}"),
            Key::Text(key) => write!(f, "{key:?}"),
        }
    }
}

impl Serialize for Key {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            Key::Int(key) => s.serialize_i64(*key),
            Key::Text(key) => s.serialize_str(key),
        }
    }
}
