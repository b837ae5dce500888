//! Planted pairs of which the first lies within the second, and a proof is meant to be found.

use serde_json::{Value, json};

use super::equals::document;
use super::ground::Kind;
use super::planting::{Make, Pair, Planter, and, field, not, or, rule, rules, test, with};

pub const KINDS: &[(&str, Make)] = &[
    ("interval in interval", interval),
    ("set in set", set),
    ("look into a text", look),
    ("plain in folded", folded),
    ("presence", presence),
    ("list", list),
    ("and has more parts", and_superset),
    ("or has fewer parts", or_subset),
    ("nested", nested),
    ("complements", complements),
    ("where of a count", where_of_a_count),
    ("window of a count", window_of_a_count),
    ("few in a wider window", few),
    ("non-negative sum", sum),
    ("max and min", extreme),
    ("distinct values", distinct),
    ("days since", days_since),
    ("one table of two", tables),
    ("segment and more", segment),
    ("segments", segments),
    ("operand", operand),
    ("hand-picked", picked),
    ("rank in rank", rank),
    ("rank among", among),
    ("bucket", bucket),
    ("sequence", sequence),
    ("circle", circle),
];

/// A subject with the tests of a pair.
fn both(subject: &Value, [narrow, wide]: [(&str, Value); 2]) -> Pair {
    (test(subject, narrow), test(subject, wide))
}

const ORDERED: [Kind; 4] = [Kind::Number, Kind::Text, Kind::Date, Kind::Stamp];

/// A user's field, or an aggregate that has a field's values.
fn subject(planter: &mut Planter<'_>, kinds: &[Kind]) -> Option<(Value, Vec<Value>)> {
    if planter.random.percent(70) {
        let one = planter.ground.user(planter.random, kinds)?;
        return Some((field(&one.name), one.samples));
    }
    let (entry, one) = planter.ground.event(planter.random, kinds)?;
    let aggregate = *planter.random.pick(&["min", "max", "first", "last"]);
    let subject = json!({"events": entry, "aggregate": aggregate, "field": one.name});
    Some((subject, one.samples))
}

fn interval(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (subject, samples) = subject(planter, &ORDERED)?;
    let tests = planter.intervals(&samples);
    Some(rules(both(&subject, tests)))
}

fn set(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (subject, samples) = subject(planter, &ORDERED)?;
    let tests = planter.sets(&samples);
    Some(rules(both(&subject, tests)))
}

fn look(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (subject, samples) = subject(planter, &[Kind::Text])?;
    let tests = planter.looks(&samples)?;
    Some(rules(both(&subject, tests)))
}

/// A test by code points within the same one by folded letters, and the negative ones turned round.
fn folded(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (subject, samples) = subject(planter, &[Kind::Text])?;
    let [(operator, value), _] = match planter.random.percent(50) {
        true => planter.looks(&samples)?,
        false => planter.sets(&samples),
    };
    let plain = test(&subject, (operator, value));
    let folded = with(&plain, json!({"caseSensitive": false}));
    let negative = ["notIn", "!=", "doesNotContain", "doesNotBeginWith", "doesNotEndWith"];
    Some(rules(if negative.contains(&operator) { (folded, plain) } else { (plain, folded) }))
}

fn presence(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (subject, samples) = subject(planter, &ORDERED)?;
    let [(operator, value), _] = match planter.random.percent(50) {
        true => planter.intervals(&samples),
        false => planter.sets(&samples),
    };
    Some(rules((test(&subject, (operator, value)), test(&subject, ("notNull", Value::Null)))))
}

fn list(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let one = planter.ground.users.iter().find(|one| one.kind == Kind::List)?;
    let subject = field(&one.name);
    let operator = *planter.random.pick(&["contains", "doesNotContain"]);
    let value = json!(planter.random.range(-3, 9).to_string());
    Some(rules(both(&subject, [(operator, value), ("notNull", Value::Null)])))
}

fn and_superset(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let base = planter.base()?;
    let more = planter.leaf()?;
    Some((rule(and(vec![more, base.node.clone()]), &base.shell), rule(base.node, &base.shell)))
}

