//! Dropping old versions and reports, and copying the catalog.

use std::path::PathBuf;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Serialize;

use crate::catalog::{Catalog, Damage, Page, VersionRow};
use crate::error::{Error, Result};

use super::super::SegmentEngine;

/// How many rows of a list are read at once.
const PAGE: i64 = 64;

/// Which versions of segments are kept, and which reports of runs.
///
/// The current version of a segment is always kept.
///
/// ```
/// use chrono::TimeDelta;
/// use segmentry::Retention;
/// let retention = Retention::versions(5).younger_than(TimeDelta::days(30)).runs(1_000);
/// assert_eq!(Retention::from(5), Retention::versions(5));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    versions: usize,
    age: Option<TimeDelta>,
    runs: Option<usize>,
}

impl Retention {
    /// The newest so many versions of each segment, the current one among them.
    #[must_use]
    pub fn versions(count: usize) -> Self {
        Retention { versions: count, age: None, runs: None }
    }

    /// Besides these, what was published within this time before now.
    #[must_use]
    pub fn younger_than(mut self, age: TimeDelta) -> Self {
        self.age = Some(age);
        self
    }

    /// The newest so many runs, and those that a version is from which is kept; all runs if not
    /// said.
    #[must_use]
    pub fn runs(mut self, count: usize) -> Self {
        self.runs = Some(count);
        self
    }
}

impl From<usize> for Retention {
    fn from(versions: usize) -> Self {
        Retention::versions(versions)
    }
}

/// What `vacuum` has dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Vacuumed {
    /// Versions of segments.
    pub versions: u64,
    /// Bitmaps that only these had.
    pub bitmaps: u64,
    /// Runs with their reports.
    pub runs: u64,
    /// Bytes that the catalog had on disk before, its log included.
    pub bytes_before: u64,
    /// Bytes that it has now.
    pub bytes_after: u64,
    /// Segments of which nothing was dropped, because what would have to stand by itself then can't
    /// be read.
    pub damaged: Vec<Damage>,
}

impl SegmentEngine {
    /// Drops versions of segments beyond those that are to be kept, and reports of runs, and gives
    /// the space back. The current version of a segment always stays, and refreshes may go on
    /// meanwhile: each segment is done in a short transaction, and only for writing the file anew,
    /// at the end, others wait who write.
    ///
    /// ```
    /// # use segmentry::{Retention, SegmentEngine};
    /// # #[tokio::main]
    /// # async fn main() -> segmentry::Result<()> {
    /// let engine = SegmentEngine::builder().build().await?;
    /// let done = engine.vacuum(Retention::versions(5).runs(1_000)).await?;
    /// assert_eq!(done.versions, 0);
    /// engine.vacuum(5).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Errors of the catalog; what was dropped before one stays dropped.
    pub async fn vacuum(&self, retention: impl Into<Retention>) -> Result<Vacuumed> {
        let retention = retention.into();
        let now = self.shared.clock.now();
        self.shared.catalog(move |catalog| Drop { catalog, retention, now }.all()).await
    }

    /// Copies the catalog, which may be in use, to a file that is not there yet, and answers the
    /// copy's bytes. The copy has everything that was published when it began, opens as a catalog,
    /// and is on the disk when this returns. The profile store is not in it: it is made anew from
    /// the sources.
    ///
    /// ```
    /// # use segmentry::{Code, SegmentEngine, SqliteCatalog};
    /// # #[tokio::main]
    /// # async fn main() -> segmentry::Result<()> {
    /// # let folder = tempfile::tempdir().unwrap();
    /// # let folder = folder.path();
    /// let catalog = SqliteCatalog::open(folder.join("audience.db"))?;
    /// let engine = SegmentEngine::builder().catalog(catalog).build().await?;
    /// engine.backup(folder.join("copy.db")).await?;
    /// let again = engine.backup(folder.join("copy.db")).await.unwrap_err();
    /// assert_eq!(again.code(), Code::AlreadyExists);
    /// SqliteCatalog::open(folder.join("copy.db"))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Code::AlreadyExists`](crate::Code::AlreadyExists) if there is a file, which is left as it
    /// is; [`Code::Io`](crate::Code::Io); [`Code::Unsupported`](crate::Code::Unsupported) of a
    /// catalog in memory.
    pub async fn backup(&self, path: impl Into<PathBuf>) -> Result<u64> {
        let path = path.into();
        self.shared.catalog(move |catalog| catalog.backup(&path)).await
    }
}

