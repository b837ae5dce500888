//! Registering the host's tables.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use datafusion::datasource::TableProvider;

use crate::error::{Code, Error, Problem, Result};
use crate::source::{
    FileOptions, Source, SourceInfo, SourceKind, SqliteOptions, TableOptions, sqlite,
};

use super::evaluate::Scannable;
use super::{SegmentEngine, Shared, read, write};

/// What the names of segments' tables begin with.
const OUTPUT: &str = "segment_output_";

/// The same error with the name of the table before its message.
fn named(table: &str, error: Error) -> Error {
    let problems = error.into_problems().into_iter().map(|problem| {
        let message = format!("table {table:?}: {}", problem.message);
        Problem { message, ..problem }
    });
    Error::of(problems.collect())
}

impl SegmentEngine {
    async fn add_files(
        &self,
        name: &str,
        kind: SourceKind,
        path: &Path,
        options: FileOptions,
    ) -> Result<()> {
        let (session, path) = (self.shared.session(), path.to_string_lossy());
        let known = self.shared.known_files(name);
        let source = Source::files(&session, kind, &path, options, known).await;
        self.add(name, source.map_err(|error| named(name, error))?)
    }

    fn add(&self, name: &str, source: Source) -> Result<()> {
        if name.is_empty() || name.starts_with(OUTPUT) {
            let message = format!("{name:?} can't be the name of a table");
            return Err(Error::new(Code::BadName, message));
        }
        write(&self.shared.read_at).remove(name);
        write(&self.shared.sources).insert(name.to_owned(), source);
        self.shared.unbind();
        Ok(())
    }

    /// Registers a Parquet file, a folder of them or a glob as a table; a table of that name is
    /// replaced. Nothing but the files' metadata is read yet.
    ///
    /// # Errors
    /// [`Code::UnreadableSource`] with table and path if it is not there or is no Parquet.
    pub async fn add_parquet(&self, name: &str, path: impl AsRef<Path>) -> Result<()> {
        self.add_parquet_with(name, path, FileOptions::default()).await
    }

    /// The same with what the host knows of the files.
    ///
    /// # Errors
    /// As [`add_parquet`](SegmentEngine::add_parquet).
    pub async fn add_parquet_with(
        &self,
        name: &str,
        path: impl AsRef<Path>,
        options: FileOptions,
    ) -> Result<()> {
        self.add_files(name, SourceKind::Parquet, path.as_ref(), options).await
    }

    /// Registers a CSV file with a header, a folder of them or a glob as a table. It is read once
    /// for the types of its columns: the narrowest that all of a column's values fit. An empty
    /// value is missing.
    ///
    /// # Errors
    /// [`Code::UnreadableSource`] with table and path if it is not there or is no CSV.
    pub async fn add_csv(&self, name: &str, path: impl AsRef<Path>) -> Result<()> {
        self.add_csv_with(name, path, FileOptions::default()).await
    }

    /// The same with what the host knows of the files.
    ///
    /// # Errors
    /// As [`add_csv`](SegmentEngine::add_csv).
    pub async fn add_csv_with(
        &self,
        name: &str,
        path: impl AsRef<Path>,
        options: FileOptions,
    ) -> Result<()> {
        self.add_files(name, SourceKind::Csv, path.as_ref(), options).await
    }

    /// Registers record batches of one schema as a table.
    ///
    /// # Errors
    /// [`Code::BadValue`] if there is no batch, or their schemas differ.
    pub fn add_arrow(&self, name: &str, batches: Vec<RecordBatch>) -> Result<()> {
        self.add_arrow_with(name, batches, TableOptions::default())
    }

    /// The same with what the host knows of the table: where it is replaced by one that has more
    /// rows, a cursor says which these are.
    ///
    /// # Errors
    /// As [`add_arrow`](SegmentEngine::add_arrow); [`Code::MissingColumn`] or
    /// [`Code::TypeMismatch`] for a column that can't be a cursor.
    pub fn add_arrow_with(
        &self,
        name: &str,
        batches: Vec<RecordBatch>,
        options: TableOptions,
    ) -> Result<()> {
        let Some(first) = batches.first() else {
            let message = format!("table {name:?}: no batch; give an empty one for no rows");
            return Err(Error::new(Code::BadValue, message));
        };
        let parts = self.shared.config.target_partitions();
        let source = Source::arrow(first.schema(), batches, parts);
        let source = source.and_then(|source| source.with_cursor(options.cursor));
        self.add(name, source.map_err(|error| named(name, error))?)
    }

    /// Registers every table and view of a SQLite file, each under its own name, and answers the
    /// names. Types are those that the columns were declared with. The file is only read.
    ///
    /// # Errors
    /// [`Code::UnreadableSource`] with the path if it is not there or is no SQLite file; nothing
    /// is registered then.
    pub async fn add_sqlite(&self, path: impl AsRef<Path>) -> Result<Vec<String>> {
        self.add_sqlite_with(path, SqliteOptions::default()).await
    }

