//! Refreshes: what they evaluate, what they publish, and how they are stopped.

use std::sync::Mutex;
use std::time::Duration;

use arrow::datatypes::{Int64Type, SchemaRef};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::datasource::TableProvider;
use datafusion::execution::TaskContext;
use datafusion::physical_plan::SendableRecordBatchStream;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;

use segmentry::{ExportFormat, RunEvent};
use tokio_util::sync::CancellationToken;

use super::*;

fn union(name: &str, of: &[&str], enabled: bool) -> Value {
    json!({"rule_name": name, "depends_on": of, "operation": "UNION", "enabled": enabled})
}

#[tokio::test]
async fn runs_of_ids_names_and_all() {
    let engine = engine().await;
    let one = engine.create_rule(tier("One", 1)).await.unwrap();
    let two = engine.create_rule(tier("Two", 2)).await.unwrap();
    let mut off = tier("Off", 0);
    off["enabled"] = json!(false);
    let off = engine.create_rule(off).await.unwrap();
    let ids = |run: &Run| run.segments.iter().map(|s| s.rule_id).collect::<Vec<_>>();
    assert_eq!(ids(&engine.refresh(Refresh::rules([two])).await.unwrap()), [two]);
    assert_eq!(ids(&engine.refresh(Refresh::rules(["One"])).await.unwrap()), [one]);
    assert_eq!(ids(&refresh(&engine).await), [one, two]);
    assert_eq!(code(engine.segment(off).await), Code::NotFound);
    assert_eq!(ids(&engine.refresh(Refresh::rules([off])).await.unwrap()), [off]);
    assert_eq!(code(engine.refresh(Refresh::rules([99])).await), Code::NotFound);
    assert_eq!(code(engine.refresh(Refresh::rules(["On"])).await), Code::NotFound);
    let none = engine.refresh(Refresh::rules(Vec::<i64>::new())).await.unwrap();
    assert!(none.segments.is_empty());
    let runs = engine.runs(1, 2).await.unwrap();
    assert_eq!((runs.items.len(), runs.total, runs.pages), (2, 5, 3));
    assert!(runs.items[0].id > runs.items[1].id);
    assert_eq!(engine.run(runs.items[1].id).await.unwrap(), runs.items[1]);
    assert_eq!(code(engine.run(99).await), Code::NotFound);
}

#[tokio::test]
async fn runs_evaluate_ancestors_first() {
    let engine = engine().await;
    let child = engine.create_rule(tier("Child", 1)).await.unwrap();
    let mut parent = tier("Parent", 2);
    parent["enabled"] = json!(false);
    let parent = engine.create_rule(parent).await.unwrap();
    engine.refresh(Refresh::rules([parent])).await.unwrap();
    engine.update_rule(child, union("Child", &["Parent"], true)).await.unwrap();
    let mut wider = json!({"rule_name": "Parent", "conditions": [], "enabled": false});
    engine.update_rule(parent, &wider).await.unwrap();
    let run = refresh(&engine).await;
    assert_eq!(run.segments.len(), 1);
    assert_eq!(keys(&engine, child).await.len(), 10);
    // The disabled ancestor keeps what it has published.
    assert_eq!(keys(&engine, parent).await, [2, 5, 8]);
    wider["enabled"] = json!(true);
    engine.update_rule(parent, wider).await.unwrap();
    let run = engine.refresh(Refresh::rules([child])).await.unwrap();
    let order: Vec<i64> = run.segments.iter().map(|s| s.rule_id).collect();
    assert_eq!(order, [parent, child]);
}

