//! Functions: aggregates, narrowed traits, places, ranks, sequences and the rest.

use sqlparser::tokenizer::Token;

use crate::document::{self, Json};
use crate::error::{Code, Problem};

use super::super::group::is_off;
use super::super::{Aggregate, Operator};
use super::arguments::{Arguments, WINDOWS};
use super::functions::Function;
use super::parse::{Parsed, Parser, describe};
use super::place::{Fault, Object, Placed};

impl Parser<'_> {
    /// A function that is a value, with its parentheses. `None` if it is wrong.
    pub(super) fn value_call(
        &mut self,
        function: Function,
        level: usize,
    ) -> Parsed<Option<Object>> {
        match function {
            Function::Aggregate(aggregate) => self.aggregate(aggregate, level),
            Function::Trait => self.narrowed(level),
            Function::Ci => self.folded(level),
            _ => self.bucket(level),
        }
    }

    /// A function that is a condition, with its parentheses. `None` if it is wrong.
    pub(super) fn condition_call(
        &mut self,
        function: Function,
        level: usize,
    ) -> Parsed<Option<Object>> {
        match function {
            Function::Strings(operator) => self.strings(operator, level),
            Function::During(operator) => self.during(operator, level),
            Function::Within(operator) => self.within(operator, level),
            Function::Rank(operator) => self.rank(operator, level),
            Function::Sequence { did } => self.sequence(did, level),
            _ => self.disabled(),
        }
    }

    /// The name of the function and its opening parenthesis.
    fn called(&mut self) -> Parsed<u32> {
        let (_, at) = self.tokens.take();
        self.opening()?;
        Ok(at)
    }

    /// `sum(t.amount, where => ..., last => ...)`.
    fn aggregate(&mut self, aggregate: Aggregate, level: usize) -> Parsed<Option<Object>> {
        let at = self.called()?;
        let mut arguments = Arguments::new(&["events", "where"], true, level);
        let place = self.tokens.at();
        let unnamed =
            *self.tokens.peek(1) == Token::RArrow || *self.tokens.peek(0) == Token::RParen;
        let mut name = match unnamed {
            true => Vec::new(),
            false => self.name_or_string("an event table and its column")?,
        };
        let mut column = None;
        let named = *self.tokens.peek(2) == Token::RArrow
            || arguments.known.iter().any(|known| self.is_word(1, known));
        if !name.is_empty() && !named && self.takes(&Token::Comma) {
            let place = self.tokens.at();
            let parts = self.name_or_string("a column or an argument such as last => '30 days'")?;
            column = Some((place, parts.join(".")));
        }
        self.named(&mut arguments, name.is_empty())?;
        let sound = arguments.sound;
        let mut object = Object::new(at);
        match arguments.take("events") {
            Some(events) => {
                object.put("events", events);
                if !name.is_empty() {
                    column = column.or(Some((place, name.join("."))));
                }
            }
            None if name.is_empty() => {
                let message = format!("{}() needs an event table", aggregate.as_str());
                self.fault(at, Problem::new(Code::MissingMember, "", message));
                return Ok(None);
            }
            None => {
                object.put("events", Placed::leaf(place, name.remove(0)));
                if !name.is_empty() {
                    column = column.or(Some((place, name.join("."))));
                }
            }
        }
        let needs_column = aggregate != Aggregate::Count && !aggregate.is_days_since();
        if needs_column && column.is_none() {
            let message = format!("{}() needs a column", aggregate.as_str());
            let hint = format!("write {}(table.column)", aggregate.as_str());
            self.fault(at, Problem::new(Code::MissingMember, "", message).hint(hint));
            return Ok(None);
        }
        object.put("aggregate", Placed::leaf(at, aggregate.as_str()));
        if let Some((place, column)) = column {
            object.put("field", Placed::leaf(place, column));
        }
        arguments.put_rest(&mut object, "window");
        Ok(sound.then_some(object))
    }

    /// A name in parts, or a string.
    fn name_or_string(&mut self, expected: &str) -> Parsed<Vec<String>> {
        if let Token::SingleQuotedString(text) = self.tokens.peek(0) {
            let text = text.clone();
            self.tokens.take();
            return Ok(vec![text]);
        }
        self.name(expected)
    }

    /// `trait(total_spend, where => ..., last => ...)`.
    fn narrowed(&mut self, level: usize) -> Parsed<Option<Object>> {
        let at = self.called()?;
        let place = self.tokens.at();
        let name = self.name("the name of a trait")?.join(".");
        let mut arguments = Arguments::new(&["where"], true, level);
        self.named(&mut arguments, false)?;
        let mut object = Object::new(at);
        object.put("field", Placed::leaf(place, name));
        Ok(arguments.finish(object, "window"))
    }

    /// `ci(country)`.
    fn folded(&mut self, level: usize) -> Parsed<Option<Object>> {
        let at = self.called()?;
        let nested = matches!(self.tokens.peek(0), Token::Word(word)
            if Function::find(&word.value) == Some(Function::Ci));
        if nested && *self.tokens.peek(1) == Token::LParen {
            return Err(self.unexpected("a field, an aggregate or a trait"));
        }
        let subject = self.subject(level)?;
        self.closing("a closing parenthesis")?;
        Ok(subject.map(|mut object| {
            object.at = at;
            object.put("caseSensitive", Placed::leaf(at, false));
            object
        }))
    }

    /// `bucket(salt => 'x')`.
    fn bucket(&mut self, level: usize) -> Parsed<Option<Object>> {
        let at = self.called()?;
        let mut arguments = Arguments::new(&["salt"], false, level);
        self.named(&mut arguments, true)?;
        let mut object = Object::new(at);
        object.put("field", Placed::leaf(at, "bucket"));
        Ok(arguments.finish(object, "window"))
    }

    /// The subject that is the first argument of a condition, with the operator.
    fn tested(&mut self, operator: Operator, level: usize) -> Parsed<(u32, Option<Object>)> {
        let at = self.called()?;
        let subject = self.subject(level)?;
        let object = subject.map(|mut object| {
            object.at = at;
            object.put("operator", Placed::leaf(at, operator.as_str()));
            object
        });
        Ok((at, object))
    }

    /// `contains(a, 'x')`.
    fn strings(&mut self, operator: Operator, level: usize) -> Parsed<Option<Object>> {
        let (at, object) = self.tested(operator, level)?;
        let mut object = object.unwrap_or_else(|| Object::new(at));
        let wrong = object.is_empty();
        if !self.takes(&Token::Comma) {
            return Err(self.unexpected("a comma and the value to look for"));
        }
        let valued = self.put_right(&mut object)?;
        let mut arguments = Arguments::new(&["case_sensitive"], false, level);
        self.named(&mut arguments, false)?;
        let object = arguments.finish(object, "window");
        Ok(object.filter(|_| valued && !wrong))
    }

    /// `during(created_at, last => '30 days')`.
    fn during(&mut self, operator: Operator, level: usize) -> Parsed<Option<Object>> {
        let (at, object) = self.tested(operator, level)?;
        let mut arguments = Arguments::new(&["case_sensitive"], true, level);
        self.named(&mut arguments, false)?;
        if arguments.sound && !arguments.has_window() {
            let problem = Problem::new(Code::MissingMember, "", "a window is missing");
            let hint = format!("expected one of {}", WINDOWS.join(", "));
            self.fault(at, problem.hint(hint));
            return Ok(None);
        }
        Ok(object.and_then(|object| arguments.finish(object, "value")))
    }

    /// `within(home, lat => 19.0, lon => 72.8, radius => '10 km')`.
    fn within(&mut self, operator: Operator, level: usize) -> Parsed<Option<Object>> {
        let (at, object) = self.tested(operator, level)?;
        let known = ["lat", "lon", "radius", "polygon", "case_sensitive"];
        let mut arguments = Arguments::new(&known, false, level);
        self.named(&mut arguments, false)?;
        let mut place = Object::new(at);
        for name in ["lat", "lon", "radius", "polygon"] {
            if let Some(value) = arguments.take(name) {
                place.put(name, value);
            }
        }
        Ok(object.and_then(|mut object| {
            object.put("value", place.done());
            arguments.finish(object, "window")
        }))
    }

    /// `top(total_spend, percent => 10, among => ...)`.
    fn rank(&mut self, operator: Operator, level: usize) -> Parsed<Option<Object>> {
        let (at, object) = self.tested(operator, level)?;
        let known = ["count", "percent", "among", "case_sensitive"];
        let mut arguments = Arguments::new(&known, false, level);
        self.named(&mut arguments, false)?;
        let mut size = Object::new(at);
        for name in ["count", "percent"] {
            if let Some(value) = arguments.take(name) {
                size.put(name, value);
            }
        }
        if arguments.sound && size.is_empty() {
            let message = format!("{operator} needs count => or percent =>");
            self.fault(at, Problem::new(Code::MissingMember, "", message));
            return Ok(None);
        }
        Ok(object.and_then(|mut object| {
            object.put("value", size.done());
            arguments.finish(object, "window")
        }))
    }

    /// `did(step(t1), step(t2, within => '7 days'), last => '90 days')`.
    fn sequence(&mut self, did: bool, level: usize) -> Parsed<Option<Object>> {
        let at = self.called()?;
        let (mut steps, mut sound) = (Vec::new(), true);
        while self.is_word(0, "step") && *self.tokens.peek(1) == Token::LParen {
            if steps.len() >= 10 {
                let problem = Problem::new(Code::BadValue, "", "expected 2 to 10 steps");
                return Err(Fault { at: self.tokens.at(), problem });
            }
            match self.step(level)? {
                Some(step) => steps.push(step),
                None => sound = false,
            }
            let more =
                self.tokens.peek(2) != &Token::RArrow && *self.tokens.peek(0) == Token::Comma;
            if !more {
                break;
            }
            self.tokens.take();
            if !self.is_word(0, "step") {
                return Err(self.unexpected("step(...) or an argument such as last => '90 days'"));
            }
        }
        if steps.is_empty() && sound {
            return Err(self.unexpected("step(...)"));
        }
        let mut arguments = Arguments::new(&[], true, level);
        self.named(&mut arguments, false)?;
        let mut object = Object::new(at);
        object.put("sequence", Placed::list(at, steps));
        object.put("operator", Placed::leaf(at, if did { "did" } else { "didNot" }));
        Ok(arguments.finish(object, "window").filter(|_| sound))
    }

    /// One step of a sequence.
    fn step(&mut self, level: usize) -> Parsed<Option<Placed>> {
        let at = self.called()?;
        let place = self.tokens.at();
        let mut arguments = Arguments::new(&["events", "where", "within"], false, level);
        let mut object = Object::new(at);
        let alone = *self.tokens.peek(1) == Token::RArrow;
        if !alone {
            let name = self.name_or_string("an event table")?.join(".");
            object.put("events", Placed::leaf(place, name));
            // Then it is given twice.
            arguments.known.retain(|known| *known != "events");
        }
        self.named(&mut arguments, alone)?;
        Ok(arguments.finish(object, "window").map(Object::done))
    }

    /// `disabled('...')`, a condition or group that is switched off, as JSON.
    fn disabled(&mut self) -> Parsed<Option<Object>> {
        self.called()?;
        let at = self.tokens.at();
        let Token::SingleQuotedString(text) = self.tokens.peek(0) else {
            return Err(self.unexpected("the JSON of what is switched off, as a string"));
        };
        let read = document::read_value(text, "");
        self.tokens.take();
        self.closing("a closing parenthesis")?;
        let problem = match read {
            Ok(json) if !is_off(&json) => {
                let expected = "an object with \"disabled\": true or \"muted\": true";
                let found = document::describe(&json);
                Problem::new(Code::BadValue, "", format!("expected {expected}, found {found}"))
            }
            Ok(Json::Object(members)) => {
                let mut object = Object::new(at);
                for (name, value) in members {
                    object.put(&name, Placed::leaf(at, value));
                }
                return Ok(Some(object));
            }
            Ok(_) => return Ok(None),
            Err(problem) => problem,
        };
        self.fault(at, problem);
        Ok(None)
    }

    /// The message for an argument that is none.
    pub(super) fn no_argument(&mut self) -> Fault {
        let found = describe(self.tokens.peek(0));
        let mut fault = self.unexpected("an argument such as last => '30 days'");
        fault.problem.message =
            format!("expected an argument such as last => '30 days', found {found}");
        fault
    }
}
