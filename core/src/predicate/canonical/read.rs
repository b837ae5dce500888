//! From a bound [`Predicate`] to its [`Form`] at one `as_of`.

use std::ops::Bound;

use chrono_tz::Tz;
use xxhash_rust::xxh3::xxh3_128;

use crate::model::{FieldType, day_bound};
use crate::predicate::{
    Atom, BoundSequence, DoubleRange, Metric, Predicate, Ranges, Source, Span, Test, TextTest,
    Value, fold, resolve,
};
use crate::rule::{Aggregate, Operator, Window};

use super::set::{Double, Point, Set, beginning_with};
use super::subject::{EventSet, Measure, Question, Stage, Subject, SubjectId, Within};
use super::{Form, Forms, Shape};

/// Lists of more values than this are compared as a whole and no more looked into.
const MANY: usize = 50_000;

/// When and where a predicate is read.
pub(crate) struct Setting<'a> {
    /// Microseconds since 1970.
    pub(crate) as_of: i64,
    /// The zone of the rule's windows.
    pub(crate) zone: Tz,
    /// What the segments of other rules are; nothing for those that are not to be looked into.
    pub(crate) segment: &'a dyn Fn(i64) -> Option<Form>,
    /// Set where another `as_of` would have given another form.
    pub(crate) timed: bool,
}

impl Forms {
    /// The form of a predicate.
    pub(crate) fn read(&mut self, predicate: &Predicate, at: &mut Setting<'_>) -> Form {
        match predicate {
            Predicate::Const(value) => self.constant(*value),
            Predicate::And(parts) => {
                let parts = parts.iter().map(|part| self.read(part, at)).collect();
                self.all(parts)
            }
            Predicate::Or(parts) => {
                let parts = parts.iter().map(|part| self.read(part, at)).collect();
                self.any(parts)
            }
            Predicate::Not(inner) => {
                let inner = self.read(inner, at);
                self.not(inner)
            }
            Predicate::Atom(atom) => self.atom(atom, at),
            Predicate::Compare { left, operator, right, fold } => {
                self.comparison(left, *operator, right, *fold, at)
            }
            Predicate::Segments(rules) => {
                let parts = rules.iter().map(|rule| match (at.segment)(*rule) {
                    Some(form) => form,
                    None => self.holds(Subject::Member(*rule, 0)),
                });
                let parts = parts.collect();
                self.any(parts)
            }
            Predicate::Rank { value, top, size, among } => {
                let among = among.as_ref().map(|among| self.read(among, at));
                let among = among.filter(|among| *self.shape(*among) != Shape::Const(true));
                let value = self.value(value, at);
                self.holds(Subject::Rank { value, top: *top, size: *size, among })
            }
            Predicate::Within { latitude, longitude, place, negated } => {
                let (latitude, longitude) = (latitude.clone(), longitude.clone());
                let of = self.intern(Subject::Position { latitude, longitude });
                let test = Question::of_place(place);
                let subject = self.intern(Subject::Test { of, test });
                let outcome = i128::from(!negated);
                self.leaf(subject, Set::ints(outcome, outcome), false)
            }
            Predicate::Positioned { latitude, longitude } => {
                let (latitude, longitude) = (latitude.clone(), longitude.clone());
                let subject = self.intern(Subject::Position { latitude, longitude });
                self.present(subject)
            }
            Predicate::Sequence(sequence) => self.sequence(sequence, at),
        }
    }

    /// Where the question of a subject is answered with yes.
    pub(crate) fn holds(&mut self, subject: Subject) -> Form {
        let subject = self.intern(subject);
        self.leaf(subject, Set::ints(1, 1), false)
    }

