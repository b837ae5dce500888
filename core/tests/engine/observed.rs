//! What an engine tells of itself: its status, the spans and events of its runs, and its time limit.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use segmentry::{RunEvent, RunStage};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::*;

/// Keeps the name, the parent and all fields of every span and event.
#[derive(Clone, Default)]
struct Kept(Arc<State>);

#[derive(Default)]
struct State {
    next: AtomicU64,
    open: Mutex<Vec<u64>>,
    spans: Mutex<BTreeMap<u64, (String, Option<u64>)>>,
    said: Mutex<Vec<String>>,
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!(" {field}={value:?}"));
    }
}

impl Subscriber for Kept {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("segmentry")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let id = self.0.next.fetch_add(1, Ordering::SeqCst) + 1;
        let mut fields = Fields(String::new());
        span.record(&mut fields);
        let parent =
            span.parent().map(Id::into_u64).or(self.0.open.lock().unwrap().last().copied());
        let name = format!("{}{}", span.metadata().name(), fields.0);
        self.0.said.lock().unwrap().push(name.clone());
        self.0.spans.lock().unwrap().insert(id, (name, parent));
        Id::from_u64(id)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        self.0.said.lock().unwrap().push(fields.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.0.said.lock().unwrap().push(fields.0);
    }

    fn enter(&self, span: &Id) {
        self.0.open.lock().unwrap().push(span.into_u64());
    }

    fn exit(&self, span: &Id) {
        let mut open = self.0.open.lock().unwrap();
        if let Some(at) = open.iter().rposition(|open| *open == span.into_u64()) {
            open.remove(at);
        }
    }
}

/// Keys and values that nobody's log may have.
async fn secretive() -> SegmentEngine {
    let model = AudienceModel::parse(
        r#"{"users": {"table": "people", "key": "id"}, "events": {"buys": {"user": "who", "time": "at"}}}"#,
    );
    let engine = bare_with(MemoryCatalog::new(), model.unwrap()).await;
    let keys: ArrayRef = Arc::new(StringArray::from(vec!["secret-1", "secret-2"]));
    let people = batch(vec![("id", Arc::clone(&keys)), ("mail", Arc::clone(&keys))]);
    engine.add_arrow("people", vec![people]).unwrap();
    let times = Arc::new(TimestampMicrosecondArray::from(vec![0, 0]));
    let high: ArrayRef = Arc::new(
        Decimal128Array::from(vec![10i128.pow(38) - 1; 2]).with_precision_and_scale(38, 0).unwrap(),
    );
    let who: ArrayRef = Arc::new(StringArray::from(vec!["secret-1"; 2]));
    let buys = batch(vec![("who", who), ("at", times), ("amount", high), ("what", keys)]);
    engine.add_arrow("buys", vec![buys]).unwrap();
    for rule in [
        json!({"rule_name": "Mail", "conditions": [{"field": "mail", "operator": "contains", "value": "secret"}]}),
        json!({"rule_name": "Bought", "conditions": [{"events": "buys", "operator": ">", "value": 0,
            "where": [{"field": "what", "operator": "=", "value": "secret-1"}]}]}),
        json!({"rule_name": "Too much", "conditions": [{"events": "buys", "aggregate": "sum",
            "field": "amount", "operator": ">", "value": 0}], "include": ["secret-2"]}),
    ] {
        engine.create_rule(rule).await.unwrap();
    }
    engine
}

#[tokio::test]
async fn observed_spans_of_run_source_and_stage_hold_no_data() {
    let engine = secretive().await;
    let kept = Kept::default();
    // With one subscriber alone, whoever meets a span first settles for all threads whether anybody
    // wants it, and other tests have no subscriber.
    let _another = tracing::Dispatch::new(Kept::default());
    let guard = tracing::subscriber::set_default(kept.clone());
    let run = engine.refresh(Refresh::all()).await.unwrap();
    drop(guard);
    assert_eq!(run.failed.len(), 1, "{:?}", run.failed);
    let spans = kept.0.spans.lock().unwrap();
    let parent = |name: &str| -> String {
        let found =
            spans.values().find(|(span, _)| span == name || span.starts_with(&format!("{name} ")));
        let (_, parent) = found.unwrap_or_else(|| panic!("no {name} among {spans:?}"));
        parent.map_or_else(String::new, |id| spans[&id].0.clone())
    };
    assert_eq!(parent("run"), "");
    for stage in ["population", "events", "users", "rules", "publish"] {
        assert_eq!(parent(&format!("stage name=\"{stage}\"")), "run", "{stage}");
    }
    assert_eq!(parent("source table=\"people\""), "stage name=\"population\"");
    assert_eq!(parent("source table=\"buys\""), "stage name=\"events\"");
    let said = kept.0.said.lock().unwrap();
    assert!(
        said.iter().any(|said| said.contains("rule failed") && said.contains("overflow")),
        "{said:?}"
    );
    assert!(said.iter().all(|said| !said.contains("secret")), "{said:?}");
}

