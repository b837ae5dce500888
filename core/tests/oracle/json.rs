//! A small JSON reader that keeps numbers as their text, so that no digit is lost.

use super::{OracleError, failed};

#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    Null,
    Bool(bool),
    Number(String),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    pub fn parse(text: &str) -> Result<Json, OracleError> {
        let mut reader = Reader { chars: text.chars().collect(), at: 0 };
        let value = reader.value()?;
        reader.space();
        if reader.at < reader.chars.len() {
            return failed("malformed", "text after the document");
        }
        Ok(value)
    }

    /// A member of an object; one that is null counts as absent.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members
                .iter()
                .find(|(key, value)| key == name && *value != Json::Null)
                .map(|(_, value)| value),
            _ => None,
        }
    }

    pub fn text(&self) -> Result<&str, OracleError> {
        match self {
            Json::Text(text) => Ok(text),
            other => failed("type_mismatch", format!("expected a string, found {other:?}")),
        }
    }

    pub fn list(&self) -> Result<&[Json], OracleError> {
        match self {
            Json::List(items) => Ok(items),
            other => failed("type_mismatch", format!("expected a list, found {other:?}")),
        }
    }

    pub fn members(&self) -> Result<&[(String, Json)], OracleError> {
        match self {
            Json::Object(members) => Ok(members),
            other => failed("type_mismatch", format!("expected an object, found {other:?}")),
        }
    }

    /// The value as text, numbers to the last digit.
    pub fn write(&self) -> String {
        let quoted = |text: &str| serde_json::to_string(text).expect("strings are JSON");
        match self {
            Json::Null => "null".to_owned(),
            Json::Bool(value) => value.to_string(),
            Json::Number(digits) => digits.clone(),
            Json::Text(text) => quoted(text),
            Json::List(items) => {
                let items: Vec<String> = items.iter().map(Json::write).collect();
                format!("[{}]", items.join(", "))
            }
            Json::Object(members) => {
                let member =
                    |(name, value): &(String, Json)| format!("{}: {}", quoted(name), value.write());
                let members: Vec<String> = members.iter().map(member).collect();
                format!("{{{}}}", members.join(", "))
            }
        }
    }

    /// True when the member is there and is `true`.
    pub fn flag(&self, name: &str) -> bool {
        self.get(name) == Some(&Json::Bool(true))
    }

    pub fn text_of(&self, name: &str) -> Result<Option<&str>, OracleError> {
        self.get(name).map(Json::text).transpose()
    }
}

struct Reader {
    chars: Vec<char>,
    at: usize,
}

