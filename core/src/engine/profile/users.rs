//! What users are like in a run, as hashes that tell whether anything has changed.

use std::collections::BTreeMap;

use arrow::array::Array;
use datafusion::common::hash_utils::{QualityRandomState, create_hashes};

use crate::error::{Code, Error, Result};

use super::super::population::Population;

/// Stands for those who are no users.
const NOBODY: u64 = 0;
/// Stands for a value that is missing; smaller than the hash of any value.
const MISSING: u64 = 1;

/// For each column of the users, the key's included, a hash of the value of each of `count`
/// ordinals.
pub(super) fn hashes(population: &Population, count: usize) -> Result<BTreeMap<String, Vec<u64>>> {
    // The same in every process.
    let state = QualityRandomState::with_seed(0x5e67);
    let fault = |error: datafusion::common::DataFusionError| {
        Error::new(Code::Internal, format!("users can't be hashed: {error}")).caused_by(error)
    };
    let mut found: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    for (batch, ordinals) in population.batches.iter().zip(&population.ordinals) {
        let schema = batch.schema();
        for (field, array) in schema.fields().iter().zip(batch.columns()) {
            let mut hashes = vec![0; batch.num_rows()];
            create_hashes([array], &state, &mut hashes).map_err(fault)?;
            let column = found.entry(field.name().clone()).or_insert_with(|| vec![NOBODY; count]);
            let nulls = array.logical_nulls();
            for (row, (ordinal, hash)) in ordinals.iter().zip(hashes).enumerate() {
                let Some(place) = column.get_mut(*ordinal as usize) else { continue };
                let missing = nulls.as_ref().is_some_and(|nulls| nulls.is_null(row));
                *place = if missing { MISSING } else { hash.max(MISSING + 1) };
            }
        }
    }
    Ok(found)
}
