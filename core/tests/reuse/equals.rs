//! Planted pairs that say the same in other words.

use serde_json::{Map, Value, json};

use super::ground::Kind;
use super::planting::{Make, Pair, Planter, and, field, group, not, or, rule, rules, test, with};

pub const KINDS: &[(&str, Make)] = &[
    ("another order", |p| p.transformed(shuffled)),
    ("other brackets", |p| p.transformed(regrouped)),
    ("said twice", |p| p.transformed(|_, node| and(vec![node.clone(), node.clone()]))),
    ("absorbed", absorbed),
    ("distributed", distributed),
    ("double negation", |p| p.transformed(|_, node| not(not(node.clone())))),
    ("De Morgan", |p| p.transformed(de_morgan)),
    ("several at once", |p| {
        p.transformed(|planter, node| {
            let node = shuffled(planter, node);
            let node = de_morgan(planter, &node);
            regrouped(planter, &node)
        })
    }),
    ("in as or of =", in_as_or),
    ("between as bounds", between_as_bounds),
    ("complement and a value", complement),
    ("spelling", spelling),
    ("window", window),
    ("trait", inlined_trait),
    ("segment", inlined_segment),
    ("operands", operands),
];

type Change = fn(&mut Planter<'_>, &Value) -> Value;

/// Conditions in other words.
pub fn reworded(planter: &mut Planter<'_>, node: &Value) -> Value {
    let change: Change = *planter.random.pick(&[
        (|_, node| node.clone()) as Change,
        shuffled,
        regrouped,
        de_morgan,
        |_, node| not(not(node.clone())),
    ]);
    change(planter, node)
}

impl Planter<'_> {
    fn transformed(&mut self, change: Change) -> Option<(Value, Value)> {
        let base = self.base()?;
        let changed = change(self, &base.node);
        Some((rule(changed, &base.shell), rule(base.node, &base.shell)))
    }
}

/// The combinator, the negation and the parts of a group that may be taken apart.
fn parts(node: &Value) -> Option<(&str, bool, &Vec<Value>)> {
    let combinator = node.get("combinator")?.as_str()?;
    let off = |name: &str| node.get(name).is_some_and(|on| on == true);
    let rules = node.get("rules")?.as_array()?;
    let whole = !off("disabled") && !off("muted") && rules.iter().all(Value::is_object);
    whole.then_some((combinator, off("not"), rules))
}

fn like(node: &Value, rules: Vec<Value>) -> Value {
    with(node, json!({"rules": rules}))
}

fn shuffled(planter: &mut Planter<'_>, node: &Value) -> Value {
    use rand::seq::SliceRandom;
    let Some((_, _, rules)) = parts(node) else { return node.clone() };
    let mut rules: Vec<Value> = rules.iter().map(|rule| shuffled(planter, rule)).collect();
    rules.shuffle(&mut planter.random.rng);
    like(node, rules)
}

/// Some of a group's parts in a group of their own, and parts in brackets.
fn regrouped(planter: &mut Planter<'_>, node: &Value) -> Value {
    let Some((combinator, _, rules)) = parts(node) else {
        return match planter.random.percent(40) {
            true => {
                group(if planter.random.percent(50) { "and" } else { "or" }, vec![node.clone()])
            }
            false => node.clone(),
        };
    };
    let mut rules: Vec<Value> = rules.iter().map(|rule| regrouped(planter, rule)).collect();
    if rules.len() > 2 {
        let inner = rules.split_off(rules.len() / 2);
        rules.push(group(combinator, inner));
    }
    like(node, rules)
}

fn de_morgan(planter: &mut Planter<'_>, node: &Value) -> Value {
    let Some((combinator, negated, rules)) = parts(node) else { return node.clone() };
    // Of an empty group there are no parts to turn round; some others are left as they are.
    if rules.is_empty() || planter.random.percent(15) {
        return node.clone();
    }
    let turned = if combinator == "and" { "or" } else { "and" };
    let rules = rules.iter().map(|rule| not(de_morgan(planter, rule))).collect();
    match negated {
        true => group(turned, rules),
        false => json!({"combinator": turned, "not": true, "rules": rules}),
    }
}

