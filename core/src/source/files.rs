//! Parquet and CSV files, folders and globs.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Component, Path};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::common::Result as DataFusionResult;
use datafusion::datasource::TableProvider;
use datafusion::datasource::file_format::options::ReadOptions;
use datafusion::datasource::listing::{
    ListingOptions, ListingTable, ListingTableConfig, ListingTableUrl,
};
use datafusion::execution::SessionState;
use datafusion::object_store::path::{Path as ObjectPath, PathPart};
use datafusion::prelude::{CsvReadOptions, ParquetReadOptions, SessionContext};

use crate::clock::{Clock, SystemClock};
use crate::error::{Code, Error, Result};

use url::Url;

use super::{FileNow, Known, SourceKind};

/// The files of a source with their sizes and times of change.
pub(super) type Fingerprint = Vec<(String, u64, Option<SystemTime>)>;

fn unreadable(path: &str, error: impl std::fmt::Display) -> Error {
    Error::new(Code::UnreadableSource, format!("{path} can't be read: {error}"))
}

/// Whether the path says which files are meant rather than names them. One that is there is what its
/// name says, whatever letters are in it.
fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '[']) && !Path::new(path).exists()
}

/// The path as DataFusion has it: a file or folder that is there by its name alone, so that nothing
/// in it is read as an address or a pattern.
fn url(path: &str) -> DataFusionResult<ListingTableUrl> {
    let there = Path::new(path);
    let absolute = std::path::absolute(there).ok().filter(|_| there.exists());
    let url = absolute.and_then(|absolute| match there.is_dir() {
        true => Url::from_directory_path(absolute).ok(),
        false => Url::from_file_path(absolute).ok(),
    });
    match url {
        Some(url) => ListingTableUrl::try_new(url, None),
        None => ListingTableUrl::parse(path),
    }
}

/// The path without `..`, which object stores have no notion of: from the root, and links followed, as
/// the system would go. What is not there stays as it is, to be told of.
pub(super) fn direct(path: &str) -> Cow<'_, str> {
    let root = root_of(path);
    if !Path::new(root).components().any(|part| part == Component::ParentDir) {
        return Cow::Borrowed(path);
    }
    let found = std::fs::canonicalize(root).ok();
    match (found.as_deref().and_then(Path::to_str), path.strip_prefix(root)) {
        (Some(found), Some(rest)) => Cow::Owned(format!("{}{rest}", found.trim_end_matches('/'))),
        _ => Cow::Borrowed(path),
    }
}

/// The file or folder under which all files lie: of a glob, the folder before the first wildcard.
fn root_of(path: &str) -> &str {
    if !is_glob(path) {
        return path;
    }
    let literal = path.split(['*', '?', '[']).next().unwrap_or("");
    let folder = literal.rfind('/').and_then(|at| literal.get(..at)).unwrap_or(".");
    if folder.is_empty() { "/" } else { folder }
}

