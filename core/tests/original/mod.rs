//! A database of the original platform: its tables, its rows, its rules, one file.

use std::path::Path;

use rusqlite::Connection;
use segmentry::{Key, Refresh, SegmentEngine, SqliteCatalog};

const SCHEMA: &str = r#"
CREATE TABLE users (user_id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(100), email VARCHAR(120), city_tier INTEGER, is_churned BOOLEAN);
CREATE TABLE credit_card_transactions (transaction_id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(user_id), amount NUMERIC(10, 2), category VARCHAR(50), transaction_date DATETIME);
CREATE TABLE upi_transactions (transaction_id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users(user_id), amount NUMERIC(10, 2), category VARCHAR(50), transaction_date DATETIME);
CREATE TABLE rule_table (
    id INTEGER NOT NULL, rule_name VARCHAR(255) NOT NULL, description TEXT, conditions TEXT NOT NULL, schedule VARCHAR(100),
    start_date DATETIME, end_date DATETIME, depends_on TEXT, operation VARCHAR(50), created_at DATETIME, updated_at DATETIME,
    PRIMARY KEY (id), UNIQUE (rule_name));
CREATE TABLE segment_catalog (
    id INTEGER NOT NULL, rule_id INTEGER NOT NULL, segment_name VARCHAR(255) NOT NULL, description TEXT, table_name VARCHAR(255) NOT NULL,
    row_count INTEGER, sql_query TEXT, last_refreshed_at DATETIME, PRIMARY KEY (id), FOREIGN KEY(rule_id) REFERENCES rule_table (id));
INSERT INTO users VALUES (1, 'Asha', 'a@example.org', 1, 0), (2, 'Bala', 'b@example.org', 2, 0), (3, 'Chitra', NULL, 1, 1), (4, 'Dev', NULL, NULL, 0);
INSERT INTO credit_card_transactions VALUES
    (1, 1, 600.10, 'Travel', '2025-03-01 10:00:00.000000'), (2, 1, 399.90, 'Food', '2025-06-01 10:00:00.000000'),
    (3, 3, 5000, 'Travel', '2024-12-31 23:59:59.999999'), (4, 4, 0.1, 'Food', '2025-05-05 00:00:00');
