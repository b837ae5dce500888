//! Who came and who left in each run, read from what is stored.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use roaring::RoaringBitmap;
use serde::Serialize;

use crate::catalog::{Catalog, VersionRow};
use crate::error::{Code, Error, Result};
use crate::model::KeyColumn;

use super::super::SegmentEngine;
use super::super::members::read;

/// Changes of segments, run by run.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Feed {
    /// By run and rule; versions in which nobody came or left are not among them.
    pub changes: Vec<SegmentChange>,
    /// The last run that was looked at: the feed goes on from here.
    pub up_to: i64,
}

/// What a run has changed in one segment. As JSON it has no keys, which are Arrow.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SegmentChange {
    /// The run.
    pub run_id: i64,
    /// The rule.
    pub rule_id: i64,
    /// The version that the run has published.
    pub version: i64,
    /// The instant that it is about.
    #[serde(with = "crate::document::instant")]
    pub as_of: DateTime<Utc>,
    /// The version that it is compared with, 0 for the first. Nothing if that was dropped or is
    /// damaged: `entered` has all members then, and who keeps a copy has to begin anew with them.
    pub since: Option<i64>,
    /// Who came, ascending.
    #[serde(skip)]
    pub entered: KeyColumn,
    /// Who left, ascending.
    #[serde(skip)]
    pub exited: KeyColumn,
}

/// The members of a version that was looked at last.
type Last = BTreeMap<i64, (i64, RoaringBitmap)>;

/// Bitmaps of a change, whose keys are still to be looked up.
struct Found {
    version: VersionRow,
    rule_id: i64,
    since: Option<i64>,
    entered: RoaringBitmap,
    exited: RoaringBitmap,
}

impl SegmentEngine {
    /// Who came to segments and who left them in the runs after `since_run`, of at most `runs` runs
    /// at a time. Begin with 0 and go on with [`Feed::up_to`]; once that is what it was, there is
    /// nothing new. The feed is what versions are stored, so that it reaches back as far as
    /// `vacuum` keeps them, and survives a restart; of deleted rules there is none.
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
    /// engine.add_arrow("people", vec![people(vec![1, 2])])?;
    /// engine.create_rule(r#"{"rule_name": "Everyone", "conditions": []}"#).await?;
    /// engine.refresh(Refresh::all()).await?;
    /// let first = engine.changes(0, 100).await?;
    /// assert_eq!(first.changes[0].entered.len(), 2);
    ///
    /// engine.add_arrow("people", vec![people(vec![2, 3, 4])])?;
    /// engine.refresh(Refresh::all()).await?;
    /// let second = engine.changes(first.up_to, 100).await?;
    /// assert_eq!((second.changes[0].entered.len(), second.changes[0].exited.len()), (2, 1));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Code::BadValue`] for no runs; [`Code::Damaged`] if a version can't be read: refresh its
    /// rule, and go on after that run.
    pub async fn changes(&self, since_run: i64, runs: usize) -> Result<Feed> {
        if runs == 0 {
            return Err(Error::new(Code::BadValue, "a feed is read at least one run at a time"));
        }
        self.shared.learn_keys().await?;
        let found = self.shared.catalog(move |catalog| found(catalog, since_run, runs)).await?;
        // Members of users who came since.
        self.shared.learn_keys().await?;
        let dictionary = self.shared.dictionary();
        let up_to = found.iter().map(|found| found.version.run_id).max().unwrap_or(since_run);
        let told = found.into_iter().filter(|found| {
            found.since.is_none() || !found.entered.is_empty() || !found.exited.is_empty()
        });
        let changes = told.map(|found| {
            Ok(SegmentChange {
                run_id: found.version.run_id,
                rule_id: found.rule_id,
                version: found.version.version,
                as_of: found.version.as_of,
                since: found.since,
                entered: dictionary.keys(found.entered.iter())?,
                exited: dictionary.keys(found.exited.iter())?,
            })
        });
        Ok(Feed { changes: changes.collect::<Result<_>>()?, up_to })
    }
}

fn found(catalog: &dyn Catalog, since_run: i64, runs: usize) -> Result<Vec<Found>> {
    let runs = i64::try_from(runs).unwrap_or(i64::MAX);
    let mut last = Last::new();
    let mut found = Vec::new();
    for (rule_id, version) in catalog.versions_after(since_run, runs)? {
        let members = read(catalog, rule_id, &version)?;
        let before = before(catalog, rule_id, &version, &mut last)?;
        let (since, then) = match before {
            Some((since, then)) => (Some(since), then),
            None => (None, RoaringBitmap::new()),
        };
        let (entered, exited) = (&members - &then, &then - &members);
        last.insert(rule_id, (version.version, members));
        found.push(Found { version, rule_id, since, entered, exited });
    }
    Ok(found)
}

/// The version before one and its members, if they can be read.
fn before(
    catalog: &dyn Catalog,
    rule_id: i64,
    version: &VersionRow,
    last: &mut Last,
) -> Result<Option<(i64, RoaringBitmap)>> {
    let number = version.version - 1;
    if number == 0 {
        return Ok(Some((0, RoaringBitmap::new())));
    }
    if let Some(known) = last.remove(&rule_id).filter(|(known, _)| *known == number) {
        return Ok(Some(known));
    }
    let versions = catalog.versions(rule_id)?;
    let Some(row) = versions.into_iter().find(|row| row.version == number) else {
        return Ok(None);
    };
    match read(catalog, rule_id, &row) {
        Ok(members) => Ok(Some((number, members))),
        Err(error) if matches!(error.code(), Code::Damaged | Code::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}
