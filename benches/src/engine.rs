//! The engine as the benchmarks have it.

use std::path::Path;

use segmentry::{AudienceModel, SegmentEngine, SqliteCatalog};

use crate::{Data, Result};

/// How many threads whoever is measured has.
pub const THREADS: usize = 2;

/// The engine over the data's two files, on a fresh catalog in `folder`.
///
/// # Errors
/// What the engine says.
pub async fn engine_over(data: &Data, folder: &Path) -> Result<SegmentEngine> {
    let model = serde_json::json!({
        "users": { "table": "users", "key": "user_id" },
        "events": { "events": { "user": "user_id", "time": "transaction_date" } }
    });
    let engine = SegmentEngine::builder()
        .catalog(SqliteCatalog::open(folder.join("catalog.db"))?)
        .model(AudienceModel::parse(&model)?)
        .threads(THREADS)
        .build()
        .await?;
    engine.add_parquet("users", &data.users).await?;
    engine.add_parquet("events", &data.events).await?;
    Ok(engine)
}
