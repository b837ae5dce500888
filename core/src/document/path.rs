//! Places in a document: a JSON Pointer (RFC 6901) that is written out only when a problem needs it.

use std::fmt;

/// A place in a document, as a step from its parent.
#[derive(Clone, Copy)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    step: Step<'a>,
}

#[derive(Clone, Copy)]
enum Step<'a> {
    /// The place where this reading began: the pointer of an enclosing document, or empty.
    Start(&'a str),
    Member(&'a str),
    Index(usize),
}

impl<'a> Path<'a> {
    /// The whole document.
    pub(crate) const ROOT: Path<'static> = Path { parent: None, step: Step::Start("") };

    /// A place that is known by its pointer.
    pub(crate) fn at(pointer: &'a str) -> Path<'a> {
        Path { parent: None, step: Step::Start(pointer) }
    }

    pub(crate) fn member(&'a self, name: &'a str) -> Path<'a> {
        Path { parent: Some(self), step: Step::Member(name) }
    }

    pub(crate) fn index(&'a self, index: usize) -> Path<'a> {
        Path { parent: Some(self), step: Step::Index(index) }
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Start(pointer) => f.write_str(pointer),
            Step::Index(index) => write!(f, "/{index}"),
            Step::Member(name) => {
                // A hostile name may be megabytes long; a pointer to it need not be.
                let shown: String = name.chars().take(200).collect();
                write!(f, "/{}", shown.replace('~', "~0").replace('/', "~1"))
            }
        }
    }
}
