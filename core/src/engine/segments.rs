//! Reading what runs have left: segments, their versions, and runs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use roaring::RoaringBitmap;
use serde::Serialize;

use crate::catalog::{Page, RunRow, SegmentRow, VersionRow};
use crate::error::{Code, Error, Result};
use crate::rule::RuleRef;
use crate::segment::Segment;

use super::members::read;
use super::{Run, SegmentEngine, Shared};

/// One page of a long list.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Listed<T> {
    /// The entries of this page.
    pub items: Vec<T>,
    /// How many entries there are on all pages.
    pub total: usize,
    /// Which page this is, from 1.
    pub page: usize,
    /// How many pages there are.
    pub pages: usize,
}

impl<T> Listed<T> {
    pub(super) fn new(items: Vec<T>, total: usize, page: usize, per_page: usize) -> Self {
        Listed { items, total, page, pages: total.div_ceil(per_page.max(1)) }
    }
}

/// The offset and limit of a page.
pub(super) fn paged(page: usize, per_page: usize) -> Result<(usize, usize)> {
    if page == 0 || per_page == 0 {
        return Err(Error::new(Code::BadValue, "pages are counted from 1 and hold at least 1"));
    }
    Ok(((page - 1).saturating_mul(per_page), per_page))
}

fn page_of(page: usize, per_page: usize, search: Option<&str>) -> Result<Page> {
    let (offset, limit) = paged(page, per_page)?;
    let cut = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
    Ok(Page { search: search.map(str::to_owned), offset: cut(offset), limit: cut(limit) })
}

impl SegmentEngine {
    /// Current segments: page `page` (from 1) of `per_page`, of those whose name contains
    /// `search`.
    ///
    /// # Errors
    /// [`Code::BadValue`] for a page or size below 1; errors of the catalog.
    pub async fn segments(
        &self,
        page: usize,
        per_page: usize,
        search: Option<&str>,
    ) -> Result<Listed<SegmentRow>> {
        let wanted = page_of(page, per_page, search)?;
        let (items, total) = self.shared.catalog(move |catalog| catalog.segments(&wanted)).await?;
        Ok(Listed::new(items, usize::try_from(total).unwrap_or(0), page, per_page))
    }

    /// The current segment of a rule, named by the rule's id or name.
    ///
    /// # Errors
    /// [`Code::NotFound`] if there is no such rule or it was never refreshed;
    /// [`Code::Damaged`] if what is stored is not what was written.
    pub async fn segment(&self, rule: impl Into<RuleRef>) -> Result<Segment> {
        self.shared.find_segment(&rule.into(), None, None).await
    }

    /// One version of a rule's segment.
    ///
    /// # Errors
    /// As for [`SegmentEngine::segment`].
    pub async fn segment_version(&self, rule: impl Into<RuleRef>, version: i64) -> Result<Segment> {
        self.shared.find_segment(&rule.into(), Some(version), None).await
    }

    /// A rule's segment as it was known for an instant: of the versions about that instant or an
    /// earlier one the one about the latest, published last.
    ///
    /// # Errors
    /// As for [`SegmentEngine::segment`]; [`Code::NotFound`] if all versions are about later ones.
    pub async fn segment_as_of(
        &self,
        rule: impl Into<RuleRef>,
        as_of: DateTime<Utc>,
    ) -> Result<Segment> {
        self.shared.find_segment(&rule.into(), None, Some(as_of)).await
    }

    /// Past runs, newest first: page `page` (from 1) of `per_page`.
    ///
    /// # Errors
    /// [`Code::BadValue`] for a page or size below 1; errors of the catalog.
    pub async fn runs(&self, page: usize, per_page: usize) -> Result<Listed<Run>> {
        let wanted = page_of(page, per_page, None)?;
        let (rows, total) = self.shared.catalog(move |catalog| catalog.runs(&wanted)).await?;
        let items = rows.into_iter().map(run_of).collect::<Result<Vec<_>>>()?;
        Ok(Listed::new(items, usize::try_from(total).unwrap_or(0), page, per_page))
    }

