//! Dropping what is old: versions with the members that only they had, and runs.

use std::collections::{BTreeSet, HashMap};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, params};

use super::super::fault::Fault;
use super::super::members;
use super::super::table::{all, checksum, checksum_after, first, number};
use crate::catalog::Dropped;
use crate::segment::{bytes_of, combined};

/// Drops the versions of a rule's segment before one, and never the current.
pub(super) fn versions(
    connection: &Connection,
    rule_id: i64,
    before: i64,
) -> Result<Dropped, Fault> {
    let sql = "SELECT COALESCE(MAX(version), 0) FROM segmentry_version WHERE rule_id = ?1";
    let before = before.min(number(connection, sql, [rule_id])?);
    let members = |comparison: &str| -> Result<BTreeSet<i64>, Fault> {
        let sql = format!(
            "SELECT DISTINCT members_id FROM segmentry_version
             WHERE rule_id = ?1 AND version {comparison} ?2"
        );
        let ids = all(connection, &sql, [rule_id, before], |row| Ok(row.get(0)?))?;
        Ok(ids.into_iter().collect())
    };
    let kept = members(">=")?;
    let dropped: Vec<i64> = members("<")?.difference(&kept).copied().collect();
    settle(connection, &kept, &dropped)?;
    let sql = "DELETE FROM segmentry_version WHERE rule_id = ?1 AND version < ?2";
    let versions = connection.prepare_cached(sql)?.execute([rule_id, before])?;
    for id in dropped.iter().rev() {
        connection.prepare_cached("DELETE FROM segmentry_members WHERE id = ?1")?.execute([id])?;
    }
    Ok(Dropped { versions: counted(versions), bitmaps: counted(dropped.len()) })
}

/// Where members stand once what they lean on has changed.
struct Settled {
    before: i64,
    sum: i64,
    differences: i64,
    bytes: i64,
}

/// Makes members whole that lean on what is to be dropped. The checksums of what leans on these go
/// by theirs.
fn settle(connection: &Connection, kept: &BTreeSet<i64>, dropped: &[i64]) -> Result<(), Fault> {
    let mut settled: HashMap<i64, Settled> = HashMap::new();
    for id in kept {
        let sql = "SELECT checksum, base FROM segmentry_members WHERE id = ?1";
        let row = first(connection, sql, [id], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?))
        })?;
        let Some((before, Some(base))) = row else { continue };
        if dropped.binary_search(&base).is_ok() {
            let whole = bytes_of(&combined(&members::read(connection, *id)?)?)?;
            let sum = checksum(&whole);
            let sql = "UPDATE segmentry_members SET checksum = ?2, data = ?3, base = NULL
                       WHERE id = ?1";
            connection.prepare_cached(sql)?.execute(params![id, sum, whole])?;
            settled.insert(*id, Settled { before, sum, differences: 0, bytes: 0 });
        } else if let Some(under) = settled.get(&base) {
            let sql = "SELECT data FROM segmentry_members WHERE id = ?1";
            let difference = first(connection, sql, [id], |row| match row.get_ref(0)? {
                ValueRef::Blob(data) => Ok(data.to_vec()),
                _ => Ok(Vec::new()),
            })?;
            let difference = difference.unwrap_or_default();
            // What is damaged stays so, and with it what leans on it.
            if checksum_after(&difference, under.before) != before {
                break;
            }
            let sum = checksum_after(&difference, under.sum);
            let bytes = i64::try_from(difference.len()).unwrap_or(i64::MAX);
            let bytes = under.bytes.saturating_add(bytes);
            let differences = under.differences + 1;
            let sql = "UPDATE segmentry_members SET checksum = ?2 WHERE id = ?1";
            connection.prepare_cached(sql)?.execute([*id, sum])?;
            settled.insert(*id, Settled { before, sum, differences, bytes });
        }
    }
    let sql = "UPDATE segmentry_version SET differences = ?2, difference_bytes = ?3
               WHERE members_id = ?1";
    for (id, now) in settled {
        connection.prepare_cached(sql)?.execute([id, now.differences, now.bytes])?;
    }
    Ok(())
}

/// Drops the runs before one that no version is from.
pub(super) fn runs(connection: &Connection, before: i64) -> Result<u64, Fault> {
    let sql = "DELETE FROM segmentry_run WHERE id < ?1 AND NOT EXISTS
                   (SELECT 1 FROM segmentry_version WHERE run_id = segmentry_run.id)";
    Ok(counted(connection.prepare_cached(sql)?.execute([before])?))
}

fn counted(rows: usize) -> u64 {
    u64::try_from(rows).unwrap_or(u64::MAX)
}