/// What the source consists of now, and what else lies there; an error if nothing is there.
pub(super) fn fingerprint(path: &str) -> Result<Fingerprint> {
    let mut found = Vec::new();
    collect(Path::new(root_of(path)), &mut found).map_err(|error| unreadable(path, error))?;
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
/// so young that a change might not show, if they may change.
pub(super) fn state(files: &Fingerprint, may_change: bool) -> Option<String> {
    let now = SystemTime::from(SystemClock.now());
    let mut text = String::new();
    for (path, size, changed) in files {
        let changed = (*changed)?;
        if may_change && now.duration_since(changed).ok()? < SETTLED {
            return None;
        }
        let changed = changed.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_nanos();
        let path = std::fs::canonicalize(path).ok()?;
        text.push_str(&format!("{} {} {size} {changed}\n", path.as_os_str().len(), path.display()));
    }
    Some(format!("files {:032x}", xxhash_rust::xxh3::xxh3_128(text.as_bytes())))
}

/// The files under a path. A link that leads back to a folder above it is an error.
fn collect(path: &Path, found: &mut Fingerprint) -> std::io::Result<()> {
    for entry in walkdir::WalkDir::new(path).follow_links(true) {
        let entry = entry?;
        let about = entry.metadata()?;
        if !about.is_dir() {
            let path = entry.path().to_string_lossy().into_owned();
            found.push((path, about.len(), about.modified().ok()));
        }
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

/// How names of files end that are read. A single file is read whatever its ending is; in a folder
/// the ending chooses.
fn ending(kind: &SourceKind, path: &str) -> String {
    match (Path::new(path).is_file(), Path::new(path).extension()) {
        (true, Some(ending)) => format!(".{}", ending.to_string_lossy()),
        (true, None) => String::new(),
        (false, _) if *kind == SourceKind::Parquet => ".parquet".to_owned(),
        (false, _) => ".csv".to_owned(),
    }
}

/// Those of the files that a scan of a source reads, by absolute paths and with their times of
/// change in nanoseconds; nothing where that can't be told.
pub(super) fn read_by(kind: &SourceKind, path: &str, files: &Fingerprint) -> Option<Vec<FileNow>> {
    let (url, ending) = (url(path).ok()?, ending(kind, path));
    let mut found = Vec::new();
    for (file, size, changed) in files {
        let below = Path::new(file).strip_prefix(root_of(path)).ok()?;
        let mut parts: Vec<PathPart<'_>> = url.prefix().parts().collect();
        for part in below {
            let part = part.to_str()?;
            let own = PathPart::from(part);
            // A name that is not what it looks like there might be taken for another.
            if own.as_ref() != part {
                return None;
            }
            parts.push(own);
        }
        let read = *size > 0
            && file.ends_with(&ending)
            && url.contains(&ObjectPath::from_iter(parts), true);
        if read {
            let since = (*changed)?.duration_since(SystemTime::UNIX_EPOCH).ok()?;
            let path = std::path::absolute(file).ok()?;
            found.push((path.to_str()?.to_owned(), *size, since.as_nanos()));
        }
    }
    Some(found)
}

/// Opens the files with their types: Parquet's own, and for CSV those that all of its rows fit.
pub(super) async fn open(
    context: &SessionContext,
    kind: &SourceKind,
    path: &str,
) -> Result<Arc<dyn TableProvider>> {
    let one = Path::new(path).is_file();
    let ending = ending(kind, path);
    if *kind == SourceKind::Parquet {
        // Beside what a glob means may lie what it does not.
        let files = if is_glob(path) { Vec::new() } else { fingerprint(path)? };
        for (file, size, _) in files {
            if one || (file.ends_with(&ending) && size > 0) {
                check_footer(&file).map_err(|error| unreadable(&file, error))?;
            }
        }
    }
    let url = url(path).map_err(|error| unreadable(path, error))?;
    let state = context.state();
    let options = options(&state, kind, &ending);
    let schema = options.infer_schema(&state, &url).await;
    let schema = schema.map_err(|error| unreadable(path, error))?;
    let config = ListingTableConfig::new(url).with_listing_options(options).with_schema(schema);
    let table = ListingTable::try_new(config).map_err(|error| unreadable(path, error))?;
    let statistics = context.runtime_env().cache_manager.get_file_statistic_cache();
    let table = Arc::new(table.with_cache(statistics));
    if table.schema().fields().is_empty() {
        return Err(unreadable(path, "it has no columns"));
    }
    Ok(table)
}

/// How files of a kind are read whose names end so.
fn options(state: &SessionState, kind: &SourceKind, ending: &str) -> ListingOptions {
    match kind {
        SourceKind::Parquet => ParquetReadOptions::default()
            .file_extension(ending)
            .to_listing_options(state.config(), state.default_table_options()),
        _ => CsvReadOptions::new()
            .file_extension(ending)
            .schema_infer_max_records(usize::MAX)
            .to_listing_options(state.config(), state.default_table_options()),
    }
}

/// Files by their paths; nothing if one of them can't be named alone.
fn urls(kind: &SourceKind, files: &[String]) -> Option<Vec<ListingTableUrl>> {
    let wanted = if *kind == SourceKind::Parquet { ".parquet" } else { ".csv" };
    let url = |file: &String| {
        // What looks like a glob would be read as one.
        let named = file.ends_with(wanted) && !is_glob(file);
        named.then(|| ListingTableUrl::parse(file).ok()).flatten()
    };
    files.iter().map(url).collect()
}

fn table(
    urls: Vec<ListingTableUrl>,
    options: ListingOptions,
    schema: SchemaRef,
) -> Option<Arc<dyn TableProvider>> {
    let config = ListingTableConfig::new_with_multi_paths(urls)
        .with_listing_options(options)
        .with_schema(schema);
    Some(Arc::new(ListingTable::try_new(config).ok()?))
}

/// These files as a table of that schema; nothing where that can't be had.
pub(super) fn part(
    context: &SessionContext,
    kind: &SourceKind,
    files: &[String],
    schema: SchemaRef,
) -> Option<Arc<dyn TableProvider>> {
    let ending = if *kind == SourceKind::Parquet { ".parquet" } else { ".csv" };
    table(urls(kind, files)?, options(&context.state(), kind, ending), schema)
}

/// The files as [`open`] has them, when the columns of some are known and only those that have come
/// besides are opened for theirs; nothing if not only some have come.
pub(super) async fn extended(
    context: &SessionContext,
    kind: &SourceKind,
    path: &str,
    known: &Known,
    now: &Fingerprint,
) -> Result<Option<Arc<dyn TableProvider>>> {
    let Some(now) = read_by(kind, path, now) else { return Ok(None) };
    let now: BTreeSet<&FileNow> = now.iter().collect();
    let before: BTreeSet<&FileNow> = known.files.iter().collect();
    if before.is_empty() || !before.is_subset(&now) {
        return Ok(None);
    }
    let come: Vec<String> = now.difference(&before).map(|(path, ..)| path.clone()).collect();
    let Some(urls) = urls(kind, &come) else { return Ok(None) };
    let state = context.state();
    let options = options(&state, kind, &ending(kind, path));
    let mut schemas = vec![known.schema.as_ref().clone()];
    for (file, url) in come.iter().zip(urls) {
        if *kind == SourceKind::Parquet {
            check_footer(file).map_err(|error| unreadable(file, error))?;
        }
        let schema = options.infer_schema(&state, &url).await;
        schemas.push(schema.map_err(|error| unreadable(file, error))?.as_ref().clone());
    }
    let schema = Schema::try_merge(schemas).map_err(|error| unreadable(path, error))?;
    let url = url(path).map_err(|error| unreadable(path, error))?;
    Ok(table(vec![url], options, Arc::new(schema)))
}
