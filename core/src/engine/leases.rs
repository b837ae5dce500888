//! The lease of a run: taken before anything is read, renewed while the run works, and given back
//! however it ends.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::catalog::{Catalog, Lease, LeaseRow, Leased, NewLease};
use crate::clock::Clock;
use crate::error::{Code, Error, Result};

use super::Shared;

/// How long to wait before asking again for a lease that others have: at first, and at most.
const PAUSES: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(320));

/// Renewed so many times before it would expire.
const RENEWALS: u32 = 3;

/// A lease that is held. Dropping it gives it back.
pub(super) struct Held {
    pub(super) lease: Lease,
    pub(super) rules: BTreeSet<i64>,
    lost: CancellationToken,
    given_back: Arc<AtomicBool>,
    /// Its end is what the keeper waits for.
    _end: mpsc::Sender<()>,
}

impl Held {
    /// Resolves once others have taken over.
    pub(super) async fn lost(&self) {
        self.lost.cancelled().await;
    }

    pub(super) fn was_lost(&self) -> Error {
        let message = "another process took over the rules of this run, which was given up";
        Error::new(Code::LeaseLost, message)
    }

    /// Who published gave the lease back in the same transaction.
    pub(super) fn was_given_back(&self) {
        self.given_back.store(true, Ordering::Relaxed);
    }

    /// Gives the lease back, and waits until it is.
    pub(super) async fn give_back(self) {
        let done = self.lost.clone();
        drop(self);
        done.cancelled().await;
    }
}

/// Keeps a lease until its end, from a thread of its own: a run may keep all of the runtime's busy,
/// and a runtime may be gone before what it ran is dropped.
struct Keeper {
    catalog: Arc<dyn Catalog>,
    clock: Arc<dyn Clock>,
    lease: Lease,
    lost: CancellationToken,
    given_back: Arc<AtomicBool>,
}

impl Keeper {
    fn keep(self, end: &mpsc::Receiver<()>) {
        let every = self.lease.duration.to_std().unwrap_or_default() / RENEWALS;
        while let Err(RecvTimeoutError::Timeout) = end.recv_timeout(every) {
            match self.catalog.renew(&self.lease, self.clock.now()) {
                Ok(true) => {}
                // On some rules it may not be lost, but the run is.
                Ok(false) => {
                    let lost = !self.given_back.load(Ordering::Relaxed);
                    tracing::debug!(fence = self.lease.fence, lost, "a lease is held no more");
                    break;
                }
                // It holds for a while longer; publishing finds out if it does not.
                Err(error) => tracing::warn!(%error, "a lease can't be renewed"),
            }
        }
        if !self.given_back.load(Ordering::Relaxed)
            && let Err(error) = self.catalog.release(&self.lease)
        {
            tracing::warn!(%error, "a lease can't be given back and will expire");
        }
        self.lost.cancel();
    }
}

impl Shared {
    /// A lease on all of the rules, waited for.
    pub(super) async fn hold(&self, rules: BTreeSet<i64>) -> Result<Held> {
        let (mut pause, mut waited) = (PAUSES.0, Duration::ZERO);
        loop {
            let held_by = match self.try_hold(&rules).await? {
                Ok(held) => return Ok(held),
                Err(rows) => rows,
            };
            if waited >= self.busy_timeout {
                return Err(busy(&held_by));
            }
            let next = pause.min(self.busy_timeout.saturating_sub(waited));
            tokio::time::sleep(next).await;
            waited += next;
            pause = (pause * 2).min(PAUSES.1);
        }
    }

    /// A lease on all of the rules, or who holds which of them.
    pub(super) async fn try_hold(
        &self,
        rules: &BTreeSet<i64>,
    ) -> Result<Result<Held, Vec<LeaseRow>>> {
        let wanted = NewLease {
            owner: self.owner.clone(),
            rules: rules.iter().copied().collect(),
            at: self.clock.now(),
            duration: self.lease,
        };
        let (catalog, clock) = (Arc::clone(&self.catalog), Arc::clone(&self.clock));
        // Kept from where it is given: a run that is dropped meanwhile gives it back all the same.
        self.catalog(move |of| match of.lease(&wanted)? {
            Leased::Held(rows) => Ok(Err(rows)),
            Leased::Given(lease) => keep(catalog, clock, lease).map(Ok),
        })
        .await
    }
}

fn keep(catalog: Arc<dyn Catalog>, clock: Arc<dyn Clock>, lease: Lease) -> Result<Held> {
    let (lost, given_back) = (CancellationToken::new(), Arc::new(AtomicBool::new(false)));
    let (end, ended) = mpsc::channel();
    let keeper = Keeper {
        catalog,
        clock,
        lease: lease.clone(),
        lost: lost.clone(),
        given_back: Arc::clone(&given_back),
    };
    let thread = std::thread::Builder::new().name("segmentry-lease".to_owned());
    thread.spawn(move || keeper.keep(&ended)).map_err(|error| {
        Error::new(Code::Io, "no thread can be made to keep a lease").caused_by(error)
    })?;
    let rules = lease.rules.iter().copied().collect();
    Ok(Held { lease, rules, lost, given_back, _end: end })
}

fn busy(held_by: &[LeaseRow]) -> Error {
    let rules: Vec<String> = held_by.iter().map(|row| row.rule_id.to_string()).collect();
    let by = held_by.first().map_or("", |row| row.owner.as_str());
    let message = format!("rules {} are being refreshed by {by}", rules.join(", "));
    Error::new(Code::Busy, message)
}
