//! Regular expressions that every engine reads alike: literals, classes, anchors, alternation.

use super::Random;

pub fn pattern(random: &mut Random, texts: &[String]) -> String {
    let fixed = [
        "^[A-Z]",
        "[0-9]+",
        "^$",
        "a|e|i",
        "[a-mA-M]",
        "^[^a-z]",
        "l$",
        "(or|av)",
        "[aeiou][a-z]$",
        "x?",
        "^(Travel|Food|IN)$",
        ".",
        "^.{4,6}$",
        "%",
        "[kK]",
    ];
    if texts.is_empty() || random.percent(40) {
        return (*random.pick(&fixed)).to_owned();
    }
    let text = random.pick(texts).clone();
    let other = random.pick(texts).clone();
    let half = text.chars().count() / 2;
    let front: String = text.chars().take(half.max(1)).collect();
    let back: String = text.chars().skip(half).collect();
    match random.range(0, 4) {
        0 => format!("^{}", escaped(&front)),
        1 => format!("{}$", escaped(&back)),
        2 => format!("^(?:{}|{})$", escaped(&text), escaped(&other)),
        3 => format!("{}.*{}", escaped(&front), escaped(&back)),
        _ => escaped(&back),
    }
}

/// Literal text, with only what has a meaning in patterns escaped.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if "\\.+*?()|[]{}^$".contains(letter) {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}
