//! Tests of the SQLite source against files made by SQLite itself.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::{DataType, TimeUnit};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::common::DataFusionError;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::prelude::SessionContext;
use rusqlite::Connection;

use super::*;

mod reading;

struct Fixture {
    _folder: tempfile::TempDir,
    path: PathBuf,
    conn: Connection,
}

fn fixture(sql: &str) -> Fixture {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("platform.db");
    let conn = Connection::open(&path).unwrap();
    conn.execute_batch(sql).unwrap();
    Fixture { _folder: folder, path, conn }
}

impl Fixture {
    fn open(&self, table: &str) -> SqliteTable {
        open(&self.path, table).unwrap()
    }

    fn context(&self, table: &str) -> SessionContext {
        let ctx = SessionContext::new();
        ctx.register_table("t", Arc::new(self.open(table))).unwrap();
        ctx
    }

    async fn rows(&self, table: &str, sql: &str) -> Vec<String> {
        lines(&self.context(table).sql(sql).await.unwrap().collect().await.unwrap())
    }

    /// The message of the error that reading all of `table` ends with.
    async fn fault(&self, table: &str) -> String {
        let read = self.context(table).sql("SELECT * FROM t").await.unwrap().collect().await;
        own(read.unwrap_err()).to_string()
    }

    async fn plan(&self, table: &str, filters: &[Expr]) -> Arc<dyn ExecutionPlan> {
        let state = SessionContext::new().state();
        self.open(table).scan(&state, None, filters, None).await.unwrap()
    }

    /// Turns the declared types around without touching what is stored.
    fn redeclare(&self, table: &str, sql: &str) {
        self.conn
            .execute_batch(&format!(
                "PRAGMA writable_schema = ON; \
                 UPDATE sqlite_schema SET sql = '{}' WHERE name = '{table}'; \
                 PRAGMA writable_schema = RESET",
                sql.replace('\'', "''")
            ))
            .unwrap();
    }
}

fn own(error: DataFusionError) -> Error {
    match error.find_root() {
        DataFusionError::External(inner) => inner.downcast_ref::<Error>().unwrap().clone(),
        other => panic!("{other}"),
    }
}

fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let options = FormatOptions::default().with_null("NULL");
    let mut lines = Vec::new();
    for batch in batches {
        let columns: Vec<_> =
            batch.columns().iter().map(|c| ArrayFormatter::try_new(c, &options).unwrap()).collect();
        for row in 0..batch.num_rows() {
            let cells: Vec<String> = columns.iter().map(|c| c.value(row).to_string()).collect();
            lines.push(cells.join("|"));
        }
    }
    lines
}

#[test]
fn declared_types() {
    let zoneless = DataType::Timestamp(TimeUnit::Microsecond, None);
    let utc = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let expected: &[(&[&str], DataType)] = &[
        (
            &["INTEGER", "int", "BigInt", "SMALLINT", "TINYINT(1)", "INT8", "UNSIGNED BIG INT"],
            DataType::Int64,
        ),
        (&["BOOLEAN", "bool"], DataType::Boolean),
        (&["REAL", "FLOAT", "double precision", "DOUBLE", "FLOAT(24)"], DataType::Float64),
        (
            &["DECIMAL(10,2)", "numeric( 10 , 2 )", "TEXT DECIMAL(10,2)"],
            DataType::Decimal128(10, 2),
        ),
        (&["DECIMAL(12)"], DataType::Decimal128(12, 0)),
        (&["DECIMAL(65,30)"], DataType::Decimal128(38, 30)),
        (&["DECIMAL(2,5)"], DataType::Decimal128(5, 5)),
        (
            &["DECIMAL", "NUMERIC", "Money", "NUM", "DECIMAL(x)", "DECIMAL(1,2,3)"],
            DataType::Decimal128(38, 9),
        ),
        (&["DATE"], DataType::Date32),
        (&["DATETIME", "timestamp", "TIMESTAMP(6)", "TIMESTAMP WITHOUT TIME ZONE"], zoneless),
        (&["TIMESTAMP WITH TIME ZONE", "TimestampTZ", "TIMESTAMP(3) WITH TIME ZONE"], utc),
        (
            &[
                "TEXT",
                "VARCHAR(255)",
                "CHAR(2)",
                "NVARCHAR(10)",
                "CLOB",
                "UUID",
                "JSON",
                "",
                "ANY",
                "STRING",
                "TIME",
                "INTERVAL",
            ],
            DataType::Utf8,
        ),
        (&["BLOB", "VARBINARY(16)", "bytea"], DataType::Binary),
    ];
    for (declarations, kind) in expected {
        for declared in *declarations {
            assert_eq!(&types::of_declaration(declared), kind, "{declared}");
        }
    }
}

