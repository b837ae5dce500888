//! Strings that were made to hurt go everywhere where strings go: each call ends in the right
//! answer or a typed error, the canaries say what they said, and no file is touched but the catalog's.
//!
//! `SEGMENTRY_HOSTILE` says how many strings there are, `SEGMENTRY_SEED` which.

mod ground;
mod names;
mod paths;
mod queries;
mod segments;
mod strings;
mod values;

use segmentry::{Code, Kind};

use crate::differential::setting;

/// The strings of a test in batches of so many.
fn batches(size: usize) -> Vec<Vec<String>> {
    let (count, seed) = (setting("SEGMENTRY_HOSTILE", 120), setting("SEGMENTRY_SEED", 0));
    println!("{count} hostile strings of seed {seed}");
    let all = strings::strings(usize::try_from(count).unwrap(), seed);
    all.chunks(size).map(<[String]>::to_vec).collect()
}

/// A string as a name in SQL.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// An error that says what the caller should do, and not that the engine is at fault.
fn is_typed(error: &segmentry::Error) -> bool {
    let shown = error.to_string();
    error.kind() != Kind::Internal || error.code() == Code::Io && !shown.contains("panic")
}
