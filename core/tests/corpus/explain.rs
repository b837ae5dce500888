//! Explanations say of every user of every case what the segments say.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use segmentry::{Explained, Key, MemoryCatalog, Refresh, RuleDocument, SegmentEngine};

use super::{case, engine_of, tables_in_memory};
use crate::differential::{instant, keys_of};
use crate::oracle::UserKey;

/// Users of a case that are asked about, at most.
const USERS: usize = 80;

fn key(key: &UserKey) -> Key {
    match key {
        UserKey::Int(key) => Key::Int(*key),
        UserKey::Text(key) => Key::Text(key.clone()),
    }
}

/// Whether a rule has a rank, which is told of a stored segment in another way than of a document.
fn has_rank(document: &str) -> bool {
    ["\"top\"", "\"bottom\""].iter().any(|operator| document.contains(operator))
}

/// Whether a group is what its parts make it, at every depth.
fn adds_up(node: &Explained) -> bool {
    let mut each = node.parts.iter().map(|part| part.holds);
    let holds = match node.kind.as_str() {
        "condition" | "segment" => node.holds,
        "and" | "INTERSECTION" => each.all(|holds| holds),
        "not and" => !each.all(|holds| holds),
        "or" | "UNION" => each.any(|holds| holds),
        "not or" => !each.any(|holds| holds),
        "DIFFERENCE" => each.next().unwrap_or(false) && !each.any(|holds| holds),
        _ => false,
    };
    holds == node.holds && node.parts.iter().all(adds_up)
}

/// How many users of a case are asked about at most: so many, or as `SEGMENTRY_EXPLAINED` says, a
/// number or `all`.
fn most() -> usize {
    match std::env::var("SEGMENTRY_EXPLAINED").as_deref() {
        Err(_) => USERS,
        Ok("all") => usize::MAX,
        Ok(number) => number.parse().unwrap_or_else(|_| panic!("{number} is no number of users")),
    }
}

/// What is said of a rule and some users that the segment does not say.
async fn differences(asked: Arc<Asked>, users: Vec<UserKey>) -> Vec<String> {
    let Asked { engine, case, id, document, as_of, members } = asked.as_ref();
    let mut found = Vec::new();
    for user in users {
        let rule = RuleDocument::Stored((*id).into());
        let explained = engine.explain(rule, key(&user)).await;
        let mut all = vec![explained.unwrap_or_else(|e| panic!("{case}: {e}\n{document}"))];
        if has_rank(document) {
            let rule = RuleDocument::Document(document.as_str().into());
            let anew = engine.explain_as_of(rule, key(&user), *as_of).await;
            all.push(anew.unwrap_or_else(|e| panic!("{case}: {e}\n{document}")));
        }
        for explained in all {
            if explained.member != members.contains(&user) || !adds_up(&explained.root) {
                found.push(format!("{case}, {user:?}: {explained:#?}\n{document}"));
            }
        }
    }
    found
}

/// A rule of a case, and who is in its segment.
struct Asked {
    engine: SegmentEngine,
    case: String,
    id: i64,
    document: String,
    as_of: DateTime<Utc>,
    members: BTreeSet<UserKey>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corpus_explanations_agree_with_membership() {
    let mut found: Vec<String> = Vec::new();
    let mut count = 0;
    for case in case::all().await {
        let engine = engine_of(&case, MemoryCatalog::new()).await;
        if most() == usize::MAX {
            // Reading the files takes half of the time of an explanation.
            tables_in_memory(&engine, &case);
        }
        let refresh = Refresh::rules(case.rules.iter().map(|(id, _)| *id));
        // Of several instants the last: an explanation is about that of the current segment.
        let as_of = instant(case.runs.last().unwrap().as_of);
        engine.refresh(refresh.as_of(as_of)).await.unwrap();
        let population = case.world.population().unwrap();
        let step = population.len().div_ceil(most()).max(1);
        let users: Vec<UserKey> = population.into_iter().step_by(step).collect();
        for (id, document) in &case.rules {
            let (engine, case, document) = (engine.clone(), case.name.clone(), document.clone());
            let members = keys_of(&engine, *id).await;
            let asked = Arc::new(Asked { engine, case, id: *id, document, as_of, members });
            let halves = users.chunks(users.len().div_ceil(2).max(1));
            let tasks: Vec<_> = halves
                .map(|users| tokio::spawn(differences(Arc::clone(&asked), users.to_vec())))
                .collect();
            for task in tasks {
                found.extend(task.await.unwrap());
            }
            count += users.len();
        }
    }
    println!("{count} explanations");
    assert!(found.is_empty(), "{} differ\n{}", found.len(), found.join("\n\n"));
}