#[tokio::test]
async fn decimals_are_exact() {
    let f = fixture(
        "CREATE TABLE d (id INTEGER PRIMARY KEY, v DECIMAL(10,2));
         INSERT INTO d (v) VALUES (0.1 + 0.2), (-0.1 - 0.2), (5), (-7), (NULL), (1.005), (-1.005),
            (0.005), (99999999.99), (1e-300), (2.675), (-0.0049), (1e7);
         CREATE TABLE w (v TEXT DECIMAL(38,2));
         INSERT INTO w VALUES ('12345678901234567890.12'), ('-12345678901234567890.125'), ('.5'),
            ('1e3'), (' 7. '), ('+1.5E-1'), ('999999999999999999999999999999999999.99'), (1.5);
         CREATE TABLE m (v MONEY); INSERT INTO m VALUES (9223372036854775807), (0.1);",
    );
    assert_eq!(
        f.rows("d", "SELECT v FROM t ORDER BY id").await,
        [
            "0.30",
            "-0.30",
            "5.00",
            "-7.00",
            "NULL",
            "1.01",
            "-1.01",
            "0.01",
            "99999999.99",
            "0.00",
            "2.68",
            "0.00",
            "10000000.00"
        ]
    );
    assert_eq!(
        f.rows("w", "SELECT v FROM t").await,
        [
            "12345678901234567890.12",
            "-12345678901234567890.13",
            "0.50",
            "1000.00",
            "7.00",
            "0.15",
            "999999999999999999999999999999999999.99",
            "1.50"
        ]
    );
    assert_eq!(
        f.rows("m", "SELECT v FROM t").await,
        ["9223372036854775807.000000000", "0.100000000"]
    );
    // A text kept as text in a column of numeric affinity.
    let f = fixture("CREATE TABLE d (v TEXT); INSERT INTO d VALUES ('12345678901234567890.12')");
    f.redeclare("d", "CREATE TABLE d (v DECIMAL(38,2))");
    assert_eq!(f.rows("d", "SELECT v FROM t").await, ["12345678901234567890.12"]);
}

