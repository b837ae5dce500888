//! Pairs that look like containments and need not be: whatever is answered has to be true.

use serde_json::{Value, json};

use super::contained::{first, ranked};
use super::ground::Kind;
use super::planting::{Make, Planter, and, field, not, or, rule, rules, test, with};

pub const KINDS: &[(&str, Make)] = &[
    ("overlap", overlap),
    ("missing values", missing),
    ("window of any aggregate", any_window),
    ("where of any aggregate", any_where),
    ("another aggregate", other_aggregate),
    ("another fold", other_fold),
    ("another rank", other_rank),
    ("field against field", against),
    ("one leaf exchanged", exchanged),
    ("regular expression", pattern),
    ("unrelated", unrelated),
];

const ORDERED: [Kind; 4] = [Kind::Number, Kind::Text, Kind::Date, Kind::Stamp];

fn overlap(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let one = planter.ground.user(planter.random, &ORDERED)?;
    let subject = field(&one.name);
    let tests = |planter: &mut Planter<'_>| {
        let [narrow, wide] = planter.tests(&one)?;
        Some(test(&subject, if planter.random.percent(50) { narrow } else { wide }))
    };
    let [a, b, c] = [tests(planter)?, tests(planter)?, tests(planter)?];
    Some(rules(match planter.random.range(0, 3) {
        0 => (a, b),
        1 => (and(vec![a, b]), c),
        2 => (a, or(vec![b, c])),
        _ => (not(a), or(vec![not(b), c])),
    }))
}

/// Complements with and without those who have no value.
fn missing(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let one = planter.ground.user(planter.random, &ORDERED)?;
    let subject = field(&one.name);
    let value = planter.random.pick(&one.samples).clone();
    let plain = |operator: &str| test(&subject, (operator, value.clone()));
    let null = test(&subject, ("null", Value::Null));
    let (a, b) = *planter.random.pick(&[("=", "!="), ("<", ">="), (">", "<="), ("!=", "=")]);
    Some(rules(match planter.random.range(0, 3) {
        0 => (not(plain(a)), plain(b)),
        1 => (not(plain(a)), or(vec![plain(b), null])),
        2 => (and(vec![not(plain(a)), not(null)]), plain(b)),
        _ => (or(vec![null, plain(a)]), not(plain(b))),
    }))
}

const AGGREGATES: [&str; 6] = ["sum", "avg", "min", "max", "first", "last"];

/// Any aggregate of a number, with values that it may have.
fn aggregate(planter: &mut Planter<'_>) -> Option<(Value, (&'static str, Value))> {
    let (entry, one) = planter.ground.event(planter.random, &[Kind::Number])?;
    let aggregate = *planter.random.pick(&AGGREGATES);
    let subject = json!({"events": entry, "aggregate": aggregate, "field": one.name});
    let [narrow, wide] = planter.intervals(&one.samples);
    Some((subject, if planter.random.percent(30) { narrow } else { wide }))
}

fn any_window(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (subject, asked) = aggregate(planter)?;
    let subject = test(&subject, asked);
    let (narrow, wide) = planter.windows();
    let (other, _) = planter.windows();
    let wide = if planter.random.percent(70) { wide } else { other };
    Some(rules((
        with(&subject, json!({"window": narrow})),
        with(&subject, json!({"window": wide})),
    )))
}

fn any_where(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (subject, asked) = aggregate(planter)?;
    let subject = test(&subject, asked);
    let entry = subject["events"].as_str()?.to_owned();
    let (narrow, wide) = planter.filters(&entry)?;
    let wide = match planter.random.percent(70) {
        true => with(&subject, json!({"where": [wide]})),
        false => subject.clone(),
    };
    Some(rules((with(&subject, json!({"where": [narrow]})), wide)))
}

fn other_aggregate(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (mut subject, asked) = aggregate(planter)?;
    if planter.random.percent(50) {
        subject["window"] = planter.windows().0;
    }
    let other = *planter.random.pick(&["sum", "avg", "min", "max", "first", "last", "count"]);
    let changed = with(&subject, json!({"aggregate": other}));
    let asked_too = match planter.random.percent(30) {
        true => ("notNull", Value::Null),
        false => asked.clone(),
    };
    Some(rules((test(&subject, asked), test(&changed, asked_too))))
}