#[tokio::test]
async fn runs_keep_failures_apart() {
    let engine = engine().await;
    let good = engine.create_rule(tier("Good", 1)).await.unwrap();
    let spend = json!({"rule_name": "Spend", "conditions": [
        {"events": "buys", "aggregate": "sum", "field": "amount", "operator": ">", "value": 0}
    ]});
    let spend = engine.create_rule(spend).await.unwrap();
    let child = engine.create_rule(union("Child", &["Spend", "Good"], true)).await.unwrap();
    refresh(&engine).await;
    let buys = buys();
    let cents = batch(vec![
        ("user_id", buys.column(0).clone()),
        ("at", buys.column(1).clone()),
        ("amount", buys.column(2).clone()),
        ("cents", buys.column(2).clone()),
    ]);
    engine.add_arrow("buys", vec![cents]).unwrap();
    let by_cents = json!({"rule_name": "Spend", "conditions": [
        {"events": "buys", "aggregate": "sum", "field": "cents", "operator": ">", "value": 0}
    ]});
    engine.update_rule(spend, by_cents).await.unwrap();
    engine.add_arrow("buys", vec![buys]).unwrap();
    let run = refresh(&engine).await;
    assert_eq!(run.segments.iter().map(|s| s.rule_id).collect::<Vec<_>>(), [good]);
    assert_eq!((run.failed.len(), run.failed[0].rule_id), (1, spend));
    assert_eq!(run.failed[0].problems[0]["code"], json!("unknown_field"));
    assert_eq!((run.skipped.len(), run.skipped[0].rule_id), (1, child));
    assert!(run.skipped[0].reason.contains("Spend"), "{}", run.skipped[0].reason);
    assert_eq!(engine.segment(child).await.unwrap().version(), 1);
    assert_eq!(keys(&engine, spend).await.len(), 10);
}

#[tokio::test]
async fn runs_tell_how_they_go() {
    let engine = engine().await;
    engine.create_rule(tier("One", 1)).await.unwrap();
    engine.create_rule(union("Two", &["One"], true)).await.unwrap();
    let told = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&told);
    let request = Refresh::all().progress(move |event| into.lock().unwrap().push(event.clone()));
    let run = engine.refresh(request).await.unwrap();
    let told = told.lock().unwrap();
    assert_eq!(told[0], RunEvent::Started { rules: 2 });
    assert!(matches!(&told[1], RunEvent::Evaluated { rule_name, row_count: 4, done: 1, of: 2, .. }
        if rule_name == "One"));
    assert!(matches!(&told[2], RunEvent::Evaluated { rule_name, done: 2, of: 2, .. }
        if rule_name == "Two"));
    assert_eq!(told[3..], [RunEvent::Published { run_id: run.id }]);
}

#[tokio::test]
async fn runs_that_are_stopped_publish_nothing() {
    let engine = engine().await;
    let id = engine.create_rule(tier("One", 1)).await.unwrap();
    let token = CancellationToken::new();
    token.cancel();
    let request = Refresh::all().cancel_with(token);
    assert_eq!(code(engine.refresh(request).await), Code::Cancelled);
    let token = CancellationToken::new();
    let midway = token.clone();
    let request = Refresh::all().cancel_with(token).progress(move |_| midway.cancel());
    assert_eq!(code(engine.refresh(request).await), Code::Cancelled);
    // Events that never come: the token stops the run, and so does dropping it.
    engine.add_table("buys", stuck(&buys())).unwrap();
    let rule = json!({"rule_name": "Bought", "conditions": [
        {"events": "buys", "operator": ">", "value": 0}
    ]});
    let stuck = engine.create_rule(rule).await.unwrap();
    let token = CancellationToken::new();
    let request = Refresh::all().cancel_with(token.clone());
    let (run, ()) = tokio::join!(engine.refresh(request), async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        token.cancel();
    });
    assert_eq!(code(run), Code::Cancelled);
    let short = Duration::from_millis(100);
    assert!(tokio::time::timeout(short, engine.refresh(Refresh::all())).await.is_err());
    assert_eq!(code(engine.segment(stuck).await), Code::NotFound);
    engine.add_arrow("buys", vec![buys()]).unwrap();
    assert_eq!(engine.runs(1, 10).await.unwrap().total, 0);
    assert_eq!(code(engine.segment(id).await), Code::NotFound);
    // Nothing is left locked.
    assert_eq!(refresh(&engine).await.segments.len(), 2);
}

