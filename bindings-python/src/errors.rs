//! Errors of Segmentry and panics as Python exceptions, which `segmentry.errors` defines.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use segmentry::{Code, Error, Problem, Result};

static MAKER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();

/// The exception of an error: a `SegmentryError` of the class that goes with its kind.
pub(crate) fn raised(py: Python<'_>, error: &Error) -> PyErr {
    let made = || -> PyResult<Bound<'_, PyAny>> {
        let kind = json_of(&error.kind());
        let problems = json_of(&error.problems());
        MAKER.import(py, "segmentry.errors", "from_json")?.call1((
            kind,
            error.to_string(),
            problems,
        ))
    };
    made().map_or_else(|failed| failed, PyErr::from_value)
}

fn json_of(value: &impl serde::Serialize) -> String {
    // Neither names nor texts can fail to be written.
    serde_json::to_string(value).unwrap_or_default()
}

/// A value as JSON text.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|error| {
        Error::new(Code::Internal, "an answer can't be written as JSON").caused_by(error)
    })
}

/// A wrong argument.
pub(crate) fn bad(py: Python<'_>, message: impl Into<String>) -> PyErr {
    raised(py, &Error::new(Code::BadValue, message))
}

/// A panic as an error: Python's code should see no other kind of end.
pub(crate) fn panicked(panic: &(dyn Any + Send)) -> Error {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let message = format!("Segmentry panicked: {}", text.unwrap_or("without a word"));
    Error::from(Problem::new(Code::Internal, "", message).hint("report it; nothing was published"))
}

/// Work that is done at once: without the GIL, and without a panic that would get through.
pub(crate) fn plain<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T> + Send,
) -> PyResult<T> {
    py.detach(|| catch_unwind(AssertUnwindSafe(work)))
        .unwrap_or_else(|panic| Err(panicked(panic.as_ref())))
        .map_err(|error| raised(py, &error))
}

/// Work with Python's own objects, and without a panic that would get through.
pub(crate) fn guarded<T>(py: Python<'_>, work: impl FnOnce() -> PyResult<T>) -> PyResult<T> {
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(raised(py, &panicked(panic.as_ref()))))
}