    /// The same with what the host knows of the tables.
    ///
    /// # Errors
    /// As [`add_sqlite`](SegmentEngine::add_sqlite); [`Code::MissingTable`],
    /// [`Code::MissingColumn`] or [`Code::TypeMismatch`] for a cursor that there can't be.
    pub async fn add_sqlite_with(
        &self,
        path: impl AsRef<Path>,
        options: SqliteOptions,
    ) -> Result<Vec<String>> {
        let path: PathBuf = path.as_ref().to_owned();
        let open = move || -> Result<Vec<(String, Source)>> {
            let mut names = sqlite::tables(&path)?;
            // The catalog's own tables may be in the same file, and segments that were written as
            // tables; they are no data of the host's.
            names.retain(|name| {
                name != "rule_table" && name != "segment_catalog" && !name.starts_with(OUTPUT)
            });
            if let Some(table) = options.cursors.keys().find(|table| !names.contains(table)) {
                let message = format!("there is no table {table:?} to have a cursor");
                let problem = Problem::new(Code::MissingTable, "", message);
                return Err(problem.nearest(table, names.iter().map(String::as_str)).into());
            }
            let source = |name: String| {
                let cursor = options.cursors.get(&name).cloned();
                let source = Source::sqlite(path.clone(), &name);
                let source = source.and_then(|source| source.with_cursor(cursor));
                source.map_err(|error| named(&name, error)).map(|source| (name, source))
            };
            names.into_iter().map(source).collect()
        };
        let opened = tokio::task::spawn_blocking(open).await.map_err(|error| {
            Error::new(Code::Internal, "opening was stopped").caused_by(error)
        })??;
        let mut names = Vec::with_capacity(opened.len());
        for (name, source) in opened {
            self.add(&name, source)?;
            names.push(name);
        }
        Ok(names)
    }

    /// Registers any DataFusion table.
    ///
    /// # Errors
    /// [`Code::BadName`] for a name that the engine has taken.
    pub fn add_table(&self, name: &str, provider: Arc<dyn TableProvider>) -> Result<()> {
        self.add_table_with(name, provider, TableOptions::default())
    }

    /// The same with what the host knows of the table.
    ///
    /// # Errors
    /// As [`add_table`](SegmentEngine::add_table); [`Code::MissingColumn`] or
    /// [`Code::TypeMismatch`] for a column that can't be a cursor.
    pub fn add_table_with(
        &self,
        name: &str,
        provider: Arc<dyn TableProvider>,
        options: TableOptions,
    ) -> Result<()> {
        let source = Source::table(provider).with_cursor(options.cursor);
        self.add(name, source.map_err(|error| named(name, error))?)
    }

    /// What is registered, by name.
    #[must_use]
    pub fn sources(&self) -> Vec<SourceInfo> {
        let sources = read(&self.shared.sources);
        let read_at = read(&self.shared.read_at);
        let info = |(name, source): (&String, &Source)| SourceInfo {
            name: name.clone(),
            kind: source.kind.clone(),
            location: source.location(),
            schema: source.provider.schema(),
            rows: source
                .provider
                .statistics()
                .and_then(|s| s.num_rows.get_value().and_then(|rows| u64::try_from(*rows).ok())),
            cursor: source.cursor.clone(),
            append_only: source.append_only(),
            read_at: read_at.get(name).copied(),
        };
        sources.iter().map(info).collect()
    }

    /// Forgets a table. Segments computed from it stay.
    ///
    /// # Errors
    /// [`Code::NotFound`] if there is no such table.
    pub fn remove_source(&self, name: &str) -> Result<()> {
        write(&self.shared.read_at).remove(name);
        if write(&self.shared.sources).remove(name).is_none() {
            let sources = read(&self.shared.sources);
            let problem = Problem::new(Code::NotFound, "", format!("no table is named {name:?}"));
            return Err(Error::from(problem.nearest(name, sources.keys().map(String::as_str))));
        }
        self.shared.unbind();
        Ok(())
    }
}

impl Shared {
    /// Opens again what has changed since it was registered, so that a file that is gone or has
    /// another shape is noticed rather than read as what it was.
    pub(super) async fn reopen_sources(&self) -> Result<()> {
        let sources: Vec<(String, Source)> =
            read(&self.sources).iter().map(|(name, s)| (name.clone(), s.clone())).collect();
        let session = self.session();
        for (name, source) in sources {
            let reopened = source.reopened(&session).await.map_err(|e| named(&name, e))?;
            if let Some(reopened) = reopened {
                write(&self.sources).insert(name, reopened);
                self.unbind();
            }
        }
        Ok(())
    }

    /// The tables with what tells how much of them a plan has read; the users, which a run reads
    /// once and for all, are not among them.
    pub(super) fn scannable(&self, tables: &[String]) -> Vec<Scannable> {
        let users = self.bound_model().map(|model| model.table.clone()).unwrap_or_default();
        let sources = read(&self.sources);
        let events = tables.iter().filter(|name| **name != users);
        let known = events.filter_map(|name| sources.get(name).map(|source| (name, source)));
        known
            .map(|(name, source)| Scannable {
                name: name.clone(),
                place: source.shown_place(),
                rows: source.rows,
            })
            .collect()
    }

    pub(super) fn provider(&self, name: &str) -> Result<Arc<dyn TableProvider>> {
        let sources = read(&self.sources);
        sources.get(name).map(|source| Arc::clone(&source.provider)).ok_or_else(|| {
            Error::new(Code::MissingTable, format!("the table {name:?} is not registered"))
        })
    }
}
