//! A value compared: what stands left of the operator, the operator, and what stands right of it.

use sqlparser::tokenizer::Token;

use crate::document::{Json, MAX_VALUES, Number, NumberError};
use crate::error::{Code, Problem};

use super::functions::{Function, names};
use super::parse::{Parsed, Parser, describe, limit};
use super::place::{Object, Placed};

/// Words that are no names unless they are quoted.
pub(super) const WORDS: [&str; 9] =
    ["and", "or", "not", "in", "between", "is", "null", "true", "false"];

/// The most parts that a name is read in, and written in without quotes.
pub(super) const MAX_PARTS: usize = 64;

/// What stands right of an operator: the value, and whether it is another field.
struct Right {
    value: Placed,
    field: bool,
}

impl Parser<'_> {
    /// One condition; a placeholder if it is wrong, which is told.
    pub(super) fn condition(&mut self, level: usize) -> Parsed<Placed> {
        let at = self.tokens.at();
        if let Some(function) = self.function()
            && !function.is_value()
            && !matches!(function, Function::Field | Function::Step)
        {
            let object = self.condition_call(function, level)?;
            return Ok(object.map_or_else(|| Parser::placeholder(at), Object::done));
        }
        let subject = self.subject(level)?;
        // What is no function may have been meant for a condition.
        let ends = |token: &Token| matches!(token, Token::Comma | Token::RParen | Token::EOF);
        let alone = ends(self.tokens.peek(0)) || self.is_word(0, "and") || self.is_word(0, "or");
        if subject.is_none() && alone {
            return Ok(Parser::placeholder(at));
        }
        let compared = self.compared(subject)?;
        Ok(compared.map_or_else(|| Parser::placeholder(at), Object::done))
    }

    /// The function that is called next, if one is and is known.
    fn function(&mut self) -> Option<Function> {
        if *self.tokens.peek(1) != Token::LParen {
            return None;
        }
        match self.tokens.peek(0) {
            Token::Word(word) if word.quote_style.is_none() => Function::find(&word.value),
            _ => None,
        }
    }

    /// What is tested: a field, an aggregate, a trait, the bucket. `None` if it is wrong.
    pub(super) fn subject(&mut self, level: usize) -> Parsed<Option<Object>> {
        let at = self.tokens.at();
        let called = *self.tokens.peek(1) == Token::LParen;
        if called
            && let Token::Word(word) = self.tokens.peek(0)
            && word.quote_style.is_none()
        {
            let name = word.value.clone();
            let reserved = WORDS.iter().any(|word| word.eq_ignore_ascii_case(&name));
            if !reserved {
                return match Function::find(&name) {
                    Some(function) if function.is_value() => self.value_call(function, level),
                    found => self.wrong_call(at, &name, found),
                };
            }
        }
        let name = self.name("a condition")?.join(".");
        let mut object = Object::new(at);
        object.put("field", Placed::leaf(at, name));
        Ok(Some(object))
    }

    /// A call that can't stand here.
    fn wrong_call(
        &mut self,
        at: u32,
        name: &str,
        found: Option<Function>,
    ) -> Parsed<Option<Object>> {
        let shown: String = name.chars().take(60).collect();
        let problem = match found {
            Some(Function::Field) => Problem::new(
                Code::Malformed,
                "",
                "field(...) stands on the right of an operator; on the left a name is enough",
            ),
            Some(Function::Step) => {
                Problem::new(Code::Malformed, "", "a step stands in did(...) or did_not(...)")
            }
            Some(_) => Problem::new(
                Code::Malformed,
                "",
                format!("{shown} is a condition, expected a value to be tested"),
            ),
            None => Problem::new(Code::BadOperator, "", format!("{shown:?} is no function"))
                .nearest(name, names()),
        };
        self.fault(at, problem);
        self.tokens.take();
        self.opening()?;
        self.skip()?;
        self.closing("a closing parenthesis")?;
        Ok(None)
    }

    /// Takes what stands up to the end of these parentheses.
    fn skip(&mut self) -> Parsed<()> {
        while self.takes(&Token::Comma) || *self.tokens.peek(0) != Token::RParen {
            self.skip_argument()?;
        }
        Ok(())
    }

    /// Takes what stands up to a comma or the end of these parentheses.
    pub(super) fn skip_argument(&mut self) -> Parsed<()> {
        let mut depth = 0usize;
        loop {
            match self.tokens.peek(0) {
                Token::Comma | Token::RParen if depth == 0 => return Ok(()),
                Token::EOF => return Err(self.unexpected("a closing parenthesis")),
                Token::LParen => depth += 1,
                Token::RParen => depth -= 1,
                _ => {}
            }
            self.tokens.take();
        }
    }

    /// A name with its parts, quoted or not.
    pub(super) fn name(&mut self, expected: &str) -> Parsed<Vec<String>> {
        let mut parts = Vec::new();
        loop {
            let first = parts.is_empty();
            match self.tokens.peek(0) {
                Token::Word(word)
                    if !first
                        || word.quote_style.is_some()
                        || !WORDS.iter().any(|known| known.eq_ignore_ascii_case(&word.value)) => {}
                _ => return Err(self.unexpected(if first { expected } else { "a name" })),
            }
            if let (Token::Word(word), _) = self.tokens.take() {
                parts.push(word.value);
            }
            if !self.takes(&Token::Period) {
                return Ok(parts);
            }
            if parts.len() >= MAX_PARTS {
                let at = self.tokens.at();
                return Err(limit(at, &format!("{MAX_PARTS} parts of a name")));
            }
        }
    }

    /// The operator and what stands right of it.
    fn compared(&mut self, subject: Option<Object>) -> Parsed<Option<Object>> {
        let at = self.tokens.at();
        let sign = match self.tokens.peek(0) {
            Token::Eq | Token::DoubleEq => "=",
            Token::Neq => "!=",
            Token::Lt => "<",
            Token::LtEq => "<=",
            Token::Gt => ">",
            Token::GtEq => ">=",
            _ => return self.worded(subject, at),
        };
        self.tokens.take();
        let right = self.right()?;
        Ok(subject.zip(right).map(|(object, right)| with_right(object, at, sign, right)))
    }

    /// `is null`, `in`, `between` and their negatives.
    fn worded(&mut self, subject: Option<Object>, at: u32) -> Parsed<Option<Object>> {
        if self.takes_word("is") {
            let not = self.takes_word("not");
            if !self.takes_word("null") {
                return Err(self.unexpected(if not {
                    "\"null\""
                } else {
                    "\"null\" or \"not null\""
                }));
            }
            return Ok(subject.map(|mut object| {
                object.put("operator", Placed::leaf(at, if not { "notNull" } else { "null" }));
                object
            }));
        }
        let not = self.takes_word("not");
        let (operator, value) = if self.takes_word("in") {
            (if not { "notIn" } else { "in" }, self.list()?)
        } else if self.takes_word("between") {
            (if not { "notBetween" } else { "between" }, self.pair()?)
        } else {
            let expected = match not {
                true => "\"in\" or \"between\"",
                false => {
                    "an operator: = != < <= > >= in, not in, between, not between, is null or is not null"
                }
            };
            return Err(self.unexpected(expected));
        };
        let right = value.map(|value| Right { value, field: false });
        Ok(subject.zip(right).map(|(object, right)| with_right(object, at, operator, right)))
    }

    /// A value or another field, `None` if it is wrong.
    fn right(&mut self) -> Parsed<Option<Right>> {
        if self.function() == Some(Function::Field) {
            self.tokens.take();
            self.opening()?;
            let at = self.tokens.at();
            let name = self.name("the name of a field")?.join(".");
            self.closing("a closing parenthesis")?;
            return Ok(Some(Right { value: Placed::leaf(at, name), field: true }));
        }
        let value = self.value()?;
        Ok(value.map(|value| Right { value, field: false }))
    }

    /// The second argument of `contains` and its kin.
    pub(super) fn put_right(&mut self, object: &mut Object) -> Parsed<bool> {
        let Some(right) = self.right()? else { return Ok(false) };
        if right.field {
            object.put("valueSource", Placed::leaf(right.value.mark.at, "field"));
        }
        object.put("value", right.value);
        Ok(true)
    }

    /// One value, `None` if it is wrong.
    pub(super) fn value(&mut self) -> Parsed<Option<Placed>> {
        let at = self.tokens.at();
        let json = match self.tokens.peek(0) {
            Token::SingleQuotedString(_) | Token::Number(_, false) | Token::Minus => {
                self.literal()?
            }
            Token::Word(word) if word.quote_style.is_some() => return self.name_for_value(at),
            Token::Word(word) => match word.value.to_ascii_lowercase().as_str() {
                "true" | "false" => self.literal()?,
                "null" => {
                    self.tokens.take();
                    let problem = Problem::new(Code::BadValue, "", "expected a value, found null");
                    self.fault(at, problem.hint("a missing value is asked for with `is null`"));
                    return Ok(None);
                }
                "select" | "case" | "cast" | "interval" | "and" | "or" | "not" | "in" => {
                    return Err(self.unexpected("a value"));
                }
                _ => return self.name_for_value(at),
            },
            _ => return Err(self.unexpected("a value")),
        };
        Ok(Some(Placed::leaf(at, json)))
    }

    /// A string, number, true or false, as JSON.
    fn literal(&mut self) -> Parsed<Json> {
        let sign = if self.takes(&Token::Minus) { "-" } else { "" };
        if !sign.is_empty() && !matches!(self.tokens.peek(0), Token::Number(_, false)) {
            return Err(self.unexpected("a number"));
        }
        match self.tokens.take().0 {
            Token::SingleQuotedString(text) => Ok(Json::String(text)),
            Token::Number(digits, _) => Ok(number(sign, &digits)),
            Token::Word(word) => Ok(Json::Bool(word.value.eq_ignore_ascii_case("true"))),
            _ => Err(self.unexpected("a value")),
        }
    }

    /// A name where a value is expected: most often a string in the wrong quotes.
    fn name_for_value(&mut self, at: u32) -> Parsed<Option<Placed>> {
        let found = describe(self.tokens.peek(0));
        if *self.tokens.peek(1) == Token::LParen {
            let problem = Problem::new(
                Code::BadValue,
                "",
                format!("expected a value, found the function {found}"),
            );
            self.fault(at, problem.hint("only field(...) may stand here"));
            self.tokens.take();
            self.opening()?;
            self.skip()?;
            self.closing("a closing parenthesis")?;
            return Ok(None);
        }
        let name = self.name("a value")?.join(".");
        let shown: String = name.chars().take(60).collect();
        let message = format!("expected a value, found the name {found}");
        let hint = format!(
            "a string stands in single quotes, '{}'; another field is field({shown})",
            shown.replace('\'', "''")
        );
        self.fault(at, Problem::new(Code::BadValue, "", message).hint(hint));
        Ok(None)
    }

    /// Values in parentheses, `None` if one is wrong.
    pub(super) fn list(&mut self) -> Parsed<Option<Placed>> {
        let at = self.tokens.at();
        if !self.takes(&Token::LParen) {
            return Err(self.unexpected("a list of values in parentheses"));
        }
        let (mut values, mut places, mut count) = (Vec::new(), Vec::new(), 0);
        while !self.takes(&Token::RParen) {
            if count > 0 && !self.takes(&Token::Comma) {
                return Err(self.unexpected("a comma or a closing parenthesis"));
            }
            count += 1;
            if count > MAX_VALUES {
                let here = self.tokens.at();
                return Err(limit(here, "1,000,000 values in a list"));
            }
            if let Some(value) = self.value()? {
                places.push(value.mark.at);
                values.push(value.json);
            }
        }
        Ok((values.len() == count).then(|| Placed::values(at, values, places)))
    }

    /// `low and high`.
    fn pair(&mut self) -> Parsed<Option<Placed>> {
        let low = self.value()?;
        if !self.takes_word("and") {
            return Err(self.unexpected("\"and\" and the upper bound"));
        }
        let high = self.value()?;
        Ok(low.zip(high).map(|(low, high)| Placed::list(low.mark.at, vec![low, high])))
    }
}

fn with_right(mut object: Object, at: u32, operator: &str, right: Right) -> Object {
    object.put("operator", Placed::leaf(at, operator));
    if right.field {
        object.put("valueSource", Placed::leaf(right.value.mark.at, "field"));
    }
    object.put("value", right.value);
    object
}

/// A number as SQL writes it, which may begin or end with its point or begin with zeros.
fn number(sign: &str, digits: &str) -> Json {
    let (mantissa, exponent) = match digits.find(['e', 'E']) {
        Some(at) => digits.split_at(at),
        None => (digits, ""),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let whole = match whole.trim_start_matches('0') {
        "" => "0",
        whole => whole,
    };
    let fraction = if fraction.is_empty() { "0" } else { fraction };
    match format!("{sign}{whole}.{fraction}{exponent}").parse::<Number>() {
        Ok(number) => Json::Number(number),
        Err(NumberError::NotANumber) => Json::String(format!("{sign}{digits}")),
        Err(NumberError::TooLong) => Json::LongNumber(format!("{sign}{digits}").into()),
    }
}
