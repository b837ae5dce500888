//! The scan of a SQLite table: one SELECT, stepped on a thread of its own that ends when nobody
//! reads on.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result as DataFusionResult, internal_err};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchReceiverStreamBuilder;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions,
};
use futures::{Stream, StreamExt};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, InterruptHandle};
use tokio::sync::mpsc::Sender;

use super::value::{Values, shown};
use super::{BUSY, Source, connect, failed, quoted};
use crate::error::{Code, Error};

/// Batches that may wait for their reader.
const WAITING: usize = 2;
/// A batch is sent early once its texts and blobs are this large.
const BATCH_BYTES: usize = 16 << 20;
/// How often a reader that waits for a writer looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);

/// A scan of some columns of a table.
#[derive(Clone)]
pub(super) struct SqliteExec {
    source: Arc<Source>,
    projection: Vec<usize>,
    /// SQL conditions on the table as `t`.
    conditions: Vec<String>,
    fetch: Option<usize>,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl SqliteExec {
    pub(super) fn try_new(
        source: Arc<Source>,
        projection: Vec<usize>,
        conditions: Vec<String>,
        fetch: Option<usize>,
    ) -> DataFusionResult<Self> {
        let schema = Arc::new(source.schema.project(&projection)?);
        let properties = Arc::new(PlanProperties::new(
            EquivalenceProperties::new(Arc::clone(&schema)),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        ));
        let metrics = ExecutionPlanMetricsSet::new();
        Ok(SqliteExec { source, projection, conditions, fetch, schema, properties, metrics })
    }

    /// The SELECT: the projected columns, then the rowid if the table has one; for no columns, the
    /// number of rows.
    fn sql(&self) -> String {
        // An SQLite integer ends at 2^63.
        let limit = self.fetch.map(|fetch| i64::try_from(fetch).unwrap_or(i64::MAX));
        let limit = limit.map(|limit| format!(" LIMIT {limit}")).unwrap_or_default();
        let conditions = match self.conditions.is_empty() {
            true => String::new(),
            false => format!(" WHERE {}", self.conditions.join(" AND ")),
        };
        let rows = format!("FROM main.{} AS t{conditions}{limit}", quoted(&self.source.table));
        let fields = self.schema.fields().iter();
        let mut columns: Vec<String> =
            fields.map(|field| format!("t.{}", quoted(field.name()))).collect();
        if columns.is_empty() {
            return match self.fetch {
                Some(_) => format!("SELECT count(*) FROM (SELECT 1 {rows})"),
                None => format!("SELECT count(*) {rows}"),
            };
        }
        columns.extend(self.source.rowid.map(|rowid| format!("t.{rowid}")));
        format!("SELECT {} {rows}", columns.join(", "))
    }
}

impl fmt::Debug for SqliteExec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteExec")
            .field("path", &self.source.path)
            .field("sql", &self.sql())
            .finish_non_exhaustive()
    }
}

impl DisplayAs for SqliteExec {
    fn fmt_as(&self, kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> =
            self.schema.fields().iter().map(|field| field.name().as_str()).collect();
        let (path, table) = (self.source.path.display(), &self.source.table);
        match kind {
            DisplayFormatType::TreeRender => {
                writeln!(f, "table={table}")?;
                writeln!(f, "projection={}", names.join(", "))?;
                if !self.conditions.is_empty() {
                    writeln!(f, "filter={}", self.conditions.join(" AND "))?;
                }
                self.fetch.map_or(Ok(()), |fetch| writeln!(f, "fetch={fetch}"))
            }
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                let names = names.join(", ");
                write!(f, "SqliteExec: file={path}, table={table}, projection=[{names}]")?;
                if !self.conditions.is_empty() {
                    write!(f, ", filter={}", self.conditions.join(" AND "))?;
                }
                if let Some(fetch) = self.fetch {
                    write!(f, ", fetch={fetch}")?;
                }
                match kind {
                    DisplayFormatType::Verbose => write!(f, ", sql={}", self.sql()),
                    _ => Ok(()),
                }
            }
        }
    }
}

