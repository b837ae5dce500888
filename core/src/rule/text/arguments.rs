//! The named arguments of functions, `last => '30 days'`.

use sqlparser::tokenizer::Token;

use crate::document::{self, Json};
use crate::error::{Code, Problem};

use super::super::value::split_list;
use super::parse::{Parsed, Parser, limit};
use super::place::{Object, Placed};

/// The arguments that say a window.
pub(super) const WINDOWS: [&str; 6] = ["last", "between", "calendar", "start", "end", "window"];

/// The named arguments of one call.
pub(super) struct Arguments {
    /// Those that the function takes.
    pub(super) known: Vec<&'static str>,
    level: usize,
    given: Vec<(&'static str, Placed)>,
    /// Whether none of them is wrong.
    pub(super) sound: bool,
}

impl Arguments {
    pub(super) fn new(known: &[&'static str], windows: bool, level: usize) -> Arguments {
        let mut known = known.to_vec();
        if windows {
            known.extend(WINDOWS);
        }
        Arguments { known, level, given: Vec::new(), sound: true }
    }

    /// The same beside a subject; where `ci(...)` is around that, it is said already.
    pub(super) fn beside(mut self, subject: Option<&Object>) -> Arguments {
        let folded = subject.is_some_and(|object| object.has("caseSensitive"));
        self.known.retain(|known| !folded || *known != "case_sensitive");
        self
    }

    /// The value of an argument, taken away.
    pub(super) fn take(&mut self, name: &str) -> Option<Placed> {
        let index = self.given.iter().position(|(known, _)| *known == name)?;
        Some(self.given.remove(index).1)
    }

    pub(super) fn has_window(&self) -> bool {
        self.given.iter().any(|(name, _)| WINDOWS.contains(name))
    }

    /// Puts the arguments into the condition, the window as the member of that name.
    fn put_rest(self, object: &mut Object, window: &str) {
        let (windows, rest): (Vec<_>, Vec<_>) =
            self.given.into_iter().partition(|(name, _)| WINDOWS.contains(name));
        for (name, value) in rest {
            object.put(if name == "case_sensitive" { "caseSensitive" } else { name }, value);
        }
        let Some((_, first)) = windows.first() else { return };
        let mut members = Object::new(first.mark.at);
        for (name, value) in windows {
            if name == "window" {
                // It stands alone: what is beside it was refused.
                return object.put(window, value);
            }
            members.put(name, value);
        }
        object.put(window, members.done());
    }

    /// The condition with all arguments, `None` if one of them is wrong.
    pub(super) fn finish(self, mut object: Object, window: &str) -> Option<Object> {
        let sound = self.sound;
        self.put_rest(&mut object, window);
        sound.then_some(object)
    }
}

impl Parser<'_> {
    /// Reads named arguments and the closing parenthesis; `first` if nothing stands before them.
    pub(super) fn named(&mut self, arguments: &mut Arguments, first: bool) -> Parsed<()> {
        let mut first = first;
        loop {
            if self.takes(&Token::RParen) {
                return Ok(());
            }
            if !first && !self.takes(&Token::Comma) {
                return Err(self.unexpected("a comma or a closing parenthesis"));
            }
            first = false;
            self.argument(arguments)?;
        }
    }

    fn argument(&mut self, arguments: &mut Arguments) -> Parsed<()> {
        let name = match self.tokens.peek(0) {
            Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_lowercase(),
            _ => return Err(self.no_argument()),
        };
        if *self.tokens.peek(1) != Token::RArrow {
            return Err(self.no_argument());
        }
        let (_, at) = self.tokens.take();
        self.tokens.take();
        let Some(known) = arguments.known.iter().copied().find(|known| *known == name) else {
            arguments.sound = false;
            self.unknown_argument(at, &name, arguments);
            return self.skip_value();
        };
        let clash = arguments.given.iter().find_map(|(given, _)| {
            let windows = WINDOWS.contains(given) && WINDOWS.contains(&known);
            let all = *given == "window" || known == "window";
            match *given == known {
                true => Some(Problem::new(Code::Malformed, "", "this argument is given twice")),
                false if windows && all => {
                    let message = format!("{known} and {given} say two windows");
                    Some(Problem::new(Code::BadWindow, "", message))
                }
                false => None,
            }
        });
        if let Some(problem) = clash {
            arguments.sound = false;
            self.fault(at, problem);
            return self.skip_value();
        }
        let value = self.argument_value(known, arguments.level)?;
        match value {
            Some(value) => arguments.given.push((known, value)),
            None => arguments.sound = false,
        }
        Ok(())
    }

    fn unknown_argument(&mut self, at: u32, name: &str, arguments: &Arguments) {
        let shown: String = name.chars().take(60).collect();
        let message = match arguments.known.as_slice() {
            [] => format!("{shown:?} is no argument here; there are none"),
            known => format!("{shown:?} is no argument here; known are {}", known.join(", ")),
        };
        let problem = Problem::new(Code::UnknownMember, "", message);
        self.fault(at, problem.nearest(name, arguments.known.iter().copied()));
    }

    /// Takes the value of an argument that is wrong already.
    fn skip_value(&mut self) -> Parsed<()> {
        match self.tokens.peek(0) {
            Token::Comma | Token::RParen => Err(self.unexpected("a value")),
            _ => self.skip_argument(),
        }
    }

    fn argument_value(&mut self, name: &str, level: usize) -> Parsed<Option<Placed>> {
        let at = self.tokens.at();
        if name == "where" || name == "among" {
            return self.conditions(level).map(Some);
        }
        if name == "events" && *self.tokens.peek(0) == Token::LParen {
            return self.list();
        }
        let Some(value) = self.value()? else { return Ok(None) };
        let text = match (&value.json, name) {
            (Json::String(text), "events" | "between" | "polygon") => text,
            _ => return Ok(Some(value)),
        };
        match name {
            "polygon" => match document::read_value(text, "") {
                Ok(json) => Ok(Some(Placed::leaf(at, json))),
                Err(problem) => {
                    let hint =
                        "a polygon is the text of a JSON list, '[[72.8, 18.9], [72.9, 19.1], ...]'";
                    self.fault(at, problem.hint(hint));
                    Ok(None)
                }
            },
            // Edges are trimmed where they are read.
            "between" => {
                let edges = text.splitn(3, ',').map(Json::from).collect();
                Ok(Some(Placed::leaf(at, Json::Array(edges))))
            }
            _ if text.bytes().filter(|byte| *byte == b',').count() > 1_000 => {
                Err(limit(at, "1,000 event tables"))
            }
            _ => {
                let names = split_list(text).into_iter().map(Json::String).collect();
                Ok(Some(Placed::leaf(at, Json::Array(names))))
            }
        }
    }
}