fn or_subset(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let base = planter.base()?;
    let more = planter.leaf()?;
    Some((rule(base.node.clone(), &base.shell), rule(or(vec![more, base.node]), &base.shell)))
}

/// A narrower part somewhere within groups of the same form.
fn nested(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (narrow, wide) = planter.leaves()?;
    let [u, v, w] = [planter.leaf()?, planter.leaf()?, planter.leaf()?];
    Some(rules(match planter.random.range(0, 3) {
        0 => {
            (or(vec![and(vec![narrow, v, u.clone()]), w.clone()]), or(vec![w, and(vec![u, wide])]))
        }
        1 => {
            (and(vec![or(vec![narrow, v.clone()]), u, w.clone()]), and(vec![or(vec![v, wide]), w]))
        }
        2 => (and(vec![narrow, u]), or(vec![v, and(vec![w.clone(), wide.clone()]), wide])),
        _ => (and(vec![narrow, or(vec![u.clone(), v.clone()])]), or(vec![and(vec![wide, u]), v])),
    }))
}

fn complements(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (narrow, wide) = planter.leaves()?;
    let [u, v] = [planter.leaf()?, planter.leaf()?];
    Some(rules(match planter.random.range(0, 2) {
        0 => (not(wide), not(narrow)),
        1 => (not(or(vec![u.clone(), wide])), not(and(vec![narrow, v]))),
        _ => (not(and(vec![u.clone(), or(vec![wide, v])])), not(and(vec![narrow, u]))),
    }))
}

/// Where and window of two subjects, the first within the second; one of them may be the same.
fn narrowing(planter: &mut Planter<'_>, entry: &str) -> Option<(Value, Value)> {
    let (mut narrow, mut wide) = (json!({}), json!({}));
    let both = planter.random.range(0, 2);
    if both != 0 {
        let (few, many) = planter.filters(entry)?;
        narrow["where"] = json!([few]);
        if planter.random.percent(70) {
            wide["where"] = json!([many]);
        }
    }
    if both != 1 {
        (narrow["window"], wide["window"]) = planter.windows();
    }
    Some((narrow, wide))
}

fn entry(planter: &mut Planter<'_>) -> String {
    planter.random.pick(&planter.ground.entries).name.clone()
}

fn where_of_a_count(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    Some(rules(planter.counts()?))
}

fn window_of_a_count(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let entry = entry(planter);
    let (narrow, wide) = narrowing(planter, &entry)?;
    let count = json!({"events": entry});
    let least = planter.random.range(1, 4);
    let exact = [(">=", json!(least)), ("=", json!(least)), ("in", json!([least, least + 2]))];
    let narrow = test(&with(&count, narrow), planter.random.pick(&exact).clone());
    Some(rules((narrow, test(&with(&count, wide), (">=", json!(least))))))
}

fn few(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let entry = entry(planter);
    let (narrow, wide) = narrowing(planter, &entry)?;
    let count = json!({"events": entry});
    let most = planter.random.range(0, 4);
    let tests = [("<=", json!(most)), ("<", json!(most + 1)), ("=", json!(0))];
    let few = test(&with(&count, wide), planter.random.pick(&tests).clone());
    Some(rules((few, test(&with(&count, narrow), ("<=", json!(most))))))
}

/// A sum to which nothing negative is added, by the type or by the filter.
fn sum(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (entry, one) = planter.ground.event(planter.random, &[Kind::Number])?;
    let (mut narrow, mut wide) = narrowing(planter, &entry)?;
    if !one.unsigned {
        let floor = json!({"field": one.name, "operator": ">=", "value": 0});
        for side in [&mut narrow, &mut wide] {
            let more = side.get("where").map(|filter| filter[0].clone());
            side["where"] = json!([vec![floor.clone()], Vec::from_iter(more)].concat());
        }
    }
    let sum = json!({"events": entry, "aggregate": "sum", "field": one.name});
    let value = json!(planter.random.range(0, 200));
    let (narrow, wide) = (with(&sum, narrow), with(&sum, wide));
    Some(rules(match planter.random.range(0, 3) {
        0 => (test(&wide, ("<", value.clone())), test(&narrow, ("<=", value))),
        1 => (test(&narrow, ("=", value.clone())), test(&wide, (">=", value))),
        _ => (test(&narrow, (">", value.clone())), test(&wide, (">=", value))),
    }))
}