#[tokio::test]
async fn dates_and_instants() {
    let f = fixture(
        "CREATE TABLE d (v DATE);
         INSERT INTO d VALUES ('2024-02-29'), ('1969-12-31'), ('0001-01-01'), ('9999-12-31'),
            ('2024-01-31 00:00:00'), ('2024-01-31T00:00:00.000Z'), (86400), (-86400), (NULL);
         CREATE TABLE z (v DATETIME);
         INSERT INTO z VALUES ('2024-01-31 10:20'), ('2024-01-31T10:20:30'),
            ('2024-01-31 10:20:30.5'), ('2024-01-31 10:20:30.123456789'),
            ('1969-12-31 23:59:59.9999999'), ('1969-12-31T23:59:59.999999Z'),
            ('2024-01-31 10:20:30+05:30'), ('2024-01-31 10:20:30.25 -0800'),
            ('2024-01-31 10:20:30+00'), ('2024-01-31'), (1706696430), (-1), (NULL);",
    );
    assert_eq!(
        f.rows("d", "SELECT v FROM t").await,
        [
            "2024-02-29",
            "1969-12-31",
            "0001-01-01",
            "9999-12-31",
            "2024-01-31",
            "2024-01-31",
            "1970-01-02",
            "1969-12-31",
            "NULL"
        ]
    );
    let expected = [
        "2024-01-31T10:20:00",
        "2024-01-31T10:20:30",
        "2024-01-31T10:20:30.500",
        "2024-01-31T10:20:30.123456",
        "1969-12-31T23:59:59.999999",
        "1969-12-31T23:59:59.999999",
        "2024-01-31T04:50:30",
        "2024-01-31T18:20:30.250",
        "2024-01-31T10:20:30",
        "2024-01-31T00:00:00",
        "2024-01-31T10:20:30",
        "1969-12-31T23:59:59",
        "NULL",
    ];
    assert_eq!(f.rows("z", "SELECT v FROM t").await, expected);
    f.redeclare("z", "CREATE TABLE z (v TIMESTAMP WITH TIME ZONE)");
    let utc: Vec<String> = expected
        .iter()
        .map(|v| if *v == "NULL" { v.to_string() } else { format!("{v}Z") })
        .collect();
    assert_eq!(f.rows("z", "SELECT v FROM t").await, utc);
}

#[tokio::test]
async fn other_values() {
    let f = fixture(
        "CREATE TABLE v (b BOOLEAN, r REAL, i INTEGER, t TEXT, u UUID, x BLOB, n);
         INSERT INTO v VALUES (1, 0.1, 9223372036854775807, 'naïve 日本 🙂', 'ab-1', x'00ff', 1),
            ('TRUE', 3, -9223372036854775808, '', 42, x'', 2.5), (0, -9e999, 0, 'a''b', 1.5, NULL,
            'z'), ('false', 1e308, NULL, NULL, NULL, x'41', NULL);",
    );
    assert_eq!(
        f.rows("v", "SELECT * FROM t").await,
        [
            "true|0.1|9223372036854775807|naïve 日本 🙂|ab-1|00ff|1",
            "true|3.0|-9223372036854775808||42||2.5",
            "false|-inf|0|a'b|1.5|NULL|z",
            "false|1e308|NULL|NULL|NULL|41|NULL",
        ]
    );
}

