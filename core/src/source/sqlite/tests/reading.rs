//! Tests of scans: what is pushed into SQLite, how rows stream and how a scan ends.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, col, lit};
use datafusion::physical_plan::displayable;
use datafusion::prelude::{SessionConfig, SessionContext};
use futures::StreamExt;
use rusqlite::Connection;

use super::{Fixture, TableProvider, fixture, lines};
use crate::source::sqlite::connect;

fn numbers(rows: usize) -> Fixture {
    let f = fixture("CREATE TABLE n (id INTEGER PRIMARY KEY, v INT, s TEXT, d DECIMAL(9,2))");
    f.conn
        .execute_batch(&format!(
            "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {rows}) \
             INSERT INTO n SELECT x, nullif(x % 100, 7) - 50, 'row ' || x, x / 4.0 FROM c"
        ))
        .unwrap();
    f
}

#[tokio::test]
async fn projection_limit_and_streaming() {
    let f = numbers(100_000);
    let ctx = f.context("n");
    let batches = ctx.sql("SELECT * FROM t").await.unwrap().collect().await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).sum::<usize>(), 100_000);
    assert_eq!(batches.iter().map(RecordBatch::num_rows).max(), Some(8192));
    assert_eq!(lines(&batches)[99_999], "100000|-50|row 100000|25000.00");
    assert_eq!(f.rows("n", "SELECT count(*) FROM t").await, ["100000"]);
    assert_eq!(f.rows("n", "SELECT sum(d), min(s) FROM t").await, ["1250012500.00|row 1"]);
    assert_eq!(f.rows("n", "SELECT s FROM t LIMIT 2").await, ["row 1", "row 2"]);
    assert_eq!(f.rows("n", "SELECT count(*) FROM (SELECT s FROM t LIMIT 7)").await, ["7"]);
    let first = f.rows("n", "SELECT id FROM t WHERE v = 3 AND s LIKE '%53' LIMIT 2").await;
    assert_eq!(first, ["53", "153"]);

    let state = ctx.state();
    let table = f.open("n");
    let scan = async |projection: Vec<usize>, filters: &[Expr], limit| {
        let plan = table.scan(&state, Some(&projection), filters, limit).await.unwrap();
        displayable(plan.as_ref()).one_line().to_string().trim().to_owned()
    };
    let file = format!("SqliteExec: file={}, table=n, ", f.path.display());
    assert_eq!(scan(vec![2, 0], &[], Some(9)).await, format!("{file}projection=[s, id], fetch=9"));
    // With an inexact filter the limit stays above.
    assert_eq!(
        scan(vec![0], &[col("v").gt(lit(3_i64))], Some(9)).await,
        format!("{file}projection=[id], filter=t.\"v\" > 3")
    );
    let plan = table.scan(&state, Some(&vec![]), &[], Some(9_000)).await.unwrap();
    let batches = datafusion::physical_plan::collect(plan, ctx.task_ctx()).await.unwrap();
    assert_eq!(batches.iter().map(RecordBatch::num_rows).collect::<Vec<_>>(), [8192, 808]);
    let plan = table.scan(&state, None, &[], None).await.unwrap().with_fetch(Some(3)).unwrap();
    let batches = datafusion::physical_plan::collect(plan.clone(), ctx.task_ctx()).await.unwrap();
    assert_eq!(lines(&batches).len(), 3);
    assert_eq!(plan.metrics().unwrap().output_rows(), Some(3));
    assert!(format!("{plan:?}").contains("LIMIT 3"));
    let tree = f.rows("n", "EXPLAIN FORMAT TREE SELECT s FROM t WHERE v > 3").await.concat();
    assert!(tree.contains("SqliteExec") && tree.contains("table: n"), "{tree}");
}

