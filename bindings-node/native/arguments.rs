//! What JavaScript hands over, checked. The façade has seen to types; ranges are looked at here.

use std::time::Duration;

use chrono::{DateTime, Utc};
use napi::bindgen_prelude::{BigInt, Either};
use napi_derive::napi;
use segmentry::{Code, Document, Error, Key, RuleDocument, RuleRef};

use crate::errors::{bad, thrown};

/// A rule, and the segment that it has: a number is the id, a string the name.
#[napi]
pub type Named = Either<i64, String>;

/// A user's key.
#[napi]
pub type UserKey = Either<BigInt, String>;

pub(crate) fn rule_ref(rule: Named) -> RuleRef {
    match rule {
        Either::A(id) => RuleRef::from(id),
        Either::B(name) => RuleRef::from(name),
    }
}

pub(crate) fn rule_refs(rules: Vec<Named>) -> Vec<RuleRef> {
    rules.into_iter().map(rule_ref).collect()
}

pub(crate) fn key(key: UserKey) -> napi::Result<Key> {
    match key {
        Either::A(number) => integer(&number).map(Key::Int).ok_or_else(|| {
            bad("a key is an integer of 64 bits or a string; this does not fit 64 bits")
        }),
        Either::B(text) => Ok(Key::Text(text)),
    }
}

/// The number, if it fits.
fn integer(number: &BigInt) -> Option<i64> {
    let (low, high) =
        number.words.split_first().map_or((0, [].as_slice()), |(low, high)| (*low, high));
    if high.iter().any(|word| *word != 0) {
        return None;
    }
    let size = i128::from(low);
    i64::try_from(if number.sign_bit { -size } else { size }).ok()
}

/// A stored rule, or the document of one.
pub(crate) fn wanted(
    stored: Option<Named>,
    document: Option<String>,
) -> napi::Result<RuleDocument<'static>> {
    match (stored, document) {
        (Some(stored), None) => Ok(RuleDocument::Stored(rule_ref(stored))),
        (None, Some(document)) => Ok(RuleDocument::Document(Document::from(document))),
        _ => Err(bad("either a stored rule or a document is wanted")),
    }
}

/// A number of things.
pub(crate) fn count(number: i64) -> napi::Result<usize> {
    usize::try_from(number).map_err(|_| bad(format!("expected a count, found {number}")))
}

/// An instant, as RFC 3339.
pub(crate) fn instant(text: &str) -> napi::Result<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).map(|at| at.to_utc()).map_err(|error| {
        let message =
            format!("{text:?} is no instant: {error}; expected RFC 3339 with an offset, or a Date");
        thrown(&Error::new(Code::BadDate, message))
    })
}

pub(crate) fn instant_if(text: Option<String>) -> napi::Result<Option<DateTime<Utc>>> {
    text.as_deref().map(instant).transpose()
}

/// A length of time in seconds.
pub(crate) fn seconds(seconds: f64) -> napi::Result<Duration> {
    Duration::try_from_secs_f64(seconds).map_err(|error| bad(format!("{seconds} seconds: {error}")))
}