fn absorbed(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let base = planter.base()?;
    let more = planter.leaf()?;
    let node = &base.node;
    let absorbed = match planter.random.percent(50) {
        true => or(vec![and(vec![node.clone(), more]), node.clone()]),
        false => and(vec![or(vec![more, node.clone()]), node.clone()]),
    };
    Some((rule(absorbed, &base.shell), rule(base.node.clone(), &base.shell)))
}

fn distributed(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let [a, b, c] = [planter.leaf()?, planter.leaf()?, planter.leaf()?];
    let each = |other: &Value| vec![a.clone(), other.clone()];
    Some(rules(match planter.random.percent(50) {
        true => (
            and(vec![a.clone(), or(vec![b.clone(), c.clone()])]),
            or(vec![and(each(&b)), and(each(&c))]),
        ),
        false => (
            or(vec![a.clone(), and(vec![b.clone(), c.clone()])]),
            and(vec![or(each(&b)), or(each(&c))]),
        ),
    }))
}

/// A subject on users or events, with values that it may have.
fn subject(planter: &mut Planter<'_>, kinds: &[Kind]) -> Option<(Value, Vec<Value>)> {
    if planter.random.percent(60) {
        let one = planter.ground.user(planter.random, kinds)?;
        return Some((field(&one.name), one.samples));
    }
    let (entry, one) = planter.ground.event(planter.random, kinds)?;
    let aggregate = *planter.random.pick(&["min", "max", "first", "last"]);
    let mut subject = json!({"events": entry, "aggregate": aggregate, "field": one.name});
    if planter.random.percent(50) {
        subject["window"] = planter.windows().0;
    }
    Some((subject, one.samples))
}

const ORDERED: [Kind; 4] = [Kind::Number, Kind::Text, Kind::Date, Kind::Stamp];

fn in_as_or(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (subject, samples) = subject(planter, &ORDERED)?;
    let values: Vec<Value> =
        (0..planter.random.size((1, 5))).map(|_| planter.random.pick(&samples).clone()).collect();
    let each = |operator: &str| {
        values.iter().map(|value| test(&subject, (operator, value.clone()))).collect()
    };
    let pair: Pair = match planter.random.percent(60) {
        true => (or(each("=")), test(&subject, ("in", json!(values)))),
        false => (and(each("!=")), test(&subject, ("notIn", json!(values)))),
    };
    Some(rules(pair))
}

fn between_as_bounds(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (subject, samples) = subject(planter, &ORDERED)?;
    let mut at = [0, 1].map(|_| planter.random.size((0, samples.len() - 1)));
    at.sort_unstable();
    let (low, high) = (samples[at[0]].clone(), samples[at[1]].clone());
    let bound = |operator: &str, value: &Value| test(&subject, (operator, value.clone()));
    let range = json!([low, high]);
    Some(rules(match planter.random.percent(60) {
        true => {
            (and(vec![bound(">=", &low), bound("<=", &high)]), test(&subject, ("between", range)))
        }
        false => {
            (or(vec![bound("<", &low), bound(">", &high)]), test(&subject, ("notBetween", range)))
        }
    }))
}

/// A negative test is the complement of the positive one among those who have a value.
fn complement(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (subject, samples) = subject(planter, &ORDERED)?;
    let value = planter.random.pick(&samples).clone();
    let present = test(&subject, ("notNull", Value::Null));
    let missing = test(&subject, ("null", Value::Null));
    let positive = |operator: &str| test(&subject, (operator, value.clone()));
    Some(rules(match planter.random.range(0, 4) {
        0 => (and(vec![not(positive("=")), present]), positive("!=")),
        1 => (not(or(vec![positive("<"), missing])), positive(">=")),
        2 => (not(present), missing),
        3 => (or(vec![positive("="), positive("!=")]), present),
        _ => (or(vec![not(positive(">")), missing.clone()]), or(vec![missing, positive("<=")])),
    }))
}

fn spelling(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let one = planter.ground.user(planter.random, &ORDERED)?;
    let subject = field(&one.name);
    let value = planter.random.pick(&one.samples).clone();
    let full = match one.name.starts_with("users.") {
        true => subject.clone(),
        false => field(&format!("users.{}", one.name)),
    };
    let (plain, other) = *planter.random.pick(&[
        ("=", "=="),
        ("!=", "<>"),
        ("notIn", "not in"),
        ("null", "is null"),
        ("notNull", "is not null"),
        (">=", ">="),
    ]);
    let value = match plain {
        "notIn" => json!([value]),
        "null" | "notNull" => Value::Null,
        _ => value,
    };
    let written = match &value {
        Value::Number(number) => json!(format!(" {number} ")),
        other => other.clone(),
    };
    Some(rules((test(&full, (other, written)), test(&subject, (plain, value)))))
}

