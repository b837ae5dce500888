//! Explain: why one user is in a segment, or why not.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value as JsonValue;

use crate::error::Result;
use crate::model::{BoundModel, Key, KeyType};
use crate::predicate::{BoundRule, bind_rule};

use super::ancestors::Ancestors;
use super::cutoffs::{Kept, OneUser, cutoffs_of, knows};
use super::evaluate::{RunSources, Scanned};
use super::leaves::Leaves;
use super::rule_store::settle;
use super::{RuleDocument, SegmentEngine, Shared};

/// Why one user is in a segment, or why not.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explanation {
    /// The user.
    pub key: Key,
    /// The instant that it is about.
    #[serde(with = "crate::document::instant")]
    pub as_of: DateTime<Utc>,
    /// Whether the user belongs, hand-picked users included.
    pub member: bool,
    /// Whether the user is in the rule's `include`.
    pub included: bool,
    /// Whether the user is in the rule's `exclude`, which comes last.
    pub excluded: bool,
    /// The rule's operands and conditions.
    pub root: Explained,
}

/// A condition or a group of an [`Explanation`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Explained {
    /// Its place, a JSON Pointer; of a text, into the document that says the same. Empty for the
    /// operands of a rule together.
    pub path: String,
    /// What it is: `and`, `or`, `not and`, `not or`, the name of an operation, `segment`, or
    /// `condition`.
    pub kind: String,
    /// The condition as it is stored; empty for groups.
    pub text: String,
    /// Whether it holds of the user.
    pub holds: bool,
    /// What the user has: `None` for groups, `null` where there is no value. A position is
    /// `[latitude, longitude]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<JsonValue>,
    /// What is needed, operator and value, as in `>= 10000`; of two fields, the value of the other.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub needed: Option<String>,
    /// Of a rank, what the last user within it has; `None` where there is room for one more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cutoff: Option<JsonValue>,
    /// The first instant that counts, and the first that does not any more, of the events or
    /// dates in question; `None` where nothing bounds them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub window: Option<ExplainedWindow>,
    /// The members of a group.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Explained>,
}

/// A window as instants, half-open; an edge that is open is `None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ExplainedWindow {
    /// The first instant that counts.
    #[serde(with = "crate::document::instant::option")]
    pub start: Option<DateTime<Utc>>,
    /// The first instant that does not count any more.
    #[serde(with = "crate::document::instant::option")]
    pub end: Option<DateTime<Utc>>,
}

impl SegmentEngine {
    /// Why a user is in a segment, or why not: the rule's conditions with what the user has. For a
    /// stored rule it is about the instant of its segment, for a document about now; other
    /// segments are as they were last published, those of disabled rules worked out for the user.
    ///
    /// Only this user's rows are asked for, as they are now. Where they have changed since the
    /// segment was computed, the answer is what it would be with them as they are now. A rank of a
    /// stored segment ends where it ended when that was computed: the answer is whether the user,
    /// with what there is now, would have come before its last member of then. Where that is not
    /// known (of a document, of a rank that was reworded since, of a rule that was answered from a
    /// segment in which that rank does not stand), the rank is selected anew over all users.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    /// # use segmentry::{AudienceModel, MemoryCatalog, Refresh, SegmentEngine};
    /// # #[tokio::main]
    /// # async fn main() -> segmentry::Result<()> {
    /// # let column = |values: Vec<i64>| Arc::new(Int64Array::from(values)) as ArrayRef;
    /// # let people = RecordBatch::try_from_iter([
    /// #     ("id", column(vec![1, 2, 3])), ("points", column(vec![70, 90, 80])),
    /// # ]).unwrap();
    /// # let model = AudienceModel::parse(r#"{"users": {"table": "people", "key": "id"}}"#)?;
    /// # let engine = SegmentEngine::builder().catalog(MemoryCatalog::new()).model(model).build().await?;
    /// # engine.add_arrow("people", vec![people])?;
    /// let rule = engine.create_rule(r#"{
    ///     "rule_name": "Best two",
    ///     "conditions": [{"field": "points", "operator": "top", "value": {"count": 2}}]
    /// }"#).await?;
    /// engine.refresh(Refresh::rules([rule])).await?;
    ///
    /// let explained = engine.explain(rule, 1).await?;
    /// let rank = &explained.root.parts[0];
    /// assert!(!explained.member && !rank.holds);
    /// // The user has 70 points; the last of the two has 80.
    /// assert_eq!((&rank.value, &rank.cutoff), (&Some(70.into()), &Some(80.into())));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Code::NotFound`](crate::Code::NotFound) if no user has the key, or a segment that the rule
    /// asks for was never published; all problems of a document, those of a text by line and
    /// column; errors of the data.
    pub async fn explain<'a>(
        &self,
        rule: impl Into<RuleDocument<'a>>,
        key: impl Into<Key>,
    ) -> Result<Explanation> {
        self.shared.explained(rule.into(), key.into(), None).await
    }

    /// The same about another instant. Ranks of a stored rule are selected anew unless it is the
    /// instant of its segment.
    ///
    /// # Errors
    /// As for [`SegmentEngine::explain`].
    pub async fn explain_as_of<'a>(
        &self,
        rule: impl Into<RuleDocument<'a>>,
        key: impl Into<Key>,
        as_of: DateTime<Utc>,
    ) -> Result<Explanation> {
        self.shared.explained(rule.into(), key.into(), Some(as_of)).await
    }
}