#[tokio::test]
async fn pushed_filters_change_nothing() {
    let f = numbers(3_000);
    let table = f.open("n");
    let v = || col("v");
    let cases = [
        (v().eq(lit(3_i64)), true),
        (lit(3_i64).lt(v()), true),
        (v().lt_eq(lit(-40_i64)).and(v().gt_eq(lit(-45_i64))), true),
        (v().eq(lit(3_i64)).is_true().and(col("s").eq(lit("row 53"))), true),
        (v().is_null(), true),
        (col("s").is_not_null(), true),
        (col("id").gt(lit(i64::MIN)), true),
        (v().not_eq(lit(3_i64)), false),
        (v().eq(lit(3_i64)).or(v().is_null()), false),
        (col("d").gt(lit(3_i64)), false),
        (col("s").eq(lit("row 1")), false),
        (v().eq(lit(3_i64)).is_not_true(), false),
    ];
    let plain = SessionContext::new();
    let rows = plain.read_table(Arc::new(table.clone())).unwrap().collect().await.unwrap();
    for (filter, pushed) in cases {
        let expected = match pushed {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        assert_eq!(table.supports_filters_pushdown(&[&filter]).unwrap(), [expected], "{filter}");
        let read = plain.read_table(Arc::new(table.clone())).unwrap();
        let memory = plain.read_batches(rows.clone()).unwrap();
        let read = lines(&read.filter(filter.clone()).unwrap().collect().await.unwrap());
        let memory = lines(&memory.filter(filter.clone()).unwrap().collect().await.unwrap());
        assert_eq!(read, memory, "{filter}");
        assert!(!read.is_empty(), "{filter}");
    }
    let plan = f.plan("n", &[v().gt(lit(3_i64)).and(v().is_not_null())]).await;
    let shown = displayable(plan.as_ref()).one_line().to_string();
    assert!(shown.contains("filter=t.\"v\" > 3 AND t.\"v\" IS NOT NULL"), "{shown}");
    let wide = (0..5_000).map(|i| v().gt(lit(-100_i64 - i))).collect::<Vec<_>>();
    let plan = f.plan("n", &wide).await;
    let batches = datafusion::physical_plan::collect(plan, plain.task_ctx()).await.unwrap();
    assert_eq!(lines(&batches).len(), 3_000 - 30);
}

/// Waits until nobody reads the file; with a rollback journal, a reader bars whoever wants it alone.
fn released(conn: &Connection) -> bool {
    conn.busy_timeout(Duration::from_secs(20)).unwrap();
    conn.execute_batch("BEGIN EXCLUSIVE; ROLLBACK").is_ok()
}

#[tokio::test]
async fn dropping_the_stream_ends_the_thread() {
    let f = numbers(100_000);
    let plan = f.plan("n", &[]).await;
    let mut stream = plan.execute(0, Arc::new(TaskContext::default())).unwrap();
    assert_eq!(stream.next().await.unwrap().unwrap().num_rows(), 8192);
    f.conn.busy_timeout(Duration::ZERO).unwrap();
    assert!(f.conn.execute_batch("BEGIN EXCLUSIVE").is_err(), "the scan is under way");
    drop(stream);
    assert!(released(&f.conn));

    // A statement that never comes to its first row.
    f.conn
        .execute_batch(
            "CREATE VIEW endless AS WITH RECURSIVE c(x) AS \
             (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT x FROM c WHERE x < 0",
        )
        .unwrap();
    let plan = f.plan("endless", &[]).await;
    let mut stream = plan.execute(0, Arc::new(TaskContext::default())).unwrap();
    let waited = tokio::time::timeout(Duration::from_millis(300), stream.next()).await;
    assert!(waited.is_err());
    drop(stream);
    assert!(released(&f.conn));

    // A file that a writer holds: the reader waits, and stops waiting.
    f.conn.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let table = f.path.clone();
    assert!(tokio::task::spawn_blocking(move || connect(&table)).await.unwrap().is_ok());
    let mut stream = plan.execute(0, Arc::new(TaskContext::default())).unwrap();
    let waited = tokio::time::timeout(Duration::from_millis(300), stream.next()).await;
    assert!(waited.is_err());
    drop(stream);
    f.conn.execute_batch("ROLLBACK").unwrap();
}

#[tokio::test]
async fn reads_beside_a_writer() {
    let f = numbers(20_000);
    f.conn.execute_batch("PRAGMA journal_mode = WAL").unwrap();
    let config = SessionConfig::new().with_batch_size(100);
    let context = Arc::new(TaskContext::default().with_session_config(config));
    let plan = f.plan("n", &[]).await;
    let mut stream = plan.execute(0, context).unwrap();
    let mut rows = stream.next().await.unwrap().unwrap().num_rows();
    assert_eq!(rows, 100);
    // One state of the file, whatever is committed or open meanwhile.
    f.conn.execute_batch("DELETE FROM n WHERE id > 10000; BEGIN; DELETE FROM n").unwrap();
    while let Some(batch) = stream.next().await {
        rows += batch.unwrap().num_rows();
    }
    assert_eq!(rows, 20_000);
    assert_eq!(f.rows("n", "SELECT count(*) FROM t").await, ["10000"]);
    f.conn.execute_batch("COMMIT").unwrap();
    assert_eq!(f.rows("n", "SELECT count(*) FROM t").await, ["0"]);

    // A writer on another thread, and readers that never see half of a transaction.
    let path = f.path.clone();
    let writer = std::thread::spawn(move || {
        let conn = Connection::open(path).unwrap();
        conn.busy_timeout(Duration::from_secs(20)).unwrap();
        for _ in 0..100 {
            conn.execute_batch(
                "BEGIN IMMEDIATE; INSERT INTO n (v) VALUES (1);
                                INSERT INTO n (v) VALUES (2); COMMIT",
            )
            .unwrap();
        }
    });
    for _ in 0..20 {
        let rows = f.rows("n", "SELECT s FROM t").await.len();
        assert_eq!(rows % 2, 0);
    }
    writer.join().unwrap();
    assert_eq!(f.rows("n", "SELECT count(*) FROM t").await, ["200"]);
}

#[tokio::test]
async fn large_values_make_smaller_batches() {
    let f = fixture(
        "CREATE TABLE b (v BLOB);
        WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 40)
        INSERT INTO b SELECT zeroblob(1048576) FROM c",
    );
    let plan = f.plan("b", &[]).await;
    let batches = datafusion::physical_plan::collect(plan, Arc::new(TaskContext::default())).await;
    let rows: Vec<usize> = batches.unwrap().iter().map(RecordBatch::num_rows).collect();
    assert_eq!(rows, [16, 16, 8]);
}
