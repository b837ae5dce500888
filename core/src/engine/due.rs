//! What is due: which rules' schedules have fired since they were last dealt with.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use serde::Serialize;

use crate::catalog::{ScheduleRow, SegmentRow};
use crate::error::{Code, Error, Result};
use crate::rule::{RuleRef, Schedule};

use super::rule_store::{Parsed, Rules};
use super::{SegmentEngine, Shared};

/// The most firings that are told at once.
const MAX_RUNS: usize = 10_000;

/// No pause before a rule that failed is tried again is longer: a longer one is due to a clock that
/// has been set back since.
pub(super) const MAX_PAUSE: TimeDelta = TimeDelta::days(1);

/// A rule that is due.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct DueRule {
    /// The rule.
    pub rule_id: i64,
    /// Its name.
    pub rule_name: String,
    /// Its schedule in words, with its zone.
    pub schedule: String,
    /// The firing that it is due for: the last one. Of a rule that is tried again after a failure it may
    /// be the one that failed.
    #[serde(with = "crate::document::instant")]
    pub firing: DateTime<Utc>,
    /// How many firings there were before it that had no run.
    pub missed: u64,
    /// How many runs of it have failed since the last good one.
    pub failures: u64,
}

/// A rule with its schedule, and what is known of how far it is dealt with.
#[derive(Clone, Debug)]
pub(super) struct Timed {
    pub(super) parsed: Arc<Parsed>,
    pub(super) schedule: Schedule,
    pub(super) zone: Tz,
    pub(super) row: ScheduleRow,
    /// What the rule's segment is about, if it has one.
    pub(super) refreshed: Option<DateTime<Utc>>,
}

impl SegmentEngine {
    /// The rules that are due at an instant, by id; now, if none is said.
    ///
    /// A rule is due if it is enabled and its schedule has fired, at that instant or before, since it
    /// was last run, attempted or counted as missed, or since it was created; one whose last run
    /// failed is due once its pause is over, or its wording another.
    ///
    /// # Errors
    /// Errors of the catalog.
    pub async fn due(&self, at: Option<DateTime<Utc>>) -> Result<Vec<DueRule>> {
        let at = at.unwrap_or_else(|| self.shared.clock.now());
        let rules = self.shared.rules().await?;
        let timed = self.shared.due(&rules, at).await?;
        Ok(timed.iter().filter_map(|timed| timed.due(at)).collect())
    }

    /// The next firings of a rule after now, at most `n`: none without a schedule, with one that never
    /// fires, or while the rule is not enabled.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{ArrayRef, Int64Array, RecordBatch};
    /// # use segmentry::{AudienceModel, ManualClock, SegmentEngine};
    /// # #[tokio::main]
    /// # async fn main() -> segmentry::Result<()> {
    /// # let model = AudienceModel::parse(r#"{"users": {"table": "people", "key": "id"}}"#)?;
    /// # let ids: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    /// let clock = Arc::new(ManualClock::new("2025-01-03T12:00:00Z".parse().unwrap()));
    /// let engine = SegmentEngine::builder().clock(clock.clone()).model(model).build().await?;
    /// # engine.add_arrow("people", vec![RecordBatch::try_from_iter([("id", ids)]).unwrap()])?;
    /// let rule = engine.create_rule(r#"{
    ///     "rule_name": "Everyone", "conditions": [],
    ///     "schedule": "0 6 * * 1-5", "timezone": "Asia/Kolkata"
    /// }"#).await?;
    /// let next = engine.next_runs(rule, 2).await?;
    /// assert_eq!(next[0].to_rfc3339(), "2025-01-06T00:30:00+00:00"); // Monday
    ///
    /// clock.set("2025-01-07T00:30:00Z".parse().unwrap());
    /// let due = engine.due(None).await?;
    /// assert_eq!(due[0].firing, next[1]);
    /// assert_eq!((due[0].missed, &*due[0].schedule), (1, "at 06:00 on weekdays, Asia/Kolkata"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Code::NotFound`]; [`Code::LimitExceeded`] for more than 10,000; [`Code::BadSchedule`] and
    /// [`Code::BadTimezone`] of a rule that another program wrote; errors of the catalog.
    pub async fn next_runs(
        &self,
        rule: impl Into<RuleRef>,
        n: usize,
    ) -> Result<Vec<DateTime<Utc>>> {
        if n > MAX_RUNS {
            let message = format!("no more than {MAX_RUNS} runs can be told at once, found {n}");
            return Err(Error::new(Code::LimitExceeded, message));
        }
        let rules = self.shared.rules().await?;
        let parsed = rules.find(&rule.into())?;
        let Some((schedule, zone)) = self.shared.schedule_of(parsed)? else {
            return Ok(Vec::new());
        };
        let next = |at: &DateTime<Utc>| schedule.next_after(*at, zone);
        let first = next(&self.shared.clock.now()).filter(|_| parsed.row.text.enabled);
        Ok(std::iter::successors(first, next).take(n).collect())
    }
}

