//! Reading the members of one object: what is there, what is missing, what is unknown.

use super::{Json, Path};
use crate::error::{Code, Problem};

/// What a value is, for messages: "a list", "the number 7".
pub(crate) fn describe(json: &Json) -> String {
    match json {
        Json::Null => "null".to_owned(),
        Json::Bool(value) => format!("{value}"),
        Json::Number(number) => format!("the number {number}"),
        Json::LongNumber(_) => "a number of more than 38 digits".to_owned(),
        Json::String(text) if text.chars().count() <= 60 => format!("the string {text:?}"),
        Json::String(text) => {
            format!("the string {:?}…", text.chars().take(60).collect::<String>())
        }
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "an object".to_owned(),
    }
}

/// The members of one object, with the place it stands in and where its problems go.
///
/// A member that is `null` is as if absent.
pub(crate) struct Fields<'a, 'p> {
    members: &'a [(String, Json)],
    pub(crate) path: &'p Path<'p>,
    pub(crate) problems: &'p mut Vec<Problem>,
}

impl<'a, 'p> Fields<'a, 'p> {
    pub(crate) fn new(
        members: &'a [(String, Json)],
        path: &'p Path<'p>,
        problems: &'p mut Vec<Problem>,
    ) -> Self {
        Fields { members, path, problems }
    }

    /// The members of `json`, or a problem if it is no object.
    pub(crate) fn of(
        json: &'a Json,
        path: &'p Path<'p>,
        problems: &'p mut Vec<Problem>,
    ) -> Option<Self> {
        if let Json::Object(members) = json {
            return Some(Fields { members, path, problems });
        }
        let found = describe(json);
        problems.push(Problem::new(
            Code::Malformed,
            path.to_string(),
            format!("expected an object, found {found}"),
        ));
        None
    }

    pub(crate) fn get(&self, name: &str) -> Option<&'a Json> {
        let found = self.members.iter().find(|(n, _)| n == name).map(|(_, value)| value);
        found.filter(|value| **value != Json::Null)
    }

    pub(crate) fn problem(&mut self, problem: Problem) {
        self.problems.push(problem);
    }

    /// Reports a fault of the member `name`.
    pub(crate) fn fault(&mut self, code: Code, name: &str, message: impl Into<String>) {
        self.problems.push(Problem::new(code, self.path.member(name).to_string(), message));
    }

    /// Reports a value of the wrong JSON shape.
    pub(crate) fn wrong(&mut self, name: &str, expected: &str, found: &Json) {
        let message = format!("expected {expected}, found {}", describe(found));
        self.fault(Code::Malformed, name, message);
    }

    /// A string member.
    pub(crate) fn string(&mut self, name: &str) -> Option<&'a str> {
        match self.get(name)? {
            Json::String(text) => Some(text),
            other => {
                self.wrong(name, "a string", other);
                None
            }
        }
    }

    /// A string member that must be there.
    pub(crate) fn required_string(&mut self, name: &str) -> Option<&'a str> {
        if self.get(name).is_none() {
            self.missing(name);
            return None;
        }
        self.string(name)
    }

    /// A member that is true or false, or `default` without it.
    pub(crate) fn flag(&mut self, name: &str, default: bool) -> bool {
        match self.get(name) {
            None => default,
            Some(Json::Bool(value)) => *value,
            Some(other) => {
                self.wrong(name, "true or false", other);
                default
            }
        }
    }

    /// Reports that a required member is not there; the pointer is that of the object.
    pub(crate) fn missing(&mut self, name: &str) {
        self.problems.push(Problem::new(
            Code::MissingMember,
            self.path.to_string(),
            format!("the member {name:?} is missing"),
        ));
    }

    /// Reports every member that is not one of `known`.
    pub(crate) fn known(&mut self, known: &[&str]) {
        for (name, _) in self.members {
            if !known.contains(&name.as_str()) {
                let shown: String = name.chars().take(60).collect();
                self.problems.push(
                    Problem::new(
                        Code::UnknownMember,
                        self.path.member(name).to_string(),
                        format!("{shown:?} is no member here; known are {}", known.join(", ")),
                    )
                    .nearest(name, known.iter().copied()),
                );
            }
        }
    }
}
