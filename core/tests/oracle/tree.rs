//! Trees of conditions: lists, groups, `not`, what is disabled, and `and`/`or` between conditions.

use super::json::Json;
use super::{OracleError, failed};

#[derive(Debug)]
pub enum Node<L> {
    All(Vec<Node<L>>),
    Any(Vec<Node<L>>),
    Not(Box<Node<L>>),
    Leaf(L),
}

impl<L> Node<L> {
    /// Reads conditions wherever they stand. `None` when everything in them is disabled.
    pub fn parse(
        json: &Json,
        leaf: &mut dyn FnMut(&Json) -> Result<L, OracleError>,
    ) -> Result<Option<Node<L>>, OracleError> {
        if let Json::List(items) = json {
            return list(items, leaf);
        }
        json.members()?;
        if json.flag("disabled") || json.flag("muted") {
            return Ok(None);
        }
        let Some(rules) = json.get("rules") else {
            return Ok(Some(Node::Leaf(leaf(json)?)));
        };
        let rules = rules.list()?;
        let group = match json.text_of("combinator")? {
            None => list(rules, leaf)?,
            Some(combinator) => {
                let mut nodes = Vec::new();
                for rule in rules {
                    nodes.extend(Node::parse(rule, leaf)?);
                }
                let emptied = nodes.is_empty() && !rules.is_empty();
                match combinator.to_ascii_lowercase().as_str() {
                    _ if emptied => None,
                    "and" => Some(Node::All(nodes)),
                    "or" => Some(Node::Any(nodes)),
                    other => return failed("bad_value", format!("{other:?} combines nothing")),
                }
            }
        };
        let negated = json.flag("not");
        Ok(group.map(|group| if negated { Node::Not(Box::new(group)) } else { group }))
    }

    /// True or false. Every leaf is looked at, so that an error of the data is never skipped.
    pub fn holds(
        &self,
        leaf: &dyn Fn(&L) -> Result<bool, OracleError>,
    ) -> Result<bool, OracleError> {
        match self {
            Node::All(nodes) => {
                nodes.iter().try_fold(true, |held, node| Ok(node.holds(leaf)? && held))
            }
            Node::Any(nodes) => {
                nodes.iter().try_fold(false, |held, node| Ok(node.holds(leaf)? || held))
            }
            Node::Not(node) => Ok(!node.holds(leaf)?),
            Node::Leaf(of) => leaf(of),
        }
    }
}

/// A list means AND; with strings between the conditions, `and` binds tighter than `or`.
fn list<L>(
    items: &[Json],
    leaf: &mut dyn FnMut(&Json) -> Result<L, OracleError>,
) -> Result<Option<Node<L>>, OracleError> {
    if items.is_empty() {
        return Ok(Some(Node::All(Vec::new())));
    }
    let mut alternatives = vec![Vec::new()];
    for (at, item) in items.iter().enumerate() {
        let Json::Text(word) = item else {
            let node = Node::parse(item, leaf)?;
            alternatives.last_mut().expect("never empty").extend(node);
            continue;
        };
        if at == 0 || at + 1 == items.len() || matches!(items[at - 1], Json::Text(_)) {
            return failed("bad_value", format!("{word:?} stands between no two conditions"));
        }
        match word.to_ascii_lowercase().as_str() {
            "and" => {}
            "or" => alternatives.push(Vec::new()),
            other => return failed("bad_value", format!("{other:?} combines nothing")),
        }
    }
    let mut nodes: Vec<_> =
        alternatives.into_iter().filter(|all| !all.is_empty()).map(Node::All).collect();
    Ok(match nodes.len() {
        0 | 1 => nodes.pop(),
        _ => Some(Node::Any(nodes)),
    })
}

/// Conditions that are no operand beside `depends_on` when nothing stands in them.
pub fn is_empty(json: &Json) -> bool {
    match json {
        Json::List(items) => items.is_empty(),
        _ => json.get("rules").is_some_and(|rules| *rules == Json::List(Vec::new())),
    }
}
