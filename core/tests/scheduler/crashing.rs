//! A catalog that several engines of one process share as if they were processes of their own: one
//! of them can end between any two steps, and what becomes of schedules is written down.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, TimeDelta, Utc};
use segmentry::{
    Catalog, CatalogUpkeep, Check, Code, Dropped, Erased, Error, Key, KeyColumn, KeyType, Lease,
    LeaseRow, Leased, MemoryCatalog, NewLease, NewRun, NewSegment, Owner, Page, Published,
    QueuedRow, Result, RuleChange, RuleSet, RuleVersion, RunRow, ScheduleRow, SegmentRow, Settled,
    StoredMembers, VersionRow,
};

/// What was published and settled, in order.
#[derive(Clone, Debug)]
pub struct Settlement {
    /// `None` where firings were only counted, or a run failed as a whole.
    pub run: Option<i64>,
    pub published: Vec<i64>,
    pub schedules: Vec<ScheduleRow>,
}

/// What lasts: the catalog and what was seen of it.
#[derive(Debug, Default)]
pub struct Lasting {
    pub catalog: MemoryCatalog,
    pub settled: Mutex<Vec<Settlement>>,
}

/// One process's way to the catalog.
#[derive(Clone, Debug)]
pub struct Crashing {
    lasting: Arc<Lasting>,
    fate: Arc<Fate>,
}

/// What becomes of a process.
#[derive(Debug)]
pub struct Fate {
    /// So many more calls are answered; the last one is made, and its answer lost.
    calls: AtomicI64,
    /// Before so many more publications another process takes over, because this one stood still.
    stolen: AtomicI64,
    /// Publications are answered as if others had always been quicker.
    outrun: AtomicBool,
}

/// More calls than a scenario makes.
const FOREVER: i64 = 1 << 40;

impl Fate {
    /// The process ends after so many more calls.
    pub fn end_after(&self, calls: i64) {
        self.calls.store(calls, Ordering::SeqCst);
    }

    /// The process's lease is taken over before its next publication.
    pub fn steal(&self) {
        self.stolen.store(1, Ordering::SeqCst);
    }

    /// No publication comes through from now on.
    pub fn outrun(&self) {
        self.outrun.store(true, Ordering::SeqCst);
    }

    pub fn has_ended(&self) -> bool {
        self.calls.load(Ordering::SeqCst) <= 0
    }
}

impl Crashing {
    pub fn new(lasting: &Arc<Lasting>) -> (Self, Arc<Fate>) {
        let (calls, stolen) = (AtomicI64::new(FOREVER), AtomicI64::new(0));
        let fate = Fate { calls, stolen, outrun: AtomicBool::new(false) };
        let fate = Arc::new(fate);
        (Crashing { lasting: Arc::clone(lasting), fate: Arc::clone(&fate) }, fate)
    }

    fn call<T>(&self, work: impl FnOnce(&MemoryCatalog) -> Result<T>) -> Result<T> {
        let ended = || Error::new(Code::Io, "the process has ended");
        match self.fate.calls.fetch_sub(1, Ordering::SeqCst) {
            ..=0 => Err(ended()),
            // Done, but nobody is there to hear of it.
            1 => work(&self.lasting.catalog).and_then(|_| Err(ended())),
            _ => work(&self.lasting.catalog),
        }
    }

    fn note(&self, settlement: Settlement) {
        self.lasting.settled.lock().unwrap().push(settlement);
    }
}

impl Catalog for Crashing {
    fn location(&self) -> String {
        self.lasting.catalog.location()
    }

    fn revision(&self) -> Result<i64> {
        self.call(|catalog| catalog.revision())
    }

    fn rules(&self) -> Result<RuleSet> {
        self.call(|catalog| catalog.rules())
    }

    fn change_rules(&self, at: i64, changes: &[RuleChange], when: DateTime<Utc>) -> Result<bool> {
        self.call(|catalog| catalog.change_rules(at, changes, when))
    }

    fn rule_history(&self, id: i64) -> Result<Vec<RuleVersion>> {
        self.call(|catalog| catalog.rule_history(id))
    }

    fn key_type(&self) -> Result<Option<KeyType>> {
        self.call(|catalog| catalog.key_type())
    }

    fn keys(&self, from: u32) -> Result<Option<KeyColumn>> {
        self.call(|catalog| catalog.keys(from))
    }

    fn append_keys(&self, count: u32, keys: &KeyColumn) -> Result<bool> {
        self.call(|catalog| catalog.append_keys(count, keys))
    }

    fn publish(&self, run: &NewRun, segments: &[NewSegment]) -> Result<Published> {
        self.call(|catalog| catalog.publish(run, segments))
    }

    fn lease(&self, wanted: &NewLease) -> Result<Leased> {
        self.call(|catalog| catalog.lease(wanted))
    }

