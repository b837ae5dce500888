//! The plan of a sequence: the events that may be one of its steps, reduced to one row per user.

use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit, when};

use crate::error::{Code, Error, Result};
use crate::predicate::{BoundSequence, Predicate, Source};

use super::expr::plain;
use super::sequence::{Steps, sequence};
use super::stream::Streams;
use super::times::Clock;
use super::{Planner, internal, named, table_name};

/// The events of one table with the steps that they may be.
struct Scan<'a> {
    source: &'a Source,
    /// The filters of the steps, by the steps' places.
    filters: Vec<(usize, &'a Predicate)>,
}

fn alias(index: usize) -> String {
    format!("sequence_{index}")
}

/// The column of a sequence's user keys.
pub(super) fn user_of(index: usize) -> Expr {
    named(&alias(index), "event_user")
}

/// The column that says whether the user did it.
pub(super) fn did(index: usize) -> Expr {
    named(&alias(index), "did")
}

impl Planner<'_> {
    /// One row per user who has events of the steps, with `event_user` and `did`.
    pub(super) fn sequence(&self, bound: &BoundSequence, index: usize) -> Result<LogicalPlan> {
        let span = self.span(&bound.windows);
        let mut joined: Option<LogicalPlanBuilder> = None;
        for scan in scans(bound) {
            let source = scan.source;
            let provider = self.sources.table(&source.table)?;
            let name = table_name(&source.table);
            let builder = LogicalPlanBuilder::scan(name, provider_as_source(provider), None)
                .map_err(internal)?;
            let time = plain(named(&source.table, &source.time.name), &source.time.data_type);
            let mut parts = self.in_span(time.clone(), &source.time.data_type, span);
            let (any, steps) = self.steps(&scan)?;
            parts.extend(any);
            parts.extend(self.asked_about(self.event_user(source)));
            let at = self.event_time(time, &source.time.data_type, Some(Clock::Instant), span)?;
            let columns = [
                self.event_user(source).alias("event_user"),
                at.alias("event_time"),
                steps.alias("steps"),
            ];
            let builder = builder.filter(super::balanced(parts, true)).map_err(internal)?;
            let plan = builder.project(columns).map_err(internal)?;
            joined = Some(match joined {
                None => plan,
                Some(first) => first.union(plan.build().map_err(internal)?).map_err(internal)?,
            });
        }
        let Some(builder) = joined else {
            return Err(Error::new(Code::Internal, "a sequence without a source"));
        };
        let column = |name: &str| Expr::Column(datafusion::common::Column::new_unqualified(name));
        let steps =
            Steps { within: bound.steps.iter().map(|step| step.within).collect(), zone: self.zone };
        let found = sequence(steps).call(vec![column("event_time"), column("steps")]).alias("did");
        let builder = builder.aggregate([column("event_user")], [found]).map_err(internal)?;
        builder.alias(alias(index)).map_err(internal)?.build().map_err(internal)
    }

    /// Whether an event may be any step, if not all may, and which ones as bits.
    fn steps(&self, scan: &Scan<'_>) -> Result<(Option<Expr>, Expr)> {
        let none = Streams::none();
        let mut steps = lit(0u16);
        let mut any = Vec::new();
        let mut all = false;
        for (step, filter) in &scan.filters {
            let bit = lit(1u16 << step);
            if **filter == Predicate::Const(true) {
                all = true;
                steps = steps + bit;
                continue;
            }
            let passes = self.predicate(filter, false, &none)?;
            any.push(passes.clone());
            steps = steps + when(passes, bit).otherwise(lit(0u16)).map_err(internal)?;
        }
        let any = (!all).then(|| super::balanced(any, false));
        Ok((any, steps))
    }
}

/// Each table once, with all steps that read it.
fn scans(bound: &BoundSequence) -> Vec<Scan<'_>> {
    let mut found: Vec<Scan<'_>> = Vec::new();
    for (step, bound) in bound.steps.iter().enumerate() {
        for source in &bound.sources {
            let same = |scan: &&mut Scan<'_>| {
                let other = scan.source;
                (&source.table, &source.user, &source.time)
                    == (&other.table, &other.user, &other.time)
            };
            match found.iter_mut().find(same) {
                Some(scan) => scan.filters.push((step, &source.filter)),
                None => found.push(Scan { source, filters: vec![(step, &source.filter)] }),
            }
        }
    }
    found
}
