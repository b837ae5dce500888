//! What a form needs to know: every field, its type, its operators and, where few, its values.

use std::collections::BTreeSet;

use arrow::array::AsArray;
use arrow::compute::cast;
use arrow::datatypes::DataType;
use datafusion::logical_expr::ident;
use serde::Serialize;

use crate::error::Result;
use crate::model::{BoundTrait, FieldType};
use crate::predicate::operators_of;

use super::SegmentEngine;
use super::evaluate::{data_error, internal};

/// A field that conditions can be about.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct FieldInfo {
    /// Its name, as a condition writes it.
    pub name: String,
    /// The table that it is a column of; `None` for traits and the language's own fields.
    pub table: Option<String>,
    /// The name of its type: `integer`, `string`, …
    #[serde(rename = "type")]
    pub ty: String,
    /// The operators that go with it.
    pub operators: Vec<&'static str>,
    /// The values that it has, ascending, if it is a string with at most a hundred.
    pub values: Option<Vec<String>>,
}

/// The most values that are listed.
const FEW: usize = 100;

fn field(name: &str, table: Option<&str>, ty: &FieldType) -> FieldInfo {
    FieldInfo {
        name: name.to_owned(),
        table: table.map(str::to_owned),
        ty: ty.to_string(),
        operators: operators_of(ty).iter().map(|operator| operator.as_str()).collect(),
        values: None,
    }
}

impl SegmentEngine {
    /// Every field of users, then traits, then the columns of events (for `where` and aggregates),
    /// then `segment` and `bucket`.
    ///
    /// # Errors
    /// Errors of the model and of the data.
    pub async fn fields(&self) -> Result<Vec<FieldInfo>> {
        self.shared.reopen_sources().await?;
        let model = self.shared.bound_model()?;
        let mut found = Vec::new();
        let tables = std::iter::once((&model.table, &model.schema));
        let tables: Vec<_> =
            tables.chain(model.events.iter().map(|e| (&e.table, &e.schema))).collect();
        let mut seen = BTreeSet::new();
        for (index, (table, schema)) in tables.into_iter().enumerate() {
            if !seen.insert(table) {
                continue;
            }
            if index == 1 {
                self.traits(&model, &mut found)?;
            }
            for column in schema.fields() {
                let Some(ty) = FieldType::of(column.data_type()) else { continue };
                let mut info = field(column.name(), Some(table), &ty);
                if ty == FieldType::String {
                    info.values = self.few_values(table, column.name()).await?;
                }
                found.push(info);
            }
        }
        if model.events.is_empty() {
            self.traits(&model, &mut found)?;
        }
        let segment = FieldInfo {
            operators: vec!["in", "notIn"],
            ty: "segment".to_owned(),
            ..field("segment", None, &FieldType::String)
        };
        found.extend([segment, field("bucket", None, &FieldType::Integer)]);
        Ok(found)
    }

    fn traits(&self, model: &crate::model::BoundModel, found: &mut Vec<FieldInfo>) -> Result<()> {
        for (name, entry) in &model.traits {
            let ty = match entry {
                BoundTrait::Point { .. } => FieldType::Point,
                BoundTrait::Aggregate(_) => crate::predicate::trait_type(model, name)?,
            };
            found.push(field(name, None, &ty));
        }
        Ok(())
    }

    /// The distinct values of a string column, if there are few.
    async fn few_values(&self, table: &str, column: &str) -> Result<Option<Vec<String>>> {
        let session = self.shared.session();
        let frame = session
            .read_table(self.shared.provider(table)?)
            .and_then(|frame| frame.select(vec![ident(column)]))
            .and_then(|frame| frame.distinct())
            .and_then(|frame| frame.limit(0, Some(FEW + 2)))
            .map_err(internal)?;
        let batches = frame.collect().await.map_err(|error| data_error(error, Some(table)))?;
        let mut values = BTreeSet::new();
        for batch in batches {
            let texts = cast(batch.column(0), &DataType::Utf8).map_err(|e| internal(e.into()))?;
            values.extend(texts.as_string::<i32>().iter().flatten().map(str::to_owned));
        }
        Ok((values.len() <= FEW).then(|| values.into_iter().collect()))
    }
}
