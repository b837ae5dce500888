//! What is kept: rules and their earlier wordings, segments and their versions, runs, and the
//! dictionary that gives every user key its ordinal.
//!
//! [`Catalog`] is the seam: small, synchronous and object-safe. It stores and checks nothing of
//! the rule language; the engine does. Every method is atomic: what it changes is seen whole or
//! not at all, by this process and by others.

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::error::Result;
use crate::model::{KeyColumn, KeyType};

mod lease;
mod memory;
mod memory_leases;
mod sqlite;
mod stored;
mod timetable;
mod upkeep;

pub use lease::{Lease, LeaseRow, Leased, NewLease, Owner};
pub use memory::MemoryCatalog;
pub use sqlite::SqliteCatalog;
pub use timetable::{QueuedRow, ScheduleRow, Settled};
pub use upkeep::{CatalogUpkeep, Check, Damage, Dropped, Erased};

/// The text of a rule as the columns of `rule_table`.
///
/// Members that the rule does not have are `None`. `conditions`, `depends_on`, `include` and
/// `exclude` are JSON. A row that another program wrote may hold anything; parsing says what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleText {
    /// The unique name.
    pub rule_name: String,
    /// What the rule is for.
    pub description: Option<String>,
    /// JSON of the conditions.
    pub conditions: Option<String>,
    /// Five-field cron or a nickname.
    pub schedule: Option<String>,
    /// IANA zone.
    pub timezone: Option<String>,
    /// First day or instant of the default window, as written.
    pub start_date: Option<String>,
    /// Last day or instant of the default window, as written.
    pub end_date: Option<String>,
    /// JSON list of rule ids.
    pub depends_on: Option<String>,
    /// `INTERSECTION`, `UNION` or `DIFFERENCE`.
    pub operation: Option<String>,
    /// JSON list of keys.
    pub include: Option<String>,
    /// JSON list of keys.
    pub exclude: Option<String>,
    /// Whether the rule takes part in its schedule and in "refresh all".
    pub enabled: bool,
}

/// A rule as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleRow {
    /// Given once, never reused.
    pub id: i64,
    /// 1 for the first wording, one more with each change.
    pub version: i64,
    /// When the rule was first written; `None` where another program left it out.
    pub created_at: Option<DateTime<Utc>>,
    /// When it was last changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// The present wording.
    pub text: RuleText,
}

/// All rules at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleSet {
    /// Grows with every change of any rule, whoever made it.
    pub revision: i64,
    /// The id that the next new rule gets, above every id ever given.
    pub next_id: i64,
    /// Ascending by id.
    pub rules: Vec<RuleRow>,
}

/// One change of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleChange {
    /// A new rule under `id`, which is [`RuleSet::next_id`] or, for several, the ids after it.
    Insert {
        /// The new rule's id.
        id: i64,
        /// Its wording.
        text: RuleText,
    },
    /// A new wording of an existing rule.
    Update {
        /// The rule's id.
        id: i64,
        /// The new wording.
        text: RuleText,
    },
    /// The rule, its segment and all of the segment's versions go; its history stays.
    Delete {
        /// The rule's id.
        id: i64,
    },
}

/// One wording that a rule has or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleVersion {
    /// 1 for the first.
    pub version: i64,
    /// Since when.
    pub at: DateTime<Utc>,
    /// The wording; `None` marks the deletion.
    pub text: Option<RuleText>,
}

