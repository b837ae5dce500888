//! From text to [`Json`]: one pass over the parser's events that refuses what passes a limit as
//! soon as it is seen, so that a hostile document costs no more than its first part.

use json_event_parser::{JsonEvent, JsonSyntaxError, SliceJsonParser};

use super::{Json, MAX_BYTES, MAX_CONDITIONS, MAX_LEVELS, MAX_VALUES};
use crate::error::{Code, Problem};

/// No document within the limits nests deeper: three JSON levels for each level of conditions.
const MAX_JSON_DEPTH: usize = 3 * MAX_LEVELS + 16;
/// Objects and lists in one list: the conditions of a group, with a group for each.
const MAX_CONTAINERS: usize = 2 * MAX_CONDITIONS;
/// Objects in one document: conditions and groups, each with a window, a rank or a place.
const MAX_OBJECTS: usize = 6 * MAX_CONDITIONS;
/// Members of one object: far more than any has.
const MAX_MEMBERS: usize = 256;

/// Reads a document whose root must be an object.
pub(crate) fn read(text: &str) -> Result<Json, Problem> {
    if text.len() > MAX_BYTES {
        return Err(limit(String::new(), "64 MiB of document"));
    }
    let first = text.trim_start_matches([' ', '\t', '\n', '\r', '\u{feff}']);
    if !first.starts_with('{') {
        return Err(Problem::new(
            Code::Malformed,
            "",
            format!("expected a JSON object, found {}", start_of(first)),
        ));
    }
    if let Some(opening) = long_list(first) {
        // What comes before the list is all that its place needs to be known.
        let place = match Reader::default().run(first.get(..opening).unwrap_or_default()) {
            Err(problem) if problem.code == Code::LimitExceeded => return Err(problem),
            Err(problem) => problem.path,
            Ok(_) => String::new(),
        };
        return Err(limit(place, "1,000,000 values in a list"));
    }
    Reader::default().run(first)
}

/// The end of the bracket that opens a list of too many values, found by the commas alone: before
/// a million values are built to be thrown away.
fn long_list(text: &str) -> Option<usize> {
    // Most documents are done with here, at the speed of memory.
    if text.bytes().filter(|byte| *byte == b',').count() < MAX_VALUES {
        return None;
    }
    let mut open: Vec<(usize, usize)> = Vec::new();
    let (mut in_text, mut escaped) = (false, false);
    for (at, byte) in text.bytes().enumerate() {
        if in_text {
            in_text = escaped || byte != b'"';
            escaped = byte == b'\\' && !escaped;
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'[' | b'{' if open.len() > MAX_JSON_DEPTH => return None,
            b'[' | b'{' => open.push((at + 1, 0)),
            b']' | b'}' => drop(open.pop()),
            b',' => {
                if let Some((opening, commas)) = open.last_mut() {
                    *commas += 1;
                    if *commas >= MAX_VALUES {
                        return Some(*opening);
                    }
                }
            }
            _ => {}
        }
    }
    None
}

/// Reads any JSON value that stands as text in another document, at `pointer`.
pub(crate) fn read_value(text: &str, pointer: &str) -> Result<Json, Problem> {
    let unfit = || Problem::new(Code::Malformed, pointer, "the text is not one JSON value");
    match read(&format!("{{\"value\":{text}}}")) {
        Ok(Json::Object(members)) if members.len() == 1 => {
            members.into_iter().next().map(|(_, value)| value).ok_or_else(unfit)
        }
        Ok(_) => Err(unfit()),
        Err(problem) => Err(Problem::new(problem.code, pointer, problem.message)),
    }
}

fn start_of(text: &str) -> String {
    match text.chars().next() {
        None => "nothing".to_owned(),
        Some('[') => "a list".to_owned(),
        Some('"') => "a string".to_owned(),
        Some(c) => format!("{c:?}"),
    }
}

fn limit(path: String, what: &str) -> Problem {
    Problem::new(Code::LimitExceeded, path, format!("the limit of {what} is passed"))
}

/// A list or object that is being filled.
enum Open {
    Array { items: Vec<Json>, containers: usize, polygon: bool },
    Object { members: Vec<(String, Json)>, key: String },
}

#[derive(Default)]
struct Reader {
    open: Vec<Open>,
    objects: usize,
}

impl Reader {
    fn run(mut self, text: &str) -> Result<Json, Problem> {
        let mut parser = SliceJsonParser::new(text.as_bytes());
        let mut root = None;
        loop {
            let event = parser.parse_next().map_err(|e| self.syntax(&e))?;
            let done = match event {
                JsonEvent::Eof => {
                    return root.ok_or_else(|| {
                        Problem::new(Code::Malformed, "", "expected a JSON object, found nothing")
                    });
                }
                JsonEvent::StartArray => {
                    self.start(true)?;
                    None
                }
                JsonEvent::StartObject => {
                    self.start(false)?;
                    None
                }
                JsonEvent::ObjectKey(name) => {
                    self.key(name.into_owned())?;
                    None
                }
                JsonEvent::EndArray | JsonEvent::EndObject => self.open.pop().map(|o| match o {
                    Open::Array { items, .. } => Json::Array(items),
                    Open::Object { members, .. } => Json::Object(members),
                }),
                JsonEvent::String(text) => Some(Json::String(text.into_owned())),
                JsonEvent::Number(text) => Some(match text.parse() {
                    Ok(number) => Json::Number(number),
                    Err(_) => Json::LongNumber(text.into()),
                }),
                JsonEvent::Boolean(value) => Some(Json::Bool(value)),
                JsonEvent::Null => Some(Json::Null),
            };
            if let Some(value) = done
                && let Some(value) = self.place(value)?
            {
                root = Some(value);
            }
        }
    }

