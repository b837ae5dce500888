//! Strings that were made to hurt, the same ones for the same seed.

use std::collections::BTreeSet;

use rand::Rng;
use rand::seq::SliceRandom;

use crate::generate::Random;

/// What people have broken programs with.
#[rustfmt::skip]
const KNOWN: &[&str] = &[
    // Quotes and the ends of literals.
    "'", "''", "'''", "\"", "\"\"", "`", "``", "\\", "\\\\", "\\'", "\\\"", "''''", "'\"`", "\u{2019}", "\u{ff07}", "[", "]",
    "]]", "$$", "$tag$", "E'\\x27'", "U&'\\0027'", "N'x'", "x'00'", "%", "_", "%%", "\\%", "\\_", "%_%", "*", "?",
    // SQL.
    "'; DROP TABLE canary; --", "\"; DROP TABLE canary; --", "`; DROP TABLE canary; --", "'); DELETE FROM canary; --",
    "' OR '1'='1", "' OR 1=1 --", "\" OR \"\"=\"", "1; DROP TABLE canary", "canary", "canary\" WHERE 1=1 --",
    "' UNION SELECT word FROM canary --", "x' UNION SELECT 1/*", "*/ UNION SELECT 1 /*", "/* */", "/*", "*/", "--", "-- \n", "#",
    ";", ";;", "); --", "1) OR (1=1", "' || (SELECT word FROM canary) || '", "\\'; DROP TABLE canary; --", "NULL", "null", "TRUE", "select",
    "SELECT * FROM canary", "rule_table", "segment_catalog", "segmentry_meta", "sqlite_master", "main", "rowid", "information_schema.tables",
    "public", "datafusion", "segment_output_1", "users.value", "people", "key", "value", "PRAGMA writable_schema=ON",
    "ATTACH DATABASE 'x' AS y", "load_extension('x')", "writefile('x','y')", "readfile('/etc/passwd')", "COPY canary TO 'x'",
    // Paths and addresses.
    "../canary", "../../../../etc/passwd", "..\\..\\x", "/etc/passwd", "/dev/zero", "/dev/null", ".", "..", "/", "~", "~root", "%2e%2e%2f", "..%2f",
    "file:///etc/passwd", "file:x?mode=rwc", "http://localhost:1/x", "s3://bucket/x", ":memory:", "C:\\x", "\\\\host\\x", "CON", "a/b", "a//b", "x.csv",
    "x.db-wal", "*.csv", "[a-z]", "{a,b}", "x%20y", "x#y", "x?y", "x&y", "x:y", "x y", " x", "x ",
    // Formats, templates, shells, markup.
    "%s%s%s%n", "%x%p", "{}", "{0}", "{{7*7}}", "${x}", "$(touch x)", "`touch x`", "|touch x", "&&touch x", "<script>", "</title>", "&amp;", "<!--",
    "=1+1", "@x", "+1", "-1",
    // Regular expressions.
    "(a+)+$", "(", ")", "(?i)", ".*", "\\p{L}", "^$", "(?P<n>a)",
];

/// A letter or more of every general category of Unicode but the surrogates, which are in no string.
#[rustfmt::skip]
const CLASSES: [(&str, &str); 29] = [
    ("Lu", "AÉΣİẞ"), ("Ll", "aéσςıßﬁſ"), ("Lt", "ǅǈᾈ"), ("Lm", "ʰˑ々"), ("Lo", "ªא日ꙮ한"), ("Mn", "\u{301}\u{300}\u{338}\u{e0100}"),
    ("Mc", "ाि\u{1d165}"), ("Me", "\u{20dd}\u{488}"), ("Nd", "0٣৪𝟘"), ("Nl", "Ⅷⅷ〇"), ("No", "²½①"), ("Pc", "_‿﹏"), ("Pd", "-–—〜"),
    ("Ps", "([{⟦"), ("Pe", ")]}⟧"), ("Pi", "«‘“"), ("Pf", "»’”"), ("Po", "!\"'%,./\\;:·。"), ("Sm", "+<=>|~±∑"), ("Sc", "$¢€₹"),
    ("Sk", "^`¨\u{1f3fb}"), ("So", "©°☃😀🏳"), ("Zs", " \u{a0}\u{2003}\u{3000}"), ("Zl", "\u{2028}"), ("Zp", "\u{2029}"),
    ("Cc", "\0\u{1}\u{8}\t\n\r\u{1b}\u{7f}\u{85}"), ("Cf", "\u{ad}\u{200b}\u{200d}\u{200e}\u{202e}\u{2066}\u{feff}\u{e0041}"),
    ("Co", "\u{e000}\u{f8ff}\u{10fffd}"), ("Cn", "\u{378}\u{fdd0}\u{ffff}\u{10ffff}"),
];