impl ExecutionPlan for SqliteExec {
    fn name(&self) -> &'static str {
        "SqliteExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> DataFusionResult<TreeNodeRecursion>,
    ) -> DataFusionResult<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_new_children(
        self: Arc<Self>,
        _children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn with_fetch(&self, limit: Option<usize>) -> Option<Arc<dyn ExecutionPlan>> {
        let metrics = ExecutionPlanMetricsSet::new();
        Some(Arc::new(SqliteExec { fetch: limit, metrics, ..self.clone() }))
    }

    fn fetch(&self) -> Option<usize> {
        self.fetch
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(
        &self,
        partition: usize,
        context: Arc<TaskContext>,
    ) -> DataFusionResult<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("SqliteExec has one partition, not {}", partition + 1);
        }
        let mut builder = RecordBatchReceiverStreamBuilder::new(Arc::clone(&self.schema), WAITING);
        let stop = Arc::new(Stop::default());
        let reader = Reader {
            source: Arc::clone(&self.source),
            schema: Arc::clone(&self.schema),
            projection: self.projection.clone(),
            sql: self.sql(),
            batch_rows: context.session_config().batch_size().max(1),
            batches: builder.tx(),
            stop: Arc::clone(&stop),
        };
        builder.spawn_blocking(move || {
            if let Err(error) = reader.run() {
                // Through the channel, so that it comes after the batches before it.
                let error = DataFusionError::External(Box::new(error));
                let _ = reader.batches.blocking_send(Err(error));
            }
            Ok(())
        });
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        Ok(Box::pin(Batches { batches: builder.build(), stop, metrics }))
    }
}

/// The batches as they come; dropping it stops the reader.
struct Batches {
    batches: SendableRecordBatchStream,
    stop: Arc<Stop>,
    metrics: BaselineMetrics,
}

impl Stream for Batches {
    type Item = DataFusionResult<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let poll = self.batches.poll_next_unpin(cx);
        self.metrics.record_poll(poll)
    }
}

impl RecordBatchStream for Batches {
    fn schema(&self) -> SchemaRef {
        self.batches.schema()
    }
}

impl Drop for Batches {
    fn drop(&mut self) {
        self.stop.ask();
    }
}

/// Tells the reader that nobody wants its rows, even while SQLite looks for the next one.
#[derive(Default)]
struct Stop {
    asked: AtomicBool,
    statement: Mutex<Option<InterruptHandle>>,
}

impl Stop {
    fn arm(&self, conn: &Connection) {
        let mut statement = self.statement.lock().unwrap_or_else(PoisonError::into_inner);
        *statement = Some(conn.get_interrupt_handle());
    }

    fn ask(&self) {
        self.asked.store(true, Ordering::SeqCst);
        let statement = self.statement.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = statement.as_ref() {
            statement.interrupt();
        }
    }

    fn asked(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }
}

/// What the thread needs.
struct Reader {
    source: Arc<Source>,
    schema: SchemaRef,
    projection: Vec<usize>,
    sql: String,
    batch_rows: usize,
    batches: Sender<DataFusionResult<RecordBatch>>,
    stop: Arc<Stop>,
}

impl Reader {
    fn run(&self) -> Result<(), Error> {
        match self.read() {
            // Whatever a reader nobody wants fails with, interrupted most likely, is no error.
            Err(_) if self.stop.asked() => Ok(()),
            Err(Failure::Sqlite(cause)) => {
                Err(failed(&self.source.path, Some(&self.source.table), cause))
            }
            Err(Failure::Other(error)) => Err(error),
            Ok(()) => Ok(()),
        }
    }