fn extreme(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (entry, one) = planter.ground.event(planter.random, &ORDERED)?;
    let (narrow, wide) = narrowing(planter, &entry)?;
    let (aggregate, operator) = *planter.random.pick(&[("max", ">="), ("min", "<="), ("max", ">")]);
    let subject = json!({"events": entry, "aggregate": aggregate, "field": one.name});
    let value = planter.random.pick(&one.samples).clone();
    let asked = (operator, value);
    let narrow = test(&with(&subject, narrow), asked.clone());
    Some(rules((narrow, test(&with(&subject, wide), asked))))
}

fn distinct(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (entry, one) = planter.ground.event(planter.random, &ORDERED)?;
    let (narrow, wide) = narrowing(planter, &entry)?;
    let name = if planter.random.percent(40) { "time:day".to_owned() } else { one.name };
    let subject = json!({"events": entry, "aggregate": "count_distinct", "field": name});
    let least = planter.random.range(1, 3);
    let few = test(&with(&subject, narrow), (">=", json!(least + 1)));
    let more = match planter.random.percent(30) {
        true => with(&json!({"events": entry}), wide),
        false => with(&subject, wide),
    };
    Some(rules((few, test(&more, (">", json!(least))))))
}

fn days_since(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let entry = entry(planter);
    let (narrow, wide) = narrowing(planter, &entry)?;
    let days = planter.random.range(5, 120);
    let (aggregate, operator) =
        *planter.random.pick(&[("days_since_last", "<="), ("days_since_first", ">=")]);
    let subject = json!({"events": entry, "aggregate": aggregate});
    let asked = (operator, json!(days));
    let narrow = test(&with(&subject, narrow), asked.clone());
    Some(rules((narrow, test(&with(&subject, wide), asked))))
}

fn tables(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let names: Vec<&str> = planter.ground.entries.iter().map(|one| one.name.as_str()).collect();
    if names.len() < 2 {
        return None;
    }
    let one = *planter.random.pick(&names);
    let least = json!(planter.random.range(1, 4));
    let count = |events: Value| test(&json!({"events": events}), (">=", least.clone()));
    Some(rules((count(json!([one])), count(json!(names)))))
}

fn member(operator: &str, ids: &[i64]) -> Value {
    test(&field("segment"), (operator, json!(ids)))
}

fn segment(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (id, document) = document(planter)?;
    let more = planter.leaf()?;
    let (narrow, wide) = rules((and(vec![more, member("in", &[id])]), member("in", &[id])));
    Some((narrow, if planter.random.percent(50) { wide } else { document }))
}

fn segments(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let rules_of = &planter.ground.rules;
    let (one, other) = (planter.random.pick(rules_of).0, planter.random.pick(rules_of).0);
    Some(rules(match planter.random.percent(50) {
        true => (member("in", &[one]), member("in", &[other, one])),
        false => (member("notIn", &[other, one]), member("notIn", &[one])),
    }))
}

fn operand(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let rules_of = &planter.ground.rules;
    let (one, other) = (planter.random.pick(rules_of).0, planter.random.pick(rules_of).0);
    if one == other {
        return None;
    }
    let more = planter.leaf()?;
    let combined = |operation: &str| json!({"depends_on": [one, other], "operation": operation});
    let only = json!({"depends_on": [one], "operation": "UNION"});
    Some(match planter.random.range(0, 3) {
        0 => (combined("INTERSECTION"), only),
        1 => (combined("DIFFERENCE"), only),
        2 => (only, combined("UNION")),
        _ => (with(&combined("DIFFERENCE"), json!({"conditions": [more]})), combined("DIFFERENCE")),
    })
}

