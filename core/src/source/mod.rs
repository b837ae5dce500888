//! The host's tables: where they are, and how they become DataFusion tables. Nothing writes them.

mod cursor;
mod files;
mod options;
pub(crate) mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use chrono::{DateTime, Utc};
use datafusion::datasource::{MemTable, TableProvider};
use datafusion::prelude::SessionContext;
use serde::{Serialize, Serializer};

use crate::error::{Code, Error, Result};

pub(crate) use cursor::literal;
pub use options::{FileOptions, SqliteOptions, TableOptions};

/// What kind of thing a source is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum SourceKind {
    /// A Parquet file, a folder of them or a glob.
    Parquet,
    /// A CSV file with a header, a folder of them or a glob.
    Csv,
    /// Record batches in memory.
    Arrow,
    /// A table or view of a SQLite file.
    Sqlite,
    /// A DataFusion table of the host's own.
    Table,
}

/// A registered table, for people. As JSON its schema is a list of `{name, type, nullable}`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct SourceInfo {
    /// The name it is registered under.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// The file, folder or glob; `None` for what is in memory.
    pub location: Option<String>,
    /// Its columns.
    #[serde(serialize_with = "columns")]
    pub schema: SchemaRef,
    /// How many rows it has, where that is known without reading it.
    pub rows: Option<u64>,
    /// Its ever-growing column, if it was said to have one.
    pub cursor: Option<String>,
    /// Whether files are only added to it, as was said.
    pub append_only: bool,
    /// When a run of this engine last saw to it that it knows all of the table.
    #[serde(with = "crate::document::instant::option")]
    pub read_at: Option<DateTime<Utc>>,
}

/// A schema as JSON.
fn columns<S: Serializer>(schema: &SchemaRef, to: S) -> std::result::Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Column<'a> {
        name: &'a str,
        r#type: String,
        nullable: bool,
    }
    to.collect_seq(schema.fields().iter().map(|field| Column {
        name: field.name(),
        r#type: field.data_type().to_string(),
        nullable: field.is_nullable(),
    }))
}

/// A registered table.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) kind: SourceKind,
    pub(crate) provider: Arc<dyn TableProvider>,
    /// How many rows it has, where it is in memory.
    pub(crate) rows: Option<u64>,
    /// Its ever-growing column.
    pub(crate) cursor: Option<String>,
    origin: Origin,
}

/// What a source is like at one moment.
#[derive(Debug, Default)]
pub(crate) struct Now {
    /// As [`Source::state`].
    pub(crate) state: Option<String>,
    /// The files that are read; none if it does not consist of files that are only read as wholes.
    pub(crate) files: Vec<FileNow>,
}

/// A file with its size and time of change in nanoseconds.
pub(crate) type FileNow = (String, u64, u128);

/// Files that never change, and the columns that they have together.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) schema: SchemaRef,
    pub(crate) files: Vec<FileNow>,
}

/// Where a source comes from, to open it again when it has changed.
#[derive(Clone, Debug)]
enum Origin {
    /// Batches that nobody can change, with a name that no other batches have.
    Memory {
        name: String,
    },
    /// The host's own table, of which nothing is known.
    Table,
    Files {
        path: String,
        seen: files::Fingerprint,
        append_only: bool,
    },
    Sqlite {
        path: PathBuf,
        table: String,
    },
}

impl Source {
    /// Opens files, as far as they are not known.
    pub(crate) async fn files(
        context: &SessionContext,
        kind: SourceKind,
        path: &str,
        options: FileOptions,
        known: Option<Known>,
    ) -> Result<Source> {
        let path = files::direct(path);
        let path = path.as_ref();
        let seen = files::fingerprint(path)?;
        let provider = match known.filter(|_| options.append_only) {
            Some(known) => files::extended(context, &kind, path, &known, &seen).await?,
            None => None,
        };
        let provider = match provider {
            Some(provider) => provider,
            None => files::open(context, &kind, path).await?,
        };
        let append_only = options.append_only;
        let origin = Origin::Files { path: path.to_owned(), seen, append_only };
        Ok(Source { kind, provider, rows: None, cursor: None, origin })
    }

    /// The same source with an ever-growing column.
    pub(crate) fn with_cursor(mut self, column: Option<String>) -> Result<Source> {
        if let Some(column) = &column {
            cursor::check(&self.provider.schema(), column)?;
        }
        self.cursor = column;
        Ok(self)
    }

    pub(crate) fn arrow(
        schema: SchemaRef,
        batches: Vec<RecordBatch>,
        parts: usize,
    ) -> Result<Source> {
        let rows = batches.iter().map(RecordBatch::num_rows).sum::<usize>();
        let table = MemTable::try_new(schema, spread(batches, parts)).map_err(|error| {
            Error::new(Code::BadValue, format!("the batches are no table: {error}"))
                .caused_by(error)
        })?;
        let (provider, rows) = (Arc::new(table), u64::try_from(rows).ok());
        let origin = Origin::Memory { name: unique_name() };
        Ok(Source { kind: SourceKind::Arrow, provider, rows, cursor: None, origin })
    }

    pub(crate) fn table(provider: Arc<dyn TableProvider>) -> Source {
        let (kind, origin) = (SourceKind::Table, Origin::Table);
        Source { kind, provider, rows: None, cursor: None, origin }
    }

