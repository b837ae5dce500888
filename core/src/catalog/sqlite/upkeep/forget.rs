//! One user forgotten: out of the dictionary, and out of every version of every segment.
//!
//! The ordinal stays taken, so that nobody else's moves. A user is a member who is in an odd number
//! of the bitmaps that a version is put together from; who is in none of them is in no version.

use std::collections::{BTreeSet, HashMap};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use super::super::fault::Fault;
use super::super::keys;
use super::super::table::{all, checksum, checksum_after, first, number};
use crate::catalog::Erased;
use crate::error::{Code, Error, Problem};
use crate::model::Key;
use crate::segment::{bitmap, bytes_of};

/// How many users have been forgotten.
pub(in super::super) fn count(connection: &Connection) -> Result<i64, Fault> {
    number(connection, "SELECT COALESCE(MAX(number), 0) FROM segmentry_forgotten", [])
}

/// The ordinals that were forgotten after the first `from`, in that order.
pub(super) fn since(connection: &Connection, from: usize) -> Result<Vec<u32>, Fault> {
    let sql = "SELECT ordinal FROM segmentry_forgotten WHERE number > ?1 ORDER BY number";
    let from = i64::try_from(from).unwrap_or(i64::MAX);
    all(connection, sql, [from], |row| Ok(row.get(0)?))
}

/// Forgets a user, if the key is one's.
pub(super) fn forget(connection: &Connection, key: &Key) -> Result<Erased, Fault> {
    let Some(ordinal) = keys::blank(connection, key)? else { return Ok(Erased::default()) };
    let sql = "INSERT INTO segmentry_forgotten (ordinal) VALUES (?1)";
    connection.prepare_cached(sql)?.execute([ordinal])?;
    let members = without(connection, ordinal)?;
    let erased = correct(connection, &members)?;
    // Where a rank ended may tell of the user, and no segment is the answer any more to what it was
    // the answer to while the sources have the user.
    let sql = "UPDATE segmentry_version SET basis = 'null', cutoffs = '{}'";
    connection.prepare_cached(sql)?.execute([])?;
    Ok(Erased { known: true, ..erased })
}

/// What became of stored members.
struct Rewritten {
    before: i64,
    sum: i64,
    /// Whether the user was a member.
    had: bool,
    /// The bytes of the differences that they are put together from.
    bytes: i64,
}

/// Takes the user out of every bitmap. One that is not what was written may hold the user, and then
/// nothing is done.
fn without(connection: &Connection, ordinal: u32) -> Result<HashMap<i64, Rewritten>, Fault> {
    let sql = "SELECT id FROM segmentry_members ORDER BY id";
    let ids: Vec<i64> = all(connection, sql, [], |row| Ok(row.get(0)?))?;
    let mut done: HashMap<i64, Rewritten> = HashMap::with_capacity(ids.len());
    for id in ids {
        let (sum, data, base) = row(connection, id)?.ok_or_else(|| unreadable(connection, id))?;
        let under = match base {
            None => None,
            Some(base) => Some(done.get(&base).ok_or_else(|| unreadable(connection, id))?),
        };
        let sum_of = |data: &[u8], under: Option<i64>| match under {
            None => checksum(data),
            Some(sum) => checksum_after(data, sum),
        };
        if sum != sum_of(&data, under.map(|under| under.before)) {
            return Err(unreadable(connection, id));
        }
        let mut users = bitmap(&data).map_err(|_| unreadable(connection, id))?;
        let had = users.remove(ordinal);
        let data = if had { bytes_of(&users)? } else { data };
        let now = sum_of(&data, under.map(|under| under.sum));
        if had {
            let sql = "UPDATE segmentry_members SET checksum = ?2, data = ?3 WHERE id = ?1";
            connection.prepare_cached(sql)?.execute(params![id, now, data])?;
        } else if now != sum {
            let sql = "UPDATE segmentry_members SET checksum = ?2 WHERE id = ?1";
            connection.prepare_cached(sql)?.execute([id, now])?;
        }
        let bytes = i64::try_from(data.len()).unwrap_or(i64::MAX);
        let rewritten = Rewritten {
            before: sum,
            sum: now,
            had: had ^ under.is_some_and(|under| under.had),
            bytes: under.map_or(0, |under| under.bytes.saturating_add(bytes)),
        };
        done.insert(id, rewritten);
    }
    Ok(done)
}

/// A row of members: its checksum, its bytes, and what they are a difference from.
type Row = (i64, Vec<u8>, Option<i64>);