    fn renew(&self, lease: &Lease, at: DateTime<Utc>) -> Result<bool> {
        self.call(|catalog| catalog.renew(lease, at))
    }

    fn release(&self, lease: &Lease) -> Result<()> {
        self.call(|catalog| catalog.release(lease))
    }

    fn leases(&self) -> Result<Vec<LeaseRow>> {
        self.call(|catalog| catalog.leases())
    }

    fn publish_under(
        &self,
        lease: &Lease,
        run: &NewRun,
        segments: &[NewSegment],
        settled: &Settled,
    ) -> Result<Published> {
        if self.fate.stolen.swap(0, Ordering::SeqCst) > 0 {
            let wanted = NewLease {
                owner: Owner::of("elsewhere/1/1/thief"),
                rules: lease.rules.clone(),
                at: run.finished_at + TimeDelta::days(10),
                duration: TimeDelta::seconds(1),
            };
            let taken = self.lasting.catalog.lease(&wanted).unwrap();
            let Leased::Given(taken) = taken else { panic!("{taken:?}") };
            self.lasting.catalog.release(&taken).unwrap();
        }
        if self.fate.outrun.load(Ordering::SeqCst) {
            return Ok(Published::Stale(lease.rules.clone()));
        }
        self.call(|catalog| {
            let published = catalog.publish_under(lease, run, segments, settled)?;
            if let Published::Run(id) = &published {
                self.note(Settlement {
                    run: Some(*id),
                    published: segments.iter().map(|segment| segment.rule_id).collect(),
                    schedules: settled.schedules.clone(),
                });
            }
            Ok(published)
        })
    }

    fn keep_schedules(&self, lease: &Lease, schedules: &[ScheduleRow]) -> Result<()> {
        self.call(|catalog| {
            catalog.keep_schedules(lease, schedules)?;
            let schedules = schedules.to_vec();
            self.note(Settlement { run: None, published: Vec::new(), schedules });
            Ok(())
        })
    }

    fn schedules(&self) -> Result<Vec<ScheduleRow>> {
        self.call(|catalog| catalog.schedules())
    }

    fn enqueue(&self, rule_id: i64, at: DateTime<Utc>) -> Result<i64> {
        self.call(|catalog| catalog.enqueue(rule_id, at))
    }

    fn queued(&self) -> Result<Vec<QueuedRow>> {
        self.call(|catalog| catalog.queued())
    }

    fn runs(&self, page: &Page) -> Result<(Vec<RunRow>, i64)> {
        self.call(|catalog| catalog.runs(page))
    }

    fn run(&self, id: i64) -> Result<Option<RunRow>> {
        self.call(|catalog| catalog.run(id))
    }

    fn segments(&self, page: &Page) -> Result<(Vec<SegmentRow>, i64)> {
        self.call(|catalog| catalog.segments(page))
    }

    fn segment(&self, rule_id: i64) -> Result<Option<SegmentRow>> {
        self.call(|catalog| catalog.segment(rule_id))
    }

    fn versions(&self, rule_id: i64) -> Result<Vec<VersionRow>> {
        self.call(|catalog| catalog.versions(rule_id))
    }

    fn members(&self, members_id: i64) -> Result<StoredMembers> {
        self.call(|catalog| catalog.members(members_id))
    }
}

impl CatalogUpkeep for Crashing {
    fn check(&self) -> Result<Check> {
        self.call(|catalog| catalog.check())
    }

    fn drop_versions(&self, rule_id: i64, before: i64) -> Result<Dropped> {
        self.call(|catalog| catalog.drop_versions(rule_id, before))
    }

    fn drop_runs(&self, before: i64) -> Result<u64> {
        self.call(|catalog| catalog.drop_runs(before))
    }

    fn shrink(&self) -> Result<u64> {
        self.call(|catalog| catalog.shrink())
    }

    fn bytes(&self) -> u64 {
        self.lasting.catalog.bytes()
    }

    fn backup(&self, path: &Path) -> Result<u64> {
        self.call(|catalog| catalog.backup(path))
    }

    fn forget(&self, key: &Key) -> Result<Erased> {
        self.call(|catalog| catalog.forget(key))
    }

    fn forgotten(&self, from: usize) -> Result<Vec<u32>> {
        self.call(|catalog| catalog.forgotten(from))
    }

    fn versions_after(&self, run: i64, until: i64) -> Result<Vec<(i64, VersionRow)>> {
        self.call(|catalog| catalog.versions_after(run, until))
    }

    fn max_changes(&self) -> Result<BTreeMap<i64, f64>> {
        self.call(|catalog| catalog.max_changes())
    }

    fn set_max_change(&self, rule_id: i64, fraction: Option<f64>) -> Result<()> {
        self.call(|catalog| catalog.set_max_change(rule_id, fraction))
    }
}