impl Reader {
    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(' ' | '\t' | '\n' | '\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, wanted: char) -> Result<(), OracleError> {
        if self.peek() != Some(wanted) {
            return failed("malformed", format!("expected {wanted:?} at {}", self.at));
        }
        self.at += 1;
        Ok(())
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, OracleError> {
        for letter in word.chars() {
            self.take(letter)?;
        }
        Ok(value)
    }

    fn value(&mut self) -> Result<Json, OracleError> {
        self.space();
        match self.peek() {
            Some('n') => self.word("null", Json::Null),
            Some('t') => self.word("true", Json::Bool(true)),
            Some('f') => self.word("false", Json::Bool(false)),
            Some('"') => Ok(Json::Text(self.string()?)),
            Some('[') => self.items(),
            Some('{') => self.object(),
            Some('-' | '0'..='9') => self.number(),
            other => failed("malformed", format!("unexpected {other:?} at {}", self.at)),
        }
    }

    fn items(&mut self) -> Result<Json, OracleError> {
        self.take('[')?;
        let mut items = Vec::new();
        self.space();
        if self.peek() == Some(']') {
            self.at += 1;
            return Ok(Json::List(items));
        }
        loop {
            items.push(self.value()?);
            self.space();
            if self.peek() == Some(']') {
                self.at += 1;
                return Ok(Json::List(items));
            }
            self.take(',')?;
        }
    }

    fn object(&mut self) -> Result<Json, OracleError> {
        self.take('{')?;
        let mut members: Vec<(String, Json)> = Vec::new();
        self.space();
        if self.peek() == Some('}') {
            self.at += 1;
            return Ok(Json::Object(members));
        }
        loop {
            self.space();
            let name = self.string()?;
            if members.iter().any(|(known, _)| *known == name) {
                return failed("malformed", format!("member {name:?} is there twice"));
            }
            self.space();
            self.take(':')?;
            let value = self.value()?;
            members.push((name, value));
            self.space();
            if self.peek() == Some('}') {
                self.at += 1;
                return Ok(Json::Object(members));
            }
            self.take(',')?;
        }
    }

    fn string(&mut self) -> Result<String, OracleError> {
        self.take('"')?;
        let mut text = String::new();
        loop {
            let Some(letter) = self.peek() else {
                return failed("malformed", "a string without an end");
            };
            self.at += 1;
            match letter {
                '"' => return Ok(text),
                '\\' => text.push(self.escape()?),
                letter if letter < ' ' => return failed("malformed", "a control character"),
                letter => text.push(letter),
            }
        }
    }

    fn escape(&mut self) -> Result<char, OracleError> {
        let letter = self.peek();
        self.at += 1;
        Ok(match letter {
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('b') => '\u{8}',
            Some('f') => '\u{c}',
            Some('n') => '\n',
            Some('r') => '\r',
            Some('t') => '\t',
            Some('u') => {
                let first = self.hex()?;
                let code = if (0xd800..0xdc00).contains(&first) {
                    self.take('\\')?;
                    self.take('u')?;
                    let second = self.hex()?;
                    if !(0xdc00..0xe000).contains(&second) {
                        return failed("malformed", "half a surrogate pair");
                    }
                    0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00)
                } else {
                    first
                };
                match char::from_u32(code) {
                    Some(letter) => letter,
                    None => return failed("malformed", "half a surrogate pair"),
                }
            }
            other => return failed("malformed", format!("unknown escape {other:?}")),
        })
    }

    fn hex(&mut self) -> Result<u32, OracleError> {
        let mut code = 0;
        for _ in 0..4 {
            let Some(digit) = self.peek().and_then(|letter| letter.to_digit(16)) else {
                return failed("malformed", "expected four hexadecimal digits");
            };
            self.at += 1;
            code = code * 16 + digit;
        }
        Ok(code)
    }

    fn number(&mut self) -> Result<Json, OracleError> {
        let start = self.at;
        while matches!(self.peek(), Some('0'..='9' | '-' | '+' | '.' | 'e' | 'E')) {
            self.at += 1;
        }
        let text: String = self.chars[start..self.at].iter().collect();
        if !is_number(&text) {
            return failed("malformed", format!("{text:?} is no number"));
        }
        Ok(Json::Number(text))
    }
}

/// Whether the text is a number by the grammar of JSON.
pub fn is_number(text: &str) -> bool {
    let mut rest = text.strip_prefix('-').unwrap_or(text);
    let whole = digits(&mut rest);
    if whole == 0 || (whole > 1 && text.trim_start_matches('-').starts_with('0')) {
        return false;
    }
    if let Some(after) = rest.strip_prefix('.') {
        rest = after;
        if digits(&mut rest) == 0 {
            return false;
        }
    }
    if let Some(after) = rest.strip_prefix(['e', 'E']) {
        rest = after.strip_prefix(['+', '-']).unwrap_or(after);
        if digits(&mut rest) == 0 {
            return false;
        }
    }
    rest.is_empty()
}

fn digits(rest: &mut &str) -> usize {
    let after = rest.trim_start_matches(|letter: char| letter.is_ascii_digit());
    let count = rest.len() - after.len();
    *rest = after;
    count
}
