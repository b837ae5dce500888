//! Stage 6: members -> [`Segment`]: a published set of users, its versions and its exports.

mod bits;
mod dictionary;
mod export;
mod table;

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, sort_to_indices, take_record_batch};
use chrono::{DateTime, Utc};
use roaring::RoaringBitmap;

use crate::catalog::{SegmentRow, StoredMembers, VersionRow};
use crate::engine::Shared;
use crate::error::{Code, Error, Problem, Result};
use crate::model::{Key, KeyColumn};

pub(crate) use bits::Bits;
pub(crate) use dictionary::{Dictionary, NO_ORDINAL, key_column, key_hashes};
pub use export::ExportFormat;

/// One version of a rule's segment, loaded: its members are in memory.
#[derive(Clone)]
pub struct Segment {
    pub(crate) shared: Arc<Shared>,
    pub(crate) row: SegmentRow,
    pub(crate) version: VersionRow,
    pub(crate) members: Arc<RoaringBitmap>,
}

impl std::fmt::Debug for Segment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Segment")
            .field("segment_name", &self.row.segment_name)
            .field("version", &self.version.version)
            .field("row_count", &self.members.len())
            .finish_non_exhaustive()
    }
}

/// Who came and who went between two versions; keys ascending.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    /// Members now that were none then.
    pub entered: KeyColumn,
    /// Members then that are none now.
    pub exited: KeyColumn,
}

/// The stored bytes as a bitmap, checked: bytes that decode may still panic when used.
pub(crate) fn bitmap_of(
    stored: &StoredMembers,
    rule: i64,
    version: &VersionRow,
) -> Result<RoaringBitmap> {
    let what = format!("the members of version {} of rule {rule}'s segment", version.version);
    let damaged = |message: String| {
        let hint = "refresh the rule; `check` tells what else is damaged";
        Error::from(Problem::new(Code::Damaged, "", message).hint(hint))
    };
    let members = combined(stored)
        .map_err(|error| damaged(format!("{what} are damaged: {error}")).caused_by(error))?;
    let (count, expected) = (members.len(), version.row_count);
    if i64::try_from(count) != Ok(expected) {
        return Err(damaged(format!("{what} are damaged: {count} of {expected}")));
    }
    Ok(members)
}

/// What the stored bytes are together.
pub(crate) fn combined(stored: &StoredMembers) -> Result<RoaringBitmap> {
    let mut members = bitmap(&stored.whole)?;
    for difference in &stored.differences {
        members ^= bitmap(difference)?;
    }
    Ok(members)
}

/// One bitmap in the portable format.
pub(crate) fn bitmap(bytes: &[u8]) -> Result<RoaringBitmap> {
    RoaringBitmap::deserialize_from(bytes).map_err(|error| {
        Error::new(Code::Damaged, format!("that is no bitmap: {error}")).caused_by(error)
    })
}

/// A bitmap in the portable format.
pub(crate) fn bytes_of(bitmap: &RoaringBitmap) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(bitmap.serialized_size());
    bitmap.serialize_into(&mut bytes).map_err(|error| {
        Error::new(Code::Internal, "a bitmap can't be written").caused_by(error)
    })?;
    Ok(bytes)
}

impl Segment {
    /// `segment_catalog.id`.
    #[must_use]
    pub fn id(&self) -> i64 {
        self.row.id
    }

    /// The rule that it is the segment of.
    #[must_use]
    pub fn rule_id(&self) -> i64 {
        self.row.rule_id
    }

    /// The rule's name when the segment was computed.
    #[must_use]
    pub fn segment_name(&self) -> &str {
        &self.row.segment_name
    }

    /// The rule's description when the segment was computed.
    #[must_use]
    pub fn description(&self) -> Option<&str> {
        self.row.description.as_deref()
    }

    /// `segment_output_<rule id>`, a table in the engine's SQL.
    #[must_use]
    pub fn table_name(&self) -> &str {
        &self.row.table_name
    }

    /// How many members it has.
    #[must_use]
    pub fn row_count(&self) -> u64 {
        self.members.len()
    }

    /// The rule as SQL, for people.
    #[must_use]
    pub fn sql_query(&self) -> &str {
        self.row.sql_query.as_deref().unwrap_or("")
    }

    /// When the run that published the current version finished.
    #[must_use]
    pub fn last_refreshed_at(&self) -> Option<DateTime<Utc>> {
        self.row.last_refreshed_at
    }

    /// The instant that this version is about.
    #[must_use]
    pub fn as_of(&self) -> DateTime<Utc> {
        self.version.as_of
    }

    /// 1 for the first version.
    #[must_use]
    pub fn version(&self) -> i64 {
        self.version.version
    }

