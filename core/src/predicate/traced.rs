//! A rule's conditions one by one, each with its place in the document.

use crate::rule::Combinator;

use super::Predicate;

/// A rule's own conditions with the shape that their document has.
#[derive(Clone, Debug)]
pub(crate) enum Traced {
    Group {
        combinator: Combinator,
        not: bool,
        parts: Vec<Traced>,
    },
    One {
        /// A JSON Pointer.
        at: String,
        predicate: Box<Predicate>,
    },
}

impl Traced {
    pub(crate) fn predicate(&self) -> Predicate {
        match self {
            Traced::One { predicate, .. } => predicate.as_ref().clone(),
            Traced::Group { combinator, not, parts } => {
                let parts = parts.iter().map(Traced::predicate);
                let joined = match combinator {
                    Combinator::And => Predicate::all(parts),
                    Combinator::Or => Predicate::any(parts),
                };
                if *not { joined.not() } else { joined }
            }
        }
    }
}