#[tokio::test]
async fn observed_status_tells_of_runs_and_of_rules_that_fail() {
    let engine = secretive().await;
    assert_eq!(engine.status().running, None);
    let seen = Arc::new(Mutex::new(Vec::new()));
    let told = (engine.clone(), Arc::clone(&seen));
    let request = Refresh::all().progress(move |event| {
        told.1.lock().unwrap().push((event.clone(), told.0.status().running));
    });
    engine.refresh(request).await.unwrap();
    let seen = std::mem::take(&mut *seen.lock().unwrap());
    let of = |event: fn(&RunEvent) -> bool| {
        let found = seen.iter().find(|(told, _)| event(told)).unwrap();
        found.1.clone().unwrap()
    };
    let started = of(|event| matches!(event, RunEvent::Started { .. }));
    assert_eq!((started.rules, started.rules_done), (3, 0));
    assert_eq!(started.rows["people"], 2);
    let reading =
        of(|event| matches!(event, RunEvent::Progress { stage: RunStage::Read { .. }, .. }));
    assert_eq!(reading.stage, "events");
    assert!(matches!(reading.progress, Some((RunStage::Read { .. }, 0, _))), "{reading:?}");
    let evaluated = of(|event| matches!(event, RunEvent::Evaluated { .. }));
    assert_eq!((evaluated.stage.as_str(), evaluated.rows["buys"]), ("rules", 2));
    let published = of(|event| matches!(event, RunEvent::Published { .. }));
    assert_eq!((published.stage.as_str(), published.rules_done), ("publish", 3));
    let status = engine.status();
    assert_eq!((status.published, status.failed, status.stopped), (1, 0, 0));
    assert_eq!((status.running, status.waiting), (None, 0));
    let [failing] = &status.failing[..] else { panic!("{:?}", status.failing) };
    assert_eq!((failing.rule_name.as_str(), failing.times), ("Too much", 1));
    assert!(failing.reason.contains("overflow"), "{}", failing.reason);
    engine.refresh(Refresh::all()).await.unwrap();
    assert_eq!(engine.status().failing[0].times, 2);
    let mended = json!({"rule_name": "Too much", "conditions": []});
    engine.update_rule(3, mended).await.unwrap();
    engine.refresh(Refresh::all()).await.unwrap();
    assert_eq!(engine.status().failing, []);
    engine.remove_source("people").unwrap();
    let error = engine.refresh(Refresh::all()).await.unwrap_err();
    let status = engine.status();
    assert_eq!((status.published, status.failed), (3, 1));
    assert_eq!(status.last_error.map(|(code, ..)| code), Some(error.code()));
}

#[tokio::test]
async fn observed_time_limits_stop_a_run() {
    let engine = engine().await;
    let id = engine.create_rule(tier("One", 1)).await.unwrap();
    let request = Refresh::all().timeout(Duration::ZERO);
    let error = engine.refresh(request).await.unwrap_err();
    assert_eq!((error.code(), error.kind()), (Code::TimedOut, segmentry::Kind::Busy), "{error}");
    assert_eq!(engine.runs(1, 1).await.unwrap().total, 0);
    assert_eq!((engine.status().stopped, engine.status().running), (1, None));
    let token = tokio_util::sync::CancellationToken::new();
    token.cancel();
    let request = Refresh::all().timeout(Duration::from_secs(600)).cancel_with(token);
    assert_eq!(code(engine.refresh(request).await), Code::Cancelled);
    // A run that is dropped is not shown as one for ever.
    drop(tokio::time::timeout(Duration::ZERO, engine.refresh(Refresh::all())).await);
    assert_eq!(engine.status().running, None);
    engine.refresh(Refresh::all().timeout(Duration::from_secs(600))).await.unwrap();
    assert_eq!(engine.segment(id).await.unwrap().row_count(), 4);
}
