//! Tables with a column that only grows: only what is new is read, and what was not only added is
//! noticed where it shows.

use std::path::Path;
use std::sync::Arc;

use datafusion::datasource::{MemTable, TableProvider};
use rusqlite::Connection;
use segmentry::{Code, SegmentEngine, SqliteOptions, TableOptions};

use super::support::{HOUR, Visit, agree, batch, create_rules, engine, hourly, kind, read};

fn cursor(column: &str) -> TableOptions {
    TableOptions::default().cursor(column)
}

/// A table of visits in a SQLite file, with its rows.
struct Database {
    connection: Connection,
    visits: Vec<Visit>,
}

impl Database {
    fn new(path: &Path, key: &str) -> Database {
        let connection = Connection::open(path).unwrap();
        let table = format!(
            "CREATE TABLE visits (number {key}, user INTEGER, at TIMESTAMP, kind TEXT, amount INT);
             CREATE TABLE other (name TEXT)"
        );
        connection.execute_batch(&table).unwrap();
        Database { connection, visits: Vec::new() }
    }

    fn insert(&mut self, visits: &[Visit]) {
        let add = self.connection.unchecked_transaction().unwrap();
        for (number, user, hour) in visits {
            let at = chrono::DateTime::from_timestamp_micros(hour * HOUR).unwrap();
            let at = at.format("%Y-%m-%d %H:%M:%S").to_string();
            let row = (number, user, at, kind(*user, *hour), user * hour);
            add.execute("INSERT INTO visits VALUES (?1, ?2, ?3, ?4, ?5)", row).unwrap();
        }
        add.commit().unwrap();
        self.visits.extend(visits);
    }

    /// Adds visits at some hours that are younger than all others, whatever their hours are.
    fn add(&mut self, from: i64, to: i64) {
        let next = self.visits.iter().map(|visit| visit.0 + 1).max().unwrap_or(0);
        let visits = (next..).zip(hourly(from, to));
        let visits: Vec<Visit> =
            visits.map(|(number, (_, user, hour))| (number, user, hour)).collect();
        self.insert(&visits);
    }

    fn run(&self, sql: &str) {
        self.connection.execute_batch(sql).unwrap();
    }
}

