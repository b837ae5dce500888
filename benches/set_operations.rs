//! Two segments of five million users each, of ten: what they have in common, and who is in one.
//!
//! `cargo bench -p segmentry-benches --bench set_operations`. The bitmaps are those that the
//! segments export. `overlap` is the engine's verb, which reads both segments from the catalog.

use std::hint::black_box;

use criterion::Criterion;
use segmentry::Key;
use segmentry_benches::{Halves, Result, THREADS, under_cargo_bench};

const USERS: i64 = 10_000_000;
/// Has no divisor in common with the number of users, so that keys come in no order.
const STEP: i64 = 7_368_787;

fn main() -> Result<()> {
    if !under_cargo_bench() {
        println!("set_operations: runs under `cargo bench` only");
        return Ok(());
    }
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(THREADS).enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let halves = runtime.block_on(Halves::of(USERS, folder.path()))?;
    let [first, second] = runtime.block_on(halves.bitmaps(folder.path()))?;
    let (one, other, both) = (first.len(), second.len(), halves.both.row_count());
    println!("{one} and {other} of {USERS} users, {both} in both");
    if (&first & &second).len() != both {
        return Err("the bitmaps have other users in common than the segments".into());
    }

    let mut criterion = Criterion::default().configure_from_args();
    let mut group = criterion.benchmark_group("set_operations");
    group.bench_function("intersection", |bencher| bencher.iter(|| black_box(&first) & &second));
    group.bench_function("union", |bencher| bencher.iter(|| black_box(&first) | &second));
    group.bench_function("difference", |bencher| bencher.iter(|| black_box(&first) - &second));
    group.bench_function("count of the intersection", |bencher| {
        bencher.iter(|| black_box(&first).intersection_len(&second));
    });
    group.bench_function("overlap", |bencher| {
        let overlap = || halves.engine.overlap(["First", "Second"]);
        bencher.to_async(&runtime).iter(overlap);
    });
    group.bench_function("contains", |bencher| {
        let mut key = 0;
        bencher.iter(|| {
            key = (key + STEP) % USERS;
            halves.first.contains(&Key::Int(black_box(key) + 1))
        });
    });
    group.finish();
    criterion.final_summary();
    Ok(())
}
