//! Users for whom events have come since, or whose events windows have left or reached.

use std::ops::Range;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use roaring::RoaringBitmap;
use tokio_util::sync::CancellationToken;

use crate::error::{Code, Error, Result};
use crate::store::{Part, StoredTable};

use super::super::pass::buckets::{Buckets, OUTSIDE};
use super::super::pass::chunks::BLOCK;
use super::super::pass::whole::Whole;

/// So many rows are looked at at once.
const ROWS: usize = 1 << 16;

/// If more than one user in so many has to be looked at, looking at everyone takes no longer: they
/// lie side by side, and no segment has to be put together from two.
const MANY: u64 = 4;

/// Whether so many of the users are better looked at with everyone else.
pub(in crate::engine) fn is_many(dirty: u64, users: u64) -> bool {
    dirty.saturating_mul(MANY) > users
}

/// The users with events that were written after a generation, or whose raw times lie in one of
/// the stretches whose ends are `bounds`: from the first to before the second, and so on. Nothing
/// if they are [many](is_many) of the users.
///
/// Whose events are new is known without reading any, and new events may well be those of users
/// who lie side by side. Times have to be read, and those in a stretch are much the same in all
/// blocks: the first tells whether it is worth reading the others.
pub(super) async fn users(
    table: &Arc<StoredTable>,
    generation: u64,
    bounds: &[i64],
    everyone: &RoaringBitmap,
    threads: usize,
) -> Result<Option<RoaringBitmap>> {
    let mut found = written_since(table, generation);
    if is_many(found.len(), everyone.len()) {
        return Ok(None);
    }
    if bounds.chunks(2).any(|ends| ends.first() < ends.last()) {
        let probe = 0..table.blocks.len().min(1);
        let timed = in_stretches(table, probe, generation, bounds, threads).await?;
        if is_many(timed.len(), everyone.range_cardinality(..BLOCK)) {
            return Ok(None);
        }
        let others = 1..table.blocks.len();
        found |= timed | in_stretches(table, others, generation, bounds, threads).await?;
    }
    Ok(Some(found))
}

/// The users with events that were written after a generation.
fn written_since(table: &StoredTable, generation: u64) -> RoaringBitmap {
    let mut found = RoaringBitmap::new();
    for (block, parts) in table.blocks.iter().enumerate() {
        let first = first_of(block);
        for (part, _) in parts.iter().filter(|(_, youngest)| *youngest > generation) {
            found.extend(part.places_since(generation).map(|place| first + u32::from(place)));
        }
    }
    found
}

/// The users of some blocks with events in the stretches, but for those of parts whose users are
/// all known to have newer ones.
async fn in_stretches(
    table: &Arc<StoredTable>,
    blocks: Range<usize>,
    generation: u64,
    bounds: &[i64],
    threads: usize,
) -> Result<RoaringBitmap> {
    let buckets = Arc::new(Buckets::new(bounds, false));
    let stopped = CancellationToken::new();
    let _stops_when_dropped = stopped.clone().drop_guard();
    let blocks = blocks.map(|block| {
        let (table, buckets) = (Arc::clone(table), Arc::clone(&buckets));
        let stopped = stopped.clone();
        tokio::task::spawn_blocking(move || {
            let mut found = RoaringBitmap::new();
            let parts = table.blocks.get(block).map(Vec::as_slice).unwrap_or_default();
            for (part, _) in parts {
                if stopped.is_cancelled() {
                    break;
                }
                if !part.is_all_since(generation) {
                    in_buckets(part, block, &buckets, &mut found)?;
                }
            }
            Ok::<_, Error>(found)
        })
    });
    let found = futures::stream::iter(blocks).buffer_unordered(threads);
    let found = found.map(|joined| {
        joined.map_err(|error| {
            Error::new(Code::Internal, "looking for changes was stopped").caused_by(error)
        })?
    });
    found.try_fold(RoaringBitmap::new(), |all, part| async move { Ok(all | part) }).await
}

/// The ordinal of a block's first user.
fn first_of(block: usize) -> u32 {
    u32::try_from(block).unwrap_or(u32::MAX).saturating_mul(BLOCK)
}

/// Adds the users of a part who have events in a bucket of an odd number.
fn in_buckets(
    part: &Part,
    block: usize,
    buckets: &Buckets,
    found: &mut RoaringBitmap,
) -> Result<()> {
    let first = first_of(block);
    let (places, ends) = part.users();
    let total = ends.last().copied().unwrap_or(0) as usize;
    let (mut buffer, mut bucket) = (Vec::new(), Vec::new());
    let mut users = places.iter().zip(ends).peekable();
    for start in (0..total).step_by(ROWS) {
        let rows = start..(start + ROWS).min(total);
        let mut times = Vec::with_capacity(rows.len());
        part.values(0, rows.clone(), &mut buffer, &mut times)?;
        bucket.clear();
        buckets.of(&Whole { values: times.into(), valid: None, unfit: false }, &mut bucket);
        for (row, bucket) in rows.zip(&bucket) {
            while users.peek().is_some_and(|(_, end)| **end as usize <= row) {
                users.next();
            }
            if *bucket != OUTSIDE
                && bucket % 2 == 1
                && let Some((place, _)) = users.peek()
            {
                found.insert(first + u32::from(**place));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::store::{Block, Column};

    /// A part with one event of each of some users.
    fn part(folder: &Path, name: &str, users: Range<u16>, written: u64, time: i64) -> Arc<Part> {
        let count = users.len();
        let block = Block {
            places: users.collect(),
            ends: (1..=u32::try_from(count).unwrap()).collect(),
            written: vec![written; count],
            columns: vec![Column { values: vec![time; count], valid: None }],
        };
        Part::made(&folder.join(name), &block)
    }

    #[tokio::test]
    async fn users_side_by_side_who_have_new_events_are_few_of_all() {
        let folder = tempfile::tempdir().unwrap();
        let old = |name: &str| (part(folder.path(), name, 0..u16::MAX, 1, 10), 1);
        let new = (part(folder.path(), "new", 0..30_000, 2, 20), 2);
        let blocks = vec![vec![old("0"), new], vec![old("1")], vec![old("2")]];
        let table = Arc::new(StoredTable { columns: Vec::new(), blocks });
        let everyone: RoaringBitmap = (0..3 * BLOCK).collect();
        let found = |generation, bounds: &'static [i64]| {
            let (table, everyone) = (Arc::clone(&table), everyone.clone());
            async move { users(&table, generation, bounds, &everyone, 2).await.unwrap() }
        };
        assert_eq!(found(1, &[]).await, Some((0..30_000).collect()));
        assert_eq!(found(1, &[30, 40]).await, Some((0..30_000).collect()));
        assert_eq!(found(1, &[5, 15]).await, None, "nearly everyone has an event in it");
        assert_eq!(found(0, &[]).await, None);
        assert_eq!(found(2, &[]).await, Some(RoaringBitmap::new()));
    }
}