fn other_fold(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let one = planter.ground.user(planter.random, &[Kind::Text])?;
    let subject = field(&one.name);
    let tests = |planter: &mut Planter<'_>| {
        let [narrow, wide] = match planter.random.percent(50) {
            true => planter.looks(&one.samples)?,
            false => planter.sets(&one.samples),
        };
        let asked = if planter.random.percent(50) { narrow } else { wide };
        let plain = test(&subject, asked);
        Some(with(&plain, json!({"caseSensitive": planter.random.percent(50)})))
    };
    Some(rules((tests(planter)?, tests(planter)?)))
}

fn other_rank(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let subject = ranked(planter)?;
    let (narrow, wide) = planter.leaves()?;
    let draw = |planter: &mut Planter<'_>| {
        let unit = if planter.random.percent(50) { "count" } else { "percent" };
        let size = json!({unit: planter.random.range(1, 50)});
        let rank = first(planter, &subject, size);
        match planter.random.range(0, 2) {
            0 => rank,
            1 => with(&rank, json!({"among": [narrow]})),
            _ => with(&rank, json!({"among": [wide]})),
        }
    };
    Some(rules((draw(planter), draw(planter))))
}

fn against(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let kind = *planter.random.pick(&ORDERED);
    let (one, other) = (
        planter.ground.user(planter.random, &[kind])?,
        planter.ground.user(planter.random, &[kind])?,
    );
    let mut operators = vec!["=", "!=", "<", "<=", ">", ">="];
    if kind == Kind::Text {
        operators.extend(["contains", "beginsWith", "endsWith", "doesNotContain"]);
    }
    let draw = |planter: &mut Planter<'_>| {
        let (left, right) = match planter.random.percent(50) {
            true => (&one.name, &other.name),
            false => (&other.name, &one.name),
        };
        let operator = *planter.random.pick(&operators);
        let condition = test(&field(left), (operator, json!(right)));
        let condition = with(&condition, json!({"valueSource": "field"}));
        match kind == Kind::Text && planter.random.percent(40) {
            true => with(&condition, json!({"caseSensitive": false})),
            false => condition,
        }
    };
    let (a, b, c) = (draw(planter), draw(planter), draw(planter));
    Some(rules(match planter.random.range(0, 2) {
        0 => (a, b),
        1 => (and(vec![a, b]), c),
        _ => (not(a), or(vec![b, c])),
    }))
}

/// Groups of one form with one leaf that differs.
fn exchanged(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let [a, b, c, d] = [planter.leaf()?, planter.leaf()?, planter.leaf()?, planter.leaf()?];
    let made = |last: Value| match a["operator"] == ">=" {
        true => or(vec![and(vec![a.clone(), b.clone()]), and(vec![c.clone(), last])]),
        false => and(vec![or(vec![a.clone(), b.clone()]), not(and(vec![c.clone(), last]))]),
    };
    Some(rules((made(d), made(planter.leaf()?))))
}

fn pattern(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let one = planter.ground.user(planter.random, &[Kind::Text])?;
    let subject = field(&one.name);
    let patterns = ["^[A-Z]", "[a-z]", "^$", ".", "a|e", "[kK]", "^(Travel|Food|IN)$", "l$"];
    let draw = |planter: &mut Planter<'_>| {
        let operator = *planter.random.pick(&["matches", "doesNotMatch"]);
        let condition = test(&subject, (operator, json!(planter.random.pick(&patterns))));
        with(&condition, json!({"caseSensitive": planter.random.percent(60)}))
    };
    let [set, _] = planter.sets(&one.samples);
    let (a, b) = (draw(planter), draw(planter));
    Some(rules(if planter.random.percent(60) { (test(&subject, set), a) } else { (a, b) }))
}

fn unrelated(planter: &mut Planter<'_>) -> Option<(Value, Value)> {
    let (one, other) = (planter.base()?, planter.base()?);
    Some((rule(one.node, &one.shell), rule(other.node, &other.shell)))
}