fn row(connection: &Connection, id: i64) -> Result<Option<Row>, Fault> {
    let sql = "SELECT checksum, data, base FROM segmentry_members WHERE id = ?1";
    let found = first(connection, sql, [id], |row| {
        let (sum, data, base) = (row.get_ref(0)?, row.get_ref(1)?, row.get_ref(2)?);
        let base = match base {
            ValueRef::Null => None,
            ValueRef::Integer(base) => Some(base),
            _ => return Ok(None),
        };
        match (sum, data) {
            (ValueRef::Integer(sum), ValueRef::Blob(data)) => Ok(Some((sum, data.to_vec(), base))),
            _ => Ok(None),
        }
    })?;
    Ok(found.flatten())
}

fn unreadable(connection: &Connection, id: i64) -> Fault {
    let sql = "SELECT rule_id, version FROM segmentry_version WHERE members_id = ?1
               ORDER BY version LIMIT 1";
    let whose =
        first(connection, sql, [id], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
    let (message, hint) = match whose {
        Err(fault) => return fault,
        Ok(Some((rule, version))) => (
            format!(
                "version {version} of the segment of rule {rule} is damaged, so that nobody knows \
                 whether the user is in it; nobody was forgotten"
            ),
            format!("refresh rule {rule}, `vacuum` the versions before, then forget the user"),
        ),
        Ok(None) => (
            format!("the members {id} are damaged; nobody was forgotten"),
            "restore a backup".to_owned(),
        ),
    };
    Fault::Shared(Error::from(Problem::new(Code::Damaged, "", message).hint(hint)))
}

/// A version as it is counted.
struct Version {
    rule: i64,
    number: i64,
    members: i64,
    rows: i64,
    entered: i64,
    exited: i64,
    bytes: i64,
}

/// Counts every version anew without the user.
fn correct(connection: &Connection, members: &HashMap<i64, Rewritten>) -> Result<Erased, Fault> {
    let sql = "SELECT rule_id, version, members_id, row_count, entered, exited, difference_bytes
               FROM segmentry_version ORDER BY rule_id, version";
    let versions = all(connection, sql, [], |row| {
        Ok(Version {
            rule: row.get(0)?,
            number: row.get(1)?,
            members: row.get(2)?,
            rows: row.get(3)?,
            entered: row.get(4)?,
            exited: row.get(5)?,
            bytes: row.get(6)?,
        })
    })?;
    let mut rules = BTreeSet::new();
    let mut erased = Erased::default();
    let mut before: Option<(i64, i64, bool)> = None;
    for version in &versions {
        let now = members.get(&version.members);
        let had = now.is_some_and(|now| now.had);
        let bytes = now.map_or(version.bytes, |now| now.bytes);
        // Whether the user was in a version that was dropped, nobody knows any more.
        let had_before = match before {
            _ if version.number == 1 => Some(false),
            Some((rule, number, had)) if (rule, number + 1) == (version.rule, version.number) => {
                Some(had)
            }
            _ => None,
        };
        before = Some((version.rule, version.number, had));
        let rows = version.rows - i64::from(had);
        let entered = version.entered - i64::from(had && had_before == Some(false));
        let exited = version.exited - i64::from(!had && had_before == Some(true));
        let entered = entered.clamp(0, rows.max(0));
        if had {
            erased.versions += 1;
            rules.insert(version.rule);
        }
        let sql = "UPDATE segmentry_version SET row_count = ?3, entered = ?4, exited = ?5,
                       difference_bytes = ?6
                   WHERE rule_id = ?1 AND version = ?2";
        let row = [version.rule, version.number, rows, entered, exited.max(0), bytes];
        let changed = (version.rows, version.entered, version.exited, version.bytes)
            != (rows, entered, exited.max(0), bytes);
        if changed {
            connection.prepare_cached(sql)?.execute(row)?;
        }
        // The row that other programs read, unless one of them has written it.
        let current = "UPDATE segment_catalog SET row_count = ?3
                       WHERE rule_id = ?1 AND row_count = ?4 AND ?2 =
                           (SELECT MAX(version) FROM segmentry_version WHERE rule_id = ?1)";
        if had {
            let row = [version.rule, version.number, rows, version.rows];
            connection.prepare_cached(current)?.execute(row)?;
        }
    }
    erased.segments = u64::try_from(rules.len()).unwrap_or(u64::MAX);
    Ok(erased)
}
