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
        let column = if unnamed { None } else { self.column(&arguments)? };
        self.named(&mut arguments, unnamed)?;
        if !arguments.sound {
            return Ok(None);
        }
        let events = match arguments.take("events") {
            Some(events) => Some(events),
            None if name.is_empty() => None,
            None => Some(Placed::leaf(place, name.remove(0))),
        };
        let column = match (column, name.is_empty()) {
            (Some(column), false) => {
                let problem = Problem::new(Code::Malformed, "", "the column is given twice");
                self.fault(column.mark.at, problem);
                return Ok(None);
            }
            (None, false) => Some(Placed::leaf(place, name.join("."))),
            (column, true) => column,
        };
        let needs_column = aggregate != Aggregate::Count && !aggregate.is_days_since();
        let missing = match (&events, &column) {
            (None, _) => Some("an event table"),
            (_, None) if needs_column => Some("a column"),
            _ => None,
        };
        if let Some(missing) = missing {
            let name = aggregate.as_str();
            let problem =
                Problem::new(Code::MissingMember, "", format!("{name}() needs {missing}"));
            let column = if needs_column { ".column" } else { "" };
            self.fault(at, problem.hint(format!("write {name}(table{column})")));
            return Ok(None);
        }
        let mut object = Object::new(at);
        object.put("aggregate", Placed::leaf(at, aggregate.as_str()));
        for (name, value) in [("events", events), ("field", column)] {
            if let Some(value) = value {
                object.put(name, value);
            }
        }
        Ok(arguments.finish(object, "window"))
    }

    /// The column as an argument of its own, `count_distinct(t, 'time:day')`.
    fn column(&mut self, arguments: &Arguments) -> Parsed<Option<Placed>> {
        let named = *self.tokens.peek(2) == Token::RArrow
            || arguments.known.iter().any(|known| self.is_word(1, known));
        if named || !self.takes(&Token::Comma) {
            return Ok(None);
        }
        let place = self.tokens.at();
        let parts = self.name_or_string("a column or an argument such as last => '30 days'")?;
        Ok(Some(Placed::leaf(place, parts.join("."))))
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
        let mut arguments = Arguments::new(&["case_sensitive"], false, level).beside(Some(&object));
        self.named(&mut arguments, false)?;
        let object = arguments.finish(object, "window");
        Ok(object.filter(|_| valued && !wrong))
    }

    /// `during(created_at, last => '30 days')`.
    fn during(&mut self, operator: Operator, level: usize) -> Parsed<Option<Object>> {
        let (at, object) = self.tested(operator, level)?;
        let mut arguments =
            Arguments::new(&["case_sensitive"], true, level).beside(object.as_ref());
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
        let mut arguments = Arguments::new(&known, false, level).beside(object.as_ref());
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
        let mut arguments = Arguments::new(&known, false, level).beside(object.as_ref());
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
