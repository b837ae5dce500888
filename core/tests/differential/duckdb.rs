//! The generated SQL in DuckDB: one Python process for a whole test run, a line of JSON per case.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use datafusion::parquet::arrow::ArrowWriter;
use serde_json::{Value, json};

use super::arrow::batches;
use super::others::{Answer, Asked};
use crate::generate::{Case, KeyType};
use crate::oracle::UserKey;
use crate::oracle::table::{Column, ColumnType, Table, TimeUnit};

const HINT: &str = "the differential tests need Python with the module duckdb: run them by `make \
                    test`, which sets both up, or name the interpreter in SEGMENTRY_PYTHON";

pub struct DuckDb {
    process: Child,
    jobs: ChildStdin,
    answers: BufReader<ChildStdout>,
    files: tempfile::TempDir,
}

fn interpreter() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    match std::env::var_os("SEGMENTRY_PYTHON") {
        Some(path) => path.into(),
        None => root.join(".venv/bin/python"),
    }
}

impl DuckDb {
    /// Starts the interpreter; without one there is no second opinion, and the test fails.
    pub fn start() -> DuckDb {
        let python = interpreter();
        let script =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/differential/duckdb_runner.py");
        let mut process = Command::new(&python)
            .arg(script)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}; {HINT}", python.display()));
        let jobs = process.stdin.take().unwrap();
        let answers = BufReader::new(process.stdout.take().unwrap());
        let files = tempfile::tempdir().unwrap();
        let mut duckdb = DuckDb { process, jobs, answers, files };
        let hello = duckdb.read();
        match hello["version"].as_str() {
            Some(version) => println!("DuckDB {version}"),
            None => panic!("{}: {}; {HINT}", python.display(), hello["missing"]),
        }
        duckdb
    }

    fn read(&mut self) -> Value {
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        assert!(!line.is_empty(), "the interpreter ended; {HINT}");
        serde_json::from_str(&line).unwrap()
    }

    /// What DuckDB answers to each query over the case's tables and segments.
    pub fn ask(&mut self, case: &Case, asked: &Asked<'_>) -> Vec<Answer> {
        let tables = case.world.tables.iter().map(|table| self.table(table));
        let tables: Vec<Value> = tables.collect();
        let key_type = if case.key_type == KeyType::Text { "VARCHAR" } else { "BIGINT" };
        let segments: Vec<Value> = asked
            .segments
            .iter()
            .map(|(id, members)| {
                let keys: Vec<Value> = members.iter().map(key_json).collect();
                json!([format!("segment_output_{id}"), asked.key, key_type, keys])
            })
            .collect();
        let job = json!({ "tables": tables, "segments": segments, "queries": asked.queries });
        writeln!(self.jobs, "{job}").unwrap();
        self.jobs.flush().unwrap();
        let answers = self.read();
        let answers = answers["answers"].as_array().unwrap();
        answers
            .iter()
            .map(|answer| match answer["error"].as_str() {
                Some(error) => Err(error.to_owned()),
                None => Ok(answer["keys"].as_array().unwrap().iter().map(key_of).collect()),
            })
            .collect()
    }

    /// Writes a table as Parquet; its name, its file and its columns as DuckDB is to read them.
    fn table(&self, table: &Table) -> Value {
        let path = self.files.path().join(format!("{}.parquet", table.name));
        let whole = batches(table, table.rows().max(1));
        let file = File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, whole[0].schema(), None).unwrap();
        whole.iter().for_each(|batch| writer.write(batch).unwrap());
        writer.close().unwrap();
        let columns: Vec<String> = table.columns.iter().map(column).collect();
        json!([table.name, path, columns])
    }
}

impl Drop for DuckDb {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Parquet has no timestamps in seconds: those arrive as plain integers.
fn column(column: &Column) -> String {
    let name = format!("\"{}\"", column.name.replace('"', "\"\""));
    match &column.ty {
        ColumnType::Stamp { unit: TimeUnit::Second, zone: None } => {
            format!("make_timestamp({name} * 1000000)::TIMESTAMP_S AS {name}")
        }
        ColumnType::Stamp { unit: TimeUnit::Second, zone: Some(_) } => {
            format!("make_timestamptz({name} * 1000000) AS {name}")
        }
        _ => name,
    }
}

fn key_json(key: &UserKey) -> Value {
    match key {
        UserKey::Int(key) => json!(key),
        UserKey::Text(key) => json!(key),
    }
}

fn key_of(value: &Value) -> UserKey {
    match value {
        Value::String(text) => UserKey::Text(text.clone()),
        other => UserKey::Int(other.as_i64().unwrap_or_else(|| panic!("{other} is no key"))),
    }
}
