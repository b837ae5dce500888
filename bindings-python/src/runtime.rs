//! tokio for this process, and what does not outlive a fork.
//!
//! A forked child has the memory of its parent and none of its threads: whatever waits for them waits
//! forever. So everything that lives off a runtime knows the process that it was made in.

use std::sync::{Mutex, PoisonError};

use segmentry::{Code, Error, Problem, Result};
use tokio::runtime::{Builder, Handle, Runtime};

/// The runtime with the process that it belongs to. It is never dropped: threads that end while the
/// interpreter does would be waited for.
static RUNTIME: Mutex<Option<(u32, &'static Runtime)>> = Mutex::new(None);

/// This process's runtime, made at first use.
pub(crate) fn handle() -> Result<Handle> {
    let mut known = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    let pid = std::process::id();
    if let Some((owner, runtime)) = *known
        && owner == pid
    {
        return Ok(runtime.handle().clone());
    }
    let made = Builder::new_multi_thread().enable_time().thread_name("segmentry").build();
    let made = made.map_err(|error| {
        Error::new(Code::Io, format!("no threads to work with: {error}")).caused_by(error)
    })?;
    let runtime: &'static Runtime = Box::leak(Box::new(made));
    *known = Some((pid, runtime));
    Ok(runtime.handle().clone())
}

/// A value that is of use in the process that made it, and nowhere else.
pub(crate) struct Here<T> {
    pid: u32,
    value: Option<T>,
}

impl<T> Here<T> {
    pub(crate) fn new(value: T) -> Self {
        Here { pid: std::process::id(), value: Some(value) }
    }

    /// The value, unless this process was forked from the one that made it.
    pub(crate) fn get(&self) -> Result<&T> {
        match &self.value {
            Some(value) if self.pid == std::process::id() => Ok(value),
            _ => Err(Error::from(
                Problem::new(
                    Code::Unsupported,
                    "",
                    format!(
                        "this was made by process {} and is used in process {}, which was forked \
                         from it and has none of its threads",
                        self.pid,
                        std::process::id()
                    ),
                )
                .hint("open an engine of its own in each process"),
            )),
        }
    }
}

impl<T> Drop for Here<T> {
    fn drop(&mut self) {
        // The parent's connections and locks are the parent's: a child that closed them would do so
        // without the threads that have to take part.
        if self.pid != std::process::id() {
            std::mem::forget(self.value.take());
        }
    }
}
