//! Writing JSON: strings, objects, and the trees that conditions stand in.

use super::Random;

/// A string of JSON; letters past ASCII are sometimes written as escapes.
pub fn quote(random: &mut Random, text: &str) -> String {
    let escaped = random.percent(10);
    let mut out = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            letter if letter < ' ' => out.push_str(&format!("\\u{:04x}", letter as u32)),
            letter if escaped && !letter.is_ascii() => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

pub fn plain(text: impl AsRef<str>) -> String {
    format!("\"{}\"", text.as_ref().replace('\\', "\\\\").replace('"', "\\\""))
}

/// An object from names and values that are JSON already.
pub fn object(members: &[(&str, String)]) -> String {
    let members: Vec<String> =
        members.iter().map(|(name, value)| format!("{}: {value}", plain(name))).collect();
    format!("{{{}}}", members.join(", "))
}

pub fn list(items: &[String]) -> String {
    format!("[{}]", items.join(", "))
}

/// A list of names, or the only one by itself.
pub fn names(random: &mut Random, names: &[String]) -> String {
    match names {
        [name] if random.percent(50) => plain(name),
        names => {
            let mut items: Vec<String> = names.iter().map(plain).collect();
            if random.percent(5) {
                items.push(items[0].clone());
            }
            list(&items)
        }
    }
}

/// An object with one more member at its beginning.
pub fn with_member(json: &str, name: &str, value: &str) -> String {
    match json.strip_prefix('{') {
        Some("}") => format!("{{\"{name}\": {value}}}"),
        Some(rest) => format!("{{\"{name}\": {value}, {rest}"),
        None => panic!("{json} is no object"),
    }
}

/// Conditions in one of the forms that may stand wherever conditions do.
pub fn tree(random: &mut Random, leaves: Vec<String>) -> String {
    let leaves: Vec<String> = leaves.into_iter().map(|leaf| decorated(random, leaf)).collect();
    match leaves.as_slice() {
        [] => "[]".to_owned(),
        [leaf] => match random.range(0, 5) {
            0 => leaf.clone(),
            1 => group(random, "or", &leaves),
            2 => group(random, "and", &leaves),
            3 => negated(&group(random, "and", &leaves)),
            _ => list(&leaves),
        },
        [first, rest @ ..] => match random.range(0, 7) {
            0 => group(random, "or", &leaves),
            1 => group(random, "and", &leaves),
            2 => negated(&group(random, "or", &leaves)),
            3 => list(&joined(random, &leaves)),
            4 => object(&[("rules", list(&joined(random, &leaves)))]),
            5 => {
                let inner = group(random, "and", rest);
                group(random, "or", &[first.clone(), inner])
            }
            6 => {
                let inner = group(random, "or", rest);
                let inner = match random.percent(30) {
                    true => negated(&inner),
                    false => inner,
                };
                list(&[inner, first.clone()])
            }
            _ => list(&leaves),
        },
    }
}

fn group(random: &mut Random, combinator: &str, rules: &[String]) -> String {
    let mut rules = rules.to_vec();
    if random.percent(12) {
        let switch = if random.percent(50) { "disabled" } else { "muted" };
        let off = with_member(random.pick(&rules).clone().as_str(), switch, "true");
        // a leaf that is off already keeps its own switch
        if off.matches(switch).count() == 1 {
            let at = random.size((0, rules.len()));
            // a group that holds nothing else is left out with it
            let off = match random.percent(50) {
                true => object(&[("combinator", plain("or")), ("rules", list(&[off]))]),
                false => off,
            };
            rules.insert(at, off);
        }
    }
    let mut members = vec![("combinator", plain(combinator)), ("rules", list(&rules))];
    if random.percent(10) {
        members.push(("id", plain("g-1")));
    }
    if random.percent(10) {
        members.push(("not", "false".to_owned()));
    }
    object(&members)
}

/// The complement of a group that is not negated yet.
fn negated(group: &str) -> String {
    match group.strip_suffix(", \"not\": false}") {
        Some(rest) => format!("{rest}, \"not\": true}}"),
        None => with_member(group, "not", "true"),
    }
}

/// Conditions with `"and"` and `"or"` between them.
fn joined(random: &mut Random, leaves: &[String]) -> Vec<String> {
    let mut items = Vec::new();
    for leaf in leaves {
        if !items.is_empty() {
            items.push(plain(if random.percent(50) { "and" } else { "or" }));
        }
        items.push(leaf.clone());
    }
    items
}

/// What a web form adds to a condition for itself.
fn decorated(random: &mut Random, leaf: String) -> String {
    let mut leaf = leaf;
    if random.percent(6) {
        leaf = with_member(&leaf, "id", "\"r-7\"");
    }
    if random.percent(4) && !leaf.contains("\"disabled\"") {
        leaf = with_member(&leaf, "disabled", "false");
    }
    if random.percent(4) && !leaf.contains("\"valueSource\"") {
        leaf = with_member(&leaf, "valueSource", "\"value\"");
    }
    leaf
}
