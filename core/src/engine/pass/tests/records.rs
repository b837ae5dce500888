//! Records and sets, in memory and on disk.

use datafusion::common::DataFusionError;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use roaring::RoaringBitmap;

use super::super::super::sets::Sets;
use super::super::block::GROUPS;
use super::super::chunks::{CHUNK, Chunks, Head};
use super::super::records::Records;
use super::super::room::{Room, limit};
use super::super::spill::Spill;
use super::*;

/// Records by block and group.
type Expected = Vec<Vec<Vec<Vec<u64>>>>;

/// Records of two workers for some blocks, and the same as plain lists, by block and group.
fn filled(
    context: &Arc<TaskContext>,
    values: usize,
    blocks: usize,
    count: usize,
    random: &mut ChaCha8Rng,
) -> (Vec<Chunks>, Expected) {
    let room = Room::of("test", context, 2);
    let mut workers: Vec<Chunks> =
        (0..2).map(|_| Chunks::new(values, blocks, room.clone())).collect();
    let mut expected = vec![vec![Vec::new(); GROUPS]; blocks];
    for number in 0..count {
        let block = random.random_range(0..blocks);
        // A tenth of all belong to one user.
        let place = if number % 10 == 0 { 4_711 } else { random.random_range(0..1 << 16) };
        let mut record = vec![Head::new(place, 3, 5).0];
        record.extend((0..values).map(|_| random.random::<u64>()));
        let chunk = workers[number % 2].room(block).unwrap().unwrap();
        chunk.extend(&record);
        expected[block][place as usize / 64].push(record);
    }
    (workers, expected)
}

async fn windows(records: &mut Records, widths: &[usize]) -> Vec<Vec<Vec<u64>>> {
    let counts = records.counts().await.unwrap();
    let mut found = Vec::new();
    let (mut first, mut widths) = (0, widths.iter().cycle());
    while first < GROUPS {
        let end = (first + widths.next().unwrap()).min(GROUPS);
        let ordered = records.window(first..end, &counts, end == GROUPS).await.unwrap();
        let stride = records.stride();
        assert_eq!(ordered.offsets.len(), end - first + 1);
        for group in ordered.offsets.windows(2) {
            let words = &ordered.words[group[0] * stride..group[1] * stride];
            found.push(words.chunks(stride).map(<[u64]>::to_vec).collect());
        }
        first = end;
    }
    found
}

fn sorted(mut groups: Vec<Vec<Vec<u64>>>) -> Vec<Vec<Vec<u64>>> {
    groups.iter_mut().for_each(|group| group.sort());
    groups
}

#[tokio::test]
async fn records_come_back_by_group_from_memory_and_from_disk() {
    let mut random = ChaCha8Rng::seed_from_u64(11);
    let mut on_disk = Vec::new();
    for (bytes, values, blocks, count) in [
        (1 << 30, 2, 3, 30_000),
        (1 << 20, 2, 3, 60_000),
        (1 << 18, 0, 40, 60_000),
        (1 << 16, 16, 2, 9_000),
        (1 << 16, 1, 1, 0),
    ] {
        let runtime = runtime(bytes, true);
        let context = context(&runtime);
        let (mut workers, expected) = filled(&context, values, blocks, count, &mut random);
        on_disk.push(runtime.disk_manager.used_disk_space());
        assert!(runtime.memory_pool.reserved() <= bytes / 2, "{bytes}");
        for (block, expected) in expected.into_iter().enumerate() {
            let mut records = Chunks::of_block(&mut workers, block);
            let found = windows(&mut records, &[[1024, 300, 1][block % 3], 7]).await;
            assert_eq!(sorted(found), sorted(expected), "{bytes} {block}");
        }
        drop(workers);
        assert_eq!(runtime.memory_pool.reserved(), 0);
        assert_eq!(runtime.disk_manager.used_disk_space(), 0);
    }
    assert_eq!(on_disk[0], 0);
    assert!(on_disk[1..4].iter().all(|bytes| *bytes > 0), "{on_disk:?}");
}

#[tokio::test]
async fn records_come_again_after_they_were_put_away() {
    let mut random = ChaCha8Rng::seed_from_u64(12);
    let runtime = runtime(1 << 20, true);
    let (mut workers, mut expected) = filled(&context(&runtime), 3, 1, 40_000, &mut random);
    let mut records = Chunks::of_block(&mut workers, 0);
    let counts = records.counts().await.unwrap();
    records.window(0..500, &counts, false).await.unwrap();
    let mut spill = Spill::create(&runtime.disk_manager).unwrap();
    records.put_away(CHUNK, &mut spill).unwrap();
    assert_eq!(runtime.memory_pool.reserved(), 0);
    records.rewind();
    let found = windows(&mut records, &[100]).await;
    assert_eq!(sorted(found), sorted(expected.remove(0)));
}

#[tokio::test]
async fn records_without_a_disk_are_out_of_memory() {
    let runtime = runtime(1 << 16, false);
    let mut chunks = Chunks::new(1, 1, Room::of("test", &context(&runtime), 1));
    let full = loop {
        match chunks.room(0) {
            Ok(chunk) => chunk.unwrap().extend([0, 0]),
            Err(error) => break error,
        }
    };
    assert!(matches!(full.find_root(), DataFusionError::ResourcesExhausted(_)), "{full}");
    // A disk that has no room either.
    let runtime = super::runtime(1 << 16, true);
    runtime.disk_manager.set_max_temp_directory_size(1_000).unwrap();
    let mut chunks = Chunks::new(1, 1, Room::of("test", &context(&runtime), 1));
    let full = loop {
        match chunks.room(0) {
            Ok(chunk) => chunk.unwrap().extend([0, 0]),
            Err(error) => break error,
        }
    };
    assert!(matches!(full.find_root(), DataFusionError::ResourcesExhausted(_)), "{full}");
}

#[tokio::test]
async fn sets_are_the_same_in_memory_and_on_disk() {
    for bytes in [usize::MAX >> 8, 1 << 20, 1 << 12] {
        let runtime = runtime(bytes, true);
        let mut random = ChaCha8Rng::seed_from_u64(13);
        let mut sets = Sets::new(&runtime, 20);
        let mut expected = vec![RoaringBitmap::new(); 20];
        for block in 0..30u32 {
            for (number, expected) in expected.iter_mut().enumerate() {
                let share = [0, 1, 50, 3][number % 4];
                let members = (block << 16..(block + 1) << 16).step_by(7);
                let members: RoaringBitmap =
                    members.filter(|_| random.random_range(0..100) < share).collect();
                *expected |= &members;
                sets.add(number, members);
            }
            sets.settle().await.unwrap();
            assert!(runtime.memory_pool.reserved() <= limit(&runtime.memory_pool).unwrap() / 8);
        }
        expected.push(RoaringBitmap::from_iter([5, 9]));
        assert_eq!(sets.push(RoaringBitmap::from_iter([5, 9])).await.unwrap(), 20);
        for (number, expected) in expected.iter().enumerate() {
            assert_eq!(sets.get(number).unwrap().unwrap().as_ref(), expected, "{bytes} {number}");
        }
        assert!(sets.get(21).unwrap().is_none());
        assert_eq!(runtime.disk_manager.used_disk_space() > 0, bytes < 1 << 21);
    }
}