fn window(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let entry = planter.random.pick(&planter.ground.entries).name.clone();
    let (one, other) = planter
        .random
        .pick(&[
            (json!({"last": "30 days"}), json!({"between": ["30 days", "0 days"]})),
            (json!({"last": "90 days"}), json!({"last": "2160 hours"})),
            (json!({"last": "2 weeks"}), json!({"last": "14 days"})),
            (json!({"last": "1 year"}), json!({"last": "12 months"})),
            (
                json!({"between": ["90 days", "7 days"]}),
                json!({"between": ["2160 hours", "1 week"]}),
            ),
        ])
        .clone();
    let (filter, _) = planter.filters(&entry)?;
    let least = planter.random.range(0, 3);
    let count = |window: Value| {
        let subject = json!({"events": entry, "where": [filter], "window": window});
        test(&subject, (">=", json!(least)))
    };
    Some(rules((count(one), count(other))))
}

/// A condition on a trait as one on its aggregate.
fn inlined_trait(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    if planter.ground.traits.is_empty() {
        return None;
    }
    let (name, aggregate) = planter.random.pick(&planter.ground.traits).clone();
    let shell = planter.ground.base(planter.random).map_or_else(Map::new, |base| base.shell);
    let mut short = field(&name);
    let mut long = aggregate.clone();
    let entry = aggregate["events"].as_str().or(aggregate["events"][0].as_str())?.to_owned();
    let single = aggregate["events"].as_array().is_none_or(|events| events.len() == 1);
    if single && planter.random.percent(50) {
        let (filter, _) = planter.filters(&entry)?;
        short["where"] = json!([filter]);
        let both = [aggregate.get("where").map(as_node), Some(filter)];
        long["where"] = json!(both.into_iter().flatten().collect::<Vec<Value>>());
    }
    let own = aggregate.get("window").is_some_and(|window| window != "all");
    if !own && planter.random.percent(50) {
        short["window"] = planter.windows().1;
        long["window"] = short["window"].clone();
    }
    let numeric = ["count", "sum", "avg", "count_distinct", "days_since_first", "days_since_last"];
    let aggregate = aggregate["aggregate"].as_str().unwrap_or("count");
    let asked = match numeric.contains(&aggregate) && planter.random.percent(70) {
        true => (*planter.random.pick(&[">=", "<", "=", "!="]), json!(planter.random.range(0, 20))),
        false => (if planter.random.percent(50) { "null" } else { "notNull" }, Value::Null),
    };
    let (short, long) = (test(&short, asked.clone()), test(&long, asked));
    Some((rule(short, &shell), rule(long, &shell)))
}

fn as_node(conditions: &Value) -> Value {
    match conditions {
        Value::Array(items) => and(items.clone()),
        other => other.clone(),
    }
}

/// A rule of the world, as it is and without its name.
pub fn document(planter: &mut Planter<'_>) -> Option<(i64, Value)> {
    if planter.ground.rules.is_empty() {
        return None;
    }
    let (id, mut document) = planter.random.pick(&planter.ground.rules).clone();
    let members = document.as_object_mut()?;
    for name in ["rule_name", "description", "schedule", "enabled"] {
        members.remove(name);
    }
    Some((id, document))
}

fn inlined_segment(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (id, document) = document(planter)?;
    let named = test(&field("segment"), ("in", json!([id])));
    let (named, _) = rules((named.clone(), named));
    Some((named, document))
}

/// Operands as conditions on their segments.
fn operands(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let ids: Vec<i64> = (0..2).map(|_| planter.random.pick(&planter.ground.rules).0).collect();
    let [one, other] = [ids[0], ids[1]].map(|id| test(&field("segment"), ("=", json!(id))));
    if ids[0] == ids[1] {
        return None;
    }
    let (operation, node) = match planter.random.range(0, 2) {
        0 => ("INTERSECTION", and(vec![one, other])),
        1 => ("UNION", or(vec![one, other])),
        _ => ("DIFFERENCE", and(vec![one, not(other)])),
    };
    let (node, _) = rules((node.clone(), node));
    Some((json!({"depends_on": ids, "operation": operation}), node))
}