/// What is to be dropped of a catalog.
struct Drop<'a> {
    catalog: &'a dyn Catalog,
    retention: Retention,
    now: DateTime<Utc>,
}

impl Drop<'_> {
    fn all(&self) -> Result<Vacuumed> {
        let mut done = Vacuumed { bytes_before: self.catalog.bytes(), ..Vacuumed::default() };
        for rule in self.rules_with_segments()? {
            let versions = self.catalog.versions(rule)?;
            let Some(first) = self.first_kept(&versions)? else { continue };
            let dropped = self.catalog.drop_versions(rule, first);
            match Damage::or(dropped, |error| self.damage(rule, error))? {
                Ok(dropped) => {
                    done.versions += dropped.versions;
                    done.bitmaps += dropped.bitmaps;
                }
                Err(damage) => done.damaged.push(damage),
            }
        }
        if let Some(first) = self.first_run()? {
            done.runs = self.catalog.drop_runs(first)?;
        }
        done.bytes_after = self.catalog.shrink()?;
        Ok(done)
    }

    fn damage(&self, rule: i64, error: &Error) -> Damage {
        let what = format!("the segment of rule {rule}");
        let hint = "refresh the rule, then keep fewer versions: the new one leans on no old one";
        Damage::new(what, self.catalog.location(), error.to_string(), hint)
    }

    fn rules_with_segments(&self) -> Result<Vec<i64>> {
        let mut rules = Vec::new();
        let mut offset = 0;
        loop {
            let page = Page { search: None, offset, limit: PAGE };
            let (rows, _) = self.catalog.segments(&page)?;
            if rows.is_empty() {
                // The original may have left several rows for one rule.
                rules.sort_unstable();
                rules.dedup();
                return Ok(rules);
            }
            rules.extend(rows.iter().map(|row| row.rule_id));
            offset += PAGE;
        }
    }

    /// The oldest version that is kept; nothing where there are none.
    fn first_kept(&self, versions: &[VersionRow]) -> Result<Option<i64>> {
        let beyond = versions.len().saturating_sub(self.retention.versions.max(1));
        let Some((old, kept)) = versions.split_at_checked(beyond) else { return Ok(None) };
        let mut first = kept.first().map(|version| version.version);
        for version in old.iter().rev() {
            if !self.is_young(version.run_id)? {
                break;
            }
            first = Some(version.version);
        }
        Ok(first)
    }

    /// Whether what a run has published is kept because of its age.
    fn is_young(&self, run_id: i64) -> Result<bool> {
        let Some(age) = self.retention.age else { return Ok(false) };
        let finished = self.catalog.run(run_id)?.map(|run| run.run.finished_at);
        Ok(finished.is_some_and(|finished| self.now - finished < age))
    }

    /// The oldest run that is kept for its own sake; nothing if all are.
    fn first_run(&self) -> Result<Option<i64>> {
        let Some(count) = self.retention.runs else { return Ok(None) };
        let mut offset = i64::try_from(count).unwrap_or(i64::MAX).max(1) - 1;
        let mut first = None;
        loop {
            // The last of those that are kept for their number, then older ones for their age.
            let page = Page { search: None, offset, limit: PAGE };
            let (rows, _) = self.catalog.runs(&page)?;
            for row in &rows {
                let young =
                    self.retention.age.is_some_and(|age| self.now - row.run.finished_at < age);
                if first.is_some() && !young {
                    return Ok(first);
                }
                first = Some(row.id);
            }
            if rows.is_empty() {
                return Ok(first);
            }
            offset += PAGE;
        }
    }
}
