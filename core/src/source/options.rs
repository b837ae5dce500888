//! What a host may promise of a source, so that less of it is read.

use std::collections::BTreeMap;

/// How files are registered.
///
/// ```
/// # use segmentry::SegmentEngine;
/// use segmentry::FileOptions;
/// # #[tokio::main]
/// # async fn main() -> segmentry::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("payments");
/// # std::fs::create_dir(&path).unwrap();
/// # std::fs::write(path.join("1.csv"), "user_id,paid_at\n1,2025-12-20T10:00:00\n").unwrap();
/// # let engine = SegmentEngine::builder().build().await?;
/// let options = FileOptions::default().append_only(true);
/// engine.add_csv_with("payments", &path, options).await?;
/// assert!(engine.sources()[0].append_only);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FileOptions {
    pub(crate) append_only: bool,
}

impl FileOptions {
    /// Whether files are only ever added: one that is there keeps its content and stays. It is not
    /// so unless said.
    ///
    /// A file that is known is then never opened again, neither for the types of its columns nor by
    /// the profile store, and a new one is stored at once, where otherwise two seconds have to pass
    /// in which it was not written. So a file has to be put in place whole (written elsewhere and
    /// renamed); one that is found half-written is taken for changed later. Where a file has another
    /// size or time than it had, or is gone, the promise was broken: the table is read anew, as it
    /// would be without the promise, and a warning is logged. A file that is rewritten within one
    /// tick of the file system's clock and keeps its size is not noticed.
    #[must_use]
    pub fn append_only(mut self, append_only: bool) -> Self {
        self.append_only = append_only;
        self
    }
}

/// How the tables of a SQLite file are registered.
///
/// ```
/// # use segmentry::SegmentEngine;
/// use segmentry::SqliteOptions;
/// # #[tokio::main]
/// # async fn main() -> segmentry::Result<()> {
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("platform.db");
/// # rusqlite::Connection::open(&path).unwrap().execute_batch(
/// #     "CREATE TABLE upi_transactions (transaction_id INTEGER PRIMARY KEY, user_id INT)").unwrap();
/// # let engine = SegmentEngine::builder().build().await?;
/// let options = SqliteOptions::default().cursor("upi_transactions", "transaction_id");
/// engine.add_sqlite_with(&path, options).await?;
/// assert_eq!(engine.sources()[0].cursor.as_deref(), Some("transaction_id"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SqliteOptions {
    pub(crate) cursors: BTreeMap<String, String>,
}

impl SqliteOptions {
    /// Says that a table has an ever-growing column, as [`TableOptions::cursor`] does. An index on
    /// the column makes SQLite go straight to what is new if it is declared as an integer; of other
    /// columns, and without an index, SQLite looks at every row.
    #[must_use]
    pub fn cursor(mut self, table: impl Into<String>, column: impl Into<String>) -> Self {
        self.cursors.insert(table.into(), column.into());
        self
    }
}

/// How a table of the host's own is registered.
///
/// ```
/// # use std::sync::Arc;
/// # use arrow::array::{Int64Array, RecordBatch};
/// # use segmentry::SegmentEngine;
/// use segmentry::TableOptions;
/// # #[tokio::main]
/// # async fn main() -> segmentry::Result<()> {
/// # let engine = SegmentEngine::builder().build().await?;
/// # let ids = Arc::new(Int64Array::from(vec![1, 2]));
/// # let batch = RecordBatch::try_from_iter([("id", ids as _)]).unwrap();
/// engine.add_arrow_with("payments", vec![batch], TableOptions::default().cursor("id"))?;
/// assert_eq!(engine.sources()[0].cursor.as_deref(), Some("id"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TableOptions {
    pub(crate) cursor: Option<String>,
}

impl TableOptions {
    /// Says that a column only grows: a row that comes to be seen has a greater value in it than
    /// every row that was seen before, or the same as the greatest, and no row changes or goes. The
    /// column is one of integers, whole numbers as decimals included, of dates or of timestamps.
    ///
    /// The profile store then reads only rows from the greatest value on that it has seen; events
    /// themselves may be as late as they like. It is also what makes it possible to store a table
    /// whose changes can't be seen otherwise ([`add_table`](crate::SegmentEngine::add_table)). The
    /// users are read whole at each run in any case, and so are events by rules that need a plan of
    /// their own.
    ///
    /// Where the promise was broken in a way that shows, the table is read anew and a warning is
    /// logged: the rows with the greatest value are not what they were, there is no row with the
    /// smallest, or one with a smaller. A row that is missing the value can't be told from a new one:
    /// a table with such a row is treated as if it had no cursor. What does not show is a row in the
    /// middle that was changed, removed or put in; after that, remove the store's folder, or register
    /// the table without a cursor for one run. A value that many rows share, such as a time in whole
    /// seconds, is read again as long as it is the greatest; one that no other row has is best.
    ///
    /// A scan of the table has to show one state of it: if it has several partitions, none may have
    /// rows that another lacks.
    #[must_use]
    pub fn cursor(mut self, column: impl Into<String>) -> Self {
        self.cursor = Some(column.into());
        self
    }
}
