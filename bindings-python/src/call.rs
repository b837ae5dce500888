//! A verb under way. It runs on the runtime's threads; Python waits for it without the GIL, is told of
//! it when it awaits, or drops it, which stops it.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use segmentry::{Code, Error, Result};
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use crate::errors::{panicked, raised};
use crate::runtime::{self, Here};

/// How long a wait goes on before it is asked whether somebody pressed Ctrl-C.
const LOOK: Duration = Duration::from_millis(50);

/// Makes the answer's object once the GIL is held.
type Answer = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

#[derive(Default)]
struct State {
    outcome: Option<Result<Answer>>,
    done: bool,
    /// What the verb has told and nobody has fetched, as JSON.
    events: Vec<String>,
    /// Called from the runtime's threads when there is something to fetch.
    listener: Option<Arc<Py<PyAny>>>,
    /// Whether the listener has been called and has not fetched anything since.
    told: bool,
}

/// Where a verb's task leaves what it has.
#[derive(Default)]
pub(crate) struct Slot {
    state: Mutex<State>,
    changed: Condvar,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves an event, as JSON.
    pub(crate) fn event(&self, event: String) {
        let mut state = self.lock();
        state.events.push(event);
        self.tell(state);
    }

    fn finish(&self, outcome: Result<Answer>) {
        let mut state = self.lock();
        if !state.done {
            state.done = true;
            state.outcome = Some(outcome);
            self.tell(state);
        }
    }

    /// Wakes whoever waits. The lock is given back before Python is asked for its own.
    fn tell(&self, mut state: MutexGuard<'_, State>) {
        let listener = if state.told && !state.done { None } else { state.listener.clone() };
        state.told |= listener.is_some();
        drop(state);
        self.changed.notify_all();
        if let Some(listener) = listener {
            // An interpreter that ends has nobody left to tell, and a loop that is closed is an error
            // of the listener's that nobody can do anything about.
            let call = move || {
                let _ = Python::try_attach(|py| listener.call0(py).map(drop));
            };
            // Whoever has the GIL may keep it for long; the threads that work should not wait for it.
            match Handle::try_current() {
                Ok(runtime) => drop(runtime.spawn_blocking(call)),
                Err(_) => call(),
            }
        }
    }

    /// Whether the verb is done, or has told something; `None` if neither came within the time.
    fn wait(&self, time: Duration) -> Option<bool> {
        let waiting = |state: &mut State| !state.done && state.events.is_empty();
        let waited = self.changed.wait_timeout_while(self.lock(), time, waiting);
        let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        (state.done || !state.events.is_empty()).then_some(state.done)
    }
}

/// Ends the call however its task does: one that is dropped was cancelled.
struct Ending(Arc<Slot>);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.finish(Err(Error::new(Code::Cancelled, "cancelled")));
    }
}

/// A verb under way. Dropping it stops it.
#[pyclass(frozen, module = "segmentry._native")]
pub(crate) struct Call {
    task: Here<(Arc<Slot>, AbortHandle)>,
}

impl Call {
    /// Begins a verb.
    pub(crate) fn start<T, F>(py: Python<'_>, work: F) -> PyResult<Call>
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        Self::telling(py, |_| work)
    }

    /// Begins a verb that tells how far it is.
    pub(crate) fn telling<T, F>(py: Python<'_>, work: impl FnOnce(Arc<Slot>) -> F) -> PyResult<Call>
    where
        T: for<'py> IntoPyObject<'py> + Send + 'static,
        F: Future<Output = Result<T>> + Send + 'static,
    {
        let runtime = runtime::handle().map_err(|error| raised(py, &error))?;
        let slot = Arc::new(Slot::default());
        let ending = Ending(Arc::clone(&slot));
        let work = AssertUnwindSafe(work(Arc::clone(&slot))).catch_unwind();
        let task = runtime.spawn(async move {
            let outcome = work.await.unwrap_or_else(|panic| Err(panicked(panic.as_ref())));
            let answer = |value: T| -> Answer { Box::new(move |py| value.into_py_any(py)) };
            ending.0.finish(outcome.map(answer));
        });
        Ok(Call { task: Here::new((slot, task.abort_handle())) })
    }

    fn slot(&self, py: Python<'_>) -> PyResult<&Arc<Slot>> {
        self.task.get().map(|(slot, _)| slot).map_err(|error| raised(py, &error))
    }
}

#[pymethods]
impl Call {
    /// Waits until the verb is done (True) or has told something (False).
    fn wait(&self, py: Python<'_>) -> PyResult<bool> {
        let slot = self.slot(py)?;
        loop {
            let found = py.detach(|| slot.wait(LOOK));
            py.check_signals()?;
            if let Some(done) = found {
                return Ok(done);
            }
        }
    }

    /// Has `listener` called, from any thread, whenever there is something to fetch.
    fn listen(&self, py: Python<'_>, listener: Py<PyAny>) -> PyResult<()> {
        self.slot(py)?.lock().listener = Some(Arc::new(listener));
        Ok(())
    }

    /// What the verb has told since this was asked last, as JSON.
    fn events(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        let mut state = self.slot(py)?.lock();
        state.told = false;
        Ok(std::mem::take(&mut state.events))
    }

    /// Whether the verb is done.
    fn done(&self, py: Python<'_>) -> PyResult<bool> {
        Ok(self.slot(py)?.lock().done)
    }

    /// The answer of a verb that is done, once, or its error.
    fn result(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let outcome = self.slot(py)?.lock().outcome.take();
        match outcome {
            Some(Ok(answer)) => answer(py),
            Some(Err(error)) => Err(raised(py, &error)),
            None => {
                let message = "the answer is not there yet, or was fetched";
                Err(raised(py, &Error::new(Code::Internal, message)))
            }
        }
    }

    /// Stops the verb.
    fn cancel(&self) {
        if let Ok((_, task)) = self.task.get() {
            task.abort();
        }
    }
}

impl Drop for Call {
    fn drop(&mut self) {
        self.cancel();
    }
}