#[tokio::test]
async fn misfits_are_errors() {
    let long = format!("'{}'", "é".repeat(200));
    let cases = [
        ("INTEGER", "'abc'", "\"abc\" is no INTEGER"),
        ("INTEGER", "1.5", "1.5 is no INTEGER"),
        ("BIGINT", "1e19", "1e19 is no BIGINT"),
        ("BOOLEAN", "2", "2 is no BOOLEAN"),
        ("BOOLEAN", "'yes'", "\"yes\" is no BOOLEAN"),
        ("REAL", "'1,5'", "\"1,5\" is no REAL"),
        ("DECIMAL(5,2)", "1000", "1000 is no DECIMAL(5,2)"),
        ("DECIMAL(5,2)", "999.995", "999.995 is no DECIMAL(5,2)"),
        ("DECIMAL(5,2)", "-1e300", "-1e300 is no DECIMAL(5,2)"),
        ("DECIMAL(5,2)", "9e999", "inf is no DECIMAL(5,2)"),
        ("DECIMAL(5,2)", "'12 €'", "\"12 €\" is no DECIMAL(5,2)"),
        ("DECIMAL(5,2)", "'.'", "\".\" is no DECIMAL(5,2)"),
        ("DATE", "'2023-02-29'", "\"2023-02-29\" is no DATE"),
        ("DATE", "'2023-02-28 10:00'", "\"2023-02-28 10:00\" is no DATE"),
        ("DATE", "'2023-02-28 00:00+01:00'", "\"2023-02-28 00:00+01:00\" is no DATE"),
        ("DATE", "'20240131'", "20240131 is no DATE"),
        ("DATE", "19000.5", "19000.5 is no DATE"),
        ("DATE", "''", "\"\" is no DATE"),
        ("DATETIME", "2460000.5", "2460000.5 is no DATETIME"),
        ("DATETIME", "1706696430000", "1706696430000 is no DATETIME"),
        ("DATETIME", "'2024-01-01 24:00'", "\"2024-01-01 24:00\" is no DATETIME"),
        ("DATETIME", "'2024-01-01 10:00:60'", "\"2024-01-01 10:00:60\" is no DATETIME"),
        ("DATETIME", "'2024-01-01 10:00:00.'", "\"2024-01-01 10:00:00.\" is no DATETIME"),
        (
            "DATETIME",
            "'2024-01-01 10:00:00.1234567890'",
            "\"2024-01-01 10:00:00.1234567890\" is no DATETIME",
        ),
        ("DATETIME", "'01/02/2024'", "\"01/02/2024\" is no DATETIME"),
        ("TEXT", "x'ff'", "a blob of 1 bytes is no TEXT"),
        ("TEXT", "CAST(x'ff41' AS TEXT)", "\"\u{fffd}A\" is no TEXT"),
        ("BLOB", "'abc'", "\"abc\" is no BLOB"),
        ("DATE", &long, &format!("\"{}\"… is no DATE", "é".repeat(60))),
    ];
    for (declared, value, fault) in cases {
        let f = fixture(&format!(
            "CREATE TABLE \"a \"\"b\" (id INTEGER PRIMARY KEY, \"the v\" {declared}); \
             INSERT INTO \"a \"\"b\" VALUES (1, NULL), (17, {value})"
        ));
        let place = format!("SQLite file {:?}, table \"a \\\"b\", column \"the v\"", f.path);
        let expected = format!("unreadable_source: {place}, rowid 17: {fault}");
        assert_eq!(f.fault("a \"b").await, expected);
    }
    // No rowid to tell.
    let f = fixture(
        "CREATE TABLE k (k TEXT PRIMARY KEY, v DATE) WITHOUT ROWID;
                     INSERT INTO k VALUES ('a', 'b'); CREATE VIEW w AS SELECT v FROM k",
    );
    assert!(f.fault("k").await.ends_with("column \"v\": \"b\" is no DATE"));
    assert!(f.fault("w").await.ends_with("column \"v\": \"b\" is no DATE"));
    // A user's column of that name is not the rowid.
    let f = fixture("CREATE TABLE k (rowid TEXT, v DATE); INSERT INTO k VALUES (9, 'b')");
    assert!(f.fault("k").await.contains("rowid 1: "));
}

#[test]
fn tables_and_faults_of_the_file() {
    let f = fixture(
        "CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT); CREATE TABLE \"Ünï \"\"x\" (a);
         CREATE VIEW actives AS SELECT id FROM users; CREATE TABLE segmentry_runs (a);
         CREATE VIRTUAL TABLE words USING fts5(body); ANALYZE;",
    );
    assert_eq!(tables(&f.path).unwrap(), ["actives", "users", "words", "Ünï \"x"]);
    let error = open(&f.path, "user").unwrap_err();
    assert_eq!((error.code(), error.hint()), (Code::MissingTable, Some("did you mean \"users\"?")));
    assert!(error.to_string().contains("platform.db\" has no table or view \"user\""), "{error}");
    assert_eq!(open(&f.path, "sqlite_sequence").unwrap_err().code(), Code::MissingTable);
    assert_eq!(f.open("USERS").source.table, "users");
    assert!(format!("{:?}", f.open("users")).contains("table: \"users\""));

    let folder = f.path.parent().unwrap();
    for (path, why) in [
        (folder.join("none.db"), "there is no file"),
        (folder.join("file:none.db?mode=memory"), "there is no file"),
        (PathBuf::from(":memory:"), "there is no file"),
        (folder.to_path_buf(), "it is not a file"),
    ] {
        let error = open(&path, "users").unwrap_err();
        assert_eq!(error.code(), Code::UnreadableSource);
        assert!(error.to_string().ends_with(why), "{error}");
        assert!(tables(&path).is_err() && (path == folder || !path.exists()));
    }
    for text in ["hello", &"hello ".repeat(1000)] {
        let path = folder.join("text.db");
        std::fs::write(&path, text).unwrap();
        let error = open(&path, "users").unwrap_err();
        assert_eq!(error.code(), Code::UnreadableSource);
        let told = error.to_string();
        assert!(told.contains("text.db\", table \"users\": file is not a database"), "{told}");
    }
    f.conn.execute_batch("CREATE VIEW gone AS SELECT * FROM nowhere").unwrap();
    let error = open(&f.path, "gone").unwrap_err();
    assert_eq!(error.code(), Code::UnreadableSource, "{error}");
}

