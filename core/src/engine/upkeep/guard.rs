//! A guard per rule that holds back a publication whose size has changed implausibly.

use std::collections::{BTreeMap, BTreeSet};

use crate::error::{Code, Error, Problem, Result};
use crate::rule::RuleRef;

use super::super::rule_store::Rules;
use super::super::work::Work;
use super::super::{Refresh, SegmentEngine, Shared};

/// By how much the segments of a run may change, by rule: a fraction of their members.
pub(in crate::engine) type Guards = BTreeMap<i64, f64>;

impl SegmentEngine {
    /// Holds a rule's publication back if its segment would have more or fewer members than before
    /// by more than this fraction of them: 0.5 lets 1,000 members become 500 to 1,500. It is kept
    /// in the catalog and holds for every process; nothing takes it away again.
    ///
    /// A run in which that happens lists the rule in [`Run::failed`](crate::Run::failed) with the
    /// code `implausible_change`, and rules that need it in `skipped`; the others are published.
    /// What was published before stands. If the change is right,
    /// [`Refresh::accept_change`](crate::Refresh::accept_change) publishes it. The first version of
    /// a segment and one after an empty version are not held back, and neither is a rule that is
    /// disabled and only serves others.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{Int64Array, RecordBatch};
    /// # use segmentry::{Refresh, SegmentEngine};
    /// # #[tokio::main]
    /// # async fn main() -> segmentry::Result<()> {
    /// # let model = segmentry::AudienceModel::parse(r#"{"users": {"table": "people", "key": "id"}}"#)?;
    /// # let engine = SegmentEngine::builder().model(model).build().await?;
    /// # let people = |ids: Vec<i64>| RecordBatch::try_from_iter([("id", Arc::new(Int64Array::from(ids)) as _)]).unwrap();
    /// engine.add_arrow("people", vec![people(vec![1, 2, 3, 4])])?;
    /// let rule = engine.create_rule(r#"{"rule_name": "Everyone", "conditions": []}"#).await?;
    /// engine.set_max_change(rule, 0.5).await?;
    /// engine.refresh(Refresh::all()).await?;
    ///
    /// engine.add_arrow("people", vec![people(vec![1])])?; // half of an export
    /// let run = engine.refresh(Refresh::all()).await?;
    /// assert_eq!(run.failed[0].problems[0]["code"], "implausible_change");
    /// assert_eq!(engine.segment(rule).await?.row_count(), 4);
    ///
    /// let run = engine.refresh(Refresh::all().accept_change([rule])).await?;
    /// assert_eq!(run.segments[0].row_count, 1);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Code::NotFound`]; [`Code::BadValue`] for a fraction below 0 or none at all; errors of the
    /// catalog.
    pub async fn set_max_change(
        &self,
        rule: impl Into<RuleRef>,
        fraction: impl Into<Option<f64>>,
    ) -> Result<()> {
        let fraction = fraction.into();
        if let Some(bad) = fraction.filter(|fraction| !fraction.is_finite() || *fraction < 0.0) {
            let message = format!("a change is a fraction from 0 on, not {bad}");
            return Err(Error::new(Code::BadValue, message));
        }
        let id = self.shared.rules().await?.find(&rule.into())?.row.id;
        self.shared.catalog(move |catalog| catalog.set_max_change(id, fraction)).await
    }

    /// The guards that are set, by rule.
    ///
    /// # Errors
    /// Errors of the catalog.
    pub async fn max_changes(&self) -> Result<BTreeMap<i64, f64>> {
        self.shared.catalog(|catalog| catalog.max_changes()).await
    }
}

impl Refresh {
    /// Publishes these rules by however much their segments change, this once; see
    /// [`SegmentEngine::set_max_change`].
    #[must_use]
    pub fn accept_change<R: Into<RuleRef>>(mut self, rules: impl IntoIterator<Item = R>) -> Self {
        self.accepted = rules.into_iter().map(Into::into).collect();
        self
    }
}

impl Shared {
    /// The guards of the rules that a run publishes, but for those whose change is accepted.
    pub(in crate::engine) async fn guards(
        &self,
        accepted: &[RuleRef],
        rules: &Rules,
        wanted: &BTreeSet<i64>,
    ) -> Result<Guards> {
        let mut guards = self.catalog(|catalog| catalog.max_changes()).await?;
        for rule in accepted {
            guards.remove(&rules.find(rule)?.row.id);
        }
        let enabled = |id| rules.get(id).is_some_and(|parsed| parsed.row.text.enabled);
        guards.retain(|id, _| wanted.contains(id) || enabled(*id));
        Ok(guards)
    }
}

impl Work {
    /// Refuses a segment that has grown or shrunk by more than its rule's guard allows.
    pub(in crate::engine) fn refuse_implausible(&self, id: i64, members: u64) -> Result<()> {
        let current = self.segments.get(&id).and_then(|row| row.current.as_ref());
        let before = current.and_then(|version| u64::try_from(version.row_count).ok());
        let (Some(most), Some(before)) = (self.guards.get(&id), before) else { return Ok(()) };
        let change = members.abs_diff(before) as f64;
        if before == 0 || change <= most * before as f64 {
            return Ok(());
        }
        let message = format!(
            "it would have {members} members after {before}, which is a change by more than \
             {most} of them; what was published before stands"
        );
        let hint = "see whether the sources are whole; if it is right, refresh with \
                    `accept_change` of the rule";
        Err(Error::from(Problem::new(Code::ImplausibleChange, "", message).hint(hint)))
    }
}
