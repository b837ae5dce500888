//! Tables that know of whom they gave rows out.

use std::collections::BTreeSet;
use std::sync::Mutex;

use arrow::datatypes::{Int64Type, SchemaRef};
use datafusion::catalog::{MemTable, Session, TableProvider};
use datafusion::common::Result as DataFusionResult;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;

use super::*;

/// A table of the host's that takes every filter to itself and knows of whom it gave rows out.
#[derive(Debug)]
struct Watched {
    name: &'static str,
    user: &'static str,
    rows: Arc<MemTable>,
    given: Arc<Mutex<BTreeSet<i64>>>,
}

#[async_trait::async_trait]
impl TableProvider for Watched {
    fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Exact; filters.len()])
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let context = SessionContext::new();
        context.register_table(self.name, Arc::clone(&self.rows) as _)?;
        let mut frame = context.table(self.name).await?;
        for filter in filters {
            frame = frame.filter(filter.clone())?;
        }
        let batches = frame.collect().await?;
        for batch in &batches {
            let users = batch.column_by_name(self.user).unwrap().as_primitive::<Int64Type>();
            self.given.lock().unwrap().extend(users.iter().flatten());
        }
        let plan =
            MemorySourceConfig::try_new_exec(&[batches], self.schema(), projection.cloned())?;
        Ok(plan)
    }
}

/// The users of whom rows were given out since the tables were asked last.
#[derive(Clone, Default)]
pub struct Seen(Arc<Mutex<BTreeSet<i64>>>);

impl Seen {
    pub fn users(&self) -> Vec<i64> {
        std::mem::take(&mut *self.0.lock().unwrap()).into_iter().collect()
    }

    pub fn watch(
        &self,
        engine: &SegmentEngine,
        name: &'static str,
        user: &'static str,
        of: RecordBatch,
    ) {
        let rows = Arc::new(MemTable::try_new(of.schema(), vec![vec![of]]).unwrap());
        let table = Watched { name, user, rows, given: Arc::clone(&self.0) };
        engine.add_table(name, Arc::new(table)).unwrap();
    }
}

/// An engine over tables that are watched.
pub async fn watched() -> (SegmentEngine, Seen) {
    let (engine, seen) = (bare_on(MemoryCatalog::new()).await, Seen::default());
    seen.watch(&engine, "people", "id", people());
    seen.watch(&engine, "buys", "user_id", buys());
    (engine, seen)
}
