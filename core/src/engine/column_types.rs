//! The types of the columns that rules read, to notice when one has become another.

use std::collections::BTreeMap;

use crate::error::{Code, Problem};
use crate::model::BoundModel;
use crate::predicate::{BoundRule, Predicate};

/// `table.column` and type of everything that the rule reads.
pub(super) fn column_types(bound: &BoundRule, model: &BoundModel) -> BTreeMap<String, String> {
    let columns = bound.conditions.iter().flat_map(Predicate::columns);
    let all = columns.chain([&model.key]);
    all.map(|c| (format!("{}.{}", c.table, c.name), c.ty.to_string())).collect()
}

/// `table.column` and type of everything that the model's tables have.
pub(super) fn all_types(model: &BoundModel) -> BTreeMap<String, String> {
    let events = model.events.iter().map(|events| (&events.table, &events.schema));
    let tables = std::iter::once((&model.table, &model.schema)).chain(events);
    let types = tables.flat_map(|(table, schema)| {
        schema.fields().iter().map(move |field| {
            let ty = crate::FieldType::of(field.data_type());
            let ty = ty.map_or_else(|| field.data_type().to_string(), |ty| ty.to_string());
            (format!("{table}.{}", field.name()), ty)
        })
    });
    types.collect()
}

/// Columns that have another type now than before.
pub(super) fn changed_types(
    before: &BTreeMap<String, String>,
    now: &BTreeMap<String, String>,
) -> Vec<Problem> {
    let changed = now.iter().filter_map(|(column, ty)| {
        let before = before.get(column).filter(|before| *before != ty)?;
        let message = format!(
            "the column {column} was a {before} when the segment was last computed and is a {ty} now"
        );
        let hint = "update the rule to accept the new type";
        Some(Problem::new(Code::ColumnTypeChanged, "", message).hint(hint))
    });
    changed.collect()
}
