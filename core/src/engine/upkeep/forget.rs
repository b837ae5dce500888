//! One user forgotten, everywhere.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::catalog::Catalog;
use crate::error::Result;
use crate::model::Key;
use crate::rule::Rule;

use super::super::profile::joined;
use super::super::rule_store::rule_of;
use super::super::{SegmentEngine, Shared};

/// What `forget` has done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Forgotten {
    /// Whether the key was a user's.
    pub known: bool,
    /// Segments of which any version had the user.
    pub segments: u64,
    /// These versions.
    pub versions: u64,
    /// Wordings of rules that pick the user by hand. They are left as they are: mend those that
    /// are in force, and know of the others.
    pub picked_by: Vec<PickedBy>,
}

/// A wording that has a key in `include` or `exclude`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PickedBy {
    /// The rule.
    pub rule_id: i64,
    /// Its name in that wording.
    pub rule_name: String,
    /// The number of the wording.
    pub version: i64,
    /// Whether it is the wording in force.
    pub current: bool,
    /// JSON Pointers to the key: `/include/2`.
    pub paths: Vec<String>,
}

impl SegmentEngine {
    /// Forgets one user: no version of any segment has the user as a member, and all counts are as
    /// if none ever had; the dictionary does not know the key; the profile store is emptied, and
    /// made anew by the next refresh. Nothing of it is left in the catalog's file or its log,
    /// which is written anew for that. A refresh of this process that is under way is waited for;
    /// one of another process publishes without the user.
    ///
    /// The sources are the host's. If they still have the user, the next refresh takes the key for
    /// a new user's. Rules that pick the user by hand are told of and not changed, and neither are
    /// exports, tables that were written, and copies.
    ///
    /// Nobody having that key is no error; what deleted users left in the catalog's file is removed
    /// then too.
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
    /// engine.add_arrow("people", vec![people(vec![1, 2, 3])])?;
    /// let rule = engine.create_rule(r#"{"rule_name": "All but 2", "conditions": [], "exclude": [2]}"#).await?;
    /// engine.refresh(Refresh::all()).await?;
    ///
    /// let forgotten = engine.forget(3).await?;
    /// assert_eq!((forgotten.known, forgotten.segments), (true, 1));
    /// assert_eq!(engine.segment(rule).await?.row_count(), 1);
    /// let forgotten = engine.forget(2).await?;
    /// assert_eq!(forgotten.picked_by[0].paths, ["/exclude/0"]);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Code::Damaged`](crate::Code::Damaged), and nothing is done, if members of a segment can't
    /// be read and may hold the user; [`Code::Busy`](crate::Code::Busy) if another program still
    /// reads an earlier state of the catalog, and then the user is to be forgotten once more;
    /// [`Code::UnusableStore`](crate::Code::UnusableStore) if the store can't be emptied.
    pub async fn forget(&self, key: impl Into<Key>) -> Result<Forgotten> {
        self.shared.learn_keys().await?;
        let key = self.shared.meant(key.into());
        // A refresh under way would write the user to the store again.
        let _alone = self.shared.running.lock().await;
        let forgotten = self.shared.catalog(move |catalog| {
            let picked_by = picked_by(catalog, &key)?;
            let erased = catalog.forget(&key)?;
            let (known, segments, versions) = (erased.known, erased.segments, erased.versions);
            Ok(Forgotten { known, segments, versions, picked_by })
        });
        let forgotten = forgotten.await;
        self.shared.learn_keys().await?;
        // Also where only the file could not be written anew.
        self.shared.empty_store().await?;
        forgotten
    }
}

impl Shared {
    async fn empty_store(&self) -> Result<()> {
        let Some(store) = self.store.clone() else { return Ok(()) };
        joined(tokio::task::spawn_blocking(move || store.discard()).await)?
    }
}

/// The wordings that pick a user by hand, those of deleted rules included.
fn picked_by(catalog: &dyn Catalog, key: &Key) -> Result<Vec<PickedBy>> {
    let rules = catalog.rules()?;
    let in_force: BTreeSet<(i64, i64)> =
        rules.rules.iter().map(|row| (row.id, row.version)).collect();
    let mut found = Vec::new();
    for id in 1..rules.next_id {
        for wording in catalog.rule_history(id)? {
            let Some(text) = wording.text else { continue };
            let Ok(rule) = rule_of(&text) else { continue };
            let paths = places(&rule, key);
            if !paths.is_empty() {
                found.push(PickedBy {
                    rule_id: id,
                    rule_name: text.rule_name,
                    version: wording.version,
                    current: in_force.contains(&(id, wording.version)),
                    paths,
                });
            }
        }
    }
    Ok(found)
}

/// Where a rule picks a user.
fn places(rule: &Rule, key: &Key) -> Vec<String> {
    let lists = [("include", &rule.include), ("exclude", &rule.exclude)];
    let each = lists.into_iter().flat_map(|(name, keys)| {
        let keys = keys.iter().enumerate();
        keys.filter(|(_, picked)| *picked == key).map(move |(at, _)| format!("/{name}/{at}"))
    });
    each.collect()
}