    /// One past run.
    ///
    /// # Errors
    /// [`Code::NotFound`]; errors of the catalog.
    pub async fn run(&self, id: i64) -> Result<Run> {
        let row = self.shared.catalog(move |catalog| catalog.run(id)).await?;
        row.map(run_of)
            .unwrap_or_else(|| Err(Error::new(Code::NotFound, format!("no run has the id {id}"))))
    }
}

pub(super) fn no_segment(rule: i64) -> Error {
    Error::new(Code::NotFound, format!("rule {rule} has no segment yet; refresh it"))
}

pub(super) fn run_of(row: RunRow) -> Result<Run> {
    let run: Run = serde_json::from_str(&row.run.report).map_err(|error| {
        Error::new(Code::Damaged, format!("the report of run {} is damaged", row.id))
            .caused_by(error)
    })?;
    Ok(Run { id: row.id, ..run })
}

impl Shared {
    async fn find_segment(
        self: &Arc<Self>,
        rule: &RuleRef,
        version: Option<i64>,
        as_of: Option<DateTime<Utc>>,
    ) -> Result<Segment> {
        // What has a segment is a rule. Why something has none, the rules know best.
        if let RuleRef::Id(id) = rule
            && let Some(found) = self.found(*id, version, as_of).await?
        {
            return self.loaded(found).await;
        }
        let id = self.rules().await?.find(rule)?.row.id;
        self.load(id, version, as_of).await
    }

    /// Loads the current version of a rule's segment, or the one that is asked for.
    pub(crate) async fn load(
        self: &Arc<Self>,
        rule: i64,
        version: Option<i64>,
        as_of: Option<DateTime<Utc>>,
    ) -> Result<Segment> {
        match self.found(rule, version, as_of).await? {
            Some(found) => self.loaded(found).await,
            None if version.is_none() && as_of.is_none() => Err(no_segment(rule)),
            None => {
                let message = format!("rule {rule} has no such version of its segment; refresh it");
                Err(Error::new(Code::NotFound, message))
            }
        }
    }

    /// The segments of those rules that have one.
    pub(super) async fn segments_of_rules(
        &self,
        rules: impl IntoIterator<Item = i64>,
    ) -> Result<BTreeMap<i64, SegmentRow>> {
        let rules: BTreeSet<i64> = rules.into_iter().collect();
        if rules.is_empty() {
            return Ok(BTreeMap::new());
        }
        self.catalog(move |catalog| {
            let mut found = BTreeMap::new();
            for id in rules {
                found.extend(catalog.segment(id)?.map(|row| (id, row)));
            }
            Ok(found)
        })
        .await
    }

    /// A version of a rule's segment with its members, if there is one.
    async fn found(
        &self,
        rule: i64,
        version: Option<i64>,
        as_of: Option<DateTime<Utc>>,
    ) -> Result<Option<(SegmentRow, VersionRow, RoaringBitmap)>> {
        self.catalog(move |catalog| {
            let Some(row) = catalog.segment(rule)? else { return Ok(None) };
            let found = match (version, as_of) {
                (None, None) => row.current.clone(),
                (version, as_of) => {
                    let wanted = |v: &VersionRow| {
                        version.is_none_or(|version| v.version == version)
                            && as_of.is_none_or(|as_of| v.as_of <= as_of)
                    };
                    let versions = catalog.versions(rule)?.into_iter().filter(wanted);
                    versions.max_by_key(|v| (v.as_of, v.version))
                }
            };
            let Some(found) = found else { return Ok(None) };
            let members = read(catalog, rule, &found)?;
            Ok(Some((row, found, members)))
        })
        .await
    }

    async fn loaded(
        self: &Arc<Self>,
        (row, version, members): (SegmentRow, VersionRow, RoaringBitmap),
    ) -> Result<Segment> {
        // Members that another process published may have keys that this one has not seen.
        if members
            .max()
            .is_some_and(|most| usize::try_from(most).unwrap_or(0) >= self.dictionary().len())
        {
            self.learn_keys().await?;
        }
        Ok(Segment { shared: Arc::clone(self), row, version, members: Arc::new(members) })
    }
}