/// The current segment of a rule: a row of `segment_catalog`. As JSON it has what is for people, and
/// not what the engine keeps for its next run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SegmentRow {
    /// `segment_catalog.id`.
    pub id: i64,
    /// The rule it belongs to.
    pub rule_id: i64,
    /// The rule's name when it was computed.
    pub segment_name: String,
    /// The rule's description when it was computed.
    pub description: Option<String>,
    /// `segment_output_<rule id>`.
    pub table_name: String,
    /// How many members it has.
    pub row_count: i64,
    /// The rule as SQL, for people.
    pub sql_query: Option<String>,
    /// When the run that published it finished.
    #[serde(with = "crate::document::instant::option")]
    pub last_refreshed_at: Option<DateTime<Utc>>,
    /// The version that is current; `None` for a row of the original, which kept no members.
    pub current: Option<VersionRow>,
    /// JSON of the column types that the rule was bound to, see [`NewSegment::column_types`].
    #[serde(skip)]
    pub column_types: Option<String>,
    /// JSON of what the members were taken from, see [`NewSegment::reused`].
    #[serde(skip)]
    pub reused: Option<String>,
    /// JSON of what they are the answer to, see [`NewSegment::basis`].
    #[serde(skip)]
    pub basis: Option<String>,
    /// JSON of where the rule's ranks end, see [`NewSegment::cutoffs`].
    #[serde(skip)]
    pub cutoffs: Option<String>,
}

/// One version of a segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VersionRow {
    /// 1 for the first, counted per rule.
    pub version: i64,
    /// The version of the rule's wording that it answers.
    pub rule_version: i64,
    /// The instant that it is about.
    #[serde(with = "crate::document::instant")]
    pub as_of: DateTime<Utc>,
    /// The run that published it.
    pub run_id: i64,
    /// How many members it has.
    pub row_count: i64,
    /// Members that the version before did not have.
    pub entered: i64,
    /// Members of the version before that are gone.
    pub exited: i64,
    /// Names the stored members; versions with the same members share them.
    #[serde(skip)]
    pub members_id: i64,
    /// How many differences they are kept as, beyond the whole bitmap that these begin with.
    #[serde(skip)]
    pub differences: i64,
    /// How many bytes those differences have together.
    #[serde(skip)]
    pub difference_bytes: i64,
}

/// How the members of a new version are to be kept.
///
/// Whoever publishes decides: a difference is worth it where few members changed, and
/// [`VersionRow::differences`] tells how many have to be put together already to read the current
/// version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NewMembers {
    /// They are those of the current version, which serve again; nothing is written.
    Unchanged,
    /// All of them, as a portable Roaring bitmap of ordinals.
    Whole(Vec<u8>),
    /// Those that entered or exited since the current version, as a portable Roaring bitmap of
    /// ordinals.
    Difference(Vec<u8>),
}

/// The members of a version as they are kept.
///
/// A user is a member who is in an odd number of these bitmaps: a difference takes out those who
/// are in and puts in those who are not.
///
/// ```
/// use segmentry::{Catalog, MemoryCatalog, NewMembers, NewRun, NewSegment, RuleChange, RuleText};
/// # let at = "2025-01-01T00:00:00Z".parse().unwrap();
/// # let run = NewRun { as_of: at, started_at: at, finished_at: at, report: "{}".into() };
/// # let segment = |since_version, members| NewSegment {
/// #     rule_id: 1, rule_version: 1, segment_name: "Adults".into(), description: None,
/// #     sql_query: String::new(), row_count: 0, entered: 0, exited: 0, members, since_version,
/// #     column_types: "{}".into(), reused: "[]".into(), basis: "null".into(),
/// #     cutoffs: "{}".into(), forgotten: 0,
/// # };
/// let catalog = MemoryCatalog::new();
/// let revision = catalog.revision().unwrap();
/// let adults = RuleText { rule_name: "Adults".into(), ..RuleText::default() };
/// catalog.change_rules(revision, &[RuleChange::Insert { id: 1, text: adults }], at).unwrap();
/// catalog.publish(&run, &[segment(0, NewMembers::Whole(b"bitmap".into()))]).unwrap();
/// catalog.publish(&run, &[segment(1, NewMembers::Difference(b"change".into()))]).unwrap();
///
/// let current = catalog.segment(1).unwrap().unwrap().current.unwrap();
/// assert_eq!((current.version, current.differences, current.difference_bytes), (2, 1, 6));
/// let stored = catalog.members(current.members_id).unwrap();
/// assert_eq!(stored.whole, b"bitmap");
/// assert_eq!(stored.differences, [b"change"]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoredMembers {
    /// Portable Roaring bitmap of ordinals.
    pub whole: Vec<u8>,
    /// What changed since, the oldest first, as portable Roaring bitmaps of ordinals.
    pub differences: Vec<Vec<u8>>,
}

