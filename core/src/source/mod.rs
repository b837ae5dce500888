//! The host's tables: where they are, and how they become DataFusion tables. Nothing writes them.

mod files;
pub(crate) mod sqlite;

use std::path::PathBuf;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::datasource::{MemTable, TableProvider};
use datafusion::prelude::SessionContext;

use crate::error::{Code, Error, Result};

/// What kind of thing a source is.
#[derive(Clone, Debug, PartialEq, Eq)]
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

/// A registered table, for people.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SourceInfo {
    /// The name it is registered under.
    pub name: String,
    /// What it is.
    pub kind: SourceKind,
    /// The file, folder or glob; `None` for what is in memory.
    pub location: Option<String>,
    /// Its columns.
    pub schema: SchemaRef,
    /// How many rows it has, where that is known without reading it.
    pub rows: Option<u64>,
}

/// A registered table.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) kind: SourceKind,
    pub(crate) provider: Arc<dyn TableProvider>,
    /// How many rows it has, where it is in memory.
    pub(crate) rows: Option<u64>,
    origin: Origin,
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
    },
    Sqlite {
        path: PathBuf,
        table: String,
    },
}

impl Source {
    pub(crate) async fn parquet(context: &SessionContext, path: &str) -> Result<Source> {
        Self::files(context, SourceKind::Parquet, path).await
    }

    pub(crate) async fn csv(context: &SessionContext, path: &str) -> Result<Source> {
        Self::files(context, SourceKind::Csv, path).await
    }

    async fn files(context: &SessionContext, kind: SourceKind, path: &str) -> Result<Source> {
        let seen = files::fingerprint(path)?;
        let provider = files::open(context, &kind, path).await?;
        let origin = Origin::Files { path: path.to_owned(), seen };
        Ok(Source { kind, provider, rows: None, origin })
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
        Ok(Source { kind: SourceKind::Arrow, provider, rows, origin })
    }

    pub(crate) fn table(provider: Arc<dyn TableProvider>) -> Source {
        Source { kind: SourceKind::Table, provider, rows: None, origin: Origin::Table }
    }

    /// Opens a table of a SQLite file; blocks.
    pub(crate) fn sqlite(path: PathBuf, table: &str) -> Result<Source> {
        let provider = Arc::new(sqlite::open(&path, table)?);
        let origin = Origin::Sqlite { path, table: table.to_owned() };
        Ok(Source { kind: SourceKind::Sqlite, provider, rows: None, origin })
    }

    /// The same source as it is now, if what it stands on may have changed since it was opened.
    /// A file that is gone, or has another shape, must not be read as what it was.
    pub(crate) async fn reopened(&self, context: &SessionContext) -> Result<Option<Source>> {
        match &self.origin {
            Origin::Memory { .. } | Origin::Table => Ok(None),
            Origin::Files { path, seen } => {
                if files::fingerprint(path)? == *seen {
                    return Ok(None);
                }
                Self::files(context, self.kind.clone(), path).await.map(Some)
            }
            Origin::Sqlite { path, table } => {
                let (path, table) = (path.clone(), table.clone());
                let open = move || Source::sqlite(path, &table);
                let source = tokio::task::spawn_blocking(open).await.map_err(|error| {
                    Error::new(Code::Internal, "opening was stopped").caused_by(error)
                })??;
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
            Origin::Files { path, .. } => files::state(&files::fingerprint(path).ok()?),
            Origin::Sqlite { path, table } => {
                let mut parts = files::fingerprint(&path.to_string_lossy()).ok()?;
                // What is committed is in the log before it is in the file.
                for ending in ["-wal", "-journal"] {
                    let log = format!("{}{ending}", path.display());
                    parts.extend(files::fingerprint(&log).unwrap_or_default());
                }
                files::state(&parts).map(|state| format!("{state} {table}"))
            }
        }
    }

    /// The files that it consists of now, with their sizes and times of change in nanoseconds; none
    /// if it does not consist of files that are only read as wholes.
    pub(crate) fn files_now(&self) -> Vec<(String, u64, u128)> {
        let Origin::Files { path, .. } = &self.origin else { return Vec::new() };
        let files = files::fingerprint(path).unwrap_or_default().into_iter();
        let known = files.map(|(path, size, changed)| {
            let since = changed?.duration_since(std::time::SystemTime::UNIX_EPOCH).ok()?;
            Some((path, size, since.as_nanos()))
        });
        known.collect::<Option<Vec<_>>>().unwrap_or_default()
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
