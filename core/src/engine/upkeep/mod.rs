//! Keeping house: [`check`](super::SegmentEngine::check) and what else a host does now and then.

mod check;
mod feed;
mod forget;
mod guard;
mod vacuum;

pub use feed::{Feed, SegmentChange};
pub use forget::{Forgotten, PickedBy};
pub use vacuum::{Retention, Vacuumed};

pub(super) use guard::Guards;
