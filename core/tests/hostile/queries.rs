//! Hostile strings in `sql`, and everything that is no SELECT of what was registered.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::{RecordBatch, StringArray};
use futures::TryStreamExt;
use segmentry::{AudienceModel, Code, Refresh, SegmentEngine};

use super::ground::Ground;
use super::{batches, is_typed, quoted};

async fn engine(ground: &Ground) -> SegmentEngine {
    let model = AudienceModel::parse(r#"{"users": {"table": "people", "key": "word"}}"#).unwrap();
    let builder = SegmentEngine::builder().catalog(ground.catalog()).model(model).threads(1);
    let engine = builder.build().await.unwrap();
    engine.add_sqlite(ground.path("sources/platform.db")).await.unwrap();
    engine.create_rule(r#"{"rule_name": "All", "conditions": []}"#).await.unwrap();
    engine.refresh(Refresh::all()).await.unwrap();
    engine
}

fn ground(texts: &[String]) -> Ground {
    Ground::new(|database| {
        database.execute_batch("CREATE TABLE people (word TEXT)").unwrap();
        for text in texts {
            database.execute("INSERT INTO people VALUES (?1)", [text]).unwrap();
        }
    })
}

/// What a query gives within ten seconds: rows, or an error with a code that says whose fault it is.
async fn ask(engine: &SegmentEngine, query: &str) -> Result<Vec<RecordBatch>, Code> {
    let answer = async {
        match engine.sql(query).await {
            Ok(rows) => rows.try_collect().await.map_err(|_| Code::BadQuery),
            Err(error) => {
                let codes = [Code::BadQuery, Code::NotReadOnly, Code::LimitExceeded];
                let known = codes.contains(&error.code());
                assert!(known && is_typed(&error), "{query}: {error}");
                Err(error.code())
            }
        }
    };
    let slow = |_| panic!("takes more than ten seconds: {query}");
    tokio::time::timeout(Duration::from_secs(10), answer).await.unwrap_or_else(slow)
}

async fn texts(engine: &SegmentEngine, query: &str) -> Vec<String> {
    let rows = ask(engine, query).await.unwrap_or_else(|code| panic!("{code}: {query}"));
    let texts = |batch: &RecordBatch| -> Vec<String> {
        let column = arrow::compute::cast(batch.column(0), &arrow::datatypes::DataType::Utf8);
        let column: Arc<dyn arrow::array::Array> = column.unwrap();
        let column = column.as_any().downcast_ref::<StringArray>().unwrap();
        column.iter().flatten().map(str::to_owned).collect()
    };
    rows.iter().flat_map(texts).collect()
}

#[tokio::test]
async fn hostile_queries_read_and_do_nothing_else() {
    for batch in batches(50) {
        let ground = ground(&batch);
        let engine = engine(&ground).await;
        for text in &batch {
            let literal = format!("'{}'", text.replace('\'', "''"));
            assert_eq!(texts(&engine, &format!("SELECT {literal}")).await, [text.as_str()]);
            for table in ["people", "segment_output_1"] {
                let query = format!("SELECT word FROM {table} WHERE word = {literal}");
                assert_eq!(texts(&engine, &query).await, [text.as_str()], "{query}");
            }
            if !text.is_empty() {
                let named = ask(&engine, &format!("SELECT 1 AS {}", quoted(text))).await.unwrap();
                assert_eq!(named[0].schema().field(0).name(), text);
            }
            for query in [
                text.clone(),
                format!("SELECT word FROM people WHERE word = '{text}'"),
                format!("SELECT word FROM people WHERE word = \"{text}\""),
                format!("SELECT 1 {text}"),
                format!("SELECT {text}"),
                format!("SELECT * FROM {text}"),
                format!("SELECT * FROM people; {text}"),
                format!("SELECT * FROM {} AS t", quoted(&format!("{text} "))),
            ] {
                let _ = ask(&engine, &query).await;
            }
        }
        drop(engine);
        ground.check();
    }
}

/// Statements that write, change a setting, or answer from anything but what was registered.
const REFUSED: &[&str] = &[
    "COPY people TO '{target}'",
    "COPY people TO '{target}' STORED AS PARQUET",
    "COPY (SELECT 1) TO '{target}' STORED AS CSV",
    "COPY people FROM '{target}'",
    "EXPLAIN COPY people TO '{target}'",
    "EXPLAIN ANALYZE COPY people TO '{target}'",
    "EXPLAIN ANALYZE VERBOSE COPY (SELECT 1) TO '{target}' STORED AS CSV",
    "EXPLAIN VERBOSE INSERT INTO people VALUES ('x')",
    "EXPLAIN ANALYZE INSERT INTO people VALUES ('x')",
    "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
    "EXPLAIN ANALYZE SET datafusion.execution.batch_size = 1",
    "EXPLAIN FORMAT TREE COPY people TO '{target}'",
    "EXPLAIN EXPLAIN COPY people TO '{target}'",
    "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '{target}'",
    "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '/etc/passwd'",
    "CREATE OR REPLACE EXTERNAL TABLE people STORED AS CSV LOCATION '/etc/passwd'",
    "CREATE UNBOUNDED EXTERNAL TABLE t (a INT) STORED AS CSV LOCATION '{target}'",
    "CREATE TABLE t AS SELECT 1",
    "CREATE TABLE t (a INT)",
    "CREATE TEMPORARY TABLE t AS SELECT 1",
    "CREATE OR REPLACE TABLE people AS SELECT 1",
    "CREATE VIEW t AS SELECT 1",
    "CREATE OR REPLACE VIEW people AS SELECT 1",
    "CREATE SCHEMA s",
    "CREATE DATABASE d",
    "CREATE INDEX i ON people (word)",
    "CREATE FUNCTION f(INT) RETURNS INT RETURN $1",
    "CREATE ROLE r",
    "DROP TABLE people",
    "DROP TABLE IF EXISTS canary",
    "DROP VIEW people",
    "DROP SCHEMA public CASCADE",
    "DROP FUNCTION lower",
    "ALTER TABLE people RENAME TO x",
    "TRUNCATE TABLE people",
    "INSERT INTO people VALUES ('x')",
    "INSERT INTO people SELECT * FROM people",
    "INSERT OVERWRITE people SELECT * FROM people",
    "INSERT INTO canary VALUES ('x')",
    "REPLACE INTO people VALUES ('x')",
    "WITH x AS (SELECT 1) INSERT INTO people SELECT * FROM x",
    "UPDATE people SET word = 'x'",
    "DELETE FROM people",
    "MERGE INTO people USING people AS s ON people.word = s.word WHEN MATCHED THEN DELETE",
    "SELECT * INTO t FROM people",
    "SET datafusion.execution.batch_size = 1",
    "SET datafusion.catalog.information_schema = true",
    "SET TIME ZONE 'UTC'",
    "RESET datafusion.execution.batch_size",
    "USE x",
    "BEGIN",
    "START TRANSACTION",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT x",
    "PREPARE p AS SELECT 1",
    "PREPARE p AS INSERT INTO people VALUES ('x')",
    "EXECUTE p",
    "DEALLOCATE p",
    "DECLARE x CURSOR FOR SELECT 1",
    "CALL f()",
    "DO $$ BEGIN END $$",
    "GRANT SELECT ON people TO x",
    "REVOKE SELECT ON people FROM x",
    "VACUUM",
    "ANALYZE people",
    "KILL 1",
    "LOCK TABLE people",
    "ATTACH DATABASE '{target}' AS x",
    "DETACH x",
    "PRAGMA query_only = OFF",
    "LOAD 'x'",
    "INSTALL httpfs",
    "LOAD DATA INPATH '{target}' INTO TABLE people",
    "UNLOAD (SELECT 1) TO '{target}'",
    "EXPORT DATA OPTIONS (uri='{target}') AS SELECT 1",
    "REFRESH MATERIALIZED VIEW people",
    "COMMENT ON TABLE people IS 'x'",
    "SHOW TABLES",
    "SHOW ALL",
    "SHOW COLUMNS FROM people",
    "SHOW datafusion.execution.batch_size",
    "SHOW FUNCTIONS",
    "SELECT 1; SELECT 2",
    "SELECT 1; DROP TABLE people",
    "SELECT 1; COPY people TO '{target}'",
    "COPY people TO '{target}'; SELECT 1",
    ";",
    "",
    "SELECT * FROM information_schema.tables",
    "SELECT * FROM information_schema.df_settings",
    "SELECT * FROM datafusion.information_schema.tables",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM \"/etc/passwd\"",
    "SELECT * FROM '{source}'",
    "SELECT * FROM \"{source}\"",
    "SELECT * FROM 'file://{source}'",
    "SELECT * FROM read_csv('{source}')",
    "SELECT * FROM read_csv_auto('{source}')",
    "SELECT * FROM read_parquet('{source}')",
    "SELECT * FROM read_json('{source}')",
    "SELECT * FROM read_avro('{source}')",
    "SELECT * FROM parquet_metadata('{source}')",
    "SELECT * FROM parquet_scan('{source}')",
    "SELECT * FROM sqlite_scan('{source}', 'people')",
    "SELECT * FROM glob('/*')",
    "SELECT * FROM url('http://localhost:1/')",
    "SELECT read_text('{source}')",
    "SELECT readfile('{source}')",
    "SELECT writefile('{target}', 'x')",
    "SELECT load_extension('{target}')",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT lo_export(1, '{target}')",
    "SELECT getenv('HOME')",
    "SELECT pg_sleep(100)",
    "SELECT * FROM sqlite_master",
    "SELECT * FROM sqlite_schema",
    "SELECT * FROM segmentry_meta",
    "SELECT * FROM segmentry_members",
    "SELECT * FROM main.people",
    "SELECT * FROM segment_output_2",
    "SELECT * FROM nowhere",
    "TABLE nowhere",
];

#[tokio::test]
async fn hostile_statements_are_refused() {
    let ground = ground(&["a".to_owned(), "b".to_owned()]);
    let engine = engine(&ground).await;
    let (target, source) = (ground.path("out.csv"), ground.path("bystanders/canary.csv"));
    for statement in REFUSED {
        let statement = statement.replace("{target}", target.to_str().unwrap());
        let statement = statement.replace("{source}", source.to_str().unwrap());
        for query in [
            statement.clone(),
            statement.to_lowercase(),
            format!("/* SELECT */ {statement}"),
            format!("-- SELECT 1\n{statement}"),
            format!("{statement};"),
            format!("SELECT * FROM ({statement})"),
            format!("WITH x AS ({statement}) SELECT * FROM x"),
        ] {
            // A part of what is registered, said in lower case, is no other than itself.
            assert!(ask(&engine, &query).await.is_err(), "taken: {query}");
        }
    }
    // Nothing that was tried is left for the next query.
    assert_eq!(texts(&engine, "SELECT word FROM people ORDER BY word").await, ["a", "b"]);
    assert_eq!(texts(&engine, "SELECT word FROM segment_output_1 ORDER BY 1").await, ["a", "b"]);
    assert_eq!(texts(&engine, "SELECT rule_name FROM rule_table").await, ["All"]);
    assert_eq!(texts(&engine, "SELECT segment_name FROM segment_catalog").await, ["All"]);
    let settings = ask(&engine, "SELECT * FROM information_schema.df_settings").await;
    assert!(settings.is_err());
    drop(engine);
    ground.check();
}

/// On a stack of 2 MiB, as threads of runtimes have: deep and long queries end in an answer or in an
/// error that names the limit, and soon.
#[test]
fn hostile_queries_may_be_deep_and_long() {
    let work = || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let ground = ground(&["a".to_owned()]);
            let engine = engine(&ground).await;
            for count in [8, 16, 36, 40, 200, 450, 100_000, 1_000_000] {
                let nested = |open: &str, close: &str| {
                    format!("SELECT {}1{}", open.repeat(count), close.repeat(count))
                };
                for query in [
                    nested("(", ")"),
                    nested("NOT (", ")"),
                    nested("NOT ", ""),
                    nested("- ", ""),
                    nested("1 + ", ""),
                    nested("1 = 1 OR ", " = 1"),
                    nested("'a' || ", ""),
                    nested("1, ", ""),
                    nested("abs(", ")"),
                    nested("abs((", "))"),
                    nested("replace(", ", 'a', 'b')"),
                    nested("CASE WHEN true THEN ", " END"),
                    nested("(SELECT ", ")"),
                    nested("[", "]"),
                    nested("{'a': ", "}"),
                    nested("CAST(", " AS INT)"),
                    nested("1 UNION ALL SELECT ", ""),
                    nested("1 FROM people, ", ""),
                    nested("1 IN (", ")"),
                    nested("INTERVAL ", ""),
                    nested("x.", ""),
                    nested("/* ", "*/"),
                    format!("SELECT * FROM people {}", "CROSS JOIN people ".repeat(count)),
                    format!("SELECT * FROM {}people{}", "(".repeat(count), ")".repeat(count)),
                    format!("{}SELECT 1", "EXPLAIN ".repeat(count)),
                    format!("SELECT 1{}", ";".repeat(count)),
                    format!("SELECT CAST(1 AS {}INT{})", "ARRAY<".repeat(count), ">".repeat(count)),
                    format!("SELECT '{}'", "x''".repeat(count)),
                    format!("SELECT {}", "x".repeat(count)),
                    format!("WITH {}z AS (SELECT 1) SELECT 1", "y AS (SELECT 1), ".repeat(count)),
                    "(".repeat(count),
                    "SELECT ".repeat(count),
                    "'".repeat(count),
                ] {
                    // Planning only: a join of a table with itself four hundred times has an answer.
                    let planned = format!("EXPLAIN {query}");
                    let answer = engine.sql(&planned);
                    let answer = tokio::time::timeout(Duration::from_secs(10), answer);
                    let shown: String = query.chars().take(60).collect();
                    let answer = answer.await.unwrap_or_else(|_| panic!("too long: {shown}"));
                    if let Err(error) = answer {
                        assert!(is_typed(&error), "{shown}: {error}");
                    } else {
                        assert!(count < 1_000_000 || query.len() < 1 << 20, "{shown}");
                    }
                }
            }
            ground.check();
        });
    };
    std::thread::Builder::new().stack_size(2 << 20).spawn(work).unwrap().join().unwrap();
}
