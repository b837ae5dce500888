//! Whatever happens, the last published state stands, or an error says what is damaged and how to
//! mend it: processes that are killed at any moment and at every system call that changes something,
//! disks that refuse, files that are damaged, and sources that disappear.
//!
//! Children are this very binary, asked for the one test of child.rs. `SEGMENTRY_KILLS` says how
//! many are killed at random; `SEGMENTRY_CALLS=all` has system calls refused one by one that are
//! otherwise passed over.

mod calls;
mod child;
mod damage;
mod kills;
pub mod process;
mod sources;
mod world;
