//! What the name of a field stands for: a column, a trait, a position.

use crate::document::Path;
use crate::error::{Code, Problem};
use crate::model::{BoundTrait, Column, column, same_name};
use crate::rule::{Condition, Group, Subject, Window};

use super::Value;
use super::bind::{Binding, Scope};

/// What a name stands for.
pub(super) enum Found {
    Value(Value),
    Point(Column, Column),
}

impl Binding<'_> {
    pub(super) fn field_of(
        &mut self,
        condition: &Condition,
        name: &str,
        scope: &Scope<'_>,
    ) -> Option<Found> {
        let Subject::Field { filter, window, .. } = &condition.subject else { return None };
        let place = Path::at(condition.at.as_str()).member("field").to_string();
        self.field(name, (filter.as_ref(), *window), place, condition.at.as_str(), scope)
    }

    /// A column or trait by its name; `narrow` is the condition's `where` and `window`.
    pub(super) fn field(
        &mut self,
        name: &str,
        narrow: (Option<&Group>, Option<Window>),
        place: String,
        at: &str,
        scope: &Scope<'_>,
    ) -> Option<Found> {
        if let Scope::Events(events) = scope {
            self.refuse_narrowing(narrow, at, "a column of an event");
            return self.event_column(events, name, place).map(|c| Found::Value(Value::Column(c)));
        }
        let model = self.model;
        let bare = [model.table.as_str(), "users"]
            .into_iter()
            .find_map(|table| name.strip_prefix(table)?.strip_prefix('.'));
        let reserved = matches!(name, "segment" | "bucket");
        let exact = column(&model.table, &model.schema, name).filter(|_| !reserved);
        match exact.or_else(|| column(&model.table, &model.schema, bare?)) {
            Some(Ok(column)) => {
                self.refuse_narrowing(narrow, at, "an attribute");
                return Some(Found::Value(Value::Column(column)));
            }
            Some(Err(data_type)) => {
                let message = format!("the column {name:?} of type {data_type} can't be used");
                self.push(Problem::new(Code::Unsupported, place, message));
                return None;
            }
            None => {}
        }
        let traits = || model.traits.iter().map(|(name, known)| (name.as_str(), known));
        let trait_of = |name: &str| model.traits.get(name).or_else(|| same_name(traits(), name));
        match trait_of(name).or_else(|| trait_of(bare?)) {
            Some(BoundTrait::Point { latitude, longitude }) => {
                self.refuse_narrowing(narrow, at, "a point");
                Some(Found::Point(latitude.clone(), longitude.clone()))
            }
            Some(BoundTrait::Aggregate(metric)) => {
                let at = if at.is_empty() { place.as_str() } else { at };
                self.metric(metric, narrow, at).map(|metric| Found::Value(Value::Metric(metric)))
            }
            None => {
                let shown: String = name.chars().take(60).collect();
                let message =
                    format!("neither a column of {:?} nor a trait: {shown:?}", model.table);
                let columns = model.schema.fields().iter().map(|field| field.name().as_str());
                let known = columns.chain(model.traits.keys().map(String::as_str));
                let known: Vec<&str> = known.chain(["segment", "bucket"]).collect();
                self.push(Problem::new(Code::UnknownField, place, message).nearest(name, known));
                None
            }
        }
    }

    fn refuse_narrowing(&mut self, narrow: (Option<&Group>, Option<Window>), at: &str, what: &str) {
        for (name, given) in [("where", narrow.0.is_some()), ("window", narrow.1.is_some())] {
            if given {
                let place = Path::at(at).member(name).to_string();
                let message = format!("{name:?} narrows a trait or events; this is {what}");
                self.push(Problem::new(Code::UnknownMember, place, message));
            }
        }
    }
}
