//! What the passing of time changes in a predicate: between two instants that runs are about, the
//! outcome can differ only for users with events in certain spans, or for anyone.

use crate::model::{Column, DAY};
use crate::predicate::{Atom, Metric, Predicate, Ranges, Source, Span, Test, Value, resolve};
use crate::rule::Window;

use super::Planner;
use super::expr::plain_type;

impl Planner<'_> {
    /// The spans of instants such that a user without events in any of them has the same outcome
    /// at `then` as at the planner's `as_of`; nothing where anyone's may differ.
    pub(crate) fn moved(&self, predicate: &Predicate, then: i64) -> Option<Vec<Span>> {
        let mut spans = Vec::new();
        let mut known = true;
        predicate.walk(&mut |node| {
            known &= self.moved_here(node, then, &mut spans).is_some();
        });
        known.then_some(spans)
    }

    /// The ends of spans in a time column's own values, ascending and in pairs: the first within,
    /// the second not.
    pub(crate) fn merged_bounds(&self, time: &Column, spans: &[Span]) -> Vec<i64> {
        let mut spans: Vec<Span> =
            spans.iter().filter(|span| span.start < span.end).copied().collect();
        spans.sort_by_key(|span| span.start);
        let mut merged: Vec<Span> = Vec::new();
        for span in spans {
            match merged.last_mut() {
                Some(last) if span.start <= last.end => last.end = last.end.max(span.end),
                _ => merged.push(span),
            }
        }
        let data_type = plain_type(&time.data_type);
        let ends = merged.iter().flat_map(|span| [span.start, span.end]);
        let bounds = ends.map(|end| self.raw_bound(&data_type, end)).collect::<Option<Vec<_>>>();
        // What the column's unit can't say is anything.
        bounds.unwrap_or_else(|| vec![i64::MIN, i64::MAX])
    }

    fn moved_here(&self, node: &Predicate, then: i64, spans: &mut Vec<Span>) -> Option<()> {
        match node {
            // Another's value moves everyone's place.
            Predicate::Rank { .. } => return None,
            Predicate::Sequence(sequence) => {
                self.moved_windows(&sequence.windows, then, spans);
                let sources = sequence.steps.iter().flat_map(|step| &step.sources);
                sources.map(|source| self.still(&source.filter, then)).collect::<Option<()>>()?;
            }
            Predicate::Atom(atom) => self.moved_test(atom, then, spans)?,
            _ => {}
        }
        for value in node.values_here() {
            let Value::Metric(metric) = value else { continue };
            self.moved_windows(&metric.windows, then, spans);
            self.moved_sources(metric, then)?;
            let counts_days = metric.aggregate.is_days_since();
            // Beside another value, the days since an event are others every day.
            if counts_days && !matches!(node, Predicate::Atom(_)) {
                return None;
            }
        }
        Some(())
    }

    fn moved_sources(&self, metric: &Metric, then: i64) -> Option<()> {
        let filter = |source: &Source| self.still(&source.filter, then);
        metric.sources.iter().map(filter).collect()
    }

    /// Where a window begins and ends otherwise than it did.
    fn moved_windows(&self, windows: &[Window], then: i64, spans: &mut Vec<Span>) {
        let now = self.span(windows);
        let before = crate::predicate::span_of_windows(windows, then, self.zone);
        spans.push(between(before.start, now.start));
        spans.push(between(before.end, now.end));
    }

    /// A test whose own ends move.
    fn moved_test(&self, atom: &Atom, then: i64, spans: &mut Vec<Span>) -> Option<()> {
        match (&atom.value, &atom.test) {
            (Value::Metric(metric), Test::Units(ranges)) if metric.aggregate.is_days_since() => {
                for (low, high) in ranges.iter() {
                    for days in [low, high.saturating_add(1)] {
                        if days == Ranges::MIN || days == Ranges::MAX {
                            continue;
                        }
                        let ago = |at: i64| {
                            let ago =
                                i128::from(at).saturating_sub(days.saturating_mul(i128::from(DAY)));
                            i64::try_from(ago).unwrap_or(if ago < 0 { i64::MIN } else { i64::MAX })
                        };
                        let span = between(ago(then), ago(self.as_of));
                        // Both ends count: an event at either instant may be on another side.
                        spans.push(Span { start: span.start, end: span.end.saturating_add(1) });
                    }
                }
                Some(())
            }
            (_, test) => self.still_test(test, then),
        }
    }

    /// Nothing where a filter on columns alone can have another outcome.
    fn still(&self, filter: &Predicate, then: i64) -> Option<()> {
        let mut still = true;
        filter.walk(&mut |node| {
            if let Predicate::Atom(atom) = node {
                still &= self.still_test(&atom.test, then).is_some();
            }
        });
        still.then_some(())
    }

    fn still_test(&self, test: &Test, then: i64) -> Option<()> {
        match test {
            Test::During(window) => {
                let same =
                    resolve(*window, then, self.zone) == resolve(*window, self.as_of, self.zone);
                same.then_some(())
            }
            Test::Has { element } => self.still_test(element, then),
            _ => Some(()),
        }
    }
}

/// What lies between two instants, the first included.
fn between(one: i64, other: i64) -> Span {
    Span { start: one.min(other), end: one.max(other) }
}