    fn read(&self) -> Result<(), Failure> {
        let conn = connect(&self.source.path)?;
        self.stop.arm(&conn);
        self.begin(&conn)?;
        // An interrupt counts only while a statement is active: this one is, from here to the end.
        let mut active = conn.prepare("SELECT 1 FROM sqlite_schema")?;
        let mut active = active.query([])?;
        active.next()?;
        if self.stop.asked() {
            return Ok(());
        }
        let mut statement = conn.prepare(&self.sql)?;
        let mut rows = statement.query([])?;
        if self.projection.is_empty() {
            let count: i64 = rows.next()?.map_or(Ok(0), |row| row.get(0))?;
            return self.send_counts(usize::try_from(count).unwrap_or(0));
        }
        let fields = self.schema.fields().iter();
        let mut columns: Vec<Values> = fields.map(|field| Values::new(field.data_type())).collect();
        let (mut count, mut bytes) = (0, 0);
        while let Some(row) = rows.next()? {
            for (i, values) in columns.iter_mut().enumerate() {
                let value = row.get_ref(i)?;
                bytes += values.push(value).ok_or_else(|| {
                    let rowid = row.get_ref(self.projection.len()).ok();
                    self.misfit(i, value, rowid)
                })?;
            }
            count += 1;
            if count == self.batch_rows || bytes >= BATCH_BYTES {
                if !self.send(&mut columns, count)? {
                    return Ok(());
                }
                (count, bytes) = (0, 0);
            }
        }
        if count > 0 {
            self.send(&mut columns, count)?;
        }
        Ok(())
    }

    /// Waits until the file can be read, and holds it there: everything read through `conn` from
    /// here on is of one state of the file.
    fn begin(&self, conn: &Connection) -> Result<(), Failure> {
        conn.execute_batch("BEGIN")?;
        conn.busy_timeout(LOOK)?;
        let mut left = BUSY.as_millis() / LOOK.as_millis();
        loop {
            let held = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()));
            match held {
                Ok(()) => return Ok(()),
                Err(e) if e.sqlite_error_code() != Some(ErrorCode::DatabaseBusy) => {
                    return Err(e.into());
                }
                Err(e) if left == 0 || self.stop.asked() => return Err(e.into()),
                Err(_) => left -= 1,
            }
        }
    }

    /// Sends what the columns hold; false if nobody wants it.
    fn send(&self, columns: &mut [Values], count: usize) -> Result<bool, Failure> {
        let arrays = columns.iter_mut().map(Values::finish).collect();
        self.send_batch(arrays, count)
    }

    /// Sends that many rows without columns.
    fn send_counts(&self, mut left: usize) -> Result<(), Failure> {
        while left > 0 {
            let count = left.min(self.batch_rows);
            if !self.send_batch(Vec::new(), count)? {
                break;
            }
            left -= count;
        }
        Ok(())
    }

    fn send_batch(&self, arrays: Vec<ArrayRef>, count: usize) -> Result<bool, Failure> {
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        let batch = RecordBatch::try_new_with_options(Arc::clone(&self.schema), arrays, &options);
        let batch = batch.map_err(|cause| {
            let (path, table) = (&self.source.path, &self.source.table);
            let message = format!("SQLite file {path:?}, table {table:?}: {cause}");
            Failure::Other(Error::new(Code::Internal, message).caused_by(cause))
        })?;
        Ok(self.batches.blocking_send(Ok(batch)).is_ok())
    }

    /// The value of the `i`th column of the scan is none of the column's type.
    fn misfit(&self, i: usize, value: ValueRef<'_>, rowid: Option<ValueRef<'_>>) -> Failure {
        let (path, table) = (&self.source.path, &self.source.table);
        let name = self.schema.fields().get(i).map_or("", |field| field.name().as_str());
        let declared = self.projection.get(i).and_then(|at| self.source.declared.get(*at));
        let declared = declared.map_or("", |declared| declared.as_str());
        let declared = if declared.is_empty() { "TEXT" } else { declared };
        let row = match rowid {
            Some(ValueRef::Integer(rowid)) => format!(", rowid {rowid}"),
            _ => String::new(),
        };
        let message = format!(
            "SQLite file {path:?}, table {table:?}, column {name:?}{row}: {} is no {declared}",
            shown(value)
        );
        Failure::Other(Error::new(Code::UnreadableSource, message))
    }
}

/// Why a scan ended early.
enum Failure {
    Sqlite(rusqlite::Error),
    Other(Error),
}

impl From<rusqlite::Error> for Failure {
    fn from(cause: rusqlite::Error) -> Self {
        Failure::Sqlite(cause)
    }
}