#[tokio::test]
async fn columns_of_tables_and_views() {
    let f = fixture(
        "CREATE TABLE e (id INTEGER, \"a\"\"b\" DECIMAL(8,3), \"select\" DATE, ü TEXT,
            g INT GENERATED ALWAYS AS (id * 2) VIRTUAL);
         CREATE VIEW v AS SELECT id AS k, \"a\"\"b\" AS \"x y\", \"select\" AS day, count(*) AS n,
            CAST(sum(id) AS INTEGER) AS s, CAST(avg(id) AS REAL) AS r FROM e GROUP BY 1, 2;",
    );
    let kinds = |table: &str| -> Vec<(String, DataType)> {
        let schema = f.open(table).schema();
        schema.fields().iter().map(|c| (c.name().clone(), c.data_type().clone())).collect()
    };
    let named = |list: &[(&str, DataType)]| -> Vec<(String, DataType)> {
        list.iter().map(|(name, kind)| (name.to_string(), kind.clone())).collect()
    };
    let (int, money) = (DataType::Int64, DataType::Decimal128(8, 3));
    assert_eq!(
        kinds("e"),
        named(&[
            ("id", int.clone()),
            ("a\"b", money.clone()),
            ("select", DataType::Date32),
            ("ü", DataType::Utf8),
            ("g", int.clone())
        ])
    );
    assert_eq!(
        kinds("v"),
        named(&[
            ("k", int.clone()),
            ("x y", money),
            ("day", DataType::Date32),
            ("n", DataType::Utf8),
            ("s", int),
            ("r", DataType::Float64)
        ])
    );
    // An empty table has its columns and no rows.
    assert!(f.rows("e", "SELECT * FROM t").await.is_empty());
    assert_eq!(f.rows("e", "SELECT count(*) FROM t").await, ["0"]);
    f.conn
        .execute_batch(
            "INSERT INTO e VALUES (1, 2.5, '2024-01-01', 'x'), (1, 2.5, '2024-01-01', 'y')",
        )
        .unwrap();
    assert_eq!(
        f.rows("e", "SELECT g, ü, \"select\", \"a\"\"b\" FROM t").await,
        ["2|x|2024-01-01|2.500", "2|y|2024-01-01|2.500"]
    );
    assert_eq!(f.rows("v", "SELECT * FROM t").await, ["1|2.500|2024-01-01|2|2|1.0"]);
    // A column that is gone is an error, not the text of its name.
    let table = f.open("e");
    f.conn.execute_batch("DROP VIEW v; ALTER TABLE e DROP COLUMN ü").unwrap();
    let ctx = SessionContext::new();
    let error = ctx.read_table(Arc::new(table)).unwrap().collect().await.unwrap_err();
    assert!(own(error).to_string().contains("no such column: t.ü"));
}
