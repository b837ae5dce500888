//! Queries of people: `sql`, a rule as SQL, and the summary of the data.

use std::sync::Arc;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::{DataType, Decimal128Type, Field, Schema, SchemaRef};
use datafusion::common::{DataFusionError, TableReference};
use datafusion::datasource::MemTable;
use datafusion::execution::context::SQLOptions;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::common::collect;
use serde::Serialize;

use crate::document::Document;
use crate::error::{Code, Error, Result};
use crate::plan::{Dialect, Flavor, to_sql};
use crate::predicate::bind_rule;
use crate::rule::RuleRef;
use crate::stack;

use super::evaluate::{RunSources, data_error, internal};
use super::rule_store::settle;
use super::work::whole;
use super::{Run, SegmentEngine, query_limits, read};

/// Figures of the data as it is and of what was computed from it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Summary {
    /// Rows of the users table.
    pub total_users: u64,
    /// Events of all event tables.
    pub total_transactions: u64,
    /// The sum of the trait `total_spend` over all events, as decimal text; `None` where the
    /// model has no such sum.
    pub total_spend: Option<String>,
    /// Rules that are stored.
    pub total_rules: u64,
    /// Segments that are current.
    pub total_segments: u64,
    /// The newest run.
    pub last_run: Option<Run>,
}

