//! What the store reads of the sources, and what becomes of it when it is damaged.

use std::path::Path;

use segmentry::{MemoryCatalog, SegmentEngine, SqliteCatalog};

use super::support::{
    Visit, age, agree, create_rules, engine, engine_on, hourly, read, write, write_now,
};

async fn engine_over(folder: &Path, store: &Path) -> SegmentEngine {
    let engine = engine(Some(store)).await;
    engine.add_parquet("visits", folder).await.unwrap();
    create_rules(&engine).await;
    engine
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_reads_only_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let (events, store) = (folder.path().join("visits"), folder.path().join("store"));
    let mut visits = hourly(0, 30);
    write(&events, "1.parquet", &visits);
    let stored = engine_over(&events, &store).await;
    assert_eq!(read(&agree(&stored, &visits, 30).await), 3_000, "all is read once");
    assert_eq!(read(&agree(&stored, &visits, 31).await), 0, "nothing has changed");
    write(&events, "2.parquet", &hourly(30, 40));
    visits.extend(hourly(30, 40));
    assert_eq!(read(&agree(&stored, &visits, 40).await), 1_000, "one file has come");
    write(&events, "1.parquet", &hourly(0, 35));
    visits.extend(hourly(30, 35));
    assert_eq!(read(&agree(&stored, &visits, 41).await), 4_500, "a file is another");

    // Another process finds it as it is.
    let again = engine_over(&events, &store).await;
    assert_eq!(read(&agree(&again, &visits, 41).await), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_that_is_damaged_is_made_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (events, store) = (folder.path().join("visits"), folder.path().join("store"));
    let visits = hourly(0, 30);
    write(&events, "1.parquet", &visits);
    let first = engine_over(&events, &store).await;
    assert_eq!(read(&agree(&first, &visits, 30).await), 3_000);
    for (hour, ending) in (31..).zip([".part", ".words", ".users", "store.json"]) {
        for cut in [false, true] {
            // A process of its own, which has opened nothing yet.
            let engine = engine_over(&events, &store).await;
            agree(&engine, &visits, hour).await;
            super::damage(&store, ending, cut);
            let again = engine_over(&events, &store).await;
            agree(&again, &visits, hour).await;
            let run = agree(&again, &visits, hour).await;
            assert_eq!(read(&run), 0, "{ending} is whole again");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_that_is_removed_under_a_process_is_made_anew() {
    for folder_too in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let (events, store) = (folder.path().join("visits"), folder.path().join("store"));
        let visits = hourly(0, 30);
        write(&events, "1.parquet", &visits);
        let stored = engine_over(&events, &store).await;
        agree(&stored, &visits, 30).await;
        std::fs::remove_dir_all(&store).unwrap();
        if !folder_too {
            std::fs::create_dir(&store).unwrap();
        }
        let fewer: Vec<Visit> = visits.into_iter().filter(|visit| visit.1 % 2 == 0).collect();
        write(&events, "1.parquet", &fewer);
        assert_eq!(read(&agree(&stored, &fewer, 30).await), 1_500);
        assert_eq!(read(&agree(&stored, &fewer, 31).await), 0);
        assert_eq!(stored.store_status().await.unwrap().unwrap().rows, 1_500);
    }
}

/// What a folder or a glob does not read does not come into the store either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_adds_only_files_that_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let events = folder.path().join("visits");
    let mut visits = hourly(0, 30);
    write(&events, "2025-1.parquet", &visits);
    for (name, path) in [("folder", events.clone()), ("glob", events.join("2025-*.parquet"))] {
        let store = folder.path().join(name);
        let stored = engine_over(&path, &store).await;
        agree(&stored, &visits, 30).await;
        write(&events.join("more"), &format!("2025-{name}.parquet"), &hourly(20, 30));
        std::fs::write(events.join(format!("{name}.txt")), "no visits").unwrap();
        age(&events.join(format!("{name}.txt")), 3_600);
        if name == "glob" {
            write(&events, "2024-1.parquet", &hourly(20, 30));
        }
        assert_eq!(read(&agree(&stored, &visits, 30).await), 0, "{name}");
        let more = match name {
            "folder" => hourly(28, 30),
            _ => hourly(25, 30),
        };
        write(&events, &format!("2025-{name}.parquet"), &more);
        visits.extend(&more);
        assert_eq!(read(&agree(&stored, &visits, 30).await), more.len() as u64, "{name}");
    }
}

/// What was read past the store is not known to it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_does_not_go_by_runs_that_did_not_use_it() {
    let folder = tempfile::tempdir().unwrap();
    let (events, store) = (folder.path().join("visits"), folder.path().join("store"));
    let mut visits = hourly(0, 20);
    write_now(&events, "1.parquet", &visits);
    let stored = engine_over(&events, &store).await;
    assert_eq!(read(&agree(&stored, &visits, 30).await), 2_000, "too young to be stored");
    assert!(stored.store_status().await.unwrap().unwrap().tables.is_empty());
    write(&events, "2.parquet", &hourly(20, 30));
    age(&events.join("1.parquet"), 3_600);
    visits.extend(hourly(20, 30));
    assert_eq!(read(&agree(&stored, &visits, 30).await), 3_000);
}

/// Versions of two catalogs may have the same numbers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn store_of_two_catalogs_takes_neither_for_the_other() {
    let folder = tempfile::tempdir().unwrap();
    let (events, store) = (folder.path().join("visits"), folder.path().join("store"));
    let mut visits = hourly(0, 20);
    write(&events, "1.parquet", &visits);
    let file = SqliteCatalog::open(folder.path().join("audience.db")).unwrap();
    let one = engine_on(file, Some(&store)).await;
    let other = engine_on(MemoryCatalog::new(), Some(&store)).await;
    for engine in [&one, &other] {
        engine.add_parquet("visits", &events).await.unwrap();
        create_rules(engine).await;
    }
    agree(&one, &visits, 20).await;
    write(&events, "2.parquet", &hourly(20, 40));
    visits.extend(hourly(20, 40));
    agree(&other, &visits, 40).await;
    agree(&one, &visits, 40).await;
    agree(&other, &visits, 50).await;
    agree(&one, &visits, 50).await;
}
