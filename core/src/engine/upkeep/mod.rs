//! Keeping house: [`check`](super::SegmentEngine::check) and what else a host does now and then.

mod check;
mod forget;
mod vacuum;

pub use forget::{Forgotten, PickedBy};
pub use vacuum::{Retention, Vacuumed};
