//! The engine as the benchmarks have it.

use std::path::Path;

use segmentry::{AudienceModel, SegmentEngine, SqliteCatalog};

use crate::{Data, Result, from_environment};

/// How many threads whoever is measured has.
pub const THREADS: usize = 2;

/// The engine over the data's two files, on a fresh catalog in `folder`.
///
/// # Errors
/// What the engine says.
pub async fn engine_over(data: &Data, folder: &Path) -> Result<SegmentEngine> {
    open_engine(data, &folder.join("catalog.db"), None).await
}

/// The engine over the data's two files, on the catalog in that file, which need not be there yet,
/// and with the profile store in a folder. `SEGMENTRY_BENCH_MEMORY` limits its memory, in MiB.
///
/// # Errors
/// What the engine says.
pub async fn open_engine(
    data: &Data,
    catalog: &Path,
    store: Option<&Path>,
) -> Result<SegmentEngine> {
    let model = serde_json::json!({
        "users": { "table": "users", "key": "user_id" },
        "events": { "events": { "user": "user_id", "time": "transaction_date" } }
    });
    let builder = SegmentEngine::builder()
        .catalog(SqliteCatalog::open(catalog)?)
        .model(AudienceModel::parse(&model)?)
        .threads(THREADS);
    let builder = match store {
        Some(folder) => builder.store(folder),
        None => builder,
    };
    let builder = match from_environment("SEGMENTRY_BENCH_MEMORY", 0)? {
        0 => builder,
        mebibytes => builder.memory_limit(mebibytes << 20),
    };
    let engine = builder.build().await?;
    engine.add_parquet("users", &data.users).await?;
    engine.add_parquet("events", &data.events).await?;
    Ok(engine)
}
