//! The native module behind the Python package `segmentry`: documents cross as JSON text, sets of rows
//! as Arrow. It decides nothing; the façade in `python/segmentry` gives its answers their types.
//!
//! | file | what it holds |
//! |---|---|
//! | `runtime.rs` | tokio for this process, and what does not outlive a fork |
//! | `call.rs` | a verb under way: waited for, awaited or cancelled |
//! | `errors.rs` | errors and panics as Python exceptions |
//! | `arguments.rs` | what Python hands over |
//! | `arrow.rs` | rows and keys, by the Arrow C stream |
//! | `engine.rs`, `rules.rs`, `sources.rs`, `runs.rs`, `questions.rs`, `upkeep.rs` | the verbs of an engine |
//! | `segment.rs`, `scheduler.rs` | what an engine gives that has verbs of its own |
//! | `parts.rs` | parser, model and dependency finder by themselves |

mod arguments;
mod arrow;
mod call;
mod engine;
mod errors;
mod parts;
mod questions;
mod rules;
mod runs;
mod runtime;
mod scheduler;
mod segment;
mod sources;
mod test_hooks;
mod upkeep;

use pyo3::prelude::*;

#[pymodule]
fn _native(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("__version__", env!("CARGO_PKG_VERSION"))?;
    module.add_class::<engine::Catalog>()?;
    module.add_class::<engine::Engine>()?;
    module.add_class::<call::Call>()?;
    module.add_class::<arrow::Rows>()?;
    module.add_class::<arrow::Keys>()?;
    module.add_class::<segment::Segment>()?;
    module.add_class::<scheduler::Scheduler>()?;
    module.add_class::<parts::Finder>()?;
    module.add_class::<parts::Graph>()?;
    parts::register(module)?;
    test_hooks::register(module)
}