/// So many different strings: known ones, as long as there are any, and drawn ones by turns.
pub fn strings(count: usize, seed: u64) -> Vec<String> {
    let mut random = Random::of(seed);
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    let mut known: Vec<&str> = KNOWN.iter().copied().chain(CLASSES.map(|(_, text)| text)).collect();
    known.shuffle(&mut random.rng);
    while found.len() < count {
        let next = known.pop().map(str::to_owned);
        for text in next.into_iter().chain([drawn(&mut random)]) {
            if found.len() < count && seen.insert(text.clone()) {
                found.push(text);
            }
        }
    }
    found
}

fn drawn(random: &mut Random) -> String {
    let text = match random.range(0, 9) {
        0..=2 => (0..random.size((2, 4))).map(|_| piece(random)).collect(),
        3 | 4 => (0..random.size((1, 24))).map(|_| any_letter(random)).collect(),
        5 => {
            let (_, letters) = *random.pick(&CLASSES);
            let letters: Vec<char> = letters.chars().collect();
            (0..random.size((1, 16))).map(|_| *random.pick(&letters)).collect()
        }
        6 => format!("{}{}{}", edge(random), piece(random), edge(random)),
        7 => damaged(random),
        8 => piece(random).repeat(random.size((2, 40))),
        _ => format!("x{}{}", random.range(0, 1_000_000), piece(random)),
    };
    match random.range(0, 199) {
        // Longer than any name, and than a page of whatever it is written to.
        0 => text.repeat(200_000 / text.len().max(1)),
        1..=3 => text.repeat(5_000 / text.len().max(1)),
        _ => text,
    }
}

fn piece(random: &mut Random) -> String {
    match random.range(0, 3) {
        0 => (0..random.size((1, 4))).map(|_| any_letter(random)).collect(),
        _ => (*random.pick(KNOWN)).to_owned(),
    }
}

/// A letter of a class, or any code point that there is.
fn any_letter(random: &mut Random) -> char {
    if random.percent(70) {
        let (_, letters) = *random.pick(&CLASSES);
        let letters: Vec<char> = letters.chars().collect();
        return *random.pick(&letters);
    }
    loop {
        if let Some(letter) = char::from_u32(random.rng.random_range(0..=0x0010_ffff)) {
            return letter;
        }
    }
}

fn edge(random: &mut Random) -> &'static str {
    const EDGES: [&str; 14] =
        ["'", "\"", "`", " ", "\n", "\0", "(", ")", ",", "\\", "%", ".", "\u{202e}", "--"];
    let edge: &&str = random.pick(&EDGES);
    edge
}

/// A known one with a letter left out, doubled or replaced.
fn damaged(random: &mut Random) -> String {
    let mut letters: Vec<char> = random.pick(KNOWN).chars().collect();
    let at = random.size((0, letters.len() - 1));
    match random.range(0, 2) {
        0 => drop(letters.remove(at)),
        1 => letters.insert(at, letters[at]),
        _ => letters[at] = any_letter(random),
    }
    letters.into_iter().collect()
}

#[test]
fn hostile_strings_are_of_every_class() {
    for (class, letters) in CLASSES {
        let of_class = regex::Regex::new(&format!("^\\p{{{class}}}$")).unwrap();
        let has = letters.chars().any(|letter| of_class.is_match(&letter.to_string()));
        assert!(has, "{class} has no {letters:?}");
    }
    let found = strings(2_000, 7);
    assert_eq!(found, strings(2_000, 7));
    assert_eq!(found.iter().collect::<BTreeSet<_>>().len(), 2_000);
    assert!(found.iter().any(|text| text.len() > 100_000));
}
