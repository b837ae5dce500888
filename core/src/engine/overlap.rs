//! Segments side by side: who is in which, and how much two have in common.

use serde::Serialize;

use crate::error::{Code, Error, Problem, Result};
use crate::model::Key;
use crate::rule::RuleRef;

use super::SegmentEngine;
use super::members::read;

/// How many members segments have, alone and in pairs.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Overlap {
    /// The segments in the order in which they were named.
    pub segments: Vec<OverlapSegment>,
    /// Every pair once, the earlier of the two first.
    pub pairs: Vec<OverlapPair>,
}

/// A segment of an [`Overlap`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OverlapSegment {
    /// The rule.
    pub rule_id: i64,
    /// Its name.
    pub segment_name: String,
    /// How many members it has.
    pub row_count: u64,
}

/// Two segments of an [`Overlap`].
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct OverlapPair {
    /// The rule of the one.
    pub first: i64,
    /// The rule of the other.
    pub second: i64,
    /// How many members both have.
    pub count: u64,
    /// That, divided by how many are in either; 0 where nobody is.
    pub jaccard: f64,
}

/// How many segments can be compared at once.
const MOST: usize = 200;

impl SegmentEngine {
    /// The names of the current segments that hold a user, by their rules' ids. A user whom no
    /// refresh has seen is in none.
    ///
    /// # Errors
    /// Errors of the catalog.
    pub async fn segments_of(&self, key: impl Into<Key>) -> Result<Vec<String>> {
        self.shared.learn_keys().await?;
        let key = self.shared.meant(key.into());
        let Some(ordinal) = self.shared.dictionary().ordinal(&key) else { return Ok(Vec::new()) };
        let rows = self.shared.segment_rows().await?;
        self.shared
            .catalog(move |catalog| {
                let mut names = Vec::new();
                for (rule, row) in rows {
                    let Some(version) = &row.current else { continue };
                    if read(catalog, rule, version)?.contains(ordinal) {
                        names.push(row.segment_name);
                    }
                }
                Ok(names)
            })
            .await
    }

    /// How many members 2 to 200 current segments have, and each pair of them in common, from
    /// their bitmaps alone.
    ///
    /// # Errors
    /// [`Code::BadValue`] for fewer or more; [`Code::NotFound`] for a segment that is not there.
    pub async fn overlap<R: Into<RuleRef>>(
        &self,
        segments: impl IntoIterator<Item = R>,
    ) -> Result<Overlap> {
        let named: Vec<RuleRef> = segments.into_iter().map(Into::into).collect();
        if !(2..=MOST).contains(&named.len()) {
            let message = format!("2 to {MOST} segments can be compared, not {}", named.len());
            return Err(Error::from(Problem::new(Code::BadValue, "", message)));
        }
        let mut loaded = Vec::with_capacity(named.len());
        for rule in named {
            loaded.push(self.segment(rule).await?);
        }
        let mut pairs = Vec::new();
        for (at, first) in loaded.iter().enumerate() {
            for second in loaded.iter().skip(at + 1) {
                let count = first.members.intersection_len(&second.members);
                let either = first.members.len() + second.members.len() - count;
                let jaccard = if either == 0 { 0.0 } else { count as f64 / either as f64 };
                let (first, second) = (first.rule_id(), second.rule_id());
                pairs.push(OverlapPair { first, second, count, jaccard });
            }
        }
        let segments = loaded.iter().map(|segment| OverlapSegment {
            rule_id: segment.rule_id(),
            segment_name: segment.segment_name().to_owned(),
            row_count: segment.row_count(),
        });
        Ok(Overlap { segments: segments.collect(), pairs })
    }
}
