//! Aggregates of events: their tables, columns and types found in the model.

use std::sync::Arc;

use crate::document::Path;
use crate::error::{Code, Problem};
use crate::model::{BoundEvents, Column, FieldType, column};
use crate::rule::{Aggregate, Group, Metric as Written, Window};

use super::bind::{Binding, Scope};
use super::{Metric, Predicate, Source};

/// The pseudo field of `count_distinct` that counts days.
const DAY: &str = "time:day";

/// Digits after the point that a double keeps in a sum.
pub(crate) const DOUBLE_SCALE: i32 = 9;

impl Binding<'_> {
    /// Binds an aggregate; `narrow` is what a condition adds to a trait. `at` is where problems
    /// are said to be.
    pub(super) fn metric(
        &mut self,
        written: &Written,
        narrow: (Option<&Group>, Option<Window>),
        at: &str,
    ) -> Option<Arc<Metric>> {
        let by_day =
            written.aggregate == Aggregate::CountDistinct && written.field.as_deref() == Some(DAY);
        let tables = self.event_tables(&written.events, at)?;
        let mut sources = Vec::with_capacity(tables.len());
        for events in &tables {
            let field = match &written.field {
                Some(name) if !by_day => Some(self.event_field(events, name, at)),
                _ => None,
            };
            let own = written.filter.as_ref().map(|filter| self.filter(filter, events));
            let added = narrow.0.map(|filter| self.filter(filter, events));
            let filters = [own, added].into_iter().flatten().collect::<Option<Vec<_>>>();
            let (field, filters) = (field.unwrap_or(None), filters);
            if written.field.is_some() && !by_day && field.is_none() {
                continue;
            }
            sources.push(Source {
                table: events.table.clone(),
                user: events.user.clone(),
                time: events.time.clone(),
                field,
                filter: Predicate::all(filters?),
            });
        }
        if sources.len() != tables.len() {
            return None;
        }
        let ty = self.result_type(written, &sources, by_day, at)?;
        let given: Vec<Window> = [written.window, narrow.1].into_iter().flatten().collect();
        // The rule's dates hold where neither the condition nor the trait says when.
        let mut windows =
            if given.is_empty() { self.rule_window.into_iter().collect() } else { given };
        windows.retain(|window| *window != Window::All);
        Some(Arc::new(Metric { aggregate: written.aggregate, ty, sources, windows, by_day }))
    }

    /// The event tables of those names.
    pub(super) fn event_tables(&mut self, names: &[String], at: &str) -> Option<Vec<BoundEvents>> {
        let mut found = Vec::new();
        for (index, name) in names.iter().enumerate() {
            if let Some(events) = self.model.events.iter().find(|events| events.name == *name) {
                found.push(events.clone());
                continue;
            }
            let place = Path::at(at);
            let events = place.member("events");
            let place = match names.len() {
                1 => events.to_string(),
                _ => events.index(index).to_string(),
            };
            let shown: String = name.chars().take(60).collect();
            let message = format!("the model has no events {shown:?}");
            let known = self.model.events.iter().map(|events| events.name.as_str());
            let problem = Problem::new(Code::UnknownField, place, message).nearest(name, known);
            self.push(problem);
        }
        (found.len() == names.len()).then_some(found)
    }

    fn event_field(&mut self, events: &BoundEvents, name: &str, at: &str) -> Option<Column> {
        let place = Path::at(at).member("field").to_string();
        self.event_column(events, name, place)
    }

    /// A column of an event table, with its table's name before it or without.
    pub(super) fn event_column(
        &mut self,
        events: &BoundEvents,
        name: &str,
        place: String,
    ) -> Option<Column> {
        let bare = [&events.name, &events.table]
            .into_iter()
            .find_map(|table| name.strip_prefix(table.as_str())?.strip_prefix('.'));
        let reserved = matches!(name, "segment" | "bucket");
        let exact = column(&events.table, &events.schema, name).filter(|_| !reserved);
        let found = exact.or_else(|| column(&events.table, &events.schema, bare?));
        match found {
            Some(Ok(column)) => Some(column),
            Some(Err(data_type)) => {
                let message = format!("the column {name:?} of type {data_type} can't be used");
                self.push(Problem::new(Code::Unsupported, place, message));
                None
            }
            None => {
                let shown: String = name.chars().take(60).collect();
                let mut message = format!("the events {:?} have no column {shown:?}", events.name);
                if reserved {
                    message = format!(
                        "{name:?} is a field of the language; write {}.{name} for a column",
                        events.name
                    );
                }
                let names = events.schema.fields().iter().map(|field| field.name().as_str());
                let names: Vec<&str> = if reserved { Vec::new() } else { names.collect() };
                self.push(Problem::new(Code::UnknownField, place, message).nearest(name, names));
                None
            }
        }
    }

    pub(super) fn filter(&mut self, filter: &Group, events: &BoundEvents) -> Option<Predicate> {
        self.group(filter, &Scope::Events(events))
    }

    fn result_type(
        &mut self,
        written: &Written,
        sources: &[Source],
        by_day: bool,
        at: &str,
    ) -> Option<FieldType> {
        let place = || Path::at(at).member("field").to_string();
        let name = written.aggregate.as_str();
        let types: Vec<&FieldType> =
            sources.iter().filter_map(|s| s.field.as_ref().map(|field| &field.ty)).collect();
        let fits = |ty: &FieldType| match written.aggregate {
            Aggregate::Sum | Aggregate::Avg => ty.is_number(),
            Aggregate::Min | Aggregate::Max => ty.is_ordered(),
            Aggregate::CountDistinct | Aggregate::First | Aggregate::Last => {
                !matches!(ty, FieldType::List(_) | FieldType::Point)
            }
            _ => true,
        };
        let mut columns = sources.iter().filter_map(|source| source.field.as_ref());
        if let Some(column) = columns.find(|column| !fits(&column.ty)) {
            let (table, field, one) = (&column.table, &column.name, column.ty.one());
            let message = format!("{name} does not go with {table}.{field}, {one}");
            self.push(Problem::new(Code::TypeMismatch, place(), message));
            return None;
        }
        if by_day || types.is_empty() {
            return Some(FieldType::Integer);
        }
        let Some(common) = unify(&types) else {
            let found: Vec<String> = types.iter().map(ToString::to_string).collect();
            let message = format!("the field's types do not go together: {}", found.join(", "));
            self.push(Problem::new(Code::TypeMismatch, place(), message));
            return None;
        };
        Some(match written.aggregate {
            Aggregate::Count | Aggregate::CountDistinct => FieldType::Integer,
            Aggregate::Avg => FieldType::Ratio,
            Aggregate::Sum => FieldType::Decimal { scale: sum_scale(&types) },
            _ => common,
        })
    }
}

/// The scale of an exact sum of columns of those types.
pub(crate) fn sum_scale(types: &[&FieldType]) -> i32 {
    let scales = types.iter().map(|ty| match ty {
        FieldType::Decimal { scale } => (*scale).max(0),
        FieldType::Float => DOUBLE_SCALE,
        _ => 0,
    });
    scales.max().unwrap_or(0)
}

/// One type that holds the values of all: exact numbers together, any double makes doubles.
fn unify(types: &[&FieldType]) -> Option<FieldType> {
    let (first, rest) = types.split_first()?;
    if types.iter().all(|ty| ty.is_number()) {
        if types.contains(&&FieldType::Float) {
            return Some(FieldType::Float);
        }
        if types.iter().all(|ty| **ty == FieldType::Integer) {
            return Some(FieldType::Integer);
        }
        return Some(FieldType::Decimal { scale: sum_scale(types) });
    }
    rest.iter().all(|ty| ty == first).then(|| (*first).clone())
}