    fn atom(&mut self, atom: &Atom, at: &mut Setting<'_>) -> Form {
        let plain = self.value(&atom.value, at);
        let folds = folds(&atom.test);
        let subject = if folds { self.intern(Subject::Folded(plain)) } else { plain };
        let (outcomes, subject) = match self.outcomes(&atom.test, &atom.value.ty(), at) {
            Ok(outcomes) => (outcomes, subject),
            Err(test @ Question::Matches { .. }) => {
                (Set::ints(1, 1), self.intern(Subject::Test { of: plain, test }))
            }
            Err(test) => (Set::ints(1, 1), self.intern(Subject::Test { of: subject, test })),
        };
        let outcomes = if atom.negated { outcomes.complement() } else { outcomes };
        match self.subject(plain).as_ref() {
            // A metric of no events is the same for everyone.
            Subject::Metric(measure) if measure.events.is_empty() => {
                let zero = self.subject(plain).is_never_missing();
                let holds = zero && Set::ints(0, 0).is_subset(&outcomes);
                self.constant(holds)
            }
            _ => self.leaf(subject, outcomes, false),
        }
    }

    /// The outcomes of the value's own that pass a test, or the question that the test is.
    fn outcomes(
        &mut self,
        test: &Test,
        ty: &FieldType,
        at: &mut Setting<'_>,
    ) -> Result<Set, Question> {
        Ok(match test {
            Test::Present => Set::full(),
            Test::Bool(value) => Set::ints(i128::from(*value), i128::from(*value)),
            Test::Units(ranges) => of_units(ranges)?,
            Test::Doubles(ranges) => of_doubles(ranges)?,
            Test::Ratios(ranges) => Set::bounds(
                ranges.iter().map(|(low, high)| (low.map(Point::Ratio), high.map(Point::Ratio))),
            ),
            Test::Text { test, fold } => return of_text(test, *fold),
            Test::Has { element } => {
                let elements = self.outcomes(element, ty, at);
                return Err(match elements {
                    Ok(elements) => Question::Has(elements),
                    Err(question) => question,
                });
            }
            Test::During(window) => {
                let span = at.resolve(*window);
                match ty {
                    _ if span.start >= span.end => Set::default(),
                    FieldType::Date => {
                        let day = |edge| i128::from(day_bound(at.zone, edge));
                        let low = (span.start != i64::MIN).then(|| day(span.start));
                        let high = (span.end != i64::MAX).then(|| day(span.end));
                        between(low, high)
                    }
                    _ => {
                        let low = (span.start != i64::MIN).then(|| i128::from(span.start));
                        let high = (span.end != i64::MAX).then(|| i128::from(span.end));
                        between(low, high)
                    }
                }
            }
        })
    }

    fn value(&mut self, value: &Value, at: &mut Setting<'_>) -> SubjectId {
        let subject = match value {
            Value::Column(column) => Subject::Column(column.clone()),
            Value::Bucket { salt } => Subject::Bucket(salt.clone()),
            Value::Metric(metric) => Subject::Metric(self.measure(metric, at)),
        };
        self.intern(subject)
    }

    fn measure(&mut self, metric: &Metric, at: &mut Setting<'_>) -> Measure {
        let span = at.events(&metric.windows);
        let mut events = self.event_sets(&metric.sources, at);
        if span.start >= span.end {
            events.clear();
        }
        let non_negative = metric.aggregate == Aggregate::Sum
            && events.iter().all(|events| self.adds_nothing_negative(events));
        let counts = metric.aggregate == Aggregate::Count;
        if counts {
            // Counting a field is counting the events that have it, which the filter says.
            events.iter_mut().for_each(|events| events.field = None);
            self.sort_events(&mut events);
        }
        let as_of = metric.aggregate.is_days_since().then_some(at.as_of);
        at.timed |= as_of.is_some();
        Measure {
            aggregate: metric.aggregate,
            ty: metric.ty.clone(),
            events,
            span,
            days_in: metric.by_day.then(|| at.zone.name()),
            as_of,
            non_negative,
        }
    }

