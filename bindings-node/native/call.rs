//! A verb under way: it runs on the runtime's threads and settles a promise. A `Call` that is handed
//! over with it stops it and hears what it tells.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::FutureExt;
use napi::Env;
use napi::bindgen_prelude::{Function, JsValue, PromiseRaw, ToNapiValue, Unknown};
use napi::threadsafe_function::{ThreadsafeFunction, ThreadsafeFunctionCallMode};
use napi_derive::napi;
use segmentry::{Code, Error, Result};
use tokio_util::sync::CancellationToken;

use crate::errors::{panicked, thrown};
use crate::runtime::{handle, hold};

/// Called in JavaScript's thread when there is something to fetch; it keeps no process alive.
type Wake = ThreadsafeFunction<(), Unknown<'static>, (), napi::Status, false, true>;

/// What a verb has told and nobody has fetched.
#[derive(Default)]
struct Told {
    events: Vec<String>,
    /// Whether `wake` was called and nothing fetched since.
    woken: bool,
}

/// Where a verb leaves what it tells.
pub(crate) struct Slot {
    told: Mutex<Told>,
    wake: Wake,
}

impl Slot {
    fn lock(&self) -> MutexGuard<'_, Told> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves an event, as JSON.
    pub(crate) fn event(&self, event: String) {
        let mut told = self.lock();
        told.events.push(event);
        let sleeping = !std::mem::replace(&mut told.woken, true);
        drop(told);
        if sleeping {
            // An environment that ends has nobody left to tell.
            self.wake.call((), ThreadsafeFunctionCallMode::NonBlocking);
        }
    }
}

/// Stops a verb and hears what it tells.
#[napi]
pub struct Call {
    stop: CancellationToken,
    slot: Option<Arc<Slot>>,
}

#[napi]
impl Call {
    /// `wake` is called when there are events to fetch.
    #[napi(constructor, catch_unwind)]
    pub fn new(wake: Option<Function<'_, (), Unknown<'static>>>) -> napi::Result<Self> {
        let slot = match wake {
            None => None,
            Some(wake) => {
                let wake = wake.build_threadsafe_function::<()>().weak::<true>().build()?;
                Some(Arc::new(Slot { told: Mutex::default(), wake }))
            }
        };
        Ok(Call { stop: CancellationToken::new(), slot })
    }

    /// Stops the verb: its promise is rejected as `cancelled` once it has let go of everything.
    #[napi(catch_unwind)]
    pub fn cancel(&self) -> napi::Result<()> {
        self.stop.cancel();
        Ok(())
    }

    /// At most so many of the events that nobody has fetched, oldest first, as JSON.
    #[napi(catch_unwind)]
    pub fn events(&self, most: u32) -> napi::Result<Vec<String>> {
        let Some(slot) = &self.slot else { return Ok(Vec::new()) };
        let mut told = slot.lock();
        told.woken = false;
        let count = told.events.len().min(usize::try_from(most).unwrap_or(usize::MAX));
        Ok(told.events.drain(..count).collect())
    }
}

impl Call {
    /// Where the verb leaves its events, if anybody wants to hear them.
    pub(crate) fn slot(&self) -> Option<Arc<Slot>> {
        self.slot.clone()
    }
}

/// Makes the answer on JavaScript's thread.
type Resolver<T> = Box<dyn FnOnce(Env) -> napi::Result<T> + Send>;

/// Begins a verb. Its future is dropped, which stops it, when `call` is cancelled or the environment
/// ends.
pub(crate) fn begin<'env, T, F>(
    env: &'env Env,
    call: Option<&Call>,
    work: F,
) -> napi::Result<PromiseRaw<'env, T>>
where
    T: ToNapiValue + Send + 'static,
    F: Future<Output = Result<T>> + Send + 'static,
{
    // In this order: the runtime lasts for as long as an environment has said that it is there.
    let held = hold(env)?;
    let runtime = handle().map_err(|error| thrown(&error))?;
    let stop = call.map_or_else(CancellationToken::new, |call| call.stop.clone());
    let (deferred, promise) = env.create_deferred::<T, Resolver<T>>()?;
    let work = AssertUnwindSafe(work).catch_unwind();
    runtime.spawn(async move {
        let outcome = tokio::select! {
            biased;
            () = stop.cancelled() => Err(cancelled()),
            () = held.stop.cancelled() => Err(cancelled()),
            outcome = work => outcome.unwrap_or_else(|panic| Err(panicked(panic.as_ref()))),
        };
        match outcome {
            Ok(answer) => deferred.resolve(Box::new(move |_| Ok(answer))),
            Err(error) => deferred.reject(thrown(&error)),
        }
        drop(held);
    });
    Ok(PromiseRaw::new(env.raw(), promise.raw()))
}

fn cancelled() -> Error {
    Error::new(Code::Cancelled, "cancelled")
}
