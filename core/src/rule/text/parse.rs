//! The shape of conditions: items joined by `and` and `or`, parentheses and `not`.

use sqlparser::tokenizer::Token;

use crate::document::{Json, MAX_CONDITIONS, MAX_LEVELS};
use crate::error::{Code, Problem};

use super::functions::Function;
use super::place::{Fault, Object, Placed};
use super::tokens::Tokens;

/// What was read, or the fault after which nothing more can be made of the text.
pub(super) type Parsed<T> = Result<T, Fault>;

/// A member of a group.
pub(super) enum Item {
    Group(Group),
    Leaf(Placed),
}

/// A group as the text has it.
pub(super) struct Group {
    pub(super) at: u32,
    pub(super) or: bool,
    pub(super) not: bool,
    pub(super) items: Vec<Item>,
}

impl Group {
    /// An empty group, or one to be filled.
    fn new(at: u32, or: bool) -> Group {
        Group { at, or, not: false, items: Vec::new() }
    }

    fn list(at: u32, items: Vec<Item>) -> Placed {
        Placed::list(at, items.into_iter().map(Item::placed).collect())
    }

    fn placed(self) -> Placed {
        let mut object = Object::new(self.at);
        object.put("combinator", Placed::leaf(self.at, if self.or { "or" } else { "and" }));
        object.put("not", Placed::leaf(self.at, self.not));
        object.put("rules", Group::list(self.at, self.items));
        object.done()
    }

    /// As the conditions of a rule, a `where` or an `among`: a list where that says it all, and a
    /// group that is alone is the conditions itself.
    fn root(mut self) -> Placed {
        if self.items.len() == 1 {
            match self.items.pop() {
                Some(Item::Group(alone)) => return alone.in_short(),
                other => self.items.extend(other),
            }
        }
        self.in_short()
    }

    fn in_short(self) -> Placed {
        match self.or || self.not {
            true => self.placed(),
            false => Group::list(self.at, self.items),
        }
    }
}

impl Item {
    fn placed(self) -> Placed {
        match self {
            Item::Group(group) => group.placed(),
            Item::Leaf(leaf) => leaf,
        }
    }

    /// The complement: a group is turned, anything else gets a group around it.
    fn negated(self, at: u32) -> Group {
        match self {
            Item::Group(group) if !group.not => Group { not: true, at, ..group },
            other => Group { at, or: false, not: true, items: vec![other] },
        }
    }
}

/// Reads one text; what is wrong without hindering the rest is gathered on the way.
pub(super) struct Parser<'t> {
    pub(super) tokens: Tokens<'t>,
    faults: Vec<Fault>,
    conditions: usize,
    groups: usize,
}

