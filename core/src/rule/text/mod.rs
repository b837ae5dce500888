//! The text form: conditions as a SQL expression (RULES.md section 5), read and written.
//!
//! ```text
//! city_tier in (1, 2) and total_spend > 1000 and not (segment in ('Churned'))
//! and sum(upi_transactions.amount, where => category = 'Travel', last => '30 days') >= 10000
//! ```
//!
//! `sqlparser` cuts the text into tokens, a piece at a time; [`parse`], [`comparison`] and
//! [`call`] turn them into the JSON document that says the same, with the place of each part beside
//! it; and the reader of documents reads that. So there is one set of checks, limits and codes, and
//! every pointer that a check gives is turned back into a place in the text by [`place`].
//!
//! What the table of section 5 leaves open is settled so:
//!
//! - `a and b` and `a or b` at the top are the root. A group alone at the top is the root itself, as
//!   an object is in JSON: `(a or b)` is `a or b`, and a list that holds only a group is `((a or b))`.
//!   The same holds after `where =>` and `among =>`.
//! - `and` binds tighter than `or`: `a and b or c` is `(a and b) or c`.
//! - `not` before anything else than a group is a group around it: `not a = 1` is `not (a = 1)`.
//! - `not true` and `not false` are empty groups with `not`.
//! - An `or` of one member is `any_of(a)`, since parentheses alone say `and`. It takes several as well.
//! - Strings stand in single quotes, names in double quotes or backticks where they need any; a
//!   quote inside is written twice, a backslash is itself. Names keep their case. A name's parts are
//!   joined by dots, so `users.city_tier` and `"users.city_tier"` are the same name.
//! - An aggregate's table is the name's first part, its column the rest: `sum(t.amount)`. Beside
//!   `events => 't1,t2'` the whole name is the column. A column may be given as a string,
//!   `count_distinct(t, 'time:day')`. A list in parentheses is never split at commas, as in JSON:
//!   `events => ('t1', 'odd, name')`. A step takes the same.
//! - `a in ()` is the empty list; `a between 1 and 2` takes any two values.
//! - `ci(...)` goes around any subject and `case_sensitive => false` into any condition that is a
//!   function; they say the same.
//! - `during(...)` takes the windows of events; `polygon` takes the JSON list of its points.
//! - A condition or group that is switched off is `disabled('...')`, with its JSON inside.
//! - Other spellings of operators that documents accept work as names of functions: `starts_with(a, 'x')`.
//!
//! `to_text` gives text that sqlparser's own expression parser reads in its generic dialect as well,
//! but for the empty list, which only some dialects know.

mod arguments;
mod call;
mod comparison;
mod functions;
mod parse;
mod place;
mod tokens;
mod write;

use crate::document::{MAX_BYTES, Path};
use crate::error::{Code, Error, Problem, Result};

use super::group::{Reading, Scope, read_conditions};
use super::parser::unnamed;
use super::{Group, Rule, RuleParser};

use parse::Parser;
use place::Placed;

/// Where the parts of conditions stand in the text that they were read from.
pub(crate) struct TextPlaces {
    text: String,
    root: Placed,
}

impl TextPlaces {
    /// The same problems at their places in the text, as those that reading it has: line and column
    /// in place of the pointer, and a caret. All are told in the order of the text.
    pub(crate) fn of(&self, problems: Vec<Problem>) -> Vec<Problem> {
        place::problems(&self.text, self.root.faults(problems))
    }
}

impl RuleParser {
    /// Reads conditions in text form, a SQL expression. The rule that they are in has no name.
    ///
    /// The `path` of a problem is its line and column, `1:23`; columns count characters. The message
    /// ends with the line and a caret under the place. The places of the tree itself ([`Node::at`](crate::Node::at))
    /// are JSON Pointers into the document that the same conditions are stored as.
    ///
    /// ```
    /// use segmentry::{Code, RuleParser};
    /// let text = "city_tier in (1, 2) and count(upi_transactions, last => '30 days') >= 3";
    /// let rule = RuleParser::parse_text(text)?;
    /// let conditions = rule.conditions.unwrap_or_else(|| unreachable!("text always has some"));
    /// assert_eq!(conditions.rules.len(), 2);
    /// assert_eq!(RuleParser::to_text(&conditions), text);
    ///
    /// let error = RuleParser::parse_text("tier = 1 and cuont(upi_transactions) > 3").unwrap_err();
    /// let problem = &error.problems()[0];
    /// assert_eq!((problem.code, problem.path.as_str()), (Code::BadOperator, "1:14"));
    /// assert_eq!(problem.hint.as_deref(), Some("did you mean \"count\"?"));
    /// # Ok::<(), segmentry::Error>(())
    /// ```
    ///
    /// # Errors
    /// All of the text's problems; of what is not an expression of the language at all, the first.
    pub fn parse_text(text: &str) -> Result<Rule> {
        Self::read_text(text).map(|(rule, _)| rule)
    }

    /// Reads conditions in text form, with the place of each part in the text.
    pub(crate) fn read_text(text: &str) -> Result<(Rule, TextPlaces)> {
        if text.len() > MAX_BYTES {
            let problem =
                Problem::new(Code::LimitExceeded, "1:1", "the limit of 64 MiB of text is passed");
            return Err(Error::from(problem));
        }
        let mut parser = Parser::new(text);
        let root = parser.document();
        let mut faults = parser.into_faults();
        let mut read = None;
        match root {
            Ok(root) => {
                let mut problems = Vec::new();
                let mut reading = Reading::new(&mut problems);
                let group = read_conditions(&root.json, &Path::ROOT, Scope::Users, 1, &mut reading);
                faults.extend(root.faults(problems));
                read = group.map(|group| (group, root));
            }
            Err(fault) => faults.push(fault),
        }
        match read {
            Some((group, root)) if faults.is_empty() => {
                let rule = Rule { conditions: Some(group), ..unnamed() };
                Ok((rule, TextPlaces { text: text.to_owned(), root }))
            }
            _ => Err(Error::of(place::problems(text, faults))),
        }
    }

    /// Writes conditions in text form; reading it gives the same conditions back.
    #[must_use]
    pub fn to_text(conditions: &Group) -> String {
        conditions.to_text()
    }
}

impl Group {
    /// The conditions in text form, a SQL expression; reading it gives the same conditions back.
    ///
    /// ```
    /// use segmentry::RuleParser;
    /// let rule = RuleParser::parse_conditions(r#"[
    ///     {"field": "country", "operator": "in", "value": "IN,LK", "caseSensitive": false},
    ///     {"not": true, "combinator": "and", "rules": [
    ///         {"field": "segment", "operator": "in", "value": ["Churned", 7]}
    ///     ]}
    /// ]"#)?;
    /// let text = rule.conditions.as_ref().map(|conditions| conditions.to_text());
    /// let expected = "ci(country) in ('IN', 'LK') and not (segment in ('Churned', 7))";
    /// assert_eq!(text.as_deref(), Some(expected));
    /// assert_eq!(RuleParser::parse_text(expected)?, rule);
    /// # Ok::<(), segmentry::Error>(())
    /// ```
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        write::conditions(&mut text, self);
        text
    }
}