    /// Opens a table of a SQLite file; blocks.
    pub(crate) fn sqlite(path: PathBuf, table: &str) -> Result<Source> {
        let provider = Arc::new(sqlite::open(&path, table)?);
        let origin = Origin::Sqlite { path, table: table.to_owned() };
        Ok(Source { kind: SourceKind::Sqlite, provider, rows: None, cursor: None, origin })
    }

    /// The same source as it is now, if what it stands on may have changed since it was opened.
    /// A file that is gone, or has another shape, must not be read as what it was.
    pub(crate) async fn reopened(&self, context: &SessionContext) -> Result<Option<Source>> {
        match &self.origin {
            Origin::Memory { .. } | Origin::Table => Ok(None),
            Origin::Files { path, seen, append_only } => {
                let now = files::fingerprint(path)?;
                if now == *seen {
                    return Ok(None);
                }
                let options = FileOptions { append_only: *append_only };
                let known = self.known();
                Self::files(context, self.kind.clone(), path, options, known).await.map(Some)
            }
            Origin::Sqlite { path, table } => {
                let (path, table) = (path.clone(), table.clone());
                let open = move || Source::sqlite(path, &table);
                let source = tokio::task::spawn_blocking(open).await.map_err(|error| {
                    Error::new(Code::Internal, "opening was stopped").caused_by(error)
                })??;
                let source = Source { cursor: self.cursor.clone(), ..source };
                Ok((source.provider.schema() != self.provider.schema()).then_some(source))
            }
        }
    }

    /// A part of what a scan of this source shows of itself that no other source's does.
    pub(crate) fn shown_place(&self) -> Option<String> {
        match &self.origin {
            Origin::Memory { .. } | Origin::Table => None,
            Origin::Files { seen, .. } => {
                let (path, _, _) = seen.first()?;
                std::fs::canonicalize(path).ok().map(|path| path.to_string_lossy().into_owned())
            }
            Origin::Sqlite { table, .. } => Some(format!("table={table}, ")),
        }
    }

    /// A text that stays the same for as long as the source is known not to have changed, in every
    /// process; nothing where that can't be known.
    pub(crate) fn state(&self) -> Option<String> {
        match &self.origin {
            Origin::Memory { name } => Some(name.clone()),
            Origin::Table => None,
            Origin::Files { .. } => self.now().state,
            Origin::Sqlite { path, table } => {
                let mut parts = files::fingerprint(&path.to_string_lossy()).ok()?;
                // What is committed is in the log before it is in the file.
                for ending in ["-wal", "-journal"] {
                    let log = format!("{}{ending}", path.display());
                    parts.extend(files::fingerprint(&log).unwrap_or_default());
                }
                files::state(&parts, true).map(|state| format!("{state} {table}"))
            }
        }
    }

    /// What it is like now, all at one look.
    pub(crate) fn now(&self) -> Now {
        let Origin::Files { path, append_only, .. } = &self.origin else {
            return Now { state: self.state(), files: Vec::new() };
        };
        let Ok(found) = files::fingerprint(path) else { return Now::default() };
        // A file that never changes needs no time to show that it does not.
        let state = files::state(&found, !append_only);
        Now { state, files: files::read_by(&self.kind, path, &found).unwrap_or_default() }
    }

    /// The files that were there when it was opened, if they never change.
    pub(crate) fn known(&self) -> Option<Known> {
        let Origin::Files { path, seen, append_only: true } = &self.origin else { return None };
        let files = files::read_by(&self.kind, path, seen)?;
        Some(Known { schema: self.provider.schema(), files })
    }

    pub(crate) fn append_only(&self) -> bool {
        matches!(self.origin, Origin::Files { append_only: true, .. })
    }

    /// Some of its files as a table of the same columns; nothing where that can't be had.
    pub(crate) fn part(
        &self,
        context: &SessionContext,
        files: &[String],
    ) -> Option<Arc<dyn TableProvider>> {
        files::part(context, &self.kind, files, self.provider.schema())
    }

    pub(crate) fn location(&self) -> Option<String> {
        match &self.origin {
            Origin::Memory { .. } | Origin::Table => None,
            Origin::Files { path, .. } => Some(path.clone()),
            Origin::Sqlite { path, table } => Some(format!("{}#{table}", path.display())),
        }
    }
}

/// A name that is given once, here and in every other process.
fn unique_name() -> String {
    use std::hash::{BuildHasher, Hasher, RandomState};
    use std::sync::atomic::{AtomicU64, Ordering};
    static COUNT: AtomicU64 = AtomicU64::new(0);
    static PROCESS: std::sync::LazyLock<(u64, u64)> = std::sync::LazyLock::new(|| {
        let random = || RandomState::new().build_hasher().finish();
        (random(), random())
    });
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("memory {:016x}{:016x} {count}", PROCESS.0, PROCESS.1)
}

/// Batches dealt out to at most `parts` partitions, at least one.
pub(crate) fn spread(batches: Vec<RecordBatch>, parts: usize) -> Vec<Vec<RecordBatch>> {
    let parts = parts.clamp(1, batches.len().max(1));
    let mut dealt: Vec<Vec<RecordBatch>> = vec![Vec::new(); parts];
    for (index, batch) in batches.into_iter().enumerate() {
        if let Some(part) = dealt.get_mut(index % parts) {
            part.push(batch);
        }
    }
    dealt
}
