//! Aggregates of a user's events.

use std::cmp::Ordering;

use super::condition::Scope;
use super::data::{Data, Stream};
use super::json::Json;
use super::number::Exact;
use super::test::{Clock, Test, operator};
use super::time::{DAY, days_of_date, local_time};
use super::tree::Node;
use super::value::{Kind, Value};
use super::window::Bounds;
use super::{OracleError, failed};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Function {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    CountDistinct,
    First,
    Last,
    DaysSinceFirst,
    DaysSinceLast,
}

#[derive(Debug)]
enum Measure {
    Nothing,
    Column(String, Kind),
    /// The event's day in the rule's zone.
    Day,
}

/// Events of one or more entries that pass the conditions and lie in the window.
#[derive(Debug)]
pub struct Filter {
    pub entries: Vec<String>,
    conditions: Vec<Node<EventTest>>,
    bounds: Bounds,
    clock: Clock,
}

/// One condition on a column of an event.
#[derive(Debug)]
pub struct EventTest {
    column: (String, Kind),
    other: Option<(String, Kind)>,
    test: Test,
}

#[derive(Debug)]
pub struct Aggregate {
    function: Function,
    measure: Measure,
    filter: Filter,
}

/// An event that was kept: its table, row and instant.
pub struct Kept<'a> {
    stream: &'a Stream,
    row: usize,
    pub at: i64,
}

impl Kept<'_> {
    fn value(&self, (column, kind): (&str, &Kind)) -> Option<Value> {
        self.stream.columns.value(column, self.row).map(|value| value.clone().of_kind(kind))
    }
}

impl Filter {
    /// `parts` are the documents that may hold `where` and `window`: the condition, and its trait.
    /// What they ask must all hold; without any window, the rule's dates are it.
    pub fn parse(
        entries: Vec<String>,
        parts: &[&Json],
        scope: &Scope<'_>,
    ) -> Result<Filter, OracleError> {
        let clock = scope.clock;
        let mut conditions = Vec::new();
        let mut bounds = None;
        for part in parts {
            if let Some(json) = part.get("where") {
                let mut leaf = |json: &Json| EventTest::parse(json, &entries, scope);
                conditions.extend(Node::parse(json, &mut leaf)?);
            }
            if let Some(window) = part.get("window") {
                let given = Bounds::parse(window, clock.zone, clock.as_of)?;
                bounds = Some(given.both(bounds.unwrap_or(Bounds::ALL)));
            }
        }
        Ok(Filter { entries, conditions, bounds: bounds.unwrap_or(scope.dates), clock })
    }

