//! Leases: each is checked in the transaction that relies on it.

use chrono::{DateTime, Utc};
use rusqlite::{Connection, Row, params};

use super::fault::Fault;
use super::rules::meta;
use super::table::{all, first, own_instant};
use super::{publish, timetable};
use crate::catalog::{
    Lease, LeaseRow, Leased, NewLease, NewRun, NewSegment, Owner, Published, Settled, stored,
};

const LEASE: &str =
    "SELECT rule_id, owner, fence, taken_at, renewed_at, expires_at FROM segmentry_lease";

/// All leases, by rule.
pub(super) fn rows(connection: &Connection) -> Result<Vec<LeaseRow>, Fault> {
    all(connection, &format!("{LEASE} ORDER BY rule_id"), [], lease_row)
}

fn of_rule(connection: &Connection, rule: i64) -> Result<Option<LeaseRow>, Fault> {
    first(connection, &format!("{LEASE} WHERE rule_id = ?1"), [rule], lease_row)
}

fn lease_row(row: &Row<'_>) -> Result<LeaseRow, Fault> {
    Ok(LeaseRow {
        rule_id: row.get(0)?,
        owner: Owner::of(row.get::<_, String>(1)?),
        fence: row.get(2)?,
        taken_at: own_instant(row, 3)?,
        renewed_at: own_instant(row, 4)?,
        expires_at: own_instant(row, 5)?,
    })
}

/// The leases of others that keep this one from being given.
pub(super) fn held(connection: &Connection, wanted: &NewLease) -> Result<Vec<LeaseRow>, Fault> {
    let mut held = Vec::new();
    for rule in &wanted.rules {
        held.extend(of_rule(connection, *rule)?.filter(|row| row.keeps_out(wanted)));
    }
    Ok(held)
}

/// Gives a lease on all of the rules or on none.
pub(super) fn lease(connection: &Connection, wanted: &NewLease) -> Result<Leased, Fault> {
    let held = held(connection, wanted)?;
    if !held.is_empty() {
        return Ok(Leased::Held(held));
    }
    let fence = meta(connection, "fence")?.saturating_add(1);
    let sql = "UPDATE segmentry_meta SET value = ?1 WHERE name = 'fence'";
    connection.prepare_cached(sql)?.execute([fence])?;
    let at = stored::instant_text(wanted.at);
    let until = stored::instant_text(stored::later(wanted.at, wanted.duration));
    let sql = "INSERT OR REPLACE INTO segmentry_lease
                   (rule_id, owner, fence, taken_at, renewed_at, expires_at)
               VALUES (?1, ?2, ?3, ?4, ?4, ?5)";
    let mut insert = connection.prepare_cached(sql)?;
    for rule in &wanted.rules {
        insert.execute(params![rule, wanted.owner.as_str(), fence, at, until])?;
    }
    Ok(Leased::Given(Lease {
        owner: wanted.owner.clone(),
        fence,
        rules: wanted.rules.clone(),
        duration: wanted.duration,
    }))
}

/// An error unless the lease is still held on all of its rules and covers the others.
pub(super) fn check(
    connection: &Connection,
    lease: &Lease,
    others: impl IntoIterator<Item = i64>,
) -> Result<(), Fault> {
    for rule in lease.rules.iter().copied().chain(others) {
        let row = of_rule(connection, rule)?;
        let held = |row: &LeaseRow| row.owner == lease.owner && row.fence == lease.fence;
        if !row.as_ref().is_some_and(held) {
            return Err(stored::lease_lost(rule, row.as_ref().map(|row| &row.owner)).into());
        }
    }
    Ok(())
}

/// Lets the lease hold on from `at`, unless it was lost on any rule.
pub(super) fn renew(
    connection: &Connection,
    lease: &Lease,
    at: DateTime<Utc>,
) -> Result<bool, Fault> {
    match check(connection, lease, []) {
        Ok(()) => {}
        Err(Fault::Shared(_)) => return Ok(false),
        Err(other) => return Err(other),
    }
    let sql = "UPDATE segmentry_lease SET renewed_at = ?3, expires_at = ?4
               WHERE owner = ?1 AND fence = ?2";
    let until = stored::instant_text(stored::later(at, lease.duration));
    let values = params![lease.owner.as_str(), lease.fence, stored::instant_text(at), until];
    connection.prepare_cached(sql)?.execute(values)?;
    Ok(true)
}

/// Gives the lease back on those rules on which it was not taken over.
pub(super) fn release(connection: &Connection, lease: &Lease) -> Result<(), Fault> {
    let sql = "DELETE FROM segmentry_lease WHERE owner = ?1 AND fence = ?2";
    connection.prepare_cached(sql)?.execute(params![lease.owner.as_str(), lease.fence])?;
    Ok(())
}

/// Publishes for who holds the lease, settles what the run settles, and gives the lease back.
pub(super) fn publish_under(
    connection: &Connection,
    lease: &Lease,
    run: &NewRun,
    segments: &[NewSegment],
    settled: &Settled,
) -> Result<Published, Fault> {
    let schedules = settled.schedules.iter().map(|row| row.rule_id);
    check(connection, lease, segments.iter().map(|segment| segment.rule_id).chain(schedules))?;
    let queued = timetable::still_queued(connection, &settled.queued)?;
    let id = queued.iter().copied().min();
    let published = publish::publish(connection, run, segments, id)?;
    if let Published::Run(id) = published {
        timetable::keep(connection, &settled.schedules)?;
        timetable::done(connection, &queued, id)?;
        release(connection, lease)?;
    }
    Ok(published)
}