/// Without those who are taken out, with those who are put in.
fn picked(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let base = planter.base()?;
    let keys: Vec<Value> = (0..planter.random.size((1, 4)))
        .map(|_| planter.random.pick(&planter.ground.keys).clone())
        .collect();
    let plain = rule(base.node, &base.shell);
    Some(match planter.random.percent(50) {
        true => (with(&plain, json!({"exclude": keys})), plain),
        false => (plain.clone(), with(&plain, json!({"include": keys}))),
    })
}

/// Something that users can be ranked by.
pub fn ranked(planter: &mut Planter<'_>) -> Option<Value> {
    if planter.random.percent(50) {
        let one = planter.ground.user(planter.random, &ORDERED)?;
        return Some(field(&one.name));
    }
    let (entry, one) = planter.ground.event(planter.random, &[Kind::Number])?;
    let aggregate = *planter.random.pick(&["sum", "avg", "max", "min"]);
    Some(json!({"events": entry, "aggregate": aggregate, "field": one.name}))
}

pub fn first(planter: &mut Planter<'_>, subject: &Value, size: Value) -> Value {
    let operator = if planter.random.percent(50) { "top" } else { "bottom" };
    test(subject, (operator, size))
}

fn rank(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let mut subject = ranked(planter)?;
    if planter.random.percent(40) {
        subject["among"] = json!([planter.leaf()?]);
    }
    let unit = if planter.random.percent(50) { "count" } else { "percent" };
    let (few, more) = (planter.random.range(1, 9), planter.random.range(0, 40));
    let narrow = first(planter, &subject, json!({unit: few}));
    Some(rules((narrow.clone(), with(&narrow, json!({"value": {unit: few + more}})))))
}

fn among(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let subject = ranked(planter)?;
    let (narrow, wide) = planter.leaves()?;
    let subject = with(&subject, json!({"among": [narrow]}));
    let size = json!({"count": planter.random.range(1, 20)});
    Some(rules((first(planter, &subject, size), wide)))
}

fn bucket(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let subject = json!({"field": "bucket", "salt": "planted"});
    let numbers: Vec<Value> = (0..100).map(|number| json!(number)).collect();
    let tests = match planter.random.percent(60) {
        true => planter.intervals(&numbers),
        false => planter.sets(&numbers),
    };
    Some(rules(both(&subject, tests)))
}

fn sequence(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (mut narrow, mut wide) = (Vec::new(), Vec::new());
    for at in 0..planter.random.size((2, 3)) {
        let entry = entry(planter);
        let (few, many) = planter.filters(&entry)?;
        let (mut one, mut other) = (json!({"events": entry}), json!({"events": entry}));
        if planter.random.percent(60) {
            (one["where"], other["where"]) = (json!([few]), json!([many]));
        }
        if at > 0 && planter.random.percent(60) {
            let days = planter.random.range(5, 60);
            one["within"] = json!(format!("{days} days"));
            if planter.random.percent(70) {
                other["within"] = json!(format!("{} days", days + planter.random.range(0, 60)));
            }
        }
        narrow.push(one);
        wide.push(other);
    }
    if narrow.len() < 3 && planter.random.percent(30) {
        narrow.push(json!({"events": entry(planter)}));
    }
    let (mut narrow, mut wide) = (json!({"sequence": narrow}), json!({"sequence": wide}));
    if planter.random.percent(50) {
        (narrow["window"], wide["window"]) = planter.windows();
    }
    Some(rules(match planter.random.percent(30) {
        true => (
            with(&wide, json!({"operator": "didNot"})),
            with(&narrow, json!({"operator": "didNot"})),
        ),
        false => (narrow, wide),
    }))
}

fn circle(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (lat, lon) = (planter.random.range(-40, 40), planter.random.range(-40, 40));
    let small = planter.random.range(100, 2000);
    let large = small + planter.random.range(0, 3000);
    let within = |operator: &str, radius: i64| {
        let value = json!({"lat": lat, "lon": lon, "radius": format!("{radius} km")});
        test(&field("home"), (operator, value))
    };
    Some(rules(match planter.random.percent(60) {
        true => (within("within", small), within("within", large)),
        false => (within("notWithin", large), within("notWithin", small)),
    }))
}