impl Shared {
    /// A rule's schedule and zone. A rule of which other parts can't be read still has them, so that
    /// it fails when it is due and is seen to.
    pub(super) fn schedule_of(&self, parsed: &Parsed) -> Result<Option<(Schedule, Tz)>> {
        // Inferred models are in UTC.
        let default = self.model.as_ref().map_or(Tz::UTC, |model| model.timezone);
        if let Ok(rule) = &parsed.rule {
            let zone = rule.timezone.unwrap_or(default);
            return Ok(rule.schedule.clone().map(|schedule| (schedule, zone)));
        }
        let text = &parsed.row.text;
        let Some(schedule) = &text.schedule else { return Ok(None) };
        let schedule =
            Schedule::parse(schedule).map_err(|fault| Error::new(Code::BadSchedule, fault))?;
        let zone = match &text.timezone {
            None => default,
            Some(name) => crate::model::parse_zone(name).ok_or_else(|| {
                Error::new(Code::BadTimezone, format!("{name:?} is no IANA time zone"))
            })?,
        };
        Ok(Some((schedule, zone)))
    }

    /// All rules with a schedule, and those whose schedule can't be read.
    pub(super) async fn timed(
        &self,
        rules: &Rules,
        segments: &BTreeMap<i64, SegmentRow>,
    ) -> Result<(Vec<Timed>, Vec<(Arc<Parsed>, Error)>)> {
        let rows = self.catalog(|catalog| catalog.schedules()).await?;
        let mut rows: BTreeMap<i64, ScheduleRow> =
            rows.into_iter().map(|row| (row.rule_id, row)).collect();
        let (mut timed, mut broken) = (Vec::new(), Vec::new());
        for parsed in &rules.rules {
            let id = parsed.row.id;
            match self.schedule_of(parsed) {
                Ok(None) => {}
                Err(error) => broken.push((Arc::clone(parsed), error)),
                Ok(Some((schedule, zone))) => timed.push(Timed {
                    parsed: Arc::clone(parsed),
                    schedule,
                    zone,
                    row: rows
                        .remove(&id)
                        .unwrap_or(ScheduleRow { rule_id: id, ..Default::default() }),
                    refreshed: segments.get(&id).and_then(refreshed),
                }),
            }
        }
        Ok((timed, broken))
    }

    /// The rules that are due. Segments are looked at only where a schedule has fired.
    pub(super) async fn due(&self, rules: &Rules, at: DateTime<Utc>) -> Result<Vec<Timed>> {
        let (mut timed, _) = self.timed(rules, &BTreeMap::new()).await?;
        timed.retain(|timed| timed.due(at).is_some());
        if timed.is_empty() {
            return Ok(timed);
        }
        let segments = self.segment_rows().await?;
        for timed in &mut timed {
            timed.refreshed = segments.get(&timed.row.rule_id).and_then(refreshed);
        }
        timed.retain(|timed| timed.due(at).is_some());
        Ok(timed)
    }
}

/// The instant that a segment is up to date for. One that is about a later one knew no more.
fn refreshed(segment: &SegmentRow) -> Option<DateTime<Utc>> {
    let as_of = segment.current.as_ref()?.as_of;
    Some(segment.last_refreshed_at.map_or(as_of, |at| at.min(as_of)))
}

impl Timed {
    pub(super) fn is_enabled(&self) -> bool {
        self.parsed.row.text.enabled
    }

    /// Firings until this one are dealt with, or were before there was the rule.
    pub(super) fn handled(&self) -> Option<DateTime<Utc>> {
        self.row.handled_until.or(self.parsed.row.created_at)
    }

    /// Whether it waits after a failure.
    pub(super) fn waits(&self, at: DateTime<Utc>) -> bool {
        let same = self.row.failed_version == self.parsed.row.version;
        let pause = self.row.retry_at.map(|retry| retry.signed_duration_since(at));
        same && pause.is_some_and(|pause| pause > TimeDelta::zero() && pause <= MAX_PAUSE)
    }

    /// The last firing that is not dealt with.
    pub(super) fn firing(&self, at: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let last = self.schedule.last_until(at, self.zone)?;
        self.handled().is_none_or(|handled| handled < last).then_some(last)
    }

    /// How many firings before `firing` were not dealt with.
    pub(super) fn missed(&self, firing: DateTime<Utc>) -> u64 {
        // Of a rule that has always been there nothing is known to have been missed.
        let count = |from| self.schedule.count(from, firing, self.zone);
        self.handled().map_or(0, |from| count(from).saturating_sub(1))
    }

    /// What it is due for at an instant, if it is.
    pub(super) fn due(&self, at: DateTime<Utc>) -> Option<DueRule> {
        if !self.is_enabled() || self.waits(at) {
            return None;
        }
        let fired = self.firing(at);
        let firing = match self.row.failures {
            0 => fired.filter(|firing| self.refreshed.is_none_or(|at| at < *firing))?,
            _ => fired.or(self.row.handled_until)?,
        };
        Some(DueRule {
            rule_id: self.row.rule_id,
            rule_name: self.parsed.row.text.rule_name.clone(),
            schedule: self.schedule.describe(self.zone),
            firing,
            missed: fired.map_or(0, |firing| self.missed(firing)),
            failures: u64::try_from(self.row.failures).unwrap_or(0),
        })
    }
}