    /// Whether the user of that key is a member.
    #[must_use]
    pub fn contains(&self, key: &Key) -> bool {
        let dictionary = self.shared.dictionary();
        dictionary.ordinal(key).is_some_and(|ordinal| self.members.contains(ordinal))
    }

    /// The members' keys, ascending.
    ///
    /// # Errors
    /// [`Code::Damaged`] if a member has no key.
    pub fn keys(&self) -> Result<KeyColumn> {
        self.shared.dictionary().keys(self.members.iter())
    }

    /// The members as rows of the users table as it is now, in the order of their keys; `columns`
    /// names the columns wanted, all if `None`. Members that have left the table are not there.
    ///
    /// # Errors
    /// Errors of the source; [`Code::MissingColumn`] for a column that the table does not have.
    pub async fn members(&self, columns: Option<&[&str]>) -> Result<RecordBatch> {
        self.rows(&self.members, columns).await
    }

    /// At most `n` members as rows of the users table as it is now, in the order of their keys.
    /// They are spread over the segment, and the same whenever the segment is.
    ///
    /// # Errors
    /// As for [`Segment::members`].
    pub async fn sample(&self, n: usize, columns: Option<&[&str]>) -> Result<RecordBatch> {
        self.rows(&spread(&self.members, n), columns).await
    }

    async fn rows(&self, wanted: &RoaringBitmap, columns: Option<&[&str]>) -> Result<RecordBatch> {
        self.shared.rows_of(wanted, columns).await
    }

    /// Every version of this segment, oldest first.
    ///
    /// # Errors
    /// Errors of the catalog.
    pub async fn versions(&self) -> Result<Vec<VersionRow>> {
        let rule = self.row.rule_id;
        self.shared.catalog(move |catalog| catalog.versions(rule)).await
    }

    /// Who entered and who left since that version.
    ///
    /// # Errors
    /// [`Code::NotFound`] if there is no such version.
    pub async fn changes(&self, since_version: i64) -> Result<Changes> {
        let then = self.shared.load(self.row.rule_id, Some(since_version), None).await?;
        let dictionary = self.shared.dictionary();
        let now = self.members.as_ref();
        Ok(Changes {
            entered: dictionary.keys((now - then.members.as_ref()).iter())?,
            exited: dictionary.keys((then.members.as_ref() - now).iter())?,
        })
    }
}

/// At most `n` of the ordinals, evenly spread.
pub(crate) fn spread(members: &RoaringBitmap, n: usize) -> RoaringBitmap {
    let n = u64::try_from(n).unwrap_or(u64::MAX);
    let count = members.len();
    if count <= n {
        return members.clone();
    }
    // The i-th of n stands in the middle of the i-th part of the segment.
    let rank = |i: u64| {
        let at = (u128::from(2 * i + 1) * u128::from(count)) / (2 * u128::from(n));
        u32::try_from(at).unwrap_or(u32::MAX)
    };
    (0..n).filter_map(|i| members.select(rank(i))).collect()
}

/// The rows whose key is one of the wanted, in the order of their keys.
pub(crate) fn rows_with_keys(
    batches: &[RecordBatch],
    key: usize,
    wanted: &RoaringBitmap,
    dictionary: &Dictionary,
) -> Result<RecordBatch> {
    let unreadable =
        |error| Error::new(Code::Internal, "rows can't be put together").caused_by(error);
    let Some(first) = batches.first() else {
        return Err(Error::new(Code::Internal, "a table without a schema"));
    };
    let mut found = Vec::new();
    for batch in batches {
        let ordinals = dictionary.ordinals(&key_column(batch.column(key))?);
        let mask: BooleanArray =
            ordinals.iter().map(|o| Some(o.is_some_and(|o| wanted.contains(o)))).collect();
        found.push(filter_record_batch(batch, &mask).map_err(unreadable)?);
    }
    let rows = concat_batches(&first.schema(), &found).map_err(unreadable)?;
    let keys: ArrayRef = key_column(rows.column(key))?.to_array();
    let order: UInt32Array = sort_to_indices(&keys, None, None).map_err(unreadable)?;
    take_record_batch(&rows, &order).map_err(unreadable)
}

impl KeyColumn {
    /// The keys one by one, in order.
    pub fn iter(&self) -> impl Iterator<Item = Key> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    pub(crate) fn null_count(&self) -> usize {
        match self {
            KeyColumn::Int(keys) => keys.null_count(),
            KeyColumn::Text(keys) => keys.null_count(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_spread_and_whole() {
        let members: RoaringBitmap = (0..1000).map(|i| i * 3).collect();
        let some = spread(&members, 10);
        assert_eq!(some.len(), 10);
        assert!(some.is_subset(&members));
        assert_eq!(some.min(), Some(150));
        assert_eq!(spread(&members, 5_000), members);
        assert!(spread(&members, 0).is_empty());
    }
}
