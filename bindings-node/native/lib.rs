//! The native module behind the Node package `segmentry`: documents cross as JSON text, sets of rows as
//! Arrow IPC streams. It decides nothing; the façade in `src/` gives its answers their types.
//!
//! | file | what it holds |
//! |---|---|
//! | `runtime.rs` | tokio for this process, and what becomes of work when its environment ends |
//! | `call.rs` | a verb under way: a promise, how it is stopped, and what it tells meanwhile |
//! | `errors.rs` | errors and panics as JavaScript errors |
//! | `arguments.rs` | what JavaScript hands over |
//! | `arrow.rs`, `rows.rs` | keys and rows: as Arrow IPC, and as plain values |
//! | `engine.rs`, `rules.rs`, `sources.rs`, `runs.rs`, `questions.rs`, `upkeep.rs` | the verbs of an engine |
//! | `segment.rs`, `scheduler.rs` | what an engine gives that has verbs of its own |
//! | `parts.rs` | parser, model and dependency finder by themselves |
//! | `test_hooks.rs` | panics on demand, for the tests |

// In a build for tests they register nothing, so that functions look as if nobody called them.
#![cfg_attr(test, allow(dead_code))]

mod arguments;
mod arrow;
mod call;
mod engine;
mod errors;
mod parts;
mod questions;
mod rows;
mod rules;
mod runs;
mod runtime;
mod scheduler;
mod segment;
mod sources;
mod test_hooks;
mod upkeep;