async fn engine_over(path: &Path, store: &Path) -> SegmentEngine {
    let engine = engine(Some(store)).await;
    let options = SqliteOptions::default().cursor("visits", "number");
    engine.add_sqlite_with(path, options).await.unwrap();
    create_rules(&engine).await;
    engine
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursor_of_sqlite_reads_only_what_is_new() {
    let folder = tempfile::tempdir().unwrap();
    let (path, store) = (folder.path().join("platform.db"), folder.path().join("store"));
    let mut database = Database::new(&path, "INTEGER PRIMARY KEY");
    database.add(0, 30);
    let stored = engine_over(&path, &store).await;
    let source = |engine: &SegmentEngine| {
        engine.sources().into_iter().find(|source| source.name == "visits").unwrap()
    };
    assert_eq!(source(&stored).cursor.as_deref(), Some("number"));
    assert_eq!(source(&stored).read_at, None);
    assert_eq!(read(&agree(&stored, &database.visits, 30).await), 3_000, "all is read once");
    assert!(source(&stored).read_at.is_some());
    let run = agree(&stored, &database.visits, 30).await;
    assert_eq!((read(&run), run.users_evaluated), (0, 0), "nothing has changed");
    database.run("INSERT INTO other VALUES ('of no interest')");
    let run = agree(&stored, &database.visits, 30).await;
    assert_eq!((read(&run), run.users_evaluated), (0, 0), "another table has changed");
    database.add(30, 32);
    assert_eq!(read(&agree(&stored, &database.visits, 32).await), 200, "rows have come");
    database.insert(&[(3_200, 5, 31), (3_201, 6, 20)]);
    let run = agree(&stored, &database.visits, 32).await;
    assert_eq!((read(&run), run.rules_incremental, run.users_evaluated), (2, 3, 2));
    database.add(20, 29);
    assert_eq!(read(&agree(&stored, &database.visits, 32).await), 900, "rows have come late");

    // Another process goes on from there.
    let again = engine_over(&path, &store).await;
    database.add(32, 33);
    assert_eq!(read(&agree(&again, &database.visits, 33).await), 100);
    let status = again.store_status().await.unwrap().unwrap();
    let last = status.tables[0].cursor.clone().unwrap();
    assert_eq!((last.column.as_str(), last.value.as_str()), ("number", "4201"));
    assert_eq!(status.rows, 4_202);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursor_that_did_not_only_grow_is_noticed_where_it_shows() {
    let folder = tempfile::tempdir().unwrap();
    let (path, store) = (folder.path().join("platform.db"), folder.path().join("store"));
    let mut database = Database::new(&path, "INTEGER PRIMARY KEY");
    let numbered = |visits: Vec<Visit>| -> Vec<Visit> {
        visits.into_iter().map(|(number, user, hour)| (number + 100, user, hour)).collect()
    };
    database.insert(&numbered(hourly(0, 30)));
    let stored = engine_over(&path, &store).await;
    agree(&stored, &database.visits, 30).await;

    database.run("DELETE FROM visits WHERE number = (SELECT max(number) FROM visits)");
    database.visits.pop();
    assert_eq!(read(&agree(&stored, &database.visits, 30).await), 2_999, "the last is gone");
    database.run("DELETE FROM visits WHERE number = (SELECT min(number) FROM visits)");
    database.visits.remove(0);
    assert_eq!(read(&agree(&stored, &database.visits, 30).await), 2_998, "the first is gone");
    database.insert(&[(7, 3, 29)]);
    assert_eq!(read(&agree(&stored, &database.visits, 30).await), 2_999, "one is before it");
    let last = database.visits.iter_mut().max_by_key(|visit| visit.0).unwrap();
    last.1 = 4;
    let (number, user, hour) = *last;
    let (kind, amount) = (kind(user, hour), user * hour);
    let values = format!("user = {user}, kind = '{kind}', amount = {amount}");
    database.run(&format!("UPDATE visits SET {values} WHERE number = {number}"));
    // That one is read to see it, then all.
    assert_eq!(read(&agree(&stored, &database.visits, 30).await), 3_000, "the last is another");

    // The table is filled anew, with as many rows and the same numbers.
    database.run("DELETE FROM visits");
    database.visits.clear();
    database.insert(&numbered(hourly(5, 35)));
    assert_eq!(read(&agree(&stored, &database.visits, 35).await), 3_000);
    database.run("DELETE FROM visits");
    database.visits.clear();
    assert_eq!(read(&agree(&stored, &database.visits, 35).await), 0, "it is empty");
    database.insert(&numbered(hourly(5, 35)));
    assert_eq!(read(&agree(&stored, &database.visits, 35).await), 3_000);
    database.add(30, 31);
    assert_eq!(read(&agree(&stored, &database.visits, 35).await), 100, "and it goes on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursor_that_is_missing_in_a_row_is_not_gone_by() {
    let folder = tempfile::tempdir().unwrap();
    let (path, store) = (folder.path().join("platform.db"), folder.path().join("store"));
    let mut database = Database::new(&path, "INTEGER UNIQUE");
    database.add(0, 30);
    let stored = engine_over(&path, &store).await;
    agree(&stored, &database.visits, 30).await;
    database.run("INSERT INTO visits SELECT NULL, user, at, kind, amount FROM visits");
    let doubled = [database.visits.clone(), database.visits.clone()].concat();
    let run = agree(&stored, &doubled, 30).await;
    assert_eq!(read(&run), 6_000);
    database.run("DELETE FROM visits WHERE number IS NULL");
    // How long ago the file was written decides whether the store has read it.
    agree(&stored, &database.visits, 30).await;
    database.add(25, 30);
    agree(&stored, &database.visits, 30).await;
    database.add(30, 31);
    assert_eq!(read(&agree(&stored, &database.visits, 31).await), 100);
}

/// Hours as the cursor, each of which a hundred visits share.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursor_whose_greatest_value_is_shared_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let stored = engine(Some(&folder.path().join("store"))).await;
    let mut visits: Vec<Visit> = Vec::new();
    stored.add_arrow("visits", vec![batch(&visits)]).unwrap();
    create_rules(&stored).await;
    // Half of an hour's visits come, then the other half, some of which are equal in all else.
    for hour in 20..32 {
        for half in [0, 1] {
            let more = hourly(hour, hour + 1).into_iter().filter(|visit| visit.1 % 2 == half);
            let last = visits.last().map_or(0, |visit| visit.2);
            let known = visits.iter().filter(|visit| visit.2 == last).count();
            visits.extend(more);
            visits.extend((half == 1).then_some((0, 1, hour)));
            // What is in memory is looked at whole; what is met again is not read.
            let rows = (visits.len() - known) as u64;
            stored.add_arrow_with("visits", vec![batch(&visits)], cursor("at")).unwrap();
            assert_eq!(read(&agree(&stored, &visits, hour + 1).await), rows);
            let stored = stored.store_status().await.unwrap().unwrap();
            assert_eq!(stored.rows, visits.len() as u64);
        }
    }
    // One of the last is taken away.
    visits.pop();
    stored.add_arrow_with("visits", vec![batch(&visits)], cursor("at")).unwrap();
    assert!(read(&agree(&stored, &visits, 32).await) > visits.len() as u64);
    assert_eq!(stored.store_status().await.unwrap().unwrap().tables[0].parts, 1);
}

fn table(visits: &[Visit]) -> Arc<dyn TableProvider> {
    let parts = visits.chunks(visits.len() / 3 + 1).map(|part| vec![batch(part)]);
    Arc::new(MemTable::try_new(batch(&[]).schema(), parts.collect()).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cursor_makes_a_table_of_the_hosts_own_storable() {
    let folder = tempfile::tempdir().unwrap();
    let store = folder.path().join("store");
    let mut visits = hourly(0, 30);
    let stored = engine(Some(&store)).await;
    stored.add_table("visits", table(&visits)).unwrap();
    create_rules(&stored).await;
    agree(&stored, &visits, 30).await;
    let run = agree(&stored, &visits, 30).await;
    assert_eq!((run.rules_incremental, run.users_evaluated), (0, 120), "nothing is known of it");

    let add = |engine: &SegmentEngine, visits: &[Visit]| {
        engine.add_table_with("visits", table(visits), cursor("number")).unwrap();
    };
    add(&stored, &visits);
    agree(&stored, &visits, 30).await;
    let run = agree(&stored, &visits, 30).await;
    assert_eq!((run.rules_incremental, run.users_evaluated), (3, 0));
    let generation = stored.store_status().await.unwrap().unwrap().tables[0].generation;
    visits.push((3_000, 7, 29));
    add(&stored, &visits);
    let run = agree(&stored, &visits, 30).await;
    assert_eq!((run.rules_incremental, run.users_evaluated), (3, 1));
    assert!(stored.store_status().await.unwrap().unwrap().tables[0].generation > generation);

    let again = engine(Some(&store)).await;
    visits.push((3_001, 8, 1));
    add(&again, &visits);
    create_rules(&again).await;
    agree(&again, &visits, 30).await;
    // Without its smallest value it is another table.
    visits.remove(0);
    add(&again, &visits);
    agree(&again, &visits, 30).await;
}

#[tokio::test]
async fn cursor_that_there_can_not_be_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("platform.db");
    Database::new(&path, "INTEGER PRIMARY KEY");
    let engine = SegmentEngine::builder().build().await.unwrap();
    for (table, column, code, hint) in [
        ("visit", "number", Code::MissingTable, Some("did you mean \"visits\"?")),
        ("visits", "numbr", Code::MissingColumn, Some("did you mean \"number\"?")),
        ("visits", "kind", Code::TypeMismatch, None),
    ] {
        let options = SqliteOptions::default().cursor(table, column);
        let error = engine.add_sqlite_with(&path, options).await.unwrap_err();
        assert_eq!((error.code(), error.hint()), (code, hint), "{error}");
        assert!(engine.sources().is_empty());
    }
    let visits = vec![batch(&hourly(0, 1))];
    let error = engine.add_arrow_with("visits", visits, cursor("kind")).unwrap_err();
    assert_eq!(error.code(), Code::TypeMismatch);
    let error = engine.add_table_with("visits", table(&hourly(0, 1)), cursor("id")).unwrap_err();
    assert_eq!(error.code(), Code::MissingColumn);
}