    fn start(&mut self, array: bool) -> Result<(), Problem> {
        if self.open.len() >= MAX_JSON_DEPTH {
            return Err(limit(self.pointer(), &format!("{MAX_LEVELS} levels of conditions")));
        }
        let mut polygon = false;
        match self.open.last_mut() {
            Some(Open::Array { containers, polygon: inside, .. }) => {
                *containers += 1;
                polygon = *inside;
                if *containers > MAX_CONTAINERS && !polygon {
                    return Err(limit(self.pointer(), &format!("{MAX_CONDITIONS} conditions")));
                }
            }
            Some(Open::Object { key, .. }) => polygon = key == "polygon",
            None => {}
        }
        if array {
            self.open.push(Open::Array { items: Vec::new(), containers: 0, polygon });
        } else {
            self.objects += 1;
            if self.objects > MAX_OBJECTS {
                return Err(limit(self.pointer(), &format!("{MAX_CONDITIONS} conditions")));
            }
            self.open.push(Open::Object { members: Vec::new(), key: String::new() });
        }
        Ok(())
    }

    fn key(&mut self, name: String) -> Result<(), Problem> {
        let Some(Open::Object { members, key }) = self.open.last_mut() else { return Ok(()) };
        let twice = members.iter().any(|(known, _)| *known == name);
        let full = members.len() >= MAX_MEMBERS;
        *key = name;
        if twice {
            return Err(Problem::new(
                Code::Malformed,
                self.pointer(),
                "this member is given twice",
            ));
        }
        if full {
            return Err(limit(self.pointer(), &format!("{MAX_MEMBERS} members of one object")));
        }
        Ok(())
    }

    /// Puts a finished value into what is open; gives it back if it was the root.
    fn place(&mut self, value: Json) -> Result<Option<Json>, Problem> {
        match self.open.last_mut() {
            None => return Ok(Some(value)),
            Some(Open::Object { members, key }) => members.push((std::mem::take(key), value)),
            Some(Open::Array { items, .. }) => {
                if items.len() >= MAX_VALUES {
                    return Err(limit(self.pointer(), "1,000,000 values in a list"));
                }
                items.push(value);
            }
        }
        Ok(None)
    }

    /// The place that is being read.
    fn pointer(&self) -> String {
        use std::fmt::Write;
        let mut pointer = String::new();
        for (i, open) in self.open.iter().enumerate() {
            let last = i + 1 == self.open.len();
            match open {
                // A list that has just been entered is named by itself, not by its next element.
                Open::Array { items, .. } if !last => {
                    let _ = write!(pointer, "/{}", items.len());
                }
                Open::Object { key, .. } if !key.is_empty() => {
                    let _ = write!(pointer, "{}", super::Path::ROOT.member(key));
                }
                _ => {}
            }
        }
        pointer
    }

    fn syntax(&self, error: &JsonSyntaxError) -> Problem {
        let at = error.location().start;
        let mut message = error.message().to_owned();
        if message.len() > 300 {
            message = message.chars().take(300).collect::<String>() + "…";
        }
        Problem::new(
            Code::Malformed,
            self.pointer(),
            format!("not JSON: {message} (line {}, column {})", at.line + 1, at.column + 1),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> (Code, String) {
        let problem = read(text).unwrap_err();
        (problem.code, problem.path)
    }

    #[test]
    fn reads_in_order_and_exactly() {
        let json = read(r#" {"b": [1, 1.0, "x\u0041", null, true], "a": {}} "#).unwrap();
        let Json::Object(members) = &json else { panic!("{json:?}") };
        assert_eq!(members[0].0, "b");
        let one = Json::Number("1".parse().unwrap());
        assert_eq!(
            members[0].1,
            Json::Array(vec![one.clone(), one, "xA".into(), Json::Null, Json::Bool(true)])
        );
    }

    #[test]
    fn refuses_what_is_not_an_object() {
        for text in ["", "  ", "[]", "\"x\"", "7", "nul", "{", "{\"a\":}", "{\"a\":1}x", "{'a':1}"]
        {
            assert_eq!(refused(text).0, Code::Malformed, "{text}");
        }
        assert_eq!(refused(r#"{"a": [1, {"b": tru}]}"#).1, "/a/1/b");
        assert_eq!(refused(r#"{"a": 1, "a": 2}"#), (Code::Malformed, "/a".to_owned()));
    }

    #[test]
    fn refuses_what_passes_a_limit() {
        let deep = format!("{{\"conditions\":{}", "[".repeat(10_000_000));
        assert_eq!(refused(&deep).0, Code::LimitExceeded);
        let wide = format!("{{\"conditions\":[{}", "[],".repeat(3_000_000));
        assert_eq!(refused(&wide), (Code::LimitExceeded, "/conditions".to_owned()));
        let objects = format!("{{\"a\":[{}", "{\"b\":{}},".repeat(1_000_000));
        assert_eq!(refused(&objects).0, Code::LimitExceeded);
        let values = format!("{{\"a\":[{}1]}}", "1,".repeat(1_000_000));
        assert_eq!(refused(&values), (Code::LimitExceeded, "/a".to_owned()));
    }
}