    /// The events of some sources, without those of which no event can pass.
    fn event_sets(&mut self, sources: &[Source], at: &mut Setting<'_>) -> Vec<EventSet> {
        let mut found = Vec::with_capacity(sources.len());
        for source in sources {
            let mut filter = self.read(&source.filter, at);
            if let Some(field) = &source.field {
                let field = Subject::Column(field.clone());
                let field = self.intern(field);
                let present = self.present(field);
                filter = self.all(vec![filter, present]);
            }
            if *self.shape(filter) == Shape::Const(false) {
                continue;
            }
            found.push(EventSet {
                table: source.table.clone(),
                user: source.user.name.clone(),
                time: source.time.name.clone(),
                field: source.field.clone(),
                filter,
            });
        }
        self.sort_events(&mut found);
        found
    }

    fn sort_events(&self, events: &mut [EventSet]) {
        events.sort_by_cached_key(|events| {
            let mut out = xxhash_rust::xxh3::Xxh3::new();
            events.digest(self, &mut out);
            out.digest128()
        });
    }

    /// Whether the field is never below zero, by its type, its declaration or the filter.
    fn adds_nothing_negative(&mut self, events: &EventSet) -> bool {
        let Some(field) = &events.field else { return false };
        if field.non_negative {
            return true;
        }
        let zero = match field.ty {
            FieldType::Float => Point::Double(Double::new(0.0)),
            _ => Point::Int(0),
        };
        let field = Subject::Column(field.clone());
        let subject = self.intern(field);
        let wanted = Set::at_least(zero);
        self.conjuncts(events.filter).into_iter().any(|part| match self.shape(part) {
            Shape::Leaf(leaf) => {
                leaf.subject == subject && !leaf.missing && leaf.outcomes.is_subset(&wanted)
            }
            _ => false,
        })
    }

    fn comparison(
        &mut self,
        left: &Value,
        operator: Operator,
        right: &Value,
        folded: bool,
        at: &mut Setting<'_>,
    ) -> Form {
        let (left, right) = (self.value(left, at), self.value(right, at));
        let (positive, negated) = operator.positive();
        if operator.looks_into() {
            let subject = Subject::Look { left, right, operator: positive, folded };
            let subject = self.intern(subject);
            let outcome = i128::from(!negated);
            return self.leaf(subject, Set::ints(outcome, outcome), false);
        }
        let (less, equal, more) = match operator {
            Operator::Less => (true, false, false),
            Operator::LessOrEqual => (true, true, false),
            Operator::Greater => (false, false, true),
            Operator::GreaterOrEqual => (false, true, true),
            Operator::NotEqual => (true, false, true),
            _ => (false, true, false),
        };
        let turned = self.subject_digest(left) > self.subject_digest(right);
        let (left, right) = if turned { (right, left) } else { (left, right) };
        let (less, more) = if turned { (more, less) } else { (less, more) };
        let holding = [(less, 0), (equal, 1), (more, 2)];
        let outcomes = holding.iter().filter(|(holds, _)| *holds);
        let outcomes = Set::points(outcomes.map(|(_, outcome)| Point::Int(*outcome)));
        let subject = self.intern(Subject::Order { left, right, folded });
        self.leaf(subject, outcomes, false)
    }

    fn sequence(&mut self, sequence: &BoundSequence, at: &mut Setting<'_>) -> Form {
        let span = at.events(&sequence.windows);
        let mut stages = Vec::with_capacity(sequence.steps.len());
        for step in &sequence.steps {
            let events = self.event_sets(&step.sources, at);
            if events.is_empty() {
                return self.constant(false);
            }
            let within = step.within.map(|within| Within::of(within, at.zone.name()));
            stages.push(Stage { events, within });
        }
        match span.start >= span.end {
            true => self.constant(false),
            false => self.holds(Subject::Sequence(stages, span)),
        }
    }
}

