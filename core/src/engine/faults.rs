//! Why a rule of a run can't be evaluated, told by what was there before.

use std::collections::BTreeMap;

use crate::catalog::SegmentRow;
use crate::error::{Code, Error, Problem, Result};
use crate::rule::{RuleRef, references};

use super::column_types::{all_types, changed_types};
use super::rule_store::Parsed;
use super::work::Work;

impl Work {
    /// Why a stored rule does not bind: a rule that has been evaluated as it is worded is sound, and
    /// it is the tables that have changed.
    pub(super) async fn why_unbound(&self, id: i64, problems: Vec<Problem>) -> Vec<Problem> {
        let Some(parsed) = self.rules.get(id).cloned() else { return problems };
        let problems = self.name_deleted(&parsed, problems).await;
        let now = all_types(&self.model);
        let before = self.types_before(&parsed);
        let mut found: Vec<Problem> = before
            .keys()
            .filter(|column| !now.contains_key(*column))
            .map(|column| {
                let message = format!("the column {column} is gone since the segment was computed");
                Problem::new(Code::MissingColumn, "", message)
            })
            .collect();
        found.extend(changed_types(&before, &now));
        found.extend(problems);
        found
    }

    /// Gives rules that are gone the names that they had.
    async fn name_deleted(&self, parsed: &Parsed, mut problems: Vec<Problem>) -> Vec<Problem> {
        let Ok(rule) = &parsed.rule else { return problems };
        for other in references(rule) {
            let RuleRef::Id(id) = *other else { continue };
            if self.rules.get(id).is_some() {
                continue;
            }
            let history = self.shared.catalog(move |catalog| catalog.rule_history(id)).await;
            let texts = history.unwrap_or_default().into_iter().rev();
            let Some(text) = texts.filter_map(|wording| wording.text).next() else { continue };
            let unknown = format!("no rule has the id {id}");
            for problem in problems.iter_mut().filter(|problem| problem.message == unknown) {
                problem.message = format!("the rule {:?} ({id}) was deleted", text.rule_name);
            }
        }
        problems
    }

    /// A column that is another type than when the segment was last computed under this wording
    /// may mean something else now.
    pub(super) fn refuse_changed_types(
        &self,
        parsed: &Parsed,
        now: &BTreeMap<String, String>,
    ) -> Result<()> {
        let problems = changed_types(&self.types_before(parsed), now);
        if problems.is_empty() { Ok(()) } else { Err(Error::of(problems)) }
    }

    /// The columns that the rule read and their types when its segment was last computed under
    /// this wording.
    fn types_before(&self, parsed: &Parsed) -> BTreeMap<String, String> {
        let same_wording = |row: &&SegmentRow| {
            row.current.as_ref().is_some_and(|v| v.rule_version == parsed.row.version)
        };
        let row = self.segments.get(&parsed.row.id).filter(same_wording);
        let text = row.and_then(|row| row.column_types.as_deref());
        text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
    }
}