impl<'t> Parser<'t> {
    pub(super) fn new(text: &'t str) -> Parser<'t> {
        Parser { tokens: Tokens::new(text), faults: Vec::new(), conditions: 0, groups: 0 }
    }

    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    /// Tells a fault. Of a text that is wrong from end to end, as many are told as it may have
    /// conditions; then it is not read any further.
    pub(super) fn fault(&mut self, at: u32, problem: Problem) {
        if self.faults.len() < MAX_CONDITIONS {
            self.faults.push(Fault { at, problem });
        } else {
            self.tokens.stop(limit(at, &format!("{MAX_CONDITIONS} problems")));
        }
    }

    /// The whole text.
    pub(super) fn document(&mut self) -> Parsed<Placed> {
        let root = self.conditions(1)?;
        let end = *self.tokens.peek(0) == Token::EOF && self.tokens.broken().is_none();
        match end {
            true => Ok(root),
            false => Err(self.unexpected("\"and\", \"or\" or the end of the text")),
        }
    }

    /// Conditions up to the end, a comma or a closing parenthesis.
    pub(super) fn conditions(&mut self, level: usize) -> Parsed<Placed> {
        self.content(level + 1).map(Group::root)
    }

    /// What stands in a pair of parentheses: items joined, `and` binding tighter than `or`.
    fn content(&mut self, level: usize) -> Parsed<Group> {
        let at = self.tokens.at();
        self.count(true, at)?;
        let mut alternatives = vec![Vec::new()];
        loop {
            let item = self.item(level)?;
            if let Some(items) = alternatives.last_mut() {
                items.push(item);
            }
            if self.takes_word("or") {
                alternatives.push(Vec::new());
            } else if !self.takes_word("and") {
                break;
            }
        }
        if alternatives.len() == 1 {
            let items = alternatives.pop().unwrap_or_default();
            return Ok(Group { items, ..Group::new(at, false) });
        }
        let items =
            alternatives.into_iter().map(|mut items| match (items.pop(), items.is_empty()) {
                (Some(only), true) => only,
                (last, _) => {
                    items.extend(last);
                    Item::Group(Group { items, ..Group::new(at, false) })
                }
            });
        Ok(Group { items: items.collect(), ..Group::new(at, true) })
    }

    /// One condition or group.
    pub(super) fn item(&mut self, level: usize) -> Parsed<Item> {
        let at = self.tokens.at();
        // The reader of documents counts levels exactly; this keeps the recursion short.
        if level > MAX_LEVELS + 2 {
            return Err(limit(at, &format!("{MAX_LEVELS} levels of conditions")));
        }
        if self.takes(&Token::LParen) {
            let group = self.content(level + 1)?;
            self.closing("\"and\", \"or\" or a closing parenthesis")?;
            return Ok(Item::Group(Group { at, ..group }));
        }
        if self.takes_word("not") {
            let inner = level + usize::from(self.is_word(0, "not"));
            return Ok(Item::Group(self.item(inner)?.negated(at)));
        }
        for (word, or) in [("true", false), ("false", true)] {
            if self.takes_word(word) {
                self.count(true, at)?;
                return Ok(Item::Group(Group::new(at, or)));
            }
        }
        if let Token::Word(word) = self.tokens.peek(0)
            && word.quote_style.is_none()
            && Function::find(&word.value) == Some(Function::AnyOf)
            && *self.tokens.peek(1) == Token::LParen
        {
            return self.any_of(at, level).map(Item::Group);
        }
        self.count(false, at)?;
        self.condition(level).map(Item::Leaf)
    }

    /// `any_of(a, b)`, an `or` of any length.
    fn any_of(&mut self, at: u32, level: usize) -> Parsed<Group> {
        self.count(true, at)?;
        self.tokens.take();
        self.tokens.take();
        let mut group = Group::new(at, true);
        loop {
            let inner = self.content(level + 1)?;
            match inner.items.len() {
                1 if !inner.or => group.items.extend(inner.items),
                _ => group.items.push(Item::Group(inner)),
            }
            if !self.takes(&Token::Comma) {
                self.closing("\"and\", \"or\", a comma or a closing parenthesis")?;
                return Ok(group);
            }
        }
    }

    fn count(&mut self, group: bool, at: u32) -> Parsed<()> {
        let counter = if group { &mut self.groups } else { &mut self.conditions };
        *counter += 1;
        // Contents are counted as groups though some are none: the reader counts exactly.
        if *counter <= if group { 4 * MAX_CONDITIONS } else { MAX_CONDITIONS } {
            return Ok(());
        }
        let what = if group { "groups" } else { "conditions" };
        Err(limit(at, &format!("{MAX_CONDITIONS} {what}")))
    }

    /// Stands for a condition that is wrong, so that the reader can look at the rest.
    pub(super) fn placeholder(at: u32) -> Placed {
        let mut object = Object::new(at);
        object.put("field", Placed::leaf(at, ""));
        object.put("operator", Placed::leaf(at, "notNull"));
        object.done()
    }

    /// Takes the token if it is the next one.
    pub(super) fn takes(&mut self, token: &Token) -> bool {
        let found = self.tokens.peek(0) == token;
        if found {
            self.tokens.take();
        }
        found
    }

    /// Whether the token after `ahead` others is this word, not quoted.
    pub(super) fn is_word(&mut self, ahead: usize, word: &str) -> bool {
        matches!(self.tokens.peek(ahead), Token::Word(found)
            if found.quote_style.is_none() && found.value.eq_ignore_ascii_case(word))
    }

    pub(super) fn takes_word(&mut self, word: &str) -> bool {
        let found = self.is_word(0, word);
        if found {
            self.tokens.take();
        }
        found
    }

    /// Takes a closing parenthesis; `expected` says what else may stand there.
    pub(super) fn closing(&mut self, expected: &str) -> Parsed<()> {
        match self.takes(&Token::RParen) {
            true => Ok(()),
            false => Err(self.unexpected(expected)),
        }
    }

    pub(super) fn opening(&mut self) -> Parsed<()> {
        match self.takes(&Token::LParen) {
            true => Ok(()),
            false => Err(self.unexpected("an opening parenthesis")),
        }
    }

    /// The fault of a token that can't stand here.
    pub(super) fn unexpected(&mut self, expected: &str) -> Fault {
        if let Some(fault) = self.tokens.broken() {
            return fault;
        }
        let at = self.tokens.at();
        let token = self.tokens.peek(0);
        let message = format!("expected {expected}, found {}", describe(token));
        let (code, hint) = match foreign(token) {
            Some((code, hint)) => (code, Some(hint)),
            None => (Code::Malformed, None),
        };
        let mut problem = Problem::new(code, "", message);
        problem.hint = hint.map(str::to_owned);
        Fault { at, problem }
    }
}

pub(super) fn limit(at: u32, what: &str) -> Fault {
    let problem = Problem::new(Code::LimitExceeded, "", format!("the limit of {what} is passed"));
    Fault { at, problem }
}

/// What a token is, for messages.
pub(super) fn describe(token: &Token) -> String {
    let text = match token {
        Token::EOF => return "the end of the text".to_owned(),
        Token::SingleQuotedString(text) => {
            return crate::document::describe(&Json::from(text.as_str()));
        }
        other => other.to_string(),
    };
    match text.chars().nth(60) {
        None => format!("`{text}`"),
        Some(_) => format!("`{}`…", text.chars().take(60).collect::<String>()),
    }
}

/// What people write that is SQL, but no part of the language.
fn foreign(token: &Token) -> Option<(Code, &'static str)> {
    let word = match token {
        Token::Plus | Token::Minus | Token::Mul | Token::Div | Token::Mod | Token::StringConcat => {
            return Some((
                Code::Malformed,
                "there is no arithmetic: make the value a trait or a column",
            ));
        }
        Token::DoubleColon => return Some((Code::Malformed, "there are no casts")),
        Token::SemiColon => {
            return Some((Code::Malformed, "the text is one expression, without statements"));
        }
        Token::Word(word) if word.quote_style.is_none() => word.value.to_ascii_lowercase(),
        _ => return None,
    };
    match word.as_str() {
        "like" | "ilike" | "rlike" | "similar" | "regexp" | "glob" => Some((
            Code::BadOperator,
            "use begins_with, ends_with, contains or matches, with case_sensitive => false for ilike",
        )),
        "select" | "exists" | "from" | "with" => {
            Some((Code::Malformed, "there are no subqueries: ask with segment in (...)"))
        }
        "case" | "when" | "then" | "else" => {
            Some((Code::Malformed, "there is no case: join groups with or"))
        }
        "cast" => Some((Code::Malformed, "there are no casts")),
        "xor" => Some((Code::Malformed, "write (a and not (b)) or (b and not (a))")),
        _ => None,
    }
}
