//! Everything that is tested from outside: one binary, so that it is linked once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    missing_docs
)]

mod bad;
mod catalog;
mod corpus;
mod differential;
mod engine;
mod faults;
mod fuzz;
mod generate;
mod hostile;
mod metamorphic;
mod mutations;
mod oracle;
mod original;
mod pass;
mod querybuilder;
mod reuse;
mod schedule;
mod scheduler;
mod sources;
mod store;
mod text;
mod upkeep;

/// Tells what was reached, for the table that `make soak` ends with (`core/tests/soak.py`).
fn reached(row: &str, figure: impl std::fmt::Display) {
    println!("reached | {row} | {figure}");
}
