//! Room for deep recursion: rules nest, rules name rules, and plans are as deep as both.

/// Work goes to a stack of its own where less than this is left.
const LEAST: usize = 4 << 20;

/// How large that stack is; memory is taken as it is touched.
const STACK: usize = 64 << 20;

/// Does work that recurses as deep as rules nest. Threads of a host may have small stacks, and one
/// that overflows ends the process.
pub(crate) fn deep<T>(work: impl FnOnce() -> T) -> T {
    stacker::maybe_grow(LEAST, STACK, work)
}

/// The same for a future, whatever thread it is on when it goes on.
pub(crate) fn deeply<T>(work: impl Future<Output = T> + Send) -> impl Future<Output = T> + Send {
    let mut work = Box::pin(work);
    std::future::poll_fn(move |context| deep(|| work.as_mut().poll(context)))
}
