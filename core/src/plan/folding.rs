//! Case folding in dialects, which have functions for upper and lower case but none for that.
//!
//! Letters are replaced one by one instead. A folded text can only hold the letters of the strings
//! that it is compared with if its own letters fold to them, so that those alone need replacing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::OnceLock;

use arrow::datatypes::DataType;
use datafusion::logical_expr::{Expr, lit};

use crate::error::Result;
use crate::predicate::fold;

use super::flavor::elsewhere;
use super::{Dialect, Flavor};

/// Nested calls are bounded in every engine; in ours, queries have no more of them.
const MANY_CALLS: usize = 36;

/// Letters that folding changes, by what they become.
fn folding_to() -> &'static BTreeMap<char, Vec<char>> {
    static MAP: OnceLock<BTreeMap<char, Vec<char>>> = OnceLock::new();
    MAP.get_or_init(|| {
        let all: String = ('\u{0}'..=char::MAX).collect();
        let mut map: BTreeMap<char, Vec<char>> = BTreeMap::new();
        for (from, to) in all.chars().zip(fold(&all).chars()).filter(|(from, to)| from != to) {
            map.entry(to).or_default().push(from);
        }
        map
    })
}

impl Dialect {
    /// A text with letters replaced by those that they fold to: those that matter beside folded
    /// strings, or all.
    pub(super) fn fold(self, text: Expr, beside: Option<&[&str]>) -> Result<Expr> {
        let wanted = beside.map(|texts| texts.iter().flat_map(|t| t.chars()).collect());
        let wanted = |to: &char| wanted.as_ref().is_none_or(|w: &BTreeSet<char>| w.contains(to));
        let letters: Vec<(char, char)> = folding_to()
            .iter()
            .filter(|(to, _)| wanted(to))
            .flat_map(|(to, from)| from.iter().map(|from| (*from, *to)))
            .collect();
        match self {
            _ if letters.is_empty() => Ok(text),
            Dialect::DuckDb | Dialect::Postgres | Dialect::Spark => {
                let (from, to): (String, String) = letters.into_iter().unzip();
                Ok(elsewhere("translate", vec![text, lit(from), lit(to)], DataType::Utf8))
            }
            _ if letters.len() > MANY_CALLS => {
                Flavor::Text(self).cannot("an order of strings without regard to case")
            }
            _ => Ok(letters.into_iter().fold(text, |text, (from, to)| {
                let args = vec![text, lit(from.to_string()), lit(to.to_string())];
                elsewhere("replace", args, DataType::Utf8)
            })),
        }
    }
}