/// A segment that a run computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSegment {
    /// The rule it belongs to.
    pub rule_id: i64,
    /// The wording it answers; publication fails if the rule has another by then.
    pub rule_version: i64,
    /// The rule's name.
    pub segment_name: String,
    /// The rule's description.
    pub description: Option<String>,
    /// The rule as SQL, for people.
    pub sql_query: String,
    /// How many members it has.
    pub row_count: i64,
    /// Members that the version before did not have.
    pub entered: i64,
    /// Members of the version before that are gone.
    pub exited: i64,
    /// The members, by themselves or by those of the current version.
    pub members: NewMembers,
    /// The current version that `entered`, `exited` and `members` were worked out against, 0 for
    /// none; publication fails if there is another by then.
    pub since_version: i64,
    /// JSON object `{"table.column": "type"}` of the columns that the rule reads.
    pub column_types: String,
    /// JSON list of the segments that the members were computed from beyond those that the rule
    /// names, as in the run's report.
    pub reused: String,
    /// JSON of what the members are the answer to: the rule's meaning and the state of the tables
    /// that it was computed from. A later run may take the members again where both are the same.
    pub basis: String,
    /// JSON object of where the rule's ranks end, by what each means: with which user, or nowhere.
    /// One user is explained from them without looking at all others.
    pub cutoffs: String,
    /// How many users had been forgotten when the members were worked out; publication fails if
    /// there are more by then, who might be among them.
    pub forgotten: i64,
}

/// One run: a refresh of one or more rules at one `as_of`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRun {
    /// The instant that the run is about.
    pub as_of: DateTime<Utc>,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// When it was ready to publish.
    pub finished_at: DateTime<Utc>,
    /// JSON of the run's report, without its id.
    pub report: String,
}

/// A run as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunRow {
    /// Ascending in the order in which runs were published or, if they were queued, asked for.
    pub id: i64,
    /// What was recorded.
    pub run: NewRun,
}

/// What became of a publication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Published {
    /// Everything is seen, as this run.
    Run(i64),
    /// Nothing is: these rules, ascending, were changed, deleted or refreshed by others meanwhile,
    /// or a user was forgotten.
    Stale(Vec<i64>),
}

/// Which part of a long list is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// Only entries whose name contains this, in any case (ASCII).
    pub search: Option<String>,
    /// How many to pass over.
    pub offset: i64,
    /// How many to give at most.
    pub limit: i64,
}

/// Where Segmentry keeps what it keeps.
///
/// Implementations answer [`Code::Damaged`](crate::Code::Damaged) when stored bytes are not what
/// was written, [`Code::Busy`](crate::Code::Busy) when another process keeps the lock for too
/// long, and [`Code::Io`](crate::Code::Io) when the system refuses.
pub trait Catalog: CatalogUpkeep + Send + Sync + Debug {
    /// Where it is, for messages: a path or `:memory:`.
    fn location(&self) -> String;

    /// The present [`RuleSet::revision`]: whoever has the rules of that revision has those of now.
    fn revision(&self) -> Result<i64>;

    /// All rules, from one snapshot.
    fn rules(&self) -> Result<RuleSet>;

    /// Makes all of the changes, if the revision is still `revision`; otherwise `false` and none.
    /// Each inserted or changed wording is added to the rule's history.
    fn change_rules(
        &self,
        revision: i64,
        changes: &[RuleChange],
        at: DateTime<Utc>,
    ) -> Result<bool>;

    /// Every wording that a rule had, oldest first; empty if there never was such a rule.
    fn rule_history(&self, id: i64) -> Result<Vec<RuleVersion>>;

