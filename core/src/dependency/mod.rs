//! Stage 3: predicates -> which rules need which, and what of a rule is known already.
//!
//! [`RuleGraph`] is the rules as they refer to one another. The finder compares them by meaning:
//! every rule in canonical form ([`canonical`](crate::predicate::canonical)), [`implies`] proves
//! one within another, [`finder`] searches what a rule may be answered from and [`cost`] chooses.

mod api;
mod choice;
mod cost;
mod finder;
mod found;
mod graph;
mod implies;
mod library;
mod lineage;
mod parts;

pub(crate) use cost::{NARROW, Sizes};
pub(crate) use finder::{Answer, Library, Question};
pub(crate) use library::{Reader, Wholes};
pub(crate) use parts::Taken;

pub use api::{DependencyFinder, RuleLibrary};
pub use found::{Dependencies, How, Reused};
pub use graph::RuleGraph;
pub use lineage::{Lineage, LineageEdge, LineageKind, LineageNode};
