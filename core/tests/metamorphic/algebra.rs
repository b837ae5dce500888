//! Laws of logic and of sets.

use std::collections::BTreeMap;

use segmentry::{RuleParser, SegmentEngine};

use crate::differential::{engine_of, keys_of};
use crate::oracle::json::Json;

use super::{Keys, assert_none, difference, refreshed, worlds};

fn text(value: &str) -> Json {
    Json::Text(value.to_owned())
}

fn object(members: Vec<(&str, Json)>) -> Json {
    Json::Object(members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn group(combinator: &str, rules: Vec<Json>) -> Json {
    object(vec![("combinator", text(combinator)), ("rules", Json::List(rules))])
}

fn not(rule: &Json) -> Json {
    object(vec![
        ("combinator", text("and")),
        ("not", Json::Bool(true)),
        ("rules", Json::List(vec![rule.clone()])),
    ])
}

/// Conditions in any form as something that may stand in a group.
fn node(conditions: &Json) -> Json {
    match conditions {
        Json::List(items) if items.iter().any(|item| matches!(item, Json::Text(_))) => {
            object(vec![("rules", conditions.clone())])
        }
        Json::List(items) => group("and", items.clone()),
        other => other.clone(),
    }
}

/// The members of a rule that say how its conditions are read.
fn shell(rule: &Json) -> Vec<(&'static str, Json)> {
    let members = ["timezone", "start_date", "end_date"];
    members.into_iter().filter_map(|name| Some((name, rule.get(name)?.clone()))).collect()
}

/// Makes rules under one shell, each with its name and conditions or operands.
struct Maker<'a> {
    engine: &'a SegmentEngine,
    shell: Vec<(&'static str, Json)>,
    made: Vec<i64>,
    /// Rules by their conditions, so that none is evaluated twice.
    known: BTreeMap<String, i64>,
}

impl Maker<'_> {
    fn new<'a>(engine: &'a SegmentEngine, shell: Vec<(&'static str, Json)>) -> Maker<'a> {
        Maker { engine, shell, made: Vec::new(), known: BTreeMap::new() }
    }

    async fn rule(&mut self, mut members: Vec<(&'static str, Json)>) -> Result<i64, String> {
        members.push(("rule_name", text(&format!("law {}", self.made.len()))));
        members.extend(self.shell.iter().cloned());
        let document = object(members).write();
        let id = self.engine.create_rule(document.as_str()).await;
        let id = id.map_err(|error| format!("{error}\n{document}"))?;
        self.made.push(id);
        Ok(id)
    }

    async fn conditions(&mut self, conditions: Json) -> Result<i64, String> {
        let text = conditions.write();
        if let Some(id) = self.known.get(&text) {
            return Ok(*id);
        }
        let id = self.rule(vec![("conditions", conditions)]).await?;
        self.known.insert(text, id);
        Ok(id)
    }

    async fn operation(&mut self, operation: &str, of: &[i64]) -> i64 {
        let of = of.iter().map(|id| Json::Number(id.to_string())).collect();
        let rule = vec![("depends_on", Json::List(of)), ("operation", text(operation))];
        self.rule(rule).await.unwrap()
    }
}

/// Rules in pairs that must have the same members, and what each pair is about.
async fn laws(maker: &mut Maker<'_>, c: &Json, p: &Json, c_id: i64, p_id: i64) -> Vec<Law> {
    let (not_c, not_p) = (not(c), not(p));
    let both = |one: &Json, other: &Json| group("and", vec![one.clone(), other.clone()]);
    let any = |one: &Json, other: &Json| group("or", vec![one.clone(), other.clone()]);
    let pairs = [
        ("not not c = c", not(&not_c), c.clone()),
        ("c or not c = everyone", any(c, &not_c), group("and", vec![])),
        ("c and not c = nobody", both(c, &not_c), group("or", vec![])),
        ("c = (c and p) or (c and not p)", any(&both(c, p), &both(c, &not_p)), c.clone()),
        ("not (c and p) = not c or not p", not(&both(c, p)), any(&not_c, &not_p)),
        ("not (c or p) = not c and not p", not(&any(c, p)), both(&not_c, &not_p)),
        ("c and p = p and c", both(c, p), both(p, c)),
        ("c or (c and p) = c", any(c, &both(c, p)), c.clone()),
    ];
    let mut laws = Vec::new();
    for (name, one, other) in pairs {
        let one = maker.conditions(one).await.unwrap();
        laws.push((name, one, maker.conditions(other).await.unwrap()));
    }
    let segment = |operator: &str| {
        let id = Json::Number(c_id.to_string());
        object(vec![("field", text("segment")), ("operator", text(operator)), ("value", id)])
    };
    let named = maker.conditions(segment("in")).await.unwrap();
    laws.push(("segment in [c] = c", named, c_id));
    let others = maker.conditions(segment("notIn")).await.unwrap();
    let complement = maker.conditions(not_c.clone()).await.unwrap();
    laws.push(("segment notIn [c] = not c", others, complement));
    for (name, operation, conditions) in [
        ("c UNION p = c or p", "UNION", any(c, p)),
        ("c INTERSECTION p = c and p", "INTERSECTION", both(c, p)),
        ("c DIFFERENCE p = c and not p", "DIFFERENCE", both(c, &not_p)),
    ] {
        let united = maker.operation(operation, &[c_id, p_id]).await;
        laws.push((name, united, maker.conditions(conditions).await.unwrap()));
    }
    laws
}

type Law = (&'static str, i64, i64);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metamorphic_laws_of_logic_and_sets() {
    let (mut found, mut pairs, mut unfit) = (Vec::new(), 0, 0);
    for (seed, case) in worlds(100) {
        let engine = engine_of(&case, 2).await;
        let rules: Vec<Json> =
            case.rules.iter().map(|(_, rule)| Json::parse(rule).unwrap()).collect();
        let mut with: Vec<&Json> = rules.iter().filter(|r| r.get("conditions").is_some()).collect();
        // Conditions that are wholly disabled are no condition that a `not` could turn round.
        with.retain(|rule| {
            let parsed = RuleParser::parse(rule.write()).unwrap();
            !parsed.conditions.is_none_or(|group| group.is_disabled())
        });
        let [.., p, c] = with.as_slice() else { continue };
        let (c, p) = (*c, *p);
        let mut maker = Maker::new(&engine, shell(c));
        let (c, p) = (node(c.get("conditions").unwrap()), node(p.get("conditions").unwrap()));
        let c_id = maker.conditions(c.clone()).await.unwrap();
        // The dates of one rule may be no dates in the zone of the other.
        let Ok(p_id) = maker.conditions(p.clone()).await else {
            unfit += 1;
            continue;
        };
        let laws = laws(&mut maker, &c, &p, c_id, p_id).await;
        refreshed(&engine, &maker.made, case.as_of_micros).await;
        for (law, one, other) in laws {
            let (one, other): (Keys, Keys) =
                (keys_of(&engine, one).await, keys_of(&engine, other).await);
            if one != other {
                let what = difference(&one, &other);
                found.push(format!("seed {seed}, {law}: {what}\nc {}\np {}", c.write(), p.write()));
            }
        }
        pairs += 1;
    }
    println!("{pairs} pairs of conditions, {unfit} did not fit together");
    assert!(unfit * 10 <= pairs, "{unfit} of {pairs} did not fit together");
    assert_none(&found);
}

/// UNION, INTERSECTION and DIFFERENCE of many rules are the operations on the sets of their members.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metamorphic_operations_are_those_of_sets() {
    let mut found = Vec::new();
    for (seed, case) in worlds(30) {
        let engine = engine_of(&case, 1).await;
        let ids: Vec<i64> = case.rules.iter().map(|(id, _)| *id).collect();
        let mut maker = Maker::new(&engine, Vec::new());
        let mut results = Vec::new();
        for operation in ["UNION", "INTERSECTION", "DIFFERENCE"] {
            results.push((operation, maker.operation(operation, &ids).await));
        }
        let made = maker.made.clone();
        refreshed(&engine, &[ids.as_slice(), made.as_slice()].concat(), case.as_of_micros).await;
        let mut operands = Vec::new();
        for id in &ids {
            operands.push(keys_of(&engine, *id).await);
        }
        for (operation, id) in results {
            let expected = operands.iter().cloned().reduce(|one, other| match operation {
                "UNION" => &one | &other,
                "INTERSECTION" => &one & &other,
                _ => &one - &other,
            });
            let (expected, members) = (expected.unwrap(), keys_of(&engine, id).await);
            if expected != members {
                found
                    .push(format!("seed {seed}, {operation}: {}", difference(&expected, &members)));
            }
        }
    }
    assert_none(&found);
}