impl Setting<'_> {
    fn resolve(&mut self, window: Window) -> Span {
        self.timed |=
            matches!(window, Window::Last(_) | Window::Between { .. } | Window::Calendar(_));
        resolve(window, self.as_of, self.zone)
    }

    /// The instants of the events that all of the windows keep.
    pub(crate) fn events(&mut self, windows: &[Window]) -> Span {
        let all = windows.iter().map(|window| self.resolve(*window));
        let span = all.fold(Span::ALL, Span::intersect);
        self.timed |= span.end > self.as_of;
        span.intersect(Span { start: i64::MIN, end: self.as_of })
    }
}

fn between(low: Option<i128>, high: Option<i128>) -> Set {
    let point = |at: Option<i128>| at.map(Point::Int);
    let low = point(low).map_or(Bound::Unbounded, Bound::Included);
    let high = point(high).map_or(Bound::Unbounded, Bound::Excluded);
    Set::bounds([(low, high)])
}

/// Very many values as a name of 128 bits.
fn many(values: impl Iterator<Item = String>) -> Question {
    let mut text = String::new();
    for value in values {
        text.push_str(&value.len().to_string());
        text.push(':');
        text.push_str(&value);
    }
    Question::Many(xxh3_128(text.as_bytes()))
}

fn of_units(ranges: &Ranges) -> Result<Set, Question> {
    if ranges.iter().count() > MANY {
        return Err(many(ranges.iter().map(|(low, high)| format!("{low} {high}"))));
    }
    Ok(Set::bounds(ranges.iter().map(|(low, high)| {
        let low = if low == Ranges::MIN { Bound::Unbounded } else { Bound::Included(low) };
        let high = if high == Ranges::MAX { Bound::Unbounded } else { Bound::Included(high) };
        (low.map(Point::Int), high.map(Point::Int))
    })))
}

/// The least and the greatest double are no bounds: nothing finite lies beyond them.
fn of_doubles(ranges: &[DoubleRange]) -> Result<Set, Question> {
    if ranges.len() > MANY {
        return Err(many(ranges.iter().map(|range| format!("{range:?}"))));
    }
    let bound = |value: f64, open: bool, limit: f64| match (value == limit, open) {
        (true, false) => Bound::Unbounded,
        (_, true) => Bound::Excluded(Point::Double(Double::new(value))),
        (_, false) => Bound::Included(Point::Double(Double::new(value))),
    };
    Ok(Set::bounds(ranges.iter().map(|range| {
        let low = bound(range.low, range.low_open, f64::MIN);
        (low, bound(range.high, range.high_open, f64::MAX))
    })))
}

fn of_text(test: &TextTest, folded: bool) -> Result<Set, Question> {
    let point = |text: &String| Point::Text(text.as_str().into());
    Ok(match test {
        TextTest::In(texts) if texts.len() > MANY => return Err(many(texts.iter().cloned())),
        TextTest::In(texts) => Set::points(texts.iter().map(point)),
        TextTest::Range(low, high) => {
            Set::bounds([(low.as_ref().map(point), high.as_ref().map(point))])
        }
        TextTest::Begins(prefix) => beginning_with(prefix),
        TextTest::Contains(text) if text.is_empty() => Set::full(),
        TextTest::Ends(text) if text.is_empty() => Set::full(),
        TextTest::Contains(text) => return Err(Question::Contains(text.clone())),
        TextTest::Ends(text) => return Err(Question::Ends(text.clone())),
        TextTest::Matches(pattern) => {
            return Err(Question::Matches { pattern: pattern.clone(), folded });
        }
    })
}

/// Whether a test is of the text by case folding.
fn folds(test: &Test) -> bool {
    match test {
        Test::Text { fold, .. } => *fold,
        Test::Has { element } => folds(element),
        _ => false,
    }
}

/// The folded texts of some plain ones.
pub(crate) fn folded_texts<'a>(points: impl IntoIterator<Item = &'a Point>) -> Set {
    Set::points(points.into_iter().filter_map(|point| match point {
        Point::Text(text) => Some(Point::Text(fold(text).into())),
        _ => None,
    }))
}