/// Rows that never come.
#[derive(Debug)]
struct Never(SchemaRef);

impl PartitionStream for Never {
    fn schema(&self) -> &SchemaRef {
        &self.0
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let schema = Arc::clone(&self.0);
        Box::pin(RecordBatchStreamAdapter::new(schema, futures::stream::pending()))
    }
}

fn stuck(like: &RecordBatch) -> Arc<dyn TableProvider> {
    let never: Arc<dyn PartitionStream> = Arc::new(Never(like.schema()));
    Arc::new(StreamingTable::try_new(like.schema(), vec![never]).unwrap())
}

#[tokio::test]
async fn runs_as_of_the_past() {
    let engine = engine().await;
    let rule = json!({"rule_name": "Bought", "conditions": [{"events": "buys", "operator": ">", "value": 0}]});
    let id = engine.create_rule(rule).await.unwrap();
    refresh(&engine).await;
    assert_eq!(keys(&engine, id).await.len(), 10);
    // At noon of the third day the third event does not count yet.
    let past = at("2025-01-03T12:00:00Z");
    let run = engine.refresh(Refresh::rules([id]).as_of(past)).await.unwrap();
    assert_eq!(run.as_of, past);
    assert_eq!(keys(&engine, id).await, [1, 2]);
    let segment = engine.segment(id).await.unwrap();
    assert_eq!((segment.version(), segment.as_of()), (2, past));
    assert_eq!(engine.segment_version(id, 1).await.unwrap().row_count(), 10);
    let then = |text| engine.segment_as_of(id, at(text));
    assert_eq!(then("2025-01-10T00:00:00Z").await.unwrap().version(), 2);
    assert_eq!(then("2025-03-01T00:00:00Z").await.unwrap().version(), 1);
    assert_eq!(code(then("2025-01-01T00:00:00Z").await), Code::NotFound);
    assert_eq!(code(engine.segment_version(id, 3).await), Code::NotFound);
    let changes = segment.changes(1).await.unwrap();
    assert_eq!((changes.entered.len(), changes.exited.len()), (0, 8));
    assert_eq!(code(segment.changes(9).await), Code::NotFound);
}

/// Between any two versions, in both directions.
#[tokio::test]
async fn runs_tell_who_entered_and_who_left() {
    let engine = engine().await;
    let rule = json!({"rule_name": "Lately", "conditions": [
        {"events": "buys", "operator": ">", "value": 0, "window": {"last": "3 days"}}]});
    let id = engine.create_rule(rule).await.unwrap();
    // One user buys at noon of every day, from the first of January on.
    let days = [4, 6, 5, 20];
    for day in days {
        let as_of = at(&format!("2025-01-{day:02}T00:00:00Z"));
        engine.refresh(Refresh::rules([id]).as_of(as_of)).await.unwrap();
    }
    let members =
        |day: i64| -> Vec<i64> { (1..=10).filter(|id| (day - 3..day).contains(id)).collect() };
    let without = |these: &[i64], those: &[i64]| -> Vec<Option<Key>> {
        these.iter().filter(|id| !those.contains(id)).map(|id| Some(Key::Int(*id))).collect()
    };
    let listed = |keys: &segmentry::KeyColumn| -> Vec<Option<Key>> {
        (0..keys.len()).map(|at| keys.get(at)).collect()
    };
    for (to, day) in (1..).zip(days) {
        let segment = engine.segment_version(id, to).await.unwrap();
        for (from, other) in (1..).zip(days) {
            let (now, then) = (members(day), members(other));
            let changes = segment.changes(from).await.unwrap();
            assert_eq!(listed(&changes.entered), without(&now, &then), "{from} {to}");
            assert_eq!(listed(&changes.exited), without(&then, &now), "{from} {to}");
        }
    }
    let versions = engine.segment(id).await.unwrap().versions().await.unwrap();
    let told: Vec<_> =
        versions.iter().map(|v| (v.version, v.row_count, v.entered, v.exited)).collect();
    assert_eq!(told, [(1, 3, 3, 0), (2, 3, 2, 2), (3, 3, 1, 1), (4, 0, 0, 3)]);
}

