//! The profile store brought up to date with the sources, and read by the shared pass.

mod fill;
mod sync;
