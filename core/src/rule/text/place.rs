//! Places in the text: beside each part of the JSON document the place that it was read from, and
//! problems told with line, column and a caret.

use crate::document::Json;
use crate::error::Problem;

/// A part of the document and where its parts stand, by byte.
pub(super) struct Placed {
    pub(super) json: Json,
    pub(super) mark: Mark,
}

/// Where a part stands, and the parts below it in the order of the JSON.
pub(super) struct Mark {
    pub(super) at: u32,
    below: Below,
}

enum Below {
    Nothing,
    Marks(Vec<Mark>),
    /// Of a list of values: there may be a million.
    Values(Vec<u32>),
}

impl Placed {
    /// A part whose parts have no places of their own.
    pub(super) fn leaf(at: u32, json: impl Into<Json>) -> Placed {
        Placed { json: json.into(), mark: Mark { at, below: Below::Nothing } }
    }

    pub(super) fn list(at: u32, items: Vec<Placed>) -> Placed {
        let (items, marks) = items.into_iter().map(|item| (item.json, item.mark)).unzip();
        Placed { json: Json::Array(items), mark: Mark { at, below: Below::Marks(marks) } }
    }

    pub(super) fn values(at: u32, values: Vec<Json>, places: Vec<u32>) -> Placed {
        Placed { json: Json::Array(values), mark: Mark { at, below: Below::Values(places) } }
    }

    /// The problems of the document, each with its place.
    pub(super) fn faults(&self, problems: Vec<Problem>) -> Vec<Fault> {
        let fault = |problem: Problem| Fault { at: self.place_of(&problem.path), problem };
        problems.into_iter().map(fault).collect()
    }

    /// The place of what a JSON Pointer leads to, or of what is nearest above it.
    pub(super) fn place_of(&self, pointer: &str) -> u32 {
        let (mut json, mut mark) = (&self.json, &self.mark);
        for step in pointer.split('/').skip(1) {
            let index = match json {
                Json::Object(members) => {
                    let name = step.replace("~1", "/").replace("~0", "~");
                    members.iter().position(|(known, _)| *known == name)
                }
                _ => step.parse().ok(),
            };
            let Some(index) = index else { return mark.at };
            let below = match json {
                Json::Object(members) => members.get(index).map(|(_, value)| value),
                Json::Array(items) => items.get(index),
                _ => None,
            };
            match (below, &mark.below) {
                (Some(below), Below::Marks(marks)) => match marks.get(index) {
                    Some(found) => (json, mark) = (below, found),
                    None => return mark.at,
                },
                (_, Below::Values(places)) => {
                    return places.get(index).copied().unwrap_or(mark.at);
                }
                _ => return mark.at,
            }
        }
        mark.at
    }
}

/// An object of the document that is being put together.
pub(super) struct Object {
    pub(super) at: u32,
    members: Vec<(String, Json)>,
    marks: Vec<Mark>,
}

impl Object {
    pub(super) fn new(at: u32) -> Object {
        Object { at, members: Vec::new(), marks: Vec::new() }
    }

    pub(super) fn put(&mut self, name: &str, value: Placed) {
        self.members.push((name.to_owned(), value.json));
        self.marks.push(value.mark);
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.members.iter().any(|(known, _)| known == name)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    pub(super) fn done(self) -> Placed {
        Placed {
            json: Json::Object(self.members),
            mark: Mark { at: self.at, below: Below::Marks(self.marks) },
        }
    }
}

/// A problem and its place in the text.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    pub(super) at: u32,
    pub(super) problem: Problem,
}

/// How much of a line is shown before the caret and after it.
const SHOWN: (usize, usize) = (60, 40);

/// The problems in the order of the text, each with line, column and a caret.
pub(super) fn problems(text: &str, mut faults: Vec<Fault>) -> Vec<Problem> {
    faults.sort_by_key(|fault| fault.at);
    let (mut line, mut column, mut offset) = (1usize, 1usize, 0usize);
    let mut places = Vec::with_capacity(faults.len());
    let mut rest = text.chars();
    for Fault { at, problem } in faults {
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        while offset < at {
            match rest.next() {
                Some('\n') => (line, column, offset) = (line + 1, 1, offset + 1),
                Some(c) => (column, offset) = (column + 1, offset + c.len_utf8()),
                None => break,
            }
        }
        places.push(placed(problem, text, offset, line, column));
    }
    places
}

fn placed(mut problem: Problem, text: &str, offset: usize, line: usize, column: usize) -> Problem {
    let (before, after) = text.split_at_checked(offset).unwrap_or((text, ""));
    let mut shown: Vec<char> =
        before.chars().rev().take_while(|c| *c != '\n').take(SHOWN.0).collect();
    if shown.len() + 1 < column {
        shown.push('…');
    }
    let caret = " ".repeat(shown.len());
    let mut row: String = shown.into_iter().rev().collect();
    let mut tail = after.chars().take_while(|c| *c != '\n');
    row.extend(tail.by_ref().take(SHOWN.1));
    row.extend(tail.next().map(|_| '…'));
    let row: String = row.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    problem.path = format!("{line}:{column}");
    problem.message = format!(
        "{}\nline {line}, column {column}:\n  {}\n  {caret}^",
        problem.message,
        row.trim_end()
    );
    problem
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_to_the_nearest_place() {
        let values = Placed::values(7, vec![Json::Bool(true), Json::Bool(false)], vec![8, 9]);
        let mut object = Object::new(3);
        object.put("a/b", Placed::leaf(4, "x"));
        object.put("list", values);
        let root = Placed::list(1, vec![object.done()]);
        for (pointer, place) in [
            ("", 1),
            ("/0", 3),
            ("/1", 1),
            ("/0/a~1b", 4),
            ("/0/a~1b/7", 4),
            ("/0/other", 3),
            ("/0/list", 7),
            ("/0/list/1", 9),
            ("/0/list/2", 7),
            ("/x", 1),
        ] {
            assert_eq!(root.place_of(pointer), place, "{pointer}");
        }
    }
}
