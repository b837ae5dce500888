//! The profile store: whatever is in it, and whatever has changed since the last run, members are
//! those of a run without it.

mod append_only;
mod columns;
mod compaction;
mod cursors;
mod freshness;
mod incremental;
mod support;
mod tables;

use std::path::{Path, PathBuf};

/// The files of a store whose names end so.
fn files(store: &Path, ending: &str) -> Vec<PathBuf> {
    let files = std::fs::read_dir(store).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.to_string_lossy().ends_with(ending)).collect()
}

/// Damages a file of a store whose name ends so: cuts it, or changes one bit in its middle.
fn damage(store: &Path, ending: &str, cut: bool) {
    let path = files(store, ending).remove(0);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    match cut {
        true => bytes.truncate(middle),
        false => bytes[middle] ^= 0x10,
    }
    std::fs::write(path, bytes).unwrap();
}
