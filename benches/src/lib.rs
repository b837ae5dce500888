//! What the benchmarks share: their data, made once and kept, and how a process is measured.

mod data;
mod engine;
mod measure;
mod sets;

pub use data::{CATEGORIES, Data, from_environment, in_memory, write_events};
pub use engine::{THREADS, engine_over, open_engine};
pub use measure::{median, peak_memory, under_cargo_bench};
pub use sets::Halves;

/// What goes wrong in a benchmark, which can only show it.
pub type Error = Box<dyn std::error::Error + Send + Sync>;
/// A result of something that can only show its error.
pub type Result<T> = std::result::Result<T, Error>;
