//! The members of stored versions: the one place that reads them, and in what form those of a new
//! version are kept.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures::future::try_join_all;
use roaring::RoaringBitmap;

use crate::catalog::{Catalog, NewMembers, SegmentRow, VersionRow};
use crate::error::{Code, Result};
use crate::segment::{bitmap_of, bytes_of};

use super::Shared;

/// Members by rule.
pub(super) type Members = BTreeMap<i64, Arc<RoaringBitmap>>;

/// So many differences are put together at most to read a version.
const MOST_DIFFERENCES: i64 = 16;

/// A difference is kept where it has less than one in so many of the bytes of all members.
const SMALLER: usize = 4;

/// The members of a version of a rule's segment.
pub(super) fn read(
    catalog: &dyn Catalog,
    rule: i64,
    version: &VersionRow,
) -> Result<RoaringBitmap> {
    let members =
        |version: &VersionRow| bitmap_of(&catalog.members(version.members_id)?, rule, version);
    let answer = members(version);
    if !answer.as_ref().is_err_and(|error| error.code() == Code::Damaged) {
        return answer;
    }
    // A user may have been forgotten since the version was read, and it has one member less.
    let now = catalog.versions(rule)?.into_iter().find(|now| now.version == version.version);
    match now.filter(|now| now.row_count != version.row_count) {
        Some(now) => members(&now),
        None => answer,
    }
}

/// A segment's members beside those of the version before.
pub(super) struct Compared {
    pub(super) entered: u64,
    pub(super) exited: u64,
    pub(super) members: NewMembers,
}

/// Compares members with those of the version that is current, and chooses what to keep of them.
/// The differences that a version is read from are few, and together smaller than its bitmap.
pub(super) fn compare(
    members: &RoaringBitmap,
    before: Option<(&RoaringBitmap, &VersionRow)>,
) -> Result<Compared> {
    let whole = || bytes_of(members).map(NewMembers::Whole);
    let Some((before, version)) = before else {
        return Ok(Compared { entered: members.len(), exited: 0, members: whole()? });
    };
    let both = members.intersection_len(before);
    let (entered, exited) = (members.len() - both, before.len() - both);
    if entered == 0 && exited == 0 {
        return Ok(Compared { entered, exited, members: NewMembers::Unchanged });
    }
    if version.differences >= MOST_DIFFERENCES {
        return Ok(Compared { entered, exited, members: whole()? });
    }
    let difference = members ^ before;
    let (size, all) = (difference.serialized_size(), members.serialized_size());
    let so_far = usize::try_from(version.difference_bytes).unwrap_or(usize::MAX);
    let small = size.saturating_mul(SMALLER) < all && so_far.saturating_add(size) < all;
    let members = if small { NewMembers::Difference(bytes_of(&difference)?) } else { whole()? };
    Ok(Compared { entered, exited, members })
}

