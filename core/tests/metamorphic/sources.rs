//! The same rows from Arrow, Parquet, CSV and SQLite give the same members.

use std::fmt::Write;
use std::fs::File;
use std::path::Path;

use chrono::DateTime;
use datafusion::parquet::arrow::ArrowWriter;
use segmentry::{AudienceModel, MemoryCatalog, SegmentEngine};

use crate::differential::{arrow, setting};
use crate::oracle::table::{Cell, ColumnType, Table};
use crate::oracle::time::date_of_days;

use super::simple::{AS_OF, MODEL, RULES, tables};
use super::{assert_none, differing, members_by_name};

/// A cell as CSV and SQLite have it; `None` is missing.
fn written(cell: &Cell) -> Option<String> {
    Some(match cell {
        Cell::Null => return None,
        Cell::Bool(value) => value.to_string(),
        Cell::Int(value) => value.to_string(),
        Cell::Float(value) => format!("{value:?}"),
        Cell::Text(text) => text.clone(),
        Cell::Date(days) => date_of_days(*days).to_string(),
        Cell::Stamp(micros) => {
            let time = DateTime::from_timestamp_micros(*micros).unwrap();
            time.format("%Y-%m-%dT%H:%M:%S").to_string()
        }
        other => panic!("{other:?} is not simple"),
    })
}

fn write_parquet(table: &Table, path: &Path) {
    let batches = arrow::batches(table, 50);
    let file = File::create(path).unwrap();
    let mut writer = ArrowWriter::try_new(file, batches[0].schema(), None).unwrap();
    for batch in &batches {
        writer.write(batch).unwrap();
    }
    writer.close().unwrap();
}

fn write_csv(table: &Table, path: &Path) {
    let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    let mut text = names.join(",");
    for row in 0..table.rows() {
        text.push('\n');
        for (at, column) in table.columns.iter().enumerate() {
            let value = written(&column.cells[row]).unwrap_or_default();
            let comma = if at == 0 { "" } else { "," };
            match &column.cells[row] {
                Cell::Text(value) => {
                    write!(text, "{comma}\"{}\"", value.replace('"', "\"\"")).unwrap();
                }
                _ => write!(text, "{comma}{value}").unwrap(),
            }
        }
    }
    std::fs::write(path, text + "\n").unwrap();
}

fn write_sqlite(tables: &[Table], path: &Path) {
    let file = rusqlite::Connection::open(path).unwrap();
    file.execute_batch("BEGIN").unwrap();
    for table in tables {
        let declared = |ty: &ColumnType| match ty {
            ColumnType::Bool => "BOOLEAN",
            ColumnType::Int { .. } => "INTEGER",
            ColumnType::Float64 => "REAL",
            ColumnType::Text => "TEXT",
            ColumnType::Date => "DATE",
            _ => "TIMESTAMP",
        };
        let columns: Vec<String> =
            table.columns.iter().map(|c| format!("{} {}", c.name, declared(&c.ty))).collect();
        file.execute_batch(&format!("CREATE TABLE {} ({})", table.name, columns.join(", ")))
            .unwrap();
        for row in 0..table.rows() {
            let values = table.columns.iter().map(|column| match &column.cells[row] {
                Cell::Bool(value) => rusqlite::types::Value::from(*value),
                Cell::Int(value) => i64::try_from(*value).unwrap().into(),
                Cell::Float(value) => (*value).into(),
                other => written(other).into(),
            });
            let places = vec!["?"; table.columns.len()].join(", ");
            let insert = format!("INSERT INTO {} VALUES ({places})", table.name);
            file.execute(&insert, rusqlite::params_from_iter(values)).unwrap();
        }
    }
    file.execute_batch("COMMIT").unwrap();
}

async fn engine() -> SegmentEngine {
    let model = AudienceModel::parse(MODEL).unwrap();
    let builder = SegmentEngine::builder().catalog(MemoryCatalog::new()).threads(2);
    builder.model(model).build().await.unwrap()
}

async fn with_rules(engine: SegmentEngine) -> SegmentEngine {
    for (at, condition) in RULES.iter().enumerate() {
        let rule = format!(r#"{{"rule_name": "rule {at}", "conditions": [{condition}]}}"#);
        engine.create_rule(rule.as_str()).await.unwrap();
    }
    engine
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metamorphic_every_kind_of_source_gives_the_same_members() {
    let mut found = Vec::new();
    let first = setting("SEGMENTRY_SEED", 0);
    for seed in first..first + 6 {
        let tables = tables(seed);
        let folder = tempfile::tempdir().unwrap();
        let (in_memory, parquet, csv, sqlite) =
            (engine().await, engine().await, engine().await, engine().await);
        for table in &tables {
            let name = table.name.as_str();
            in_memory.add_arrow(name, arrow::batches(table, 50)).unwrap();
            let path = folder.path().join(format!("{name}.parquet"));
            write_parquet(table, &path);
            parquet.add_parquet(name, path).await.unwrap();
            let path = folder.path().join(format!("{name}.csv"));
            write_csv(table, &path);
            csv.add_csv(name, path).await.unwrap();
        }
        let path = folder.path().join("data.db");
        write_sqlite(&tables, &path);
        sqlite.add_sqlite(path).await.unwrap();

        let members = members_by_name(&with_rules(in_memory).await, AS_OF).await;
        let telling = members.values().filter(|keys| !keys.is_empty() && keys.len() < 60).count();
        assert!(telling >= 10, "seed {seed}: only {telling} rules tell users apart");
        for (kind, engine) in [("Parquet", parquet), ("CSV", csv), ("SQLite", sqlite)] {
            let others = members_by_name(&with_rules(engine).await, AS_OF).await;
            let differing = differing(&members, &others).into_iter();
            found.extend(differing.map(|d| format!("seed {seed}, {kind}, {d}")));
        }
    }
    assert_none(&found);
}
