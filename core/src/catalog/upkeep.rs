//! Keeping house: what a catalog can do for itself besides answering.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::VersionRow;
use crate::error::{Code, Error, Result};
use crate::model::Key;

/// Something that is not as it was written, or can't be read as what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Damage {
    /// [`Code::Damaged`], or for a rule that can't be read the code of its first problem.
    pub code: Code,
    /// What it is: `version 3 of the segment of rule 7`.
    pub what: String,
    /// Where it is: a catalog or a folder.
    pub place: String,
    /// What is wrong with it.
    pub message: String,
    /// How to mend it.
    pub hint: String,
}

impl Damage {
    /// A damage of the code [`Code::Damaged`].
    pub fn new(
        what: impl Into<String>,
        place: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        let (what, place, message, hint) = (what.into(), place.into(), message.into(), hint.into());
        Damage { code: Code::Damaged, what, place, message, hint }
    }

    /// The answer as it is, or the damage that kept it from being read; other errors are errors.
    pub(crate) fn or<T>(
        answer: Result<T>,
        damage: impl FnOnce(&Error) -> Damage,
    ) -> Result<Result<T, Damage>> {
        match answer {
            Ok(answer) => Ok(Ok(answer)),
            Err(error) if error.code() == Code::Damaged => Ok(Err(damage(&error))),
            Err(error) => Err(error),
        }
    }
}

/// What was looked at, and what is wrong with it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Check {
    /// How many of each kind were looked at: `rules`, `segments`, `versions`, `runs`, `keys`,
    /// `pages`, `store tables`, `store parts`.
    pub looked_at: BTreeMap<String, u64>,
    /// Everything that is damaged; empty where all is well.
    pub damaged: Vec<Damage>,
}

impl Check {
    /// Whether nothing is damaged.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.damaged.is_empty()
    }

    /// Counts things that were looked at.
    pub fn saw(&mut self, kind: &str, count: usize) {
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        *self.looked_at.entry(kind.to_owned()).or_default() += count;
    }
}

/// What was dropped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Versions of segments.
    pub versions: u64,
    /// Bitmaps that only these versions had.
    pub bitmaps: u64,
}

/// Where a user was who is forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Whether the key was one's.
    pub known: bool,
    /// Segments of which any version had the user.
    pub segments: u64,
    /// These versions.
    pub versions: u64,
}

/// What a catalog does to stay small and sound.
pub trait CatalogUpkeep {
    /// Verifies what only the catalog itself can see: how it is stored, and the dictionary of keys.
    /// What its methods give is verified by whoever asks them. Damage is in the answer and is no
    /// error; no more than a piece of the dictionary is in memory at once.
    ///
    /// ```
    /// use segmentry::{CatalogUpkeep, SqliteCatalog};
    /// let catalog = SqliteCatalog::open(":memory:").unwrap();
    /// let check = catalog.check().unwrap();
    /// assert!(check.is_sound() && check.looked_at["pages"] > 0);
    /// ```
    ///
    /// # Errors
    /// [`Code::Busy`] and [`Code::Io`], as for every method of a catalog.
    fn check(&self) -> Result<Check>;

    /// Drops the versions of a rule's segment that are before the version `before`, with the
    /// members that only they had; never the current one. What leaned on those stands by itself
    /// then. Nothing of a rule without a segment.
    ///
    /// # Errors
    /// [`Code::Damaged`], and nothing is dropped, if what has to stand by itself can't be read.
    fn drop_versions(&self, rule_id: i64, before: i64) -> Result<Dropped>;

    /// Drops the runs with an id below `before` that no version is from, and says how many.
    ///
    /// # Errors
    /// As for every method of a catalog.
    fn drop_runs(&self, before: i64) -> Result<u64>;

    /// Gives the space of what was dropped back to the system, as far as others who read let it,
    /// and answers how many bytes there are then; 0 of a catalog that is in no file. The file is
    /// written anew for it, which takes as much room again; others can read meanwhile, and wait if
    /// they write.
    ///
    /// # Errors
    /// As for every method of a catalog.
    fn shrink(&self) -> Result<u64>;

    /// How many bytes it has on disk, its log included; 0 of a catalog that is in no file.
    fn bytes(&self) -> u64;

    /// Copies one state of the catalog to `path`, where it opens as a catalog, and answers the
    /// copy's bytes. The copy is written beside, flushed and then put there, so that it is whole or
    /// not there; others may read and write meanwhile.
    ///
    /// # Errors
    /// [`Code::AlreadyExists`] where something is at `path`, which stays as it is; [`Code::Io`];
    /// [`Code::Unsupported`] of a catalog that has no form of a file.
    fn backup(&self, path: &Path) -> Result<u64>;

    /// Forgets the user of that key: the dictionary has no key at the user's ordinal any more, which
    /// nobody else gets; no version of any segment has the user as a member, and all counts are
    /// as if none ever had. What versions are the answer to ([`NewSegment::basis`]) and where ranks
    /// ended ([`NewSegment::cutoffs`]) is forgotten too. Nothing of it is left in the catalog's
    /// file or its log when this returns, also of what was deleted before.
    ///
    /// The key is given a new ordinal when it is added again. [`NewSegment::forgotten`] keeps a run
    /// that began before from bringing the user back.
    ///
    /// # Errors
    /// [`Code::Damaged`], and nothing is done, if members can't be read and may hold the user;
    /// [`Code::Busy`] if another program still reads an earlier state: what it reads is in the log
    /// until the user is forgotten once more.
    ///
    /// [`NewSegment::basis`]: crate::NewSegment::basis
    /// [`NewSegment::cutoffs`]: crate::NewSegment::cutoffs
    /// [`NewSegment::forgotten`]: crate::NewSegment::forgotten
    fn forget(&self, key: &Key) -> Result<Erased>;

    /// The ordinals of users that were forgotten, after the first `from` of them, in that order.
    ///
    /// # Errors
    /// As for every method of a catalog.
    fn forgotten(&self, from: usize) -> Result<Vec<u32>>;

    /// Versions that were published by the first `runs` runs after the run `run_id` which have
    /// any, each with its rule: by run, then by rule.
    ///
    /// # Errors
    /// As for every method of a catalog.
    fn versions_after(&self, run_id: i64, runs: i64) -> Result<Vec<(i64, VersionRow)>>;

    /// By how much the sizes of segments may change, as a fraction, by rule: of those that have such
    /// a guard. A rule's goes with it.
    ///
    /// # Errors
    /// As for every method of a catalog.
    fn max_changes(&self) -> Result<BTreeMap<i64, f64>>;

    /// Sets a rule's guard, or takes it away.
    ///
    /// # Errors
    /// [`Code::NotFound`] if there is no such rule.
    fn set_max_change(&self, rule_id: i64, fraction: Option<f64>) -> Result<()>;
}