    /// The kind of the keys in the dictionary, or `None` while it is empty.
    fn key_type(&self) -> Result<Option<KeyType>>;

    /// The keys from ordinal `from` on, in the order of their ordinals, or `None` if there are
    /// none. Where a user was forgotten there is a null.
    fn keys(&self, from: u32) -> Result<Option<KeyColumn>>;

    /// Adds keys after the first `count`; `false`, and nothing added, if there are more than
    /// `count` by now. Keys of another kind than those there are refused with
    /// [`Code::BadKey`](crate::Code::BadKey).
    fn append_keys(&self, count: u32, keys: &KeyColumn) -> Result<bool>;

    /// Records a run and makes all of its segments current, in one transaction. Members that lean
    /// on those of a current version that is not there are refused with
    /// [`Code::Internal`](crate::Code::Internal).
    fn publish(&self, run: &NewRun, segments: &[NewSegment]) -> Result<Published>;

    /// Gives a lease on all of the rules, or on none: one that another owner has is taken over only
    /// once it [no longer holds](LeaseRow::holds).
    fn lease(&self, wanted: &NewLease) -> Result<Leased>;

    /// Lets a lease hold on from `at`; `false`, and nothing changed, if it was taken over or given
    /// back on any of its rules.
    fn renew(&self, lease: &Lease, at: DateTime<Utc>) -> Result<bool>;

    /// Gives a lease back. What was taken over stays with who took it.
    fn release(&self, lease: &Lease) -> Result<()>;

    /// All leases that were not given back, by rule; some may have expired.
    fn leases(&self) -> Result<Vec<LeaseRow>>;

    /// The same as [`Catalog::publish`] for who holds a lease on the rules of all segments and
    /// schedules, which it settles and gives back in the same transaction; a stale run keeps its
    /// lease. Nothing is changed, and the error is [`Code::LeaseLost`](crate::Code::LeaseLost), if
    /// the lease was taken over on any of its rules, expired or not.
    fn publish_under(
        &self,
        lease: &Lease,
        run: &NewRun,
        segments: &[NewSegment],
        settled: &Settled,
    ) -> Result<Published>;

    /// Keeps schedules for who holds a lease on their rules, which it keeps;
    /// [`Code::LeaseLost`](crate::Code::LeaseLost) as for [`Catalog::publish_under`].
    fn keep_schedules(&self, lease: &Lease, schedules: &[ScheduleRow]) -> Result<()>;

    /// What is kept of schedules, by rule. A rule that is deleted has nothing any more.
    fn schedules(&self) -> Result<Vec<ScheduleRow>>;

    /// Puts a run of a rule in the queue and answers the id that it will have. One that is there
    /// already and has not begun serves again; it has begun if a lease on the rule was taken since.
    fn enqueue(&self, rule_id: i64, at: DateTime<Utc>) -> Result<i64>;

    /// Runs that were asked for and have not been yet, the oldest first.
    fn queued(&self) -> Result<Vec<QueuedRow>>;

    /// Runs, newest first, and how many there are in all; `search` is ignored.
    fn runs(&self, page: &Page) -> Result<(Vec<RunRow>, i64)>;

    /// The run with that id, or of which a queued run with that id became part.
    fn run(&self, id: i64) -> Result<Option<RunRow>>;

    /// Segments by ascending `id`, and how many match in all.
    fn segments(&self, page: &Page) -> Result<(Vec<SegmentRow>, i64)>;

    /// The segment of a rule.
    fn segment(&self, rule_id: i64) -> Result<Option<SegmentRow>>;

    /// The versions of a rule's segment, oldest first.
    fn versions(&self, rule_id: i64) -> Result<Vec<VersionRow>>;

    /// Members as they were published. [`Code::Damaged`](crate::Code::Damaged), naming the version,
    /// also where a bitmap that they lean on is not what was written;
    /// [`Code::NotFound`](crate::Code::NotFound) where there are none of that name.
    fn members(&self, members_id: i64) -> Result<StoredMembers>;
}
