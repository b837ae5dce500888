//! The catalog as tables of the engine's SQL: `rule_table` and `segment_catalog`, as of the query.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use chrono::{DateTime, Utc};
use datafusion::common::TableReference;
use datafusion::datasource::MemTable;
use datafusion::prelude::SessionContext;

use crate::catalog::{Page, SegmentRow};
use crate::error::Result;

use super::Shared;
use super::evaluate::internal;
use super::rule_store::Rules;

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn instants(values: impl Iterator<Item = Option<DateTime<Utc>>>) -> ArrayRef {
    let micros = values.map(|at| at.map(|at| at.timestamp_micros()));
    Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn ints(values: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(values.map(Some).collect::<Int64Array>())
}

fn register(session: &SessionContext, name: &str, columns: Vec<(&str, ArrayRef)>) -> Result<()> {
    let batch = RecordBatch::try_from_iter_with_nullable(
        columns.into_iter().map(|(name, column)| (name, column, true)),
    );
    let batch = batch.map_err(|error| internal(error.into()))?;
    let table = MemTable::try_new(batch.schema(), vec![vec![batch]]).map_err(internal)?;
    session.register_table(TableReference::bare(name), Arc::new(table)).map_err(internal)?;
    Ok(())
}

fn rule_table(rules: &Rules) -> Vec<(&'static str, ArrayRef)> {
    let rows = || rules.rules.iter().map(|parsed| &parsed.row);
    let text = |of: fn(&crate::RuleText) -> Option<&str>| texts(rows().map(move |r| of(&r.text)));
    vec![
        ("id", ints(rows().map(|row| row.id))),
        ("rule_name", text(|rule| Some(&rule.rule_name))),
        ("description", text(|rule| rule.description.as_deref())),
        ("conditions", text(|rule| rule.conditions.as_deref())),
        ("schedule", text(|rule| rule.schedule.as_deref())),
        ("timezone", text(|rule| rule.timezone.as_deref())),
        ("start_date", text(|rule| rule.start_date.as_deref())),
        ("end_date", text(|rule| rule.end_date.as_deref())),
        ("depends_on", text(|rule| rule.depends_on.as_deref())),
        ("operation", text(|rule| rule.operation.as_deref())),
        ("enabled", Arc::new(rows().map(|r| Some(r.text.enabled)).collect::<BooleanArray>())),
        ("version", ints(rows().map(|row| row.version))),
        ("created_at", instants(rows().map(|row| row.created_at))),
        ("updated_at", instants(rows().map(|row| row.updated_at))),
    ]
}

fn segment_catalog(segments: &[SegmentRow]) -> Vec<(&'static str, ArrayRef)> {
    let rows = || segments.iter();
    vec![
        ("id", ints(rows().map(|row| row.id))),
        ("rule_id", ints(rows().map(|row| row.rule_id))),
        ("segment_name", texts(rows().map(|row| Some(row.segment_name.as_str())))),
        ("description", texts(rows().map(|row| row.description.as_deref()))),
        ("table_name", texts(rows().map(|row| Some(row.table_name.as_str())))),
        ("row_count", ints(rows().map(|row| row.row_count))),
        ("sql_query", texts(rows().map(|row| row.sql_query.as_deref()))),
        ("last_refreshed_at", instants(rows().map(|row| row.last_refreshed_at))),
        ("as_of", instants(rows().map(|row| row.current.as_ref().map(|v| v.as_of)))),
    ]
}

impl Shared {
    /// Registers the views that a query may be about; tables of the host's own come first.
    pub(super) async fn register_views(
        &self,
        session: &SessionContext,
        query: &str,
        rules: &Rules,
    ) -> Result<()> {
        let wanted = |name: &str| query.contains(name) && self.provider(name).is_err();
        if wanted("rule_table") {
            register(session, "rule_table", rule_table(rules))?;
        }
        if wanted("segment_catalog") {
            let all = Page { search: None, offset: 0, limit: i64::MAX };
            let (segments, _) = self.catalog(move |catalog| catalog.segments(&all)).await?;
            register(session, "segment_catalog", segment_catalog(&segments))?;
        }
        Ok(())
    }
}
