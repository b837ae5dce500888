//! A table or view of a SQLite file as a DataFusion table: read-only, typed by the declared column
//! types ([`types`]), exact in its values ([`value`]) and streamed ([`scan`]).
//!
//! The file itself is never written. Of a database in WAL mode SQLite may create the `-wal` and
//! `-shm` files next to it, because that is how readers of such a database find one another.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow::datatypes::{Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Result as DataFusionResult;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::{Code, Error, Problem, Result};

mod filter;
mod scan;
mod types;
mod value;

#[cfg(test)]
mod tests;

/// How long a reader waits for a writer that holds the file.
const BUSY: Duration = Duration::from_secs(30);

/// The names of the tables and views of the file, in order. SQLite's own, those of an index such as
/// FTS and those whose name begins with `segmentry_` are left out.
pub(crate) fn tables(path: &Path) -> Result<Vec<String>> {
    let path = located(path)?;
    let conn = connect(&path).map_err(|e| failed(&path, None, e))?;
    let names = names(&conn).map_err(|e| failed(&path, None, e))?;
    Ok(names.into_iter().map(|(name, _)| name).filter(|n| !begins(n, "segmentry_")).collect())
}

/// The table or view `table` of the file. Its columns are read now, its rows at each scan.
pub(crate) fn open(path: &Path, table: &str) -> Result<SqliteTable> {
    let path = located(path)?;
    let conn = connect(&path).map_err(|e| failed(&path, Some(table), e))?;
    let names = names(&conn).map_err(|e| failed(&path, Some(table), e))?;
    // SQLite itself does not tell `Users` from `users`.
    let found = names.iter().find(|(name, _)| name.eq_ignore_ascii_case(table));
    let Some((name, has_rowid)) = found else {
        let message = format!("SQLite file {path:?} has no table or view {table:?}");
        let problem = Problem::new(Code::MissingTable, "", message);
        return Err(problem.nearest(table, names.iter().map(|(name, _)| name.as_str())).into());
    };
    let columns = columns(&conn, name).map_err(|e| failed(&path, Some(name), e))?;
    if columns.is_empty() {
        let message = format!("SQLite file {path:?}, table {name:?}: it has no columns");
        return Err(Error::new(Code::UnreadableSource, message));
    }
    let rowid = ["rowid", "_rowid_", "oid"]
        .into_iter()
        .filter(|_| *has_rowid)
        .find(|alias| !columns.iter().any(|(column, _)| column.eq_ignore_ascii_case(alias)));
    let fields: Vec<Field> = columns
        .iter()
        .map(|(column, declared)| Field::new(column, types::of_declaration(declared), true))
        .collect();
    let (name, schema) = (name.clone(), Arc::new(Schema::new(fields)));
    let declared = columns.into_iter().map(|(_, declared)| declared).collect();
    Ok(SqliteTable { source: Arc::new(Source { path, table: name, schema, declared, rowid }) })
}

/// One table or view of a SQLite file.
#[derive(Clone)]
pub(crate) struct SqliteTable {
    source: Arc<Source>,
}

/// What a scan has to know of its table.
struct Source {
    /// Absolute, so that neither the working folder nor SQLite's `file:` and `:memory:` matter.
    path: PathBuf,
    table: String,
    schema: SchemaRef,
    /// The declared type of each column, as written.
    declared: Vec<String>,
    /// The name under which the table tells its rowid, if it has one.
    rowid: Option<&'static str>,
}

impl fmt::Debug for SqliteTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteTable")
            .field("path", &self.source.path)
            .field("table", &self.source.table)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl TableProvider for SqliteTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.source.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(
        &self,
        filters: &[&Expr],
    ) -> DataFusionResult<Vec<TableProviderFilterPushDown>> {
        let pushed = |expr: &&Expr| match filter::conditions(expr, &self.source.schema).is_empty() {
            true => TableProviderFilterPushDown::Unsupported,
            false => TableProviderFilterPushDown::Inexact,
        };
        Ok(filters.iter().map(pushed).collect())
    }

    async fn scan(
        &self,
        _state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> DataFusionResult<Arc<dyn ExecutionPlan>> {
        let schema = &self.source.schema;
        let conditions = filters.iter().flat_map(|expr| filter::conditions(expr, schema));
        let conditions = conditions.take(filter::MOST).collect();
        // The rows that an inexact filter lets through may be dropped above: no limit before that.
        let limit = limit.filter(|_| filters.is_empty());
        let all = || (0..schema.fields().len()).collect();
        let projection = projection.cloned().unwrap_or_else(all);
        let source = Arc::clone(&self.source);
        Ok(Arc::new(scan::SqliteExec::try_new(source, projection, conditions, limit)?))
    }
}

/// The file as an absolute path, if there is a file.
fn located(path: &Path) -> Result<PathBuf> {
    let unreadable = |why: &str| {
        Error::new(Code::UnreadableSource, format!("SQLite file {path:?} can't be read: {why}"))
    };
    let absolute = std::path::absolute(path).map_err(|e| unreadable(&e.to_string()).caused_by(e));
    match std::fs::metadata(path) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(unreadable("there is no file")),
        Err(e) => Err(unreadable(&e.to_string()).caused_by(e)),
        Ok(metadata) if !metadata.is_file() => Err(unreadable("it is not a file")),
        Ok(_) => absolute,
    }
}

/// A connection that can only read, and creates nothing.
fn connect(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(BUSY)?;
    // A view of somebody else's file gets no function that has side effects.
    conn.execute_batch("PRAGMA query_only = ON; PRAGMA trusted_schema = OFF")?;
    Ok(conn)
}

/// Tables and views with whether they have a rowid.
fn names(conn: &Connection) -> rusqlite::Result<Vec<(String, bool)>> {
    let mut statement = conn.prepare(
        "SELECT name, type = 'table' AND NOT wr FROM pragma_table_list \
         WHERE schema = 'main' AND type <> 'shadow' ORDER BY name",
    )?;
    let rows = statement.query_map([], |row| Ok((row.get::<_, String>(0)?, row.get(1)?)))?;
    let keep = |row: &rusqlite::Result<(String, bool)>| match row {
        Ok((name, _)) => !begins(name, "sqlite_"),
        Err(_) => true,
    };
    rows.filter(keep).collect()
}

/// The columns with their declared types. For a view these are the types of the columns it takes
/// over, and for an expression the affinity that SQLite finds, which may be none.
fn columns(conn: &Connection, table: &str) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = conn.prepare(
        "SELECT name, coalesce(type, '') FROM pragma_table_xinfo(?1, 'main') \
         WHERE hidden <> 1 ORDER BY cid",
    )?;
    let rows = statement.query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?;
    rows.collect()
}

fn begins(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// An identifier in SQL. It must follow a qualifier where a column is meant: SQLite takes a lone
/// `"x"` for a text if there is no column of that name.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What SQLite says, as an error that names file and table.
fn failed(path: &Path, table: Option<&str>, cause: rusqlite::Error) -> Error {
    let code = match cause.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Code::Busy,
        _ => Code::UnreadableSource,
    };
    let table = table.map(|table| format!(", table {table:?}")).unwrap_or_default();
    Error::new(code, format!("SQLite file {path:?}{table}: {cause}")).caused_by(cause)
}
