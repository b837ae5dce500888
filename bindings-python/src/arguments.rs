//! What Python hands over, checked: a wrong type is a `TypeError`, a wrong value a `SegmentryError`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use pyo3::exceptions::{PyOverflowError, PyTypeError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyString};
use segmentry::{Code, Document, Error, Key, Result, RuleDocument, RuleRef};

use crate::errors::{bad, raised};

/// A Python int, a numpy one included; bools are none.
fn integer(object: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    if object.is_instance_of::<PyBool>() {
        return Ok(None);
    }
    match object.extract::<i64>() {
        Ok(number) => Ok(Some(number)),
        Err(error) if error.is_instance_of::<PyOverflowError>(object.py()) => {
            Err(bad(object.py(), "the number does not fit 64 bits"))
        }
        Err(_) => Ok(None),
    }
}

fn type_name(object: &Bound<'_, PyAny>) -> String {
    object.get_type().name().map_or_else(|_| "?".to_owned(), |name| name.to_string())
}

/// An id or a name.
fn id_or_name<T: From<i64> + From<String>>(object: &Bound<'_, PyAny>, what: &str) -> PyResult<T> {
    if let Ok(name) = object.cast::<PyString>() {
        return Ok(T::from(name.to_str()?.to_owned()));
    }
    match integer(object)? {
        Some(id) => Ok(T::from(id)),
        None => {
            let found = type_name(object);
            Err(PyTypeError::new_err(format!("{what} is an int or a str, not {found}")))
        }
    }
}

/// A rule or its segment: an int is the id, a str the name.
pub(crate) struct Named(pub(crate) RuleRef);

impl<'py> FromPyObject<'_, 'py> for Named {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        id_or_name(&object, "a rule's id or name").map(Named)
    }
}

/// A user's key.
pub(crate) struct UserKey(pub(crate) Key);

impl<'py> FromPyObject<'_, 'py> for UserKey {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        id_or_name(&object, "a key").map(UserKey)
    }
}

/// A number of things.
pub(crate) struct Count(pub(crate) usize);

impl<'py> FromPyObject<'_, 'py> for Count {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let Some(number) = integer(&object)? else {
            let found = type_name(&object);
            return Err(PyTypeError::new_err(format!("expected an int, found {found}")));
        };
        let count = usize::try_from(number);
        count.map(Count).map_err(|_| bad(object.py(), format!("expected a count, found {number}")))
    }
}

/// An instant, as RFC 3339.
pub(crate) struct Instant(pub(crate) DateTime<Utc>);

impl<'py> FromPyObject<'_, 'py> for Instant {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let text = object.extract::<String>()?;
        DateTime::parse_from_rfc3339(&text).map(|at| Instant(at.to_utc())).map_err(|error| {
            let message = format!(
                "{text:?} is no instant: {error}; expected RFC 3339 with an offset, or a datetime \
                 with a zone"
            );
            raised(object.py(), &Error::new(Code::BadDate, message))
        })
    }
}

/// A length of time in seconds.
pub(crate) struct Seconds(pub(crate) Duration);

impl<'py> FromPyObject<'_, 'py> for Seconds {
    type Error = PyErr;

    fn extract(object: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        let seconds = object.extract::<f64>()?;
        Duration::try_from_secs_f64(seconds)
            .map(Seconds)
            .map_err(|error| bad(object.py(), format!("{seconds} seconds: {error}")))
    }
}

/// A stored rule, or the document of one.
#[derive(FromPyObject)]
pub(crate) struct Wanted(Option<Named>, Option<String>);

impl Wanted {
    pub(crate) fn rule(self) -> Result<RuleDocument<'static>> {
        match self {
            Wanted(Some(stored), None) => Ok(RuleDocument::Stored(stored.0)),
            Wanted(None, Some(document)) => Ok(RuleDocument::Document(Document::from(document))),
            _ => Err(Error::new(Code::Internal, "either a stored rule or a document is wanted")),
        }
    }
}

/// The names as the engine takes them.
pub(crate) fn refs(rules: Vec<Named>) -> Vec<RuleRef> {
    rules.into_iter().map(|rule| rule.0).collect()
}