impl Shared {
    /// The members of current segments. One that can't be read is left out: whatever it would have
    /// been good for is done without it.
    pub(super) async fn bitmaps<'a>(
        &self,
        segments: impl IntoIterator<Item = &'a SegmentRow>,
    ) -> Result<Members> {
        let versions =
            segments.into_iter().filter_map(|row| Some((row.rule_id, row.current.clone()?)));
        let read = |catalog: &dyn Catalog, (rule, version): (i64, VersionRow)| match read(
            catalog, rule, &version,
        ) {
            Ok(members) => Ok(Some((rule, Arc::new(members)))),
            Err(error) => {
                tracing::warn!(rule, %error, "a stored segment is not used");
                Ok(None)
            }
        };
        let found = self.catalog_on_all_threads(versions.collect(), read).await?;
        Ok(found.into_iter().flatten().collect())
    }

    /// Asks the catalog about many things, on all threads; the answers in the order of these.
    pub(super) async fn catalog_on_all_threads<T: Send + 'static, A: Send + 'static>(
        &self,
        things: Vec<T>,
        ask: impl Fn(&dyn Catalog, T) -> Result<A> + Clone + Send + 'static,
    ) -> Result<Vec<A>> {
        let each = things.len().div_ceil(self.config.target_partitions().max(1)).max(1);
        let mut things = things.into_iter();
        let parts = std::iter::from_fn(|| {
            let part: Vec<T> = things.by_ref().take(each).collect();
            (!part.is_empty()).then_some(part)
        });
        let answers = parts.map(|part| {
            let ask = ask.clone();
            self.catalog(move |catalog| {
                part.into_iter().map(|thing| ask(catalog, thing)).collect::<Result<Vec<_>>>()
            })
        });
        Ok(try_join_all(answers).await?.into_iter().flatten().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(differences: i64, difference_bytes: i64) -> VersionRow {
        VersionRow {
            version: 1,
            rule_version: 1,
            as_of: chrono::DateTime::UNIX_EPOCH,
            run_id: 1,
            row_count: 0,
            entered: 0,
            exited: 0,
            members_id: 1,
            differences,
            difference_bytes,
        }
    }

    /// Every third user; as a bitmap, 2,000 of them have 4,016 bytes.
    fn thirds(count: u32) -> RoaringBitmap {
        (0..count).map(|user| user * 3).collect()
    }

    fn is_difference(
        members: &RoaringBitmap,
        before: &RoaringBitmap,
        version: &VersionRow,
    ) -> bool {
        match compare(members, Some((before, version))).unwrap().members {
            NewMembers::Difference(bytes) => {
                let difference = RoaringBitmap::deserialize_from(&bytes[..]).unwrap();
                assert_eq!(before ^ difference, *members);
                true
            }
            NewMembers::Whole(bytes) => {
                assert_eq!(RoaringBitmap::deserialize_from(&bytes[..]).unwrap(), *members);
                false
            }
            NewMembers::Unchanged => panic!("they differ"),
        }
    }

    #[test]
    fn few_changes_are_kept_as_a_difference() {
        let before = thirds(2_000);
        // One below and one at a quarter of the bytes, from 16 that are there in any case.
        let changed = |count: u32| -> RoaringBitmap {
            &before ^ (0..count).map(|n| n * 3 + 1).collect::<RoaringBitmap>()
        };
        assert!(is_difference(&changed(1), &before, &version(0, 0)));
        let size = |count| changed(count).serialized_size();
        let most = (1..2_000).rfind(|count| (16 + 2 * *count as usize) * 4 < size(*count)).unwrap();
        assert!(is_difference(&changed(most), &before, &version(0, 0)));
        assert!(!is_difference(&changed(most + 1), &before, &version(0, 0)));
    }

    #[test]
    fn no_version_takes_much_to_read() {
        let before = thirds(2_000);
        let members = &before ^ RoaringBitmap::from([1, 3]);
        assert!(is_difference(&members, &before, &version(15, 3_000)));
        assert!(!is_difference(&members, &before, &version(16, 300)));
        let rest = i64::try_from(members.serialized_size() - 20).unwrap();
        assert!(is_difference(&members, &before, &version(1, rest - 1)));
        assert!(!is_difference(&members, &before, &version(1, rest)));
    }

    #[test]
    fn who_came_and_who_went_is_counted() {
        let (before, members) =
            (RoaringBitmap::from([1, 2, 3, 70_000]), RoaringBitmap::from([3, 4]));
        let count = |compared: Compared| (compared.entered, compared.exited);
        let version = version(0, 0);
        assert_eq!(count(compare(&members, Some((&before, &version))).unwrap()), (1, 3));
        let first = compare(&members, None).unwrap();
        assert!(matches!(first.members, NewMembers::Whole(_)));
        assert_eq!(count(first), (2, 0));
        let same = compare(&members, Some((&members, &version))).unwrap();
        assert_eq!(same.members, NewMembers::Unchanged);
        assert_eq!(count(same), (0, 0));
    }
}
