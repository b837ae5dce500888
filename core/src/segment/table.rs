//! A segment as a table of an SQLite database, for programs that know nothing of Segmentry.

use std::path::Path;

use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::{Code, Error, Problem, Result};
use crate::model::KeyColumn;
use crate::source::sqlite::quoted;

use super::Segment;

/// How long to wait for another program that writes to the database.
const WAIT: std::time::Duration = std::time::Duration::from_secs(30);

impl Segment {
    /// Writes the members to a table `segment_output_<rule id>` of an SQLite database, which is made
    /// if it is not there, and gives the number of rows. The table has one column, the key under the
    /// name that it has in the model: INTEGER or TEXT, the primary key. The table of an earlier
    /// version is replaced; other programs see the old rows or the new ones, never some of each.
    ///
    /// ```
    /// # use std::sync::Arc;
    /// # use arrow::array::{Int64Array, RecordBatch};
    /// # use segmentry::{AudienceModel, Refresh, SegmentEngine};
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("platform.db");
    /// # let model = AudienceModel::parse(r#"{"users": {"table": "users", "key": "id"}}"#)?;
    /// # let engine = SegmentEngine::builder().model(model).build().await?;
    /// # let ids = Arc::new(Int64Array::from(vec![1, 2]));
    /// # engine.add_arrow("users", vec![RecordBatch::try_from_iter([("id", ids as _)])?])?;
    /// # engine.create_rule(r#"{"rule_name": "All", "conditions": []}"#).await?;
    /// # engine.refresh(Refresh::all()).await?;
    /// let rows = engine.segment("All").await?.write_table(&path).await?;
    /// assert_eq!(rows, 2);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Code::AlreadyExists`] if something else has that name there: a view, or a table with other
    /// columns, which is left as it is. [`Code::Busy`] if another program writes for longer than 30
    /// seconds. [`Code::Io`] with the path if it can't be written or is no SQLite database.
    pub async fn write_table(&self, database: impl AsRef<Path>) -> Result<u64> {
        let path = database.as_ref().to_owned();
        let table = self.table_name().to_owned();
        let column = self.shared.key_name();
        let keys = self.keys()?;
        let write = move || {
            replace(&path, &table, &column, &keys).map_err(|fault| fault.at(&path, &table))?;
            Ok(keys.len() as u64)
        };
        tokio::task::spawn_blocking(write).await.map_err(|error| {
            Error::new(Code::Internal, "writing the table was stopped").caused_by(error)
        })?
    }
}

enum Fault {
    Sqlite(rusqlite::Error),
    Taken,
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::Sqlite(error)
    }
}

impl Fault {
    fn at(self, path: &Path, table: &str) -> Error {
        let path = path.display();
        match self {
            Fault::Taken => {
                let message = format!("{path} has a {table} that is no segment's keys");
                let hint = "rename or drop it";
                Problem::new(Code::AlreadyExists, "", message).hint(hint).into()
            }
            Fault::Sqlite(error) => {
                let busy = Some(rusqlite::ErrorCode::DatabaseBusy);
                let code = if error.sqlite_error_code() == busy { Code::Busy } else { Code::Io };
                Error::new(code, format!("{path} can't be written: {error}")).caused_by(error)
            }
        }
    }
}

fn replace(path: &Path, table: &str, column: &str, keys: &KeyColumn) -> Replaced {
    let mut connection = Connection::open(path)?;
    connection.busy_timeout(WAIT)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let declared = match keys {
        KeyColumn::Int(_) => "INTEGER",
        KeyColumn::Text(_) => "TEXT",
    };
    let statement = format!(
        "CREATE TABLE {} ({} {declared} NOT NULL PRIMARY KEY)",
        quoted(table),
        quoted(column)
    );
    make_room(&transaction, table, &statement)?;
    transaction.execute(&statement, ())?;
    let mut insert = transaction.prepare(&format!("INSERT INTO {} VALUES (?1)", quoted(table)))?;
    match keys {
        KeyColumn::Int(keys) => {
            for key in keys.values() {
                insert.execute([key])?;
            }
        }
        KeyColumn::Text(keys) => {
            for key in keys.iter().flatten() {
                insert.execute([key])?;
            }
        }
    }
    drop(insert);
    Ok(transaction.commit()?)
}

type Replaced = std::result::Result<(), Fault>;

/// Drops the table of an earlier version, which was made by the same statement but for the type of
/// keys and their name.
fn make_room(transaction: &Transaction<'_>, table: &str, statement: &str) -> Replaced {
    let sql = "SELECT coalesce(sql, '') FROM sqlite_master WHERE lower(name) = lower(?1)";
    let mut named = transaction.prepare(sql)?;
    let there: Vec<String> =
        named.query_map([table], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    if there.is_empty() {
        return Ok(());
    }
    if there.iter().any(|sql| sql != statement) {
        return Err(Fault::Taken);
    }
    transaction.execute(&format!("DROP TABLE {}", quoted(table)), ())?;
    Ok(())
}
