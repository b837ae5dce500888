//! The profile store: whatever is in it, and whatever has changed since the last run, members are
//! those of a run without it.

mod columns;
mod freshness;
mod incremental;
