//! What one aggregate of events says about another, where the events of the one are among the
//! other's.

use crate::predicate::Span;
use crate::predicate::canonical::Leaf;
use crate::predicate::canonical::set::{Point, Set};
use crate::predicate::canonical::subject::{EventSet, Measure, Stage};
use crate::rule::Aggregate;

use super::Prover;

pub(super) fn within_span(narrow: &Span, wide: &Span) -> bool {
    wide.start <= narrow.start && narrow.end <= wide.end
}

/// Which way an aggregate goes as events are added.
enum Growth {
    Up,
    Down,
    Unknown,
}

/// The fewest events that a leaf on a measure leaves possible.
enum Events {
    Some,
    None,
    Unknown,
}

fn growth(measure: &Measure, wider: &Measure) -> Growth {
    match measure.aggregate {
        Aggregate::Count | Aggregate::CountDistinct | Aggregate::Max => Growth::Up,
        Aggregate::Sum if wider.non_negative => Growth::Up,
        Aggregate::DaysSinceFirst => Growth::Up,
        Aggregate::Min | Aggregate::DaysSinceLast => Growth::Down,
        _ => Growth::Unknown,
    }
}

fn is_counted(measure: &Measure) -> bool {
    matches!(measure.aggregate, Aggregate::Count | Aggregate::CountDistinct | Aggregate::Sum)
}

/// Whether a leaf says that there are events, or that there are none.
fn events(measure: &Measure, leaf: &Leaf) -> Events {
    let zero = Set::ints(0, 0);
    if !is_counted(measure) {
        return match (leaf.missing, leaf.outcomes.is_empty()) {
            (false, _) => Events::Some,
            (true, true) => Events::None,
            (true, false) => Events::Unknown,
        };
    }
    if leaf.outcomes.intersect(&zero).is_empty() {
        return Events::Some;
    }
    // A sum of zero may be one of events that cancel out, or of zeros.
    match measure.aggregate != Aggregate::Sum && leaf.outcomes.is_subset(&zero) {
        true => Events::None,
        false => Events::Unknown,
    }
}

impl Prover {
    /// What the users of a leaf on one measure have of another.
    pub(super) fn measure_outlook(
        &mut self,
        known: &Measure,
        leaf: &Leaf,
        wanted: &Measure,
    ) -> Option<(Set, bool)> {
        let inside = within_span(&known.span, &wanted.span)
            && self.events_within(&known.events, &wanted.events);
        let around = within_span(&wanted.span, &known.span)
            && self.events_within(&wanted.events, &known.events);
        if !inside && !around {
            return None;
        }
        let mut found: Option<(Set, bool)> = None;
        let mut learn = |(outcomes, missing): (Set, bool)| {
            found = Some(match found.take() {
                None => (outcomes, missing),
                Some((known, might)) => (known.intersect(&outcomes), might && missing),
            });
        };
        let may_miss = !is_counted(wanted);
        match events(known, leaf) {
            Events::Some if inside => learn(of_some_events(wanted)),
            Events::None if around => learn(match may_miss {
                true => (Set::default(), true),
                false => (Set::ints(0, 0), false),
            }),
            _ => {}
        }
        if inside && comparable(known, wanted, true) && !leaf.missing {
            match growth(known, wanted) {
                Growth::Up => learn((leaf.outcomes.upwards(), false)),
                Growth::Down => learn((leaf.outcomes.downwards(), false)),
                Growth::Unknown => {}
            }
        }
        if inside && !leaf.missing && same_values(known, wanted) {
            // No value is below the least or above the greatest.
            match (known.aggregate, wanted.aggregate) {
                (Aggregate::Min, Aggregate::Max) => learn((leaf.outcomes.upwards(), false)),
                (Aggregate::Max, Aggregate::Min) => learn((leaf.outcomes.downwards(), false)),
                _ => {}
            }
        }
        if around && comparable(known, wanted, false) {
            match growth(wanted, known) {
                Growth::Up => learn((leaf.outcomes.downwards(), may_miss)),
                Growth::Down => learn((leaf.outcomes.upwards(), may_miss)),
                Growth::Unknown => {}
            }
        }
        found
    }

    /// What those who went through a sequence have of a measure: every step is an event.
    pub(super) fn steps_outlook(
        &mut self,
        steps: &[Stage],
        span: &Span,
        wanted: &Measure,
    ) -> Option<(Set, bool)> {
        let inside = within_span(span, &wanted.span)
            && steps.iter().any(|step| self.events_within(&step.events, &wanted.events));
        inside.then(|| of_some_events(wanted))
    }

    /// Whether every event of some sets is one of others.
    pub(super) fn events_within(&mut self, narrow: &[EventSet], wide: &[EventSet]) -> bool {
        if narrow.len() > wide.len() {
            return false;
        }
        // Each set has one of its own that holds it: a table may stand twice and count twice.
        let mut free: Vec<&EventSet> = wide.iter().collect();
        narrow.iter().all(|events| {
            let place = free.iter().position(|candidate| {
                (&events.table, &events.user, &events.time)
                    == (&candidate.table, &candidate.user, &candidate.time)
                    && self.proves(events.filter, candidate.filter)
            });
            place.map(|place| free.swap_remove(place)).is_some()
        })
    }
}

/// What a measure may be where it has an event; events may add up to anything.
fn of_some_events(measure: &Measure) -> (Set, bool) {
    match measure.aggregate {
        Aggregate::Count | Aggregate::CountDistinct => (Set::at_least(Point::Int(1)), false),
        Aggregate::Sum if measure.non_negative => (Set::at_least(Point::Int(0)), false),
        _ => (Set::full(), false),
    }
}

/// Whether the values of two measures, of which one has more events, can be compared. Distinct
/// values are at most as many as there are events.
fn comparable(known: &Measure, wanted: &Measure, wanted_is_wider: bool) -> bool {
    let (narrow, wide) = if wanted_is_wider { (known, wanted) } else { (wanted, known) };
    if narrow.aggregate == Aggregate::CountDistinct && wide.aggregate == Aggregate::Count {
        return true;
    }
    known.aggregate == wanted.aggregate
        && known.days_in == wanted.days_in
        && known.as_of == wanted.as_of
        && same_values(narrow, wide)
}

/// Whether the measures are of one type, and of fields that the wider one has.
fn same_values(narrow: &Measure, wide: &Measure) -> bool {
    fn field(events: &EventSet) -> (&str, Option<&str>) {
        (&events.table, events.field.as_ref().map(|field| field.name.as_str()))
    }
    let has = |wanted| wide.events.iter().any(|events| field(events) == wanted);
    narrow.ty == wide.ty && narrow.events.iter().all(|events| has(field(events)))
}
