//! Two segments of half a population each, at random, for set operations.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use roaring::RoaringBitmap;
use segmentry::{AudienceModel, ExportFormat, Refresh, Segment, SegmentEngine, SqliteCatalog};
use serde_json::json;

use crate::{Result, THREADS};

/// A population with two segments of about half of it, and the users of both.
#[derive(Debug)]
pub struct Halves {
    /// The engine, which has the rules `First`, `Second` and `Both`.
    pub engine: SegmentEngine,
    /// The one half.
    pub first: Segment,
    /// The other half.
    pub second: Segment,
    /// The users of both, as a rule that depends on the two has them.
    pub both: Segment,
}

impl Halves {
    /// Users with the keys 1 to `users`, on a fresh catalog in `folder`.
    ///
    /// # Errors
    /// What the engine says.
    pub async fn of(users: i64, folder: &Path) -> Result<Self> {
        let model = AudienceModel::parse(json!({ "users": { "table": "users", "key": "id" } }))?;
        let engine = SegmentEngine::builder()
            .catalog(SqliteCatalog::open(folder.join("catalog.db"))?)
            .model(model)
            .threads(THREADS)
            .build()
            .await?;
        let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(1..=users));
        engine.add_arrow("users", vec![RecordBatch::try_from_iter([("id", keys)])?])?;
        let half = |name: &str| {
            let bucket = json!({ "field": "bucket", "operator": "<", "value": 50, "salt": name });
            json!({ "rule_name": name, "conditions": [bucket] })
        };
        let both = json!({ "rule_name": "Both", "depends_on": ["First", "Second"],
                           "operation": "INTERSECTION" });
        engine.import_rules(&[half("First"), half("Second"), both]).await?;
        let run = engine.refresh(Refresh::all()).await?;
        if let Some(failure) = run.failed.first() {
            return Err(format!("a rule failed: {:?}", failure.problems).into());
        }
        let (first, second) = (engine.segment("First").await?, engine.segment("Second").await?);
        let both = engine.segment("Both").await?;
        Ok(Halves { engine, first, second, both })
    }

    /// The bitmaps of the two, as the segments are exported.
    ///
    /// # Errors
    /// What the engine or the file system says.
    pub async fn bitmaps(&self, folder: &Path) -> Result<[RoaringBitmap; 2]> {
        let file = folder.join("members.roaring");
        self.first.export(&file, ExportFormat::Bitmap).await?;
        let first = RoaringBitmap::deserialize_from(std::fs::read(&file)?.as_slice())?;
        self.second.export(&file, ExportFormat::Bitmap).await?;
        let second = RoaringBitmap::deserialize_from(std::fs::read(&file)?.as_slice())?;
        Ok([first, second])
    }
}