#[tokio::test]
async fn runs_leave_unchanged_bitmaps_alone() {
    let engine = engine().await;
    let id = engine.create_rule(tier("One", 1)).await.unwrap();
    refresh(&engine).await;
    let run = refresh(&engine).await;
    assert_eq!((run.segments[0].entered, run.segments[0].exited), (0, 0));
    let versions = engine.segment(id).await.unwrap().versions().await.unwrap();
    let members: std::collections::BTreeSet<i64> = versions.iter().map(|v| v.members_id).collect();
    assert_eq!(members.len(), 1, "{versions:?}");
}

#[tokio::test]
async fn runs_count_hand_picked_users() {
    let engine = engine().await;
    let mut rule = tier("One", 1);
    rule["include"] = json!([2, 4, 77, 77]);
    rule["exclude"] = json!([10, 88]);
    let id = engine.create_rule(rule).await.unwrap();
    let run = refresh(&engine).await;
    assert_eq!(run.segments[0].unmatched, 2);
    assert_eq!(keys(&engine, id).await, [1, 2, 4, 7]);
}

#[tokio::test]
async fn runs_make_segments_that_can_be_read() {
    let engine = engine().await;
    let mut rule = tier("One", 1);
    rule["description"] = json!("Tier one");
    let id = engine.create_rule(rule).await.unwrap();
    engine.create_rule(tier("Two", 2)).await.unwrap();
    refresh(&engine).await;
    let listed = engine.segments(1, 1, None).await.unwrap();
    assert_eq!((listed.items.len(), listed.total, listed.pages), (1, 2, 2));
    assert_eq!(engine.segments(1, 10, Some("tw")).await.unwrap().items[0].segment_name, "Two");
    assert_eq!(code(engine.segments(0, 1, None).await), Code::BadValue);
    let segment = engine.segment("One").await.unwrap();
    assert_eq!((segment.rule_id(), segment.row_count()), (id, 4));
    assert_eq!(segment.table_name(), format!("segment_output_{id}"));
    assert_eq!(segment.description(), Some("Tier one"));
    assert!(segment.last_refreshed_at().is_some() && segment.sql_query().contains("tier"));
    assert!(segment.contains(&Key::Int(4)) && !segment.contains(&Key::Int(2)));
    assert!(!segment.contains(&Key::Int(99)) && !segment.contains(&Key::Text("4".into())));
    let rows = segment.members(Some(&["country", "id"])).await.unwrap();
    assert_eq!((rows.num_rows(), rows.num_columns()), (4, 2));
    assert_eq!(rows.column(1).as_primitive::<Int64Type>().values(), &[1, 4, 7, 10]);
    assert_eq!(segment.members(None).await.unwrap().num_columns(), 3);
    assert_eq!(segment.sample(2, None).await.unwrap().num_rows(), 2);
    assert_eq!(segment.sample(0, None).await.unwrap().num_rows(), 0);
    assert_eq!(code(segment.members(Some(&["contry"])).await), Code::MissingColumn);
    assert_eq!(segment.versions().await.unwrap().len(), 1);
}