/// The key as the users have it.
fn key_of(key: Key, model: &BoundModel) -> Key {
    match (key, model.key_type) {
        (Key::Text(text), KeyType::Int) => text.trim().parse().map_or(Key::Text(text), Key::Int),
        (key, _) => key,
    }
}

impl Shared {
    async fn explained(
        self: &Arc<Self>,
        rule: RuleDocument<'_>,
        key: Key,
        as_of: Option<DateTime<Utc>>,
    ) -> Result<Explanation> {
        self.reopen_sources().await?;
        let rules = self.rules().await?;
        let (stored, mut rule, places) = rules.read(rule)?;
        if !rule.rule_name.is_empty() {
            settle(&mut rule, &rules.known);
        }
        let model = self.bound_model()?;
        let bound = bind_rule(&rule, &model, &rules.known).map_err(|found| places.error(found))?;
        let key = key_of(key, &model);
        let ancestors = Ancestors::of(&bound, &rules, &model)?;
        let segments = self.segments_of_rules(stored.into_iter().chain(ancestors.ids())).await?;
        let about = stored.and_then(|id| segments.get(&id)?.current.as_ref());
        let as_of = as_of.or(about.map(|now| now.as_of)).unwrap_or_else(|| self.clock.now());
        self.learn_keys().await?;
        let at = as_of.timestamp_micros();
        let kept = |id: Option<i64>, bound: &BoundRule| -> Kept {
            let segment = id.and_then(|id| segments.get(&id));
            segment.map(|row| cutoffs_of(row, bound, &rules, &model, at)).unwrap_or_default()
        };
        let mut one = OneUser::new(&key, kept(stored, &bound));
        let theirs: Vec<Kept> =
            ancestors.disabled.iter().map(|(id, bound)| kept(Some(*id), bound)).collect();
        let mut all = ancestors.disabled.iter().zip(&theirs);
        let known = knows(&one.kept, &bound) && all.all(|((_, bound), kept)| knows(kept, bound));
        let mut sources = RunSources::of(self, &model);
        let mut scanned = Scanned::new();
        if known {
            sources.ask_ancestors(&ancestors, theirs, &key, at, &mut scanned).await?;
        } else {
            // A selection looks at all users, and tells them apart by their ordinals.
            let population = self.population(&model, &BTreeSet::new()).await?;
            sources.take_ancestors(&ancestors, &population, at, &mut scanned).await?;
        }
        let mut leaves = Leaves::of(&rule, &bound);
        leaves.ask(&mut sources, &mut one, at, bound.zone).await?;
        let root = leaves.root(&bound);
        let picked = |keys: &[Key]| keys.contains(&key);
        let (included, excluded) = (picked(&bound.include), picked(&bound.exclude));
        let member = (root.holds || included) && !excluded;
        Ok(Explanation { key, as_of, member, included, excluded, root })
    }
}