    /// The events of a user, earliest first.
    pub fn keep<'a>(&self, data: &'a Data, user: usize) -> Result<Vec<Kept<'a>>, OracleError> {
        let mut kept = Vec::new();
        for entry in &self.entries {
            let stream = &data.streams[entry];
            for &(row, at) in &stream.of_user[user] {
                let event = Kept { stream, row, at };
                let in_time = at < self.clock.as_of && self.bounds.contain(at);
                if in_time && self.passes(&event)? {
                    kept.push(event);
                }
            }
        }
        kept.sort_by_key(|event| event.at);
        Ok(kept)
    }

    fn passes(&self, event: &Kept<'_>) -> Result<bool, OracleError> {
        for conditions in &self.conditions {
            if !conditions.holds(&|test| Ok(test.holds(event)))? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl EventTest {
    fn parse(json: &Json, entries: &[String], scope: &Scope<'_>) -> Result<EventTest, OracleError> {
        let Some(field) = json.text_of("field")? else {
            return failed("missing_member", "a condition on events without a field");
        };
        let column = column(scope.data(), entries, field)?;
        let other = match json.text_of("valueSource")? {
            Some("field") => {
                let name = json.text_of("value")?.unwrap_or_default();
                Some(self::column(scope.data(), entries, name)?)
            }
            _ => None,
        };
        let test = Test::parse(json, &column.1, other.as_ref().map(|(_, kind)| kind), scope.clock)?;
        Ok(EventTest { column, other, test })
    }

    fn holds(&self, event: &Kept<'_>) -> bool {
        let value = event.value((&self.column.0, &self.column.1));
        let other = self.other.as_ref().and_then(|(name, kind)| event.value((name, kind)));
        self.test.holds(value.as_ref(), other.as_ref())
    }
}

/// The names in `events`: one, or a list; a name twice counts once.
pub fn entries(json: &Json, data: &Data) -> Result<Vec<String>, OracleError> {
    let mut names = Vec::new();
    let given = match json {
        Json::List(items) => items.as_slice(),
        single => std::slice::from_ref(single),
    };
    for item in given {
        let name = item.text()?.to_owned();
        if !data.streams.contains_key(&name) {
            return failed("unknown_field", format!("no events {name:?}"));
        }
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return failed("bad_value", "no events named");
    }
    Ok(names)
}

/// A column that every one of the tables has, and the kind that holds all of its values.
fn column(data: &Data, entries: &[String], field: &str) -> Result<(String, Kind), OracleError> {
    let prefixed = field.split_once('.').filter(|(entry, _)| entries.iter().any(|e| e == entry));
    let name = prefixed.map_or(field, |(_, name)| name);
    let mut kind: Option<Kind> = None;
    for entry in entries {
        let Some(here) = data.streams[entry].columns.kind(name) else {
            return failed("unknown_field", format!("no column {name:?} in {entry:?}"));
        };
        kind = Some(match kind {
            None => here.clone(),
            Some(kind) => kind.unify(here.clone())?,
        });
    }
    Ok((name.to_owned(), kind.expect("at least one table")))
}

/// Every value that is there in a column of the entries.
pub fn column_values(
    data: &Data,
    entries: &[String],
    field: &str,
) -> Result<Vec<Value>, OracleError> {
    let (name, kind) = column(data, entries, field)?;
    let values = entries.iter().flat_map(|entry| data.streams[entry].columns.values(&name));
    Ok(values.map(|value| value.clone().of_kind(&kind)).collect())
}

impl Aggregate {
    /// Reads a condition on events; for one on a trait, `json` is the trait and `narrowed` the
    /// condition.
    pub fn parse(
        json: &Json,
        narrowed: Option<&Json>,
        scope: &Scope<'_>,
    ) -> Result<Aggregate, OracleError> {
        let function = match operator(json.text_of("aggregate")?.unwrap_or("count")).as_str() {
            "count" => Function::Count,
            "sum" => Function::Sum,
            "avg" => Function::Avg,
            "min" => Function::Min,
            "max" => Function::Max,
            "countdistinct" => Function::CountDistinct,
            "first" => Function::First,
            "last" => Function::Last,
            "dayssincefirst" => Function::DaysSinceFirst,
            "dayssincelast" => Function::DaysSinceLast,
            other => return failed("bad_value", format!("{other:?} is no aggregate")),
        };
        let Some(events) = json.get("events") else {
            return failed("missing_member", "an aggregate without events");
        };
        let entries = entries(events, scope.data())?;
        let measure = match json.text_of("field")? {
            None => Measure::Nothing,
            Some("time:day") => Measure::Day,
            Some(field) => {
                let (name, kind) = column(scope.data(), &entries, field)?;
                Measure::Column(name, kind)
            }
        };
        check(function, &measure)?;
        let parts: Vec<&Json> = std::iter::once(json).chain(narrowed).collect();
        Ok(Aggregate { function, measure, filter: Filter::parse(entries, &parts, scope)? })
    }

    pub fn kind(&self) -> Kind {
        match (self.function, &self.measure) {
            (
                Function::Min | Function::Max | Function::First | Function::Last,
                Measure::Column(_, kind),
            ) => kind.clone(),
            _ => Kind::Exact,
        }
    }

    pub fn value(&self, data: &Data, user: usize) -> Result<Option<Value>, OracleError> {
        let kept = self.filter.keep(data, user)?;
        let clock = self.filter.clock;
        // the values that are there, with their instants, earliest first
        let values: Vec<(i64, Value)> = match &self.measure {
            Measure::Nothing => Vec::new(),
            Measure::Day => kept
                .iter()
                .map(|event| (event.at, days_of_date(local_time(clock.zone, event.at).date())))
                .map(|(at, day)| (at, Value::Date(day)))
                .collect(),
            Measure::Column(name, kind) => kept
                .iter()
                .filter_map(|event| Some((event.at, event.value((name, kind))?)))
                .collect(),
        };
        let number = |count: usize| Some(Value::Exact(Exact::int(count as i128)));
        let days = |at: i64| Some(Value::Exact(Exact::int(((clock.as_of - at) / DAY).into())));
        Ok(match self.function {
            Function::Count if matches!(self.measure, Measure::Nothing) => number(kept.len()),
            Function::Count => number(values.len()),
            Function::Sum => Some(Value::Exact(self.sum(data, &kept)?)),
            Function::Avg if values.is_empty() => None,
            Function::Avg => {
                let count = Exact::fraction(1, values.len());
                Some(Value::Exact(self.sum(data, &kept)?.times(&count)))
            }
            Function::CountDistinct => {
                let mut sorted: Vec<_> = values.into_iter().map(|(_, value)| value).collect();
                sorted.sort_by(Value::order);
                sorted.dedup_by(|one, other| one.order(other) == Ordering::Equal);
                number(sorted.len())
            }
            Function::Min => values.into_iter().map(|(_, value)| value).min_by(Value::order),
            Function::Max => values.into_iter().map(|(_, value)| value).max_by(Value::order),
            Function::First => at_instant(&values, values.first()).min_by(Value::order),
            Function::Last => at_instant(&values, values.last()).max_by(Value::order),
            Function::DaysSinceFirst => kept.first().and_then(|event| days(event.at)),
            Function::DaysSinceLast => kept.last().and_then(|event| days(event.at)),
        })
    }

    /// The exact sum, each value as its own table has it.
    fn sum(&self, data: &Data, kept: &[Kept<'_>]) -> Result<Exact, OracleError> {
        let Measure::Column(name, _) = &self.measure else { panic!("a sum of nothing") };
        let mut sum = Exact::int(0);
        for event in kept {
            match event.stream.columns.value(name, event.row) {
                Some(Value::Exact(value)) => sum = sum.plus(value),
                Some(Value::Float(value)) => sum = sum.plus(&Exact::nine_digits(*value)),
                None => {}
                Some(other) => panic!("{other:?} in a sum"),
            }
        }
        let scales =
            self.filter.entries.iter().map(|entry| data.streams[entry].columns.scale(name));
        if sum.overflows(scales.max().unwrap_or(0)) {
            return failed("overflow", "a sum of more than 38 digits");
        }
        Ok(sum)
    }
}

/// The values at the instant of one of them.
fn at_instant<'a>(
    values: &'a [(i64, Value)],
    of: Option<&'a (i64, Value)>,
) -> impl Iterator<Item = Value> + 'a {
    let wanted = of.map(|(at, _)| *at);
    values.iter().filter(move |(at, _)| Some(*at) == wanted).map(|(_, value)| value.clone())
}

fn check(function: Function, measure: &Measure) -> Result<(), OracleError> {
    let fits = match (function, measure) {
        (Function::Count | Function::DaysSinceFirst | Function::DaysSinceLast, _) => true,
        (Function::CountDistinct, Measure::Day) => true,
        (_, Measure::Nothing | Measure::Day) => false,
        (Function::Sum | Function::Avg, Measure::Column(_, kind)) => kind.is_number(),
        (Function::Min | Function::Max, Measure::Column(_, kind)) => kind.is_ordered(),
        (_, Measure::Column(_, kind)) => !matches!(kind, Kind::List(_)),
    };
    if fits {
        return Ok(());
    }
    failed("type_mismatch", format!("{function:?} of {measure:?}"))
}
