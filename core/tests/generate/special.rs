//! Conditions that look past one user's fields: segments, ranks, buckets, places and sequences.

use super::conditions::Maker;
use super::document::{list, names, object, plain, with_member};
use super::windows::window;

/// A condition on the segments of rules that are there already.
pub fn segment(maker: &mut Maker<'_>, rules: &[(i64, String)]) -> String {
    let count = maker.random.size((1, 2));
    let mut named = Vec::new();
    for _ in 0..count {
        let (id, name) = maker.random.pick(rules).clone();
        named.push(if maker.random.percent(50) { id.to_string() } else { name });
    }
    let negative = maker.random.percent(40);
    let (one, many) = if negative { ("!=", "notIn") } else { ("=", "in") };
    let operator = if count == 1 && maker.random.percent(30) { one } else { many };
    let value = match named.as_slice() {
        [name] if operator == one || maker.random.percent(40) => name.clone(),
        names => list(names),
    };
    maker.coverage.note_other("segment");
    object(&[("field", plain("segment")), ("operator", plain(operator)), ("value", value)])
}

/// One of the conditions that the options allow, if they allow any.
pub fn optional(maker: &mut Maker<'_>) -> Option<String> {
    let options = maker.options;
    let mut kinds = Vec::new();
    kinds.extend(options.ranks.then_some("rank"));
    kinds.extend(options.buckets.then_some("bucket"));
    kinds.extend(options.places.then_some("place"));
    kinds.extend(options.sequences.then_some("sequence"));
    if kinds.is_empty() {
        return None;
    }
    let kind = *maker.random.pick(&kinds);
    maker.coverage.note_other(kind);
    Some(match kind {
        "rank" => rank(maker),
        "bucket" => bucket(maker),
        "place" => place(maker),
        _ => sequence(maker),
    })
}

/// A rank by any ordered attribute or aggregate.
fn rank(maker: &mut Maker<'_>) -> String {
    let ordered = |ty| {
        use super::world::Type::{Date, Decimal, Float, Int, Stamp, Text};
        matches!(ty, Int | Decimal | Float | Date | Stamp | Text)
    };
    let mut fields: Vec<String> = Vec::new();
    fields.extend(maker.schema.users.iter().filter(|of| ordered(of.1)).map(|of| of.0.clone()));
    fields.extend(maker.schema.traits.iter().filter(|of| ordered(of.ty)).map(|of| of.name.clone()));
    let mut members = match maker.random.percent(50) {
        true => vec![("field", plain(maker.random.pick(&fields)))],
        false => {
            let field = maker.random.pick(&maker.schema.events).clone();
            let entries = names(maker.random, &field.entries);
            let aggregate = *maker.random.pick(&["sum", "avg", "max", "min"]);
            use super::world::Type::{Decimal, Float, Int};
            match field.ty {
                Int | Decimal | Float => vec![
                    ("events", entries),
                    ("aggregate", plain(aggregate)),
                    ("field", plain(&field.column)),
                ],
                _ => vec![("events", entries)],
            }
        }
    };
    members.push(("operator", plain(if maker.random.percent(50) { "top" } else { "bottom" })));
    let size = match maker.random.percent(50) {
        true => object(&[("count", maker.random.range(1, 90).to_string())]),
        false => {
            let percent = *maker.random.pick(&["10", "33.3", "0.5", "50", "75", "100"]);
            object(&[("percent", percent.to_owned())])
        }
    };
    members.push(("value", size));
    if maker.random.percent(40) {
        members.push(("among", list(&[maker.attribute()])));
    }
    object(&members)
}

fn bucket(maker: &mut Maker<'_>) -> String {
    let low = maker.random.range(0, 60);
    let (operator, value) = match maker.random.range(0, 3) {
        0 => ("<", (low + 20).to_string()),
        1 => (">=", low.to_string()),
        2 => ("in", list(&[low.to_string(), (low + 7).to_string(), "99".to_owned()])),
        _ => ("between", list(&[low.to_string(), (low + 30).to_string()])),
    };
    let condition =
        object(&[("field", plain("bucket")), ("operator", plain(operator)), ("value", value)]);
    match maker.random.percent(60) {
        true => with_member(&condition, "salt", "\"autumn-tést\""),
        false => condition,
    }
}

fn place(maker: &mut Maker<'_>) -> String {
    let quarter = |number: i64| (number as f64 / 4.0).to_string();
    let value = if maker.random.percent(50) {
        let (lat, lon) = (maker.random.range(-40, 40), maker.random.range(-40, 40));
        let radius = *maker.random.pick(&["500 km", "1200 km", "900000 m", "700 mi", "5000 km"]);
        object(&[("lat", quarter(lat)), ("lon", quarter(lon)), ("radius", plain(radius))])
    } else {
        // a star-shaped ring round a centre, at times across the date line
        let centre = if maker.random.percent(25) { 720 } else { 0 };
        let corners = maker.random.range(3, 7);
        let ring: Vec<String> = (0..corners)
            .map(|at| {
                let angle = std::f64::consts::TAU * at as f64 / corners as f64;
                let size = maker.random.range(20, 160) as f64;
                let lon = centre + (angle.cos() * size) as i64;
                let lon = if lon > 720 { lon - 1440 } else { lon };
                list(&[quarter(lon), quarter((angle.sin() * size) as i64)])
            })
            .collect();
        object(&[("polygon", list(&ring))])
    };
    let operator = if maker.random.percent(60) { "within" } else { "notWithin" };
    object(&[("field", plain("home")), ("operator", plain(operator)), ("value", value)])
}

fn sequence(maker: &mut Maker<'_>) -> String {
    let count = maker.random.size((2, 3));
    let mut steps = Vec::new();
    for at in 0..count {
        let field = maker.random.pick(&maker.schema.events).clone();
        let mut members = vec![("events", names(maker.random, &field.entries))];
        if maker.random.percent(50) {
            let operator = *maker.random.pick(super::conditions::operators(field.ty));
            let condition = maker.event(&field.entries, operator, field.ty);
            members.push(("where", list(&[condition])));
        }
        if at > 0 && maker.random.percent(60) {
            let within = *maker.random.pick(&["7 days", "30 days", "2 months", "90 days"]);
            members.push(("within", plain(within)));
        }
        steps.push(object(&members));
    }
    let mut members = vec![("sequence", list(&steps))];
    if maker.random.percent(50) {
        members.push(("window", window(maker.random, maker.zone, maker.schema.as_of)));
    }
    match maker.random.range(0, 2) {
        0 => members.push(("operator", plain("did"))),
        1 => members.push(("operator", plain("didNot"))),
        _ => {}
    }
    object(&members)
}
