//! Panics on demand, for the tests of what becomes of one. The module has these functions only in a
//! process that has `SEGMENTRY_TEST_HOOKS` in its environment when it loads it.
#![allow(clippy::panic, reason = "it is what this file is for")]

use pyo3::prelude::*;
use segmentry::{Refresh, RunEvent};

use crate::call::Call;
use crate::engine::Engine;
use crate::errors::{json, plain};

/// Panics at once, without the GIL.
#[pyfunction]
fn panic_plainly(py: Python<'_>) -> PyResult<()> {
    plain(py, || panic!("a panic of the tests"))
}

/// Refreshes all rules and panics in the middle of the run, once a rule has its members.
#[pyfunction]
fn panic_in_a_run(py: Python<'_>, engine: &Engine) -> PyResult<Call> {
    engine.start(py, |engine| async move {
        let refresh = Refresh::all().progress(|event| {
            if matches!(event, RunEvent::Evaluated { .. }) {
                panic!("a panic of the tests");
            }
        });
        json(&engine.refresh(refresh).await?)
    })
}

pub(crate) fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    if std::env::var_os("SEGMENTRY_TEST_HOOKS").is_none() {
        return Ok(());
    }
    module.add_function(wrap_pyfunction!(panic_plainly, module)?)?;
    module.add_function(wrap_pyfunction!(panic_in_a_run, module)?)
}
