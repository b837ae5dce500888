//! Folders to which files are only added, as the host says.

use std::path::Path;

use segmentry::{FileOptions, SegmentEngine};

use super::support::{
    HOUR, Visit, age, agree, check, create_rules, engine, hourly, kind, read, refresh_of, write,
    write_now,
};

async fn engine_over(folder: &Path, store: &Path) -> SegmentEngine {
    let engine = engine(Some(store)).await;
    let options = FileOptions::default().append_only(true);
    engine.add_parquet_with("visits", folder, options).await.unwrap();
    create_rules(&engine).await;
    engine
}

/// Another content of the same size at the same time: only who opens the file sees it.
fn spoil(path: &Path) {
    let about = std::fs::metadata(path).unwrap();
    std::fs::write(path, vec![b'#'; usize::try_from(about.len()).unwrap()]).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(about.modified().unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn append_only_files_are_stored_at_once_and_never_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let (events, store) = (folder.path().join("visits"), folder.path().join("store"));
    let mut visits = hourly(0, 30);
    write_now(&events, "1.parquet", &visits);
    let stored = engine_over(&events, &store).await;
    assert!(stored.sources().iter().any(|source| source.name == "visits" && source.append_only));
    assert_eq!(read(&agree(&stored, &visits, 30).await), 3_000);
    spoil(&events.join("1.parquet"));
    for (number, hour) in (2..6).zip(30..) {
        write_now(&events, &format!("{number}.parquet"), &hourly(hour, hour + 1));
        visits.extend(hourly(hour, hour + 1));
        assert_eq!(read(&agree(&stored, &visits, hour + 1).await), 100);
        spoil(&events.join(format!("{number}.parquet")));
        assert_eq!(read(&agree(&stored, &visits, hour + 1).await), 0);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn append_only_files_that_change_or_go_are_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let (events, store) = (folder.path().join("visits"), folder.path().join("store"));
    write(&events, "1.parquet", &hourly(0, 30));
    write(&events, "2.parquet", &hourly(30, 40));
    let stored = engine_over(&events, &store).await;
    let mut visits = hourly(0, 40);
    agree(&stored, &visits, 40).await;
    write_now(&events, "1.parquet", &hourly(0, 28));
    visits.retain(|visit| !(28..30).contains(&visit.2));
    assert_eq!(read(&agree(&stored, &visits, 40).await), 3_800, "one has changed");
    std::fs::remove_file(events.join("1.parquet")).unwrap();
    visits.retain(|visit| visit.2 >= 30);
    assert_eq!(read(&agree(&stored, &visits, 40).await), 1_000, "one is gone");
    write_now(&events, "3.parquet", &hourly(38, 40));
    visits.extend(hourly(38, 40));
    assert_eq!(read(&agree(&stored, &visits, 40).await), 200, "and it goes on");
    // One file goes while another comes.
    std::fs::rename(events.join("2.parquet"), events.join("4.parquet")).unwrap();
    assert_eq!(read(&agree(&stored, &visits, 40).await), 1_200);
    let again = engine_over(&events, &store).await;
    assert_eq!(read(&agree(&again, &visits, 41).await), 0);
}

fn csv(visits: &[Visit], amount: &str) -> String {
    let mut text = "number,user,at,kind,amount\n".to_owned();
    for (number, user, hour) in visits {
        let at = chrono::DateTime::from_timestamp_micros(hour * HOUR).unwrap();
        let (at, kind) = (at.format("%Y-%m-%dT%H:%M:%S"), kind(*user, *hour));
        text.push_str(&format!("{number},{user},{at},{kind},{}{amount}\n", user * hour));
    }
    text
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn append_only_csv_is_never_read_for_its_types_again() {
    let folder = tempfile::tempdir().unwrap();
    let (events, store) = (folder.path().join("visits"), folder.path().join("store"));
    std::fs::create_dir(&events).unwrap();
    let mut visits = hourly(0, 30);
    std::fs::write(events.join("1.csv"), csv(&visits, "")).unwrap();
    let stored = engine(Some(&store)).await;
    let options = FileOptions::default().append_only(true);
    stored.add_csv_with("visits", events.join("*.csv"), options).await.unwrap();
    create_rules(&stored).await;
    assert_eq!(read(&agree(&stored, &visits, 30).await), 3_000);
    spoil(&events.join("1.csv"));
    std::fs::write(events.join("2.csv"), csv(&hourly(30, 35), "")).unwrap();
    std::fs::write(events.join("2.txt"), "no visits").unwrap();
    visits.extend(hourly(30, 35));
    assert_eq!(read(&agree(&stored, &visits, 35).await), 500);

    // Another process does not open what the store knows either.
    spoil(&events.join("2.csv"));
    let again = engine(Some(&store)).await;
    std::fs::write(events.join("2a.csv"), csv(&hourly(35, 36), "")).unwrap();
    visits.extend(hourly(35, 36));
    again.add_csv_with("visits", events.join("*.csv"), options).await.unwrap();
    create_rules(&again).await;
    assert_eq!(read(&agree(&again, &visits, 36).await), 100);
    assert_eq!(read(&agree(&stored, &visits, 36).await), 0);

    // A file without a row yet, and one whose numbers are of another type, which no table can have.
    std::fs::write(events.join("3.csv"), csv(&[], "")).unwrap();
    assert_eq!(read(&agree(&stored, &visits, 36).await), 0);
    std::fs::write(events.join("4.csv"), csv(&hourly(36, 37), "x")).unwrap();
    let error = stored.refresh(segmentry::Refresh::all()).await.unwrap_err();
    assert_eq!(error.code(), segmentry::Code::UnreadableSource, "{error}");
    std::fs::remove_file(events.join("4.csv")).unwrap();
    refresh_of(&stored, &["Many"], 36).await;
    check(&stored, &visits, 36).await;
}

/// Without the promise, the state of a file that was just written is not trusted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn append_only_is_what_makes_young_files_known() {
    let folder = tempfile::tempdir().unwrap();
    let (events, store) = (folder.path().join("visits"), folder.path().join("store"));
    let mut visits = hourly(0, 30);
    write(&events, "1.parquet", &visits);
    let plain = engine(Some(&store)).await;
    plain.add_parquet("visits", &events).await.unwrap();
    create_rules(&plain).await;
    assert_eq!(read(&agree(&plain, &visits, 30).await), 3_000);
    write_now(&events, "2.parquet", &hourly(30, 31));
    visits.extend(hourly(30, 31));
    assert_eq!(read(&agree(&plain, &visits, 31).await), 3_100, "the sources are read");
    age(&events.join("2.parquet"), 60);
    assert_eq!(read(&agree(&plain, &visits, 31).await), 100, "the store is extended");
}