#[tokio::test]
async fn runs_make_segments_that_can_be_exported() {
    let engine = engine().await;
    let id = engine.create_rule(tier("One", 1)).await.unwrap();
    refresh(&engine).await;
    let segment = engine.segment(id).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    segment.export(path("a.csv"), ExportFormat::Csv).await.unwrap();
    assert_eq!(std::fs::read_to_string(path("a.csv")).unwrap(), "id\n1\n4\n7\n10\n");
    segment.export(path("a.arrow"), "arrow".parse().unwrap()).await.unwrap();
    let file = std::fs::File::open(path("a.arrow")).unwrap();
    let reader = arrow::ipc::reader::FileReader::try_new(file, None).unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    assert_eq!(batches[0].column(0).as_primitive::<Int64Type>().values(), &[1, 4, 7, 10]);
    segment.export(path("a.parquet"), ExportFormat::Parquet).await.unwrap();
    engine.add_parquet("exported", path("a.parquet")).await.unwrap();
    let rows = super::queries::rows(&engine, "SELECT id FROM exported ORDER BY id").await;
    assert_eq!(rows, [1, 4, 7, 10]);
    segment.export(path("a.bitmap"), ExportFormat::Bitmap).await.unwrap();
    let bytes = std::fs::read(path("a.bitmap")).unwrap();
    assert_eq!(roaring::RoaringBitmap::deserialize_from(&bytes[..]).unwrap().len(), 4);
    let error = segment.export(path("none/a.csv"), ExportFormat::Csv).await.unwrap_err();
    assert_eq!(error.code(), Code::Io);
    assert_eq!(code("excel".parse::<ExportFormat>()), Code::BadValue);
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 4);
}

#[tokio::test]
async fn segments_are_written_as_tables_and_their_tables_are_no_sources() {
    let engine = engine().await;
    let id = engine.create_rule(tier("One", 1)).await.unwrap();
    refresh(&engine).await;
    let segment = engine.segment(id).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("platform.db");
    let rows = || -> Vec<i64> {
        let database = rusqlite::Connection::open(&path).unwrap();
        let sql = format!("SELECT id FROM {} ORDER BY rowid", segment.table_name());
        let mut rows = database.prepare(&sql).unwrap();
        rows.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect()
    };
    assert_eq!(segment.write_table(&path).await.unwrap(), 4);
    assert_eq!(rows(), [1, 4, 7, 10]);
    // Once more, as after another run.
    assert_eq!(segment.write_table(&path).await.unwrap(), 4);
    assert_eq!(rows(), [1, 4, 7, 10]);
    let database = rusqlite::Connection::open(&path).unwrap();
    database.execute_batch("CREATE TABLE visits (id INTEGER)").unwrap();
    assert_eq!(engine.add_sqlite(&path).await.unwrap(), ["visits"]);
    // What is somebody else's stays.
    let own = "DROP TABLE segment_output_1; CREATE TABLE SEGMENT_OUTPUT_1 (id, name);
               INSERT INTO segment_output_1 VALUES (99, 'own')";
    database.execute_batch(own).unwrap();
    assert_eq!(code(segment.write_table(&path).await), Code::AlreadyExists);
    assert_eq!(rows(), [99]);
    assert_eq!(code(segment.write_table(folder.path()).await), Code::Io);
    std::fs::write(folder.path().join("text"), "no database, but longer than a page of one")
        .unwrap();
    assert_eq!(code(segment.write_table(folder.path().join("text")).await), Code::Io);
}

#[tokio::test]
async fn keys_that_are_texts_are_written_as_they_are() {
    let model = AudienceModel::parse(r#"{"users": {"table": "users", "key": "id"}}"#).unwrap();
    let engine = SegmentEngine::builder().model(model).build().await.unwrap();
    let ids: ArrayRef = Arc::new(StringArray::from(vec!["b", "007", "a'\"; DROP TABLE x"]));
    engine.add_arrow("users", vec![RecordBatch::try_from_iter([("id", ids)]).unwrap()]).unwrap();
    engine.create_rule(json!({"rule_name": "All", "conditions": []})).await.unwrap();
    refresh(&engine).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("platform.db");
    assert_eq!(engine.segment("All").await.unwrap().write_table(&path).await.unwrap(), 3);
    let database = rusqlite::Connection::open(&path).unwrap();
    let mut rows = database.prepare("SELECT id FROM segment_output_1 ORDER BY id").unwrap();
    let rows: Vec<String> =
        rows.query_map((), |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    assert_eq!(rows, ["007", "a'\"; DROP TABLE x", "b"]);
}
