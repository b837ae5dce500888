//! tokio for this process, and what becomes of work when the environment that began it ends.
//!
//! An environment is the main thread's or a worker's. When it ends its promises are gone, so whatever it
//! has begun is stopped and waited for; when the last one ends, the threads end too. Nothing of ours
//! then runs while the process takes itself down.

use std::cell::RefCell;
use std::convert::Infallible;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use napi::Env;
use segmentry::{Code, Error, Result};
use tokio::runtime::{Builder, Handle, Runtime};
use tokio_util::sync::CancellationToken;

use crate::errors::thrown;

/// How long an environment that ends waits for what it has stopped.
const PATIENCE: Duration = Duration::from_secs(5);

/// The runtime, and how many environments there are that use it.
struct Shared {
    runtime: Option<Runtime>,
    environments: usize,
}

static SHARED: Mutex<Shared> = Mutex::new(Shared { runtime: None, environments: 0 });

fn shared() -> MutexGuard<'static, Shared> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The process's runtime, made at first use.
pub(crate) fn handle() -> Result<Handle> {
    let mut shared = shared();
    if let Some(runtime) = &shared.runtime {
        return Ok(runtime.handle().clone());
    }
    let made = Builder::new_multi_thread().enable_time().thread_name("segmentry").build();
    let made = made.map_err(|error| {
        Error::new(Code::Io, format!("no threads to work with: {error}")).caused_by(error)
    })?;
    let handle = made.handle().clone();
    shared.runtime = Some(made);
    Ok(handle)
}

/// This thread's environment, as what works for it knows it.
struct Here {
    stop: CancellationToken,
    alive: Sender<Infallible>,
    ended: Receiver<Infallible>,
}

thread_local! {
    static HERE: RefCell<Option<Here>> = const { RefCell::new(None) };
}

/// What work holds for as long as it goes on: whether its environment has ended, and that it has not.
pub(crate) struct Held {
    pub(crate) stop: CancellationToken,
    _alive: Sender<Infallible>,
}

/// Work of this thread's environment begins.
pub(crate) fn hold(env: &Env) -> napi::Result<Held> {
    HERE.with_borrow_mut(|known| {
        if known.is_none() {
            env.add_env_cleanup_hook((), |()| leave())?;
            shared().environments += 1;
            let (alive, ended) = channel();
            *known = Some(Here { stop: CancellationToken::new(), alive, ended });
        }
        match known {
            Some(here) => Ok(Held { stop: here.stop.clone(), _alive: here.alive.clone() }),
            None => Err(thrown(&Error::new(Code::Internal, "this thread has no environment"))),
        }
    })
}

/// This thread's environment ends.
fn leave() {
    let Some(here) = HERE.with_borrow_mut(Option::take) else { return };
    here.stop.cancel();
    drop(here.alive);
    // Nothing is ever sent: the wait ends when the last one that could send is gone.
    let _ = here.ended.recv_timeout(PATIENCE);
    let runtime = {
        let mut shared = shared();
        shared.environments = shared.environments.saturating_sub(1);
        if shared.environments == 0 { shared.runtime.take() } else { None }
    };
    if let Some(runtime) = runtime {
        runtime.shutdown_timeout(PATIENCE);
    }
}
