//! What the rules of a run ask of users themselves, worked out on the population as it was read: no
//! plan is needed for it, and no key is looked up again.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, AsArray, RecordBatch};
use chrono_tz::Tz;
use datafusion::common::runtime::JoinSet;
use datafusion::physical_plan::PhysicalExpr;
use roaring::RoaringBitmap;

use crate::error::{Code, Error, Result};
use crate::plan::Flavor;
use crate::predicate::Predicate;
use crate::segment::Bits;

use super::evaluate::{RunSources, data_error};
use super::parts::part;
use super::pass::physical;
use super::population::Population;

/// So many tests are asked at once: their bits should not take much memory.
const AT_ONCE: usize = 256;

impl RunSources {
    /// Works out what these predicates ask of users alone.
    pub(super) async fn share_users(
        &mut self,
        predicates: &[(&Predicate, Tz)],
        population: &Arc<Population>,
        as_of: i64,
    ) -> Result<()> {
        let mut asked: HashMap<Tz, Vec<&Predicate>> = HashMap::new();
        let mut seen = BTreeSet::new();
        for (predicate, zone) in predicates {
            predicate.walk(&mut |node| {
                if is_of_users(node) && seen.insert(part(node, *zone)) {
                    asked.entry(*zone).or_default().push(node);
                }
            });
        }
        let Some(schema) = population.batches.first().map(RecordBatch::schema) else {
            return Ok(());
        };
        let state = self.shared.session().state();
        for (zone, leaves) in &asked {
            let planner = self.planner(as_of, *zone, Flavor::Engine);
            let mut tests = Vec::with_capacity(leaves.len());
            for leaf in leaves {
                let test = physical(&state, &self.model.table, &schema, &planner.of_user(leaf)?);
                tests.push(test.map_err(|error| data_error(error, None))?);
            }
            for (leaves, tests) in leaves.chunks(AT_ONCE).zip(tests.chunks(AT_ONCE)) {
                let found = self.tested(tests, population).await?;
                for (leaf, members) in leaves.iter().zip(found) {
                    self.know(part(leaf, *zone), members).await?;
                }
            }
        }
        Ok(())
    }

    /// The users for whom each test holds. Workers take batches as they become free.
    async fn tested(
        &self,
        tests: &[Arc<dyn PhysicalExpr>],
        population: &Arc<Population>,
    ) -> Result<Vec<RoaringBitmap>> {
        let count = self.shared.dictionary().len();
        let next = Arc::new(AtomicUsize::new(0));
        let tests: Arc<[Arc<dyn PhysicalExpr>]> = tests.into();
        let mut workers = JoinSet::new();
        for _ in 0..self.shared.config.target_partitions() {
            let (tests, next) = (Arc::clone(&tests), Arc::clone(&next));
            let population = Arc::clone(population);
            workers.spawn(async move {
                let mut found = vec![Bits::new(count); tests.len()];
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let batch = population.batches.get(at).zip(population.ordinals.get(at));
                    let Some((batch, ordinals)) = batch else { return Ok::<_, Error>(found) };
                    for (test, found) in tests.iter().zip(&mut found) {
                        hold(test, batch, ordinals, found)?;
                    }
                    // What never waits can't be stopped.
                    tokio::task::yield_now().await;
                }
            });
        }
        let mut all = vec![Bits::new(count); tests.len()];
        while let Some(worker) = workers.join_next().await {
            let found = worker.map_err(|error| {
                Error::new(Code::Internal, "asking users was stopped").caused_by(error)
            })??;
            all.iter_mut().zip(&found).for_each(|(all, found)| all.union(found));
        }
        Ok(all.iter().map(Bits::to_bitmap).collect())
    }
}

/// Takes in the users of a batch for whom a test holds.
fn hold(
    test: &Arc<dyn PhysicalExpr>,
    batch: &RecordBatch,
    ordinals: &[u32],
    found: &mut Bits,
) -> Result<()> {
    let truths = test.evaluate(batch).and_then(|truths| truths.into_array(batch.num_rows()));
    let truths = truths.map_err(|error| data_error(error, None))?;
    let Some(truths) = truths.as_boolean_opt() else {
        return Err(Error::new(Code::Internal, "a test of users gave no truth"));
    };
    let held = truths.values().set_indices().filter(|row| truths.is_valid(*row));
    for ordinal in held.filter_map(|row| ordinals.get(row)) {
        found.insert(*ordinal);
    }
    Ok(())
}

/// Whether a predicate is a single test of what the users table has.
fn is_of_users(predicate: &Predicate) -> bool {
    match predicate {
        Predicate::Atom(_) | Predicate::Compare { .. } => predicate.metrics().is_empty(),
        Predicate::Within { .. } | Predicate::Positioned { .. } => true,
        _ => false,
    }
}