impl SegmentEngine {
    /// Runs one SELECT over the registered tables and the segments, which are tables
    /// `segment_output_<rule id>` with one column, the key, and the views `rule_table` and
    /// `segment_catalog`. It can only read, and only those.
    ///
    /// # Errors
    /// [`Code::NotReadOnly`] for anything but a query, [`Code::BadQuery`] for one that is wrong,
    /// [`Code::LimitExceeded`] for more than 1 MiB, 16 levels of brackets or 500 operators in a
    /// row; errors of the data.
    pub async fn sql(&self, query: &str) -> Result<SendableRecordBatchStream> {
        query_limits::check(query)?;
        let session = self.shared.fresh_session();
        self.shared.reopen_sources().await?;
        for (name, source) in read(&self.shared.sources).iter() {
            let name = TableReference::bare(name.as_str());
            session.register_table(name, Arc::clone(&source.provider)).map_err(internal)?;
        }
        self.register_segments(&session, query).await?;
        let refused = |error: datafusion::error::DataFusionError| {
            let text = error.to_string();
            let not_a_query = text.contains("not supported") && text.contains("DDL")
                || text.contains("DML not supported")
                || text.contains("Statement not supported")
                || text.contains("Unsupported SQL statement");
            let code = if not_a_query { Code::NotReadOnly } else { Code::BadQuery };
            Error::new(code, text).caused_by(error)
        };
        let options = SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false);
        // What nests takes the parser and the planner more of a stack than a thread of the host's
        // may have.
        stack::deeply(async {
            let state = session.state();
            let dialect = state.config().options().sql_parser.dialect;
            let statement = state.sql_to_statement(query, &dialect).map_err(refused)?;
            let plan = state.statement_to_plan(statement).await.map_err(refused)?;
            options.verify_plan(&plan).map_err(refused)?;
            let frame = session.execute_logical_plan(plan).await.map_err(refused)?;
            frame.execute_stream().await.map_err(|error| {
                // Nothing has been read yet. Where no table is at fault the query is: it leaves a
                // parameter open, for one.
                let of_query = matches!(error.find_root(), DataFusionError::Execution(_));
                let told = data_error(error, None);
                match told.problems() {
                    [problem] if of_query || problem.code == Code::Internal => {
                        Error::new(Code::BadQuery, problem.message.clone()).caused_by(told)
                    }
                    _ => told,
                }
            })
        })
        .await
    }

    /// The same, read to its end: the columns and all rows.
    ///
    /// # Errors
    /// As for [`SegmentEngine::sql`].
    pub async fn sql_collected(&self, query: &str) -> Result<(SchemaRef, Vec<RecordBatch>)> {
        let stream = self.sql(query).await?;
        let schema = stream.schema();
        let batches = collect(stream).await.map_err(|error| data_error(error, None))?;
        Ok((schema, batches))
    }

    /// Registers the segments that a query names.
    async fn register_segments(
        &self,
        session: &datafusion::prelude::SessionContext,
        query: &str,
    ) -> Result<()> {
        let rules = self.shared.rules().await?;
        self.shared.register_views(session, query, &rules).await?;
        if !query.contains("segment_output_") {
            return Ok(());
        }
        let name = self.shared.key_name();
        for parsed in &rules.rules {
            let id = parsed.row.id;
            let table = format!("segment_output_{id}");
            if !query.contains(&table) {
                continue;
            }
            let Ok(segment) = self.segment(id).await else { continue };
            let keys = segment.keys()?.to_array();
            let schema =
                Arc::new(Schema::new(vec![Field::new(&name, keys.data_type().clone(), false)]));
            let unfit = |error| Error::new(Code::Internal, "keys are no table").caused_by(error);
            let batch = RecordBatch::try_new(Arc::clone(&schema), vec![keys]).map_err(unfit)?;
            let provider = MemTable::try_new(schema, vec![vec![batch]]).map_err(internal)?;
            session
                .register_table(TableReference::bare(table), Arc::new(provider))
                .map_err(internal)?;
        }
        Ok(())
    }

    /// A rule, stored or not, as one SELECT of keys in a dialect, with the windows of a run that
    /// began now.
    ///
    /// # Errors
    /// All problems of the rule; [`Code::Unsupported`] where the dialect can't say it exactly.
    pub async fn to_sql<'a>(
        &self,
        rule: impl Into<RuleDocument<'a>>,
        dialect: Dialect,
    ) -> Result<String> {
        self.to_sql_as_of(rule, dialect, self.shared.clock.now()).await
    }

    /// The same with the windows of a run as of another instant.
    ///
    /// # Errors
    /// As for [`SegmentEngine::to_sql`].
    pub async fn to_sql_as_of<'a>(
        &self,
        rule: impl Into<RuleDocument<'a>>,
        dialect: Dialect,
        as_of: chrono::DateTime<chrono::Utc>,
    ) -> Result<String> {
        let rules = self.shared.rules().await?;
        let (_, mut rule, places) = rules.read(rule.into())?;
        settle(&mut rule, &rules.known);
        let model = self.shared.bound_model()?;
        let bound = bind_rule(&rule, &model, &rules.known).map_err(|found| places.error(found))?;
        let sources = RunSources::of(&self.shared, &model);
        let planner = sources.planner(as_of.timestamp_micros(), bound.zone, Flavor::Text(dialect));
        to_sql(&planner.members(&whole(&bound, &model))?, dialect)
    }

    /// Figures of the data, counted now.
    ///
    /// # Errors
    /// Errors of the model, the data and the catalog.
    pub async fn summary(&self) -> Result<Summary> {
        self.shared.reopen_sources().await?;
        let model = self.shared.bound_model()?;
        let mut events = 0;
        for table in model.events.iter().map(|events| events.table.as_str()) {
            events += self.count(table).await?;
        }
        let runs = self.runs(1, 1).await?;
        let rules = self.shared.rules().await?;
        let segments = self.segments(1, 1, None).await?;
        let count = |n: usize| u64::try_from(n).unwrap_or(0);
        Ok(Summary {
            total_users: self.count(&model.table).await?,
            total_transactions: events,
            total_spend: self.total_spend(&model).await?,
            total_rules: count(rules.rules.len()),
            total_segments: count(segments.total),
            last_run: runs.items.into_iter().next(),
        })
    }

    async fn count(&self, table: &str) -> Result<u64> {
        let session = self.shared.session();
        let frame = session
            .read_table(self.shared.provider(table)?)
            .map_err(internal)?
            .count()
            .await
            .map_err(|error| data_error(error, Some(table)))?;
        Ok(u64::try_from(frame).unwrap_or(0))
    }

    /// The sum behind the trait `total_spend`, over every event whatever its user and time.
    async fn total_spend(&self, model: &crate::model::BoundModel) -> Result<Option<String>> {
        use crate::model::BoundTrait;
        use crate::rule::Aggregate;
        use datafusion::functions_aggregate::expr_fn::sum;
        use datafusion::logical_expr::cast;
        let field = match model.traits.get("total_spend") {
            Some(BoundTrait::Aggregate(metric)) if metric.aggregate == Aggregate::Sum => metric,
            _ => return Ok(None),
        };
        let Some(column) = &field.field else { return Ok(None) };
        let mut total = 0i128;
        for events in model.events.iter().filter(|events| field.events.contains(&events.name)) {
            let session = self.shared.session();
            let decimal = DataType::Decimal128(38, 9);
            let value = cast(datafusion::logical_expr::ident(column), decimal);
            let frame = session
                .read_table(self.shared.provider(&events.table)?)
                .and_then(|frame| frame.aggregate(vec![], vec![sum(value)]))
                .map_err(internal)?;
            let batches =
                frame.collect().await.map_err(|error| data_error(error, Some(&events.table)))?;
            for batch in batches {
                let sums = batch.column(0).as_primitive::<Decimal128Type>();
                total = total.saturating_add(sums.iter().flatten().sum());
            }
        }
        Ok(crate::Number::from_parts(total, 9).map(|number| number.to_string()))
    }
}

/// A rule that is stored, or a document of one.
#[derive(Clone, Debug)]
pub enum RuleDocument<'a> {
    /// A stored rule.
    Stored(RuleRef),
    /// A rule's document, or conditions alone.
    Document(Document<'a>),
}

impl From<i64> for RuleDocument<'_> {
    fn from(id: i64) -> Self {
        RuleDocument::Stored(RuleRef::Id(id))
    }
}

impl From<RuleRef> for RuleDocument<'_> {
    fn from(rule: RuleRef) -> Self {
        RuleDocument::Stored(rule)
    }
}

impl<'a> From<Document<'a>> for RuleDocument<'a> {
    fn from(document: Document<'a>) -> Self {
        RuleDocument::Document(document)
    }
}

impl From<&serde_json::Value> for RuleDocument<'_> {
    fn from(document: &serde_json::Value) -> Self {
        RuleDocument::Document(document.into())
    }
}

impl<'a> From<&RuleDocument<'a>> for RuleDocument<'a> {
    fn from(document: &RuleDocument<'a>) -> Self {
        document.clone()
    }
}
