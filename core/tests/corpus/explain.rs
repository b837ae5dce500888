//! Explanations say of every user of every case what the segments say.

use segmentry::{Explained, Key, MemoryCatalog, Refresh, RuleDocument};

use super::{case, engine_of};
use crate::differential::{instant, keys_of};
use crate::oracle::UserKey;

/// Users of a case that are asked about, at most.
const USERS: usize = 60;

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn corpus_explanations_agree_with_membership() {
    let mut found: Vec<String> = Vec::new();
    let mut asked = 0;
    for case in case::all().await {
        let engine = engine_of(&case, MemoryCatalog::new()).await;
        let refresh = Refresh::rules(case.rules.iter().map(|(id, _)| *id));
        // Of several instants the last: an explanation is about that of the current segment.
        let as_of = case.runs.last().unwrap().as_of;
        engine.refresh(refresh.as_of(instant(as_of))).await.unwrap();
        let population = case.world.population().unwrap();
        let step = population.len().div_ceil(USERS).max(1);
        for (id, document) in &case.rules {
            let members = keys_of(&engine, *id).await;
            for user in population.iter().step_by(step) {
                let rule = RuleDocument::Stored((*id).into());
                let explained = engine.explain(rule, key(user)).await;
                let explained =
                    explained.unwrap_or_else(|e| panic!("{}: {e}\n{document}", case.name));
                asked += 1;
                let mut all = vec![explained];
                if has_rank(document) {
                    let rule = RuleDocument::Document(document.as_str().into());
                    let anew = engine.explain_as_of(rule, key(user), instant(as_of)).await;
                    all.push(anew.unwrap_or_else(|e| panic!("{}: {e}\n{document}", case.name)));
                }
                for explained in all {
                    if explained.member != members.contains(user) || !adds_up(&explained.root) {
                        found.push(format!("{}, {user:?}: {explained:#?}\n{document}", case.name));
                    }
                }
            }
        }
    }
    println!("{asked} explanations");
    assert!(found.is_empty(), "{} differ\n{}", found.len(), found.join("\n\n"));
}