INSERT INTO upi_transactions VALUES (1, 2, 2500.55, 'Food', '2025-02-02 02:02:02.000000'), (2, 4, 0.2, 'Food', '2025-05-05 00:00:00.000000');
INSERT INTO rule_table VALUES
    (1, 'High spenders', 'a thousand in 2025', '[{"field": "total_spend", "operator": ">=", "value": 1000}]', '0 6 * * *',
     '2025-01-01 00:00:00.000000', '2025-12-31 23:59:59.000000', NULL, NULL, '2025-01-01 00:00:00.000000', '2025-01-01 00:00:00.000000'),
    (2, 'Tier one', '', '[{"field": "city_tier", "operator": "=", "value": "1"}]', '', NULL, NULL, '[]', '', NULL, NULL),
    (5, 'High in tier one', NULL, '[]', '@daily', NULL, NULL, '[1, 2]', 'INTERSECTION', NULL, NULL),
    (7, 'Cents', NULL, '[{"field": "total_spend", "operator": "=", "value": 0.3}]', NULL, NULL, NULL, 'null', NULL, NULL, NULL),
    (9, 'Broken', NULL, '{"field": ', NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO segment_catalog VALUES (4, 1, 'High spenders', NULL, 'segment_output_1', 17, 'SELECT 1', '2025-01-02 00:00:00.000000');
"#;

/// Every row of the original's tables in the columns that they had, as text.
fn dump(path: &Path) -> Vec<String> {
    let file = Connection::open(path).unwrap();
    let mut rows = Vec::new();
    for query in [
        "SELECT quote(id)||quote(rule_name)||quote(description)||quote(conditions)||quote(schedule)||quote(start_date)||quote(end_date)||quote(depends_on)||quote(operation)||quote(created_at)||quote(updated_at) FROM rule_table ORDER BY id",
        "SELECT quote(id)||quote(rule_id)||quote(segment_name)||quote(description)||quote(table_name)||quote(row_count)||quote(sql_query)||quote(last_refreshed_at) FROM segment_catalog ORDER BY id",
        "SELECT quote(user_id)||quote(name)||quote(email) FROM users ORDER BY user_id",
    ] {
        let mut statement = file.prepare(query).unwrap();
        let found = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        rows.extend(found.map(Result::unwrap));
    }
    rows
}

fn ints(segment: &segmentry::Segment) -> Vec<Key> {
    segment.keys().unwrap().iter().collect()
}

#[tokio::test]
async fn it_opens_migrates_without_loss_and_runs() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    Connection::open(&path).unwrap().execute_batch(SCHEMA).unwrap();
    let before = dump(&path);

    let catalog = SqliteCatalog::open(&path).unwrap();
    assert_eq!(dump(&path), before);
    let engine = SegmentEngine::builder().catalog(catalog).build().await.unwrap();
    let tables = engine.add_sqlite(&path).await.unwrap();
    assert_eq!(tables, ["credit_card_transactions", "upi_transactions", "users"]);
    let listed = engine.segments(1, 10, None).await.unwrap();
    assert_eq!((listed.items[0].id, listed.items[0].row_count), (4, 17));

    let as_of = "2026-01-01T00:00:00Z".parse().unwrap();
    let run = engine.refresh(Refresh::all().as_of(as_of)).await.unwrap();
    assert_eq!(run.failed.len(), 1);
    assert_eq!(run.failed[0].rule_id, 9);
    assert_eq!(run.failed[0].problems[0]["code"], "malformed");
    for (rule, expected) in [
        ("High spenders", vec![Key::Int(1), Key::Int(2)]),
        ("Tier one", vec![Key::Int(1), Key::Int(3)]),
        ("High in tier one", vec![Key::Int(1)]),
        ("Cents", vec![Key::Int(4)]),
    ] {
        assert_eq!(ints(&engine.segment(rule).await.unwrap()), expected, "{rule}");
    }
    // The original's row was brought up to date, under its own id.
    let segment = engine.segment(1).await.unwrap();
    assert_eq!((segment.id(), segment.table_name()), (4, "segment_output_1"));
    let rows = |dump: Vec<String>| dump.into_iter().take(5).collect::<Vec<_>>();
    assert_eq!(rows(dump(&path)), rows(before));
}

#[tokio::test]
async fn what_the_originals_programs_write_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("audience.db");
    Connection::open(&path).unwrap().execute_batch(SCHEMA).unwrap();
    let catalog = SqliteCatalog::open(&path).unwrap();
    let engine = SegmentEngine::builder().catalog(catalog).build().await.unwrap();
    engine.add_sqlite(&path).await.unwrap();
    engine.refresh(Refresh::rules([2])).await.unwrap();

    // The catalog is in the engine's SQL too, beside the host's tables.
    let query = "SELECT r.rule_name, s.row_count FROM rule_table r JOIN segment_catalog s \
                 ON s.rule_id = r.id JOIN segment_output_2 m ON m.user_id = 1 WHERE r.id = 2";
    let stream = engine.sql(query).await.unwrap();
    let rows = datafusion::physical_plan::common::collect(stream).await.unwrap();
    assert_eq!(rows.iter().map(|batch| batch.num_rows()).sum::<usize>(), 1);

    let theirs = Connection::open(&path).unwrap();
    let changed = r#"UPDATE rule_table SET conditions = '[{"field": "city_tier", "operator": "=", "value": 2}]' WHERE id = 2"#;
    theirs.execute_batch(changed).unwrap();
    theirs.execute_batch("INSERT INTO users (user_id, city_tier) VALUES (8, 2)").unwrap();
    let run = engine.refresh(Refresh::rules([2])).await.unwrap();
    assert_eq!((run.segments[0].entered, run.segments[0].exited), (2, 2));
    assert_eq!(ints(&engine.segment(2).await.unwrap()), [Key::Int(2), Key::Int(8)]);
    assert_eq!(engine.rule_history(2).await.unwrap().len(), 2);
}
