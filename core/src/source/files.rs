//! Parquet and CSV files, folders and globs.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow::datatypes::SchemaRef;
use datafusion::common::TableReference;
use datafusion::datasource::TableProvider;
use datafusion::datasource::file_format::options::ReadOptions;
use datafusion::datasource::listing::{ListingTable, ListingTableConfig, ListingTableUrl};
use datafusion::prelude::{CsvReadOptions, ParquetReadOptions, SessionContext};

use crate::clock::{Clock, SystemClock};
use crate::error::{Code, Error, Result};

use super::SourceKind;

/// The files of a source with their sizes and times of change.
pub(super) type Fingerprint = Vec<(String, u64, Option<SystemTime>)>;

fn unreadable(path: &str, error: impl std::fmt::Display) -> Error {
    Error::new(Code::UnreadableSource, format!("{path} can't be read: {error}"))
}

fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '['])
}

/// What the source consists of now; an error if nothing is there.
pub(super) fn fingerprint(path: &str) -> Result<Fingerprint> {
    let root = match is_glob(path) {
        // The folder before the first wildcard; what else lies in it does no harm here.
        true => {
            let literal = path.split(['*', '?', '[']).next().unwrap_or("");
            let folder = literal.rfind('/').and_then(|at| literal.get(..at)).unwrap_or(".");
            if folder.is_empty() { "/" } else { folder }
        }
        false => path,
    };
    let mut found = Vec::new();
    collect(Path::new(root), &mut found).map_err(|error| unreadable(path, error))?;
    if found.is_empty() {
        return Err(unreadable(path, "there is no file"));
    }
    found.sort();
    Ok(found)
}

/// How long ago a file has to have been written for its time of change to tell that it was not
/// written again since: clocks of file systems tick slowly.
const SETTLED: Duration = Duration::from_secs(2);

/// The files as a text that is another once any of them has changed; nothing while one of them is
/// so young that a change might not show.
pub(super) fn state(files: &Fingerprint) -> Option<String> {
    let now = SystemTime::from(SystemClock.now());
    let mut text = String::new();
    for (path, size, changed) in files {
        let changed = (*changed)?;
        if now.duration_since(changed).ok()? < SETTLED {
            return None;
        }
        let changed = changed.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_nanos();
        let path = std::fs::canonicalize(path).ok()?;
        text.push_str(&format!("{} {} {size} {changed}\n", path.as_os_str().len(), path.display()));
    }
    Some(format!("files {:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes())))
}

fn collect(path: &Path, found: &mut Fingerprint) -> std::io::Result<()> {
    let about = std::fs::metadata(path)?;
    if about.is_dir() {
        for entry in std::fs::read_dir(path)? {
            collect(&entry?.path(), found)?;
        }
    } else {
        found.push((path.to_string_lossy().into_owned(), about.len(), about.modified().ok()));
    }
    Ok(())
}

/// Refuses a file whose last bytes are no Parquet footer: the reader counts on its length.
fn check_footer(path: &str) -> std::io::Result<()> {
    use std::io::{Error, Read, Seek, SeekFrom};
    let mut file = std::fs::File::open(path)?;
    let size = file.metadata()?.len();
    let cut = || Error::other("it is no Parquet file, or a part of one");
    if size < 12 {
        return Err(cut());
    }
    file.seek(SeekFrom::End(-8))?;
    let (mut length, mut magic) = ([0; 4], [0; 4]);
    file.read_exact(&mut length)?;
    file.read_exact(&mut magic)?;
    let fits = u64::from(u32::from_le_bytes(length)) + 12 <= size;
    if fits && (magic == *b"PAR1" || magic == *b"PARE") { Ok(()) } else { Err(cut()) }
}

/// Opens the files with their types: Parquet's own, and for CSV those that all of its rows fit.
pub(super) async fn open(
    context: &SessionContext,
    kind: &SourceKind,
    path: &str,
) -> Result<Arc<dyn TableProvider>> {
    let name = TableReference::bare("source");
    let one = Path::new(path).is_file();
    // A single file is read whatever its ending is; in a folder the ending chooses.
    let ending = match (one, Path::new(path).extension()) {
        (true, Some(ending)) => format!(".{}", ending.to_string_lossy()),
        (true, None) => String::new(),
        (false, _) if *kind == SourceKind::Parquet => ".parquet".to_owned(),
        (false, _) => ".csv".to_owned(),
    };
    let scratch =
        SessionContext::new_with_config_rt(context.copied_config(), context.runtime_env());
    let opened = match kind {
        SourceKind::Parquet => {
            // Beside what a glob means may lie what it does not.
            let files = if is_glob(path) { Vec::new() } else { fingerprint(path)? };
            for (file, size, _) in files {
                if one || (file.ends_with(&ending) && size > 0) {
                    check_footer(&file).map_err(|error| unreadable(&file, error))?;
                }
            }
            let options = ParquetReadOptions::default().file_extension(&ending);
            scratch.register_parquet(name.clone(), path, options).await
        }
        _ => {
            let options =
                CsvReadOptions::new().file_extension(&ending).schema_infer_max_records(usize::MAX);
            scratch.register_csv(name.clone(), path, options).await
        }
    };
    opened.map_err(|error| unreadable(path, error))?;
    let table = scratch.table_provider(name).await.map_err(|error| unreadable(path, error))?;
    if table.schema().fields().is_empty() {
        return Err(unreadable(path, "it has no columns"));
    }
    Ok(table)
}

/// These files as a table of that schema.
pub(super) fn part(
    context: &SessionContext,
    kind: &SourceKind,
    files: &[String],
    schema: SchemaRef,
) -> Option<Arc<dyn TableProvider>> {
    let wanted = if *kind == SourceKind::Parquet { ".parquet" } else { ".csv" };
    let named = |file: &String| {
        // What looks like a glob would be read as one; what is no data is not read.
        let data = file.ends_with(wanted) && !is_glob(file);
        data.then(|| ListingTableUrl::parse(file).ok()).flatten()
    };
    let urls = files.iter().map(named).collect::<Option<Vec<_>>>()?;
    let state = context.state();
    let options = match kind {
        SourceKind::Parquet => ParquetReadOptions::default()
            .file_extension(wanted)
            .to_listing_options(state.config(), state.default_table_options()),
        _ => CsvReadOptions::new()
            .file_extension(wanted)
            .to_listing_options(state.config(), state.default_table_options()),
    };
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(schema);
    Some(Arc::new(ListingTable::try_new(config).ok()?))
}
