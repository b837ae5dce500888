//! What users are like in a run, as hashes that tell whether anything has changed.

use std::collections::BTreeMap;

use arrow::array::{Array, RecordBatch};
use datafusion::common::hash_utils::{QualityRandomState, create_hashes};

use crate::error::{Code, Error, Result};
use crate::segment::{Dictionary, key_column};

/// Stands for those who are no users.
const NOBODY: u64 = 0;
/// Stands for a value that is missing; smaller than the hash of any value.
const MISSING: u64 = 1;

/// For each column of the users, the key's included, a hash of the value of each ordinal.
pub(super) fn hashes(
    batches: &[RecordBatch],
    key: &str,
    dictionary: &Dictionary,
) -> Result<BTreeMap<String, Vec<u64>>> {
    // The same in every process.
    let state = QualityRandomState::with_seed(0x5e67);
    let fault = |error: datafusion::common::DataFusionError| {
        Error::new(Code::Internal, format!("users can't be hashed: {error}")).caused_by(error)
    };
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for batch in batches {
        let Some(keys) = batch.column_by_name(key) else { continue };
        let ordinals = dictionary.ordinals(&key_column(keys)?);
        let schema = batch.schema();
        for (field, array) in schema.fields().iter().zip(batch.columns()) {
            let mut hashes = vec![0; batch.num_rows()];
            create_hashes([array], &state, &mut hashes).map_err(fault)?;
            let column =
                found.entry(field.name().clone()).or_insert_with(|| vec![NOBODY; dictionary.len()]);
            let nulls = array.logical_nulls();
            for (row, (ordinal, hash)) in ordinals.iter().zip(hashes).enumerate() {
                let place = ordinal.and_then(|ordinal| column.get_mut(ordinal as usize));
                let Some(place) = place else { continue };
                let missing = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
                *place = if missing { MISSING } else { hash.max(MISSING + 1) };
            }
        }
    }
    Ok(found)
}
