//! The members of versions: a whole bitmap, or a difference from the members of an earlier version.
//!
//! The checksum of a difference begins with that of the bitmap it leans on: it holds only on what
//! it was made from, and a program that knows of no differences takes none for a whole bitmap.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row, params};

use super::fault::Fault;
use super::table::{checksum, checksum_after, first};
use crate::catalog::{NewMembers, NewSegment, StoredMembers, stored};
use crate::error::Code;

/// Where the members of a version are, and as how many differences.
pub(super) struct Kept {
    pub(super) id: i64,
    pub(super) differences: i64,
    pub(super) difference_bytes: i64,
}

/// Keeps the members of a new version: those of the current one are not written again.
pub(super) fn keep(connection: &Connection, segment: &NewSegment) -> Result<Kept, Fault> {
    match &segment.members {
        NewMembers::Unchanged => current(connection, segment),
        NewMembers::Whole(whole) => {
            let id = insert(connection, checksum(whole), whole, None)?;
            Ok(Kept { id, differences: 0, difference_bytes: 0 })
        }
        NewMembers::Difference(difference) => {
            let base = current(connection, segment)?;
            let sql = "SELECT checksum FROM segmentry_members WHERE id = ?1";
            let sum: Option<i64> = first(connection, sql, [base.id], |row| Ok(row.get(0)?))?;
            let sum = sum.ok_or_else(|| damaged(segment.rule_id, segment.since_version))?;
            let sum = checksum_after(difference, sum);
            Ok(Kept {
                id: insert(connection, sum, difference, Some(base.id))?,
                differences: base.differences.saturating_add(1),
                difference_bytes: base.difference_bytes.saturating_add(length(difference)),
            })
        }
    }
}

/// The members of the version that is current until the segment is published.
fn current(connection: &Connection, segment: &NewSegment) -> Result<Kept, Fault> {
    let sql = "SELECT members_id, differences, difference_bytes FROM segmentry_version
               WHERE rule_id = ?1 AND version = ?2";
    let kept = first(connection, sql, params![segment.rule_id, segment.since_version], |row| {
        Ok(Kept { id: row.get(0)?, differences: row.get(1)?, difference_bytes: row.get(2)? })
    })?;
    kept.ok_or_else(|| stored::no_members(segment.rule_id).into())
}

fn insert(connection: &Connection, sum: i64, data: &[u8], base: Option<i64>) -> Result<i64, Fault> {
    let sql = "INSERT INTO segmentry_members (checksum, data, base) VALUES (?1, ?2, ?3)";
    connection.prepare_cached(sql)?.execute(params![sum, data, base])?;
    Ok(connection.last_insert_rowid())
}

fn length(bytes: &[u8]) -> i64 {
    i64::try_from(bytes.len()).unwrap_or(i64::MAX)
}

/// The members, if every bitmap that they are put together from is what was written.
pub(super) fn read(connection: &Connection, id: i64) -> Result<StoredMembers, Fault> {
    let bitmaps = bitmaps(connection, id)?;
    let any = !bitmaps.is_empty();
    if let Some(members) = sound(bitmaps) {
        return Ok(members);
    }
    Err(match whose(connection, id)? {
        Some((rule, version)) => damaged(rule, version),
        None if any => Fault::damaged(format!("members {id} are not what was written")),
        None => Fault::Known(Code::NotFound, format!("there are no members {id} any more")),
    })
}

fn damaged(rule: i64, version: i64) -> Fault {
    Fault::damaged(format!(
        "the members of version {version} of the segment of rule {rule} are not what was written"
    ))
}

/// The rule and the first of its versions that have these members.
fn whose(connection: &Connection, members_id: i64) -> Result<Option<(i64, i64)>, Fault> {
    let sql = "SELECT rule_id, version FROM segmentry_version WHERE members_id = ?1
               ORDER BY version LIMIT 1";
    first(connection, sql, [members_id], |row| Ok((row.get(0)?, row.get(1)?)))
}

/// A bitmap as it is stored.
struct Bitmap {
    sum: i64,
    data: Vec<u8>,
    /// The one that it is a difference from.
    base: Option<i64>,
}

impl Bitmap {
    /// Nothing of a row that holds values of other types.
    fn read(row: &Row<'_>) -> Result<Option<Bitmap>, Fault> {
        let (sum, data, base) = (row.get_ref(0)?, row.get_ref(1)?, row.get_ref(2)?);
        let (ValueRef::Integer(sum), ValueRef::Blob(data)) = (sum, data) else { return Ok(None) };
        let base = match base {
            ValueRef::Null => None,
            ValueRef::Integer(base) => Some(base),
            _ => return Ok(None),
        };
        Ok(Some(Bitmap { sum, data: data.to_vec(), base }))
    }
}

/// A bitmap, the one that it is a difference from, and so on, as far as they are there.
fn bitmaps(connection: &Connection, id: i64) -> Result<Vec<Bitmap>, Fault> {
    let sql = "SELECT checksum, data, base FROM segmentry_members WHERE id = ?1";
    let mut found = Vec::new();
    let mut next = Some(id);
    while let Some(id) = next {
        let Some(bitmap) = first(connection, sql, [id], Bitmap::read)?.flatten() else { break };
        // Each leans on an earlier one, so that there is an end to it.
        next = bitmap.base.filter(|base| *base < id);
        found.push(bitmap);
    }
    Ok(found)
}

/// What those are together; nothing if one is missing or not what was written.
fn sound(mut bitmaps: Vec<Bitmap>) -> Option<StoredMembers> {
    let whole = bitmaps.pop()?;
    if whole.base.is_some() || whole.sum != checksum(&whole.data) {
        return None;
    }
    let mut sum = whole.sum;
    let mut differences = Vec::with_capacity(bitmaps.len());
    for difference in bitmaps.into_iter().rev() {
        if difference.sum != checksum_after(&difference.data, sum) {
            return None;
        }
        sum = difference.sum;
        differences.push(difference.data);
    }
    Some(StoredMembers { whole: whole.data, differences })
}
