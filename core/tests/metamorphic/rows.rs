//! Members do not depend on threads, on the order of rows, or on how they come in batches.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use segmentry::{AudienceModel, MemoryCatalog, SegmentEngine};

use crate::differential::{arrow, engine_of};
use crate::generate::Case;
use crate::oracle::table::{Column, Table};

use super::{assert_none, differing, members_by_name, worlds};

fn shuffled(table: &Table, rng: &mut ChaCha8Rng) -> Table {
    let mut order: Vec<usize> = (0..table.rows()).collect();
    order.shuffle(rng);
    let columns = table.columns.iter().map(|column| {
        let cells = order.iter().map(|row| column.cells[*row].clone()).collect();
        Column::new(&column.name, column.ty.clone(), cells)
    });
    Table::new(&table.name, columns.collect())
}

/// The case's rules over its rows in another order, in batches of at most so many.
async fn otherwise(case: &Case, seed: u64, threads: usize, rows: usize) -> SegmentEngine {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let model = AudienceModel::parse(case.world.model_json.as_str()).unwrap();
    let builder = SegmentEngine::builder().catalog(MemoryCatalog::new());
    let engine = builder.threads(threads).model(model).build().await.unwrap();
    for table in &case.world.tables {
        let table = shuffled(table, &mut rng);
        engine.add_arrow(&table.name, arrow::batches(&table, rows)).unwrap();
    }
    engine
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metamorphic_threads_batches_and_order_of_rows_do_not_matter() {
    let mut found = Vec::new();
    for (seed, case) in worlds(30) {
        let engine = engine_of(&case, 1).await;
        let documents = engine.export_rules().await.unwrap();
        let members = members_by_name(&engine, case.as_of_micros).await;
        let threads = 2 + usize::try_from(seed % 3).unwrap();
        let rows = [1, 7, 1_000][usize::try_from(seed % 3).unwrap()];
        let other = otherwise(&case, seed, threads, rows).await;
        other.import_rules(&documents).await.unwrap();
        let others = members_by_name(&other, case.as_of_micros).await;
        let differing = differing(&members, &others).into_iter();
        found
            .extend(differing.map(|d| format!("seed {seed}, {threads} threads, {rows} rows, {d}")));
    }
    assert_none(&found);
}
