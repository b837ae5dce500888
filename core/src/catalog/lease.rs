//! Leases: which process may publish which rules, for how long, and how that is taken over.

use std::collections::hash_map::RandomState;
use std::fmt;
use std::fs;
use std::hash::BuildHasher;
use std::io;
use std::sync::LazyLock;

use chrono::{DateTime, TimeDelta, Utc};

/// Who holds a lease: one engine in one process.
///
/// On Linux it names the process so that others on the same machine can tell whether it still runs;
/// elsewhere, and between machines or containers, nothing but the lease's expiry tells.
///
/// ```
/// use segmentry::Owner;
/// let owner = Owner::new();
/// assert!(!owner.has_ended());
/// assert_ne!(owner, Owner::new());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Owner(String);

/// Where a machine's processes can be seen: its boot and its space of process ids. `None` where it
/// can't be said which process of which machine is meant.
static HOST: LazyLock<Option<String>> = LazyLock::new(|| {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let space = fs::read_link("/proc/self/ns/pid").ok()?;
    // Where others' processes are hidden, one that can't be seen may well run.
    fs::metadata("/proc/1/stat").ok()?;
    let space: String = space.to_string_lossy().chars().filter(char::is_ascii_digit).collect();
    Some(format!("{}.{space}", boot.trim()))
});

impl Owner {
    /// An owner in this process that is like no other.
    #[must_use]
    #[allow(clippy::new_without_default)] // two of them are never equal
    pub fn new() -> Self {
        let process = std::process::id();
        let host = HOST.as_deref().unwrap_or("-");
        let start = match start_of(process) {
            Ok(Some(start)) => start,
            _ => "-".to_owned(),
        };
        let number = RandomState::new().hash_one(process);
        Owner(format!("{host}/{process}/{start}/{number:016x}"))
    }

    /// The owner that was written so.
    #[must_use]
    pub fn of(text: impl Into<String>) -> Self {
        Owner(text.into())
    }

    /// The owner as it is written: machine, process, its start, and a random number.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether its process is known to have ended: it was one of this machine, and is no more.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        let mut parts = self.0.split('/');
        let (host, process, start) = (parts.next(), parts.next(), parts.next());
        let (Some(here), Some(process), Some(start)) = (HOST.as_deref(), process, start) else {
            return false;
        };
        let Ok(process) = process.parse() else { return false };
        // A number may have been given to another process since.
        host == Some(here)
            && start != "-"
            && start_of(process).is_ok_and(|now| now.as_deref() != Some(start))
    }
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// When a process began, in ticks since the machine did; `None` if there is no such process.
fn start_of(process: u32) -> io::Result<Option<String>> {
    let line = match fs::read_to_string(format!("/proc/{process}/stat")) {
        Ok(line) => line,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        // A process that ends while it is looked at.
        Err(error) if error.raw_os_error() == Some(3) => return Ok(None),
        Err(error) => return Err(error),
    };
    // The name, in parentheses, may hold anything; state and start are the 1st and 20th after it.
    let rest = line.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut fields = rest.split_ascii_whitespace();
    match fields.next() {
        // Ended, but nobody has asked yet how.
        Some("Z" | "X") => Ok(None),
        Some(_) => Ok(Some(fields.nth(18).unwrap_or("-").to_owned())),
        None => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// A lease that is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewLease {
    /// Who asks.
    pub owner: Owner,
    /// On which rules, ascending.
    pub rules: Vec<i64>,
    /// When, by the clock of who asks.
    pub at: DateTime<Utc>,
    /// For how long, unless it is renewed.
    pub duration: TimeDelta,
}

/// A lease that was given: the right to publish these rules while nobody has taken it over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lease {
    /// Who has it.
    pub owner: Owner,
    /// Greater than that of every lease before: one that was taken over is known by it.
    pub fence: i64,
    /// On which rules, ascending.
    pub rules: Vec<i64>,
    /// For how long after each renewal.
    pub duration: TimeDelta,
}

/// What became of asking for a lease.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Leased {
    /// It is given, on all of the rules.
    Given(Lease),
    /// It is not, on none of them: others hold these.
    Held(Vec<LeaseRow>),
}

/// A lease on one rule as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseRow {
    /// The rule.
    pub rule_id: i64,
    /// Who has it.
    pub owner: Owner,
    /// See [`Lease::fence`].
    pub fence: i64,
    /// Since when.
    pub taken_at: DateTime<Utc>,
    /// When its owner last said that it is at work.
    pub renewed_at: DateTime<Utc>,
    /// Until when it holds if it is not renewed.
    pub expires_at: DateTime<Utc>,
}

impl LeaseRow {
    /// Whether it keeps others away: it has not expired, and its owner's process runs as far as one
    /// can tell.
    ///
    /// A lease that was renewed further in the future than it lasts was given by a clock that has been
    /// set back since, and has expired as well. Should its owner be at work after all, the fence
    /// keeps it from publishing.
    #[must_use]
    pub fn holds(&self, at: DateTime<Utc>) -> bool {
        let duration = self.expires_at - self.renewed_at;
        let ahead = self.renewed_at.signed_duration_since(at);
        at < self.expires_at && ahead < duration && !self.owner.has_ended()
    }

    /// Whether it keeps out who asks for a lease. An engine has one run at a time, so what is left
    /// in its own name is of a run that was given up.
    pub(super) fn keeps_out(&self, wanted: &NewLease) -> bool {
        self.owner != wanted.owner && self.holds(wanted.at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processes_are_known_by_number_and_start() {
        let own = Owner::new();
        assert!(!own.has_ended());
        assert!(!Owner::of("elsewhere/1/2/3").has_ended());
        assert!(!Owner::of("").has_ended());
        let mut parts: Vec<&str> = own.as_str().split('/').collect();
        if parts.first() == Some(&"-") {
            return; // not a machine on which it can be told
        }
        // A process of that number that began at another time was another one.
        parts[2] = "1";
        assert!(Owner::of(parts.join("/")).has_ended());
        let mut child = std::process::Command::new("sleep").arg("60").spawn().unwrap();
        let start = start_of(child.id()).unwrap().unwrap();
        let (number, host) = (child.id().to_string(), parts[0]);
        let owner = Owner::of(format!("{host}/{number}/{start}/0"));
        assert!(!owner.has_ended());
        child.kill().unwrap();
        // Before anybody has waited for it, and after.
        while !owner.has_ended() {
            std::thread::yield_now();
        }
        child.wait().unwrap();
        assert!(owner.has_ended());
    }

    #[test]
    fn leases_hold_near_their_renewal() {
        let at = |second: i64| DateTime::from_timestamp(second, 0).unwrap();
        let row = LeaseRow {
            rule_id: 1,
            owner: Owner::of("elsewhere/1/2/3"),
            fence: 1,
            taken_at: at(0),
            renewed_at: at(1_000),
            expires_at: at(1_030),
        };
        let holds: Vec<bool> =
            [900, 970, 971, 1_000, 1_029, 1_030].map(|second| row.holds(at(second))).into();
        assert_eq!(holds, [false, false, true, true, true, false]);
    }
}
