//! Texts that mean harm: refused or read quickly, without a panic, on a stack of 2 MiB.

use chrono::TimeDelta;
use rand::Rng;
use segmentry::{Clock, Code, MAX_CONDITIONS, MAX_LEVELS, MAX_VALUES, RuleParser, SystemClock};

use super::{problems, read, written};
use crate::differential::setting;
use crate::generate::{self, Options};

/// Runs on a stack of 2 MiB, as threads of runtimes have.
fn on_small_stack(test: impl FnOnce() + Send + 'static) {
    std::thread::Builder::new().stack_size(2 << 20).spawn(test).unwrap().join().unwrap();
}

/// The code and place of the first problem, found within the time.
fn refused(text: &str, within: TimeDelta) -> (Code, String) {
    let begun = SystemClock.now();
    let found = problems(text);
    let taken = SystemClock.now() - begun;
    assert!(taken < within, "{taken:?}, {}", found[0]);
    (found[0].code, found[0].path.clone())
}

const SECOND: TimeDelta = TimeDelta::seconds(1);

#[test]
fn text_that_is_deep_is_refused_at_once() {
    on_small_stack(|| {
        for opening in
            ["(", "not (", "not ", "any_of(", "top(a, count => 1, among => ", "trait(a, where => "]
        {
            let (code, _) = refused(&opening.repeat(1_000_000), SECOND);
            assert_eq!(code, Code::LimitExceeded, "{opening}");
        }
        assert_eq!(refused(&"ci(".repeat(1_000_000), SECOND), (Code::Malformed, "1:4".to_owned()));
        assert_eq!(refused(&"a.".repeat(1_000_000), SECOND).0, Code::Malformed);
        assert_eq!(refused(&"=".repeat(10_000_000), SECOND).0, Code::Malformed);
        assert_eq!(refused(&"a".repeat(10_000_000), SECOND * 5).0, Code::Malformed);
        assert_eq!(refused(&"- ".repeat(10_000_000), SECOND).0, Code::Malformed);
        assert_eq!(refused(&"/**/".repeat(10_000_000), SECOND * 5).0, Code::Malformed);
        assert_eq!(refused(&"/*".repeat(1_000_000), SECOND * 5).0, Code::Malformed);
    });
}

/// A condition in so many groups, the root among them.
fn nested(opening: &str, levels: usize) -> String {
    format!("{}a = 1{}", opening.repeat(levels), ")".repeat(levels))
}

#[test]
fn text_nests_as_deep_as_documents() {
    on_small_stack(|| {
        for opening in ["(", "not (", "any_of("] {
            written(&read(&nested(opening, MAX_LEVELS)));
            let (code, _) = refused(&nested(opening, MAX_LEVELS + 1), SECOND);
            assert_eq!(code, Code::LimitExceeded, "{opening}");
            let (code, _) = refused(&nested(opening, MAX_LEVELS + 10), SECOND);
            assert_eq!(code, Code::LimitExceeded, "{opening}");
        }
        let ranks = |levels: usize| {
            let opening = "top(ci(trait(a, where => not (b = 1))), count => 1, among => ";
            format!("{}a = 1{}", opening.repeat(levels), ")".repeat(levels))
        };
        written(&read(&ranks(MAX_LEVELS - 1)));
        assert_eq!(refused(&ranks(MAX_LEVELS), SECOND).0, Code::LimitExceeded);
    });
}

#[test]
fn text_of_many_conditions_is_read_in_a_row() {
    on_small_stack(|| {
        let begun = SystemClock.now();
        for between in [" and ", " or "] {
            let text = vec!["a = 1"; MAX_CONDITIONS].join(between);
            assert_eq!(read(&text).rules.len(), MAX_CONDITIONS);
            written(&read(&text));
            let text = vec!["a = 1"; MAX_CONDITIONS + 1].join(between);
            let (code, path) = refused(&text, SECOND * 5);
            assert_eq!(code, Code::LimitExceeded);
            assert_eq!(path, format!("1:{}", MAX_CONDITIONS * (5 + between.len()) + 1));
        }
        let text = vec!["(a = 1)"; MAX_CONDITIONS - 1].join(" and ");
        written(&read(&text));
        let text = vec!["(a = 1)"; MAX_CONDITIONS].join(" and ");
        assert_eq!(refused(&text, SECOND * 5).0, Code::LimitExceeded);
        let text = vec!["true"; 1_000_000].join(" and ");
        assert_eq!(refused(&text, SECOND * 5).0, Code::LimitExceeded);
        let text = vec!["count(t, where => any_of(b = 1)) > 1"; MAX_CONDITIONS / 2].join(" and ");
        written(&read(&text));
        let text = vec!["count(t, where => any_of(b = 1)) > 1"; MAX_CONDITIONS / 2 + 1];
        assert_eq!(refused(&text.join(" or "), SECOND * 20).0, Code::LimitExceeded);
        let text = vec!["a = b"; MAX_CONDITIONS].join(" and ");
        assert_eq!(problems(&text).len(), MAX_CONDITIONS);
        assert!(SystemClock.now() - begun < SECOND * 60);
    });
}

#[test]
fn text_of_many_values_is_read_and_of_more_refused() {
    let list = |count: usize| format!("a in ({})", vec!["1"; count].join(","));
    let group = read(&list(MAX_VALUES));
    assert_eq!(group.to_text().len(), "a in ()".len() + 3 * MAX_VALUES - 2);
    let (code, path) = refused(&list(MAX_VALUES + 1), SECOND * 20);
    assert_eq!((code, path.as_str()), (Code::LimitExceeded, "1:2000007"));
    let names = format!("a in ({})", vec!["x"; MAX_VALUES].join(","));
    let found = problems(&names);
    assert_eq!(found.len(), MAX_CONDITIONS + 1);
    assert_eq!(found[MAX_CONDITIONS].code, Code::LimitExceeded);
}

#[test]
fn text_that_is_long_is_refused() {
    let long = " ".repeat(64 * 1024 * 1024 + 1);
    assert_eq!(refused(&long, SECOND).0, Code::LimitExceeded);
    let string = format!("a = '{}", "x''".repeat(5_000_000));
    assert_eq!(refused(&string, SECOND * 20), (Code::Malformed, "1:5".to_owned()));
    let parts = format!("a{}", ". a".repeat(5_000_000));
    assert_eq!(refused(&parts, SECOND * 5).0, Code::LimitExceeded);
    let steps = format!("did(step(t){})", ", step(t)".repeat(1_000_000));
    assert_eq!(refused(&steps, SECOND * 5).0, Code::BadValue);
    let tables = format!("count(events => '{}') > 1", "t,".repeat(10_000_000));
    assert_eq!(refused(&tables, SECOND * 20).0, Code::LimitExceeded);
    let edges = format!("count(t, between => '{}') > 1", "1 day,".repeat(5_000_000));
    assert_eq!(refused(&edges, SECOND * 20).0, Code::BadWindow);
    let arguments = format!("count(t{}) > 1", ", lst => 1".repeat(2_000_000));
    assert_eq!(refused(&arguments, SECOND * 20).0, Code::UnknownMember);
    let name = format!("{}(t) > 1", "x".repeat(1_000_000));
    assert_eq!(refused(&name, SECOND * 5), (Code::BadOperator, "1:1".to_owned()));
    let text = format!("a = '{}'", "é''\n".repeat(1_000_000));
    written(&read(&text));
}

#[test]
fn text_of_many_pieces_is_that_of_one() {
    // sqlparser is handed 64 KiB at a time: whatever stands at an edge reads the same.
    let unit = "a = 'x''y,(' and \"b\"\"c\" <= -1.5e3 and /* ' */ contains(é.d, ' ')\n";
    let mut expected = Vec::new();
    for shift in 0..70 {
        let text = format!("{}{}", " ".repeat(shift), vec![unit; 2_000].join(" and "));
        let group = read(&text);
        assert_eq!(group.rules.len(), 6_000);
        if expected.is_empty() {
            expected.clone_from(&group.rules);
        }
        assert!(group.rules == expected, "shifted by {shift}");
    }
    let mut text = vec![unit; 3_000].join(" and ");
    text.push_str("and e = f");
    let found = problems(&text);
    assert_eq!(found[0].path, "3001:9");
}

/// Deletes, doubles, replaces and swaps letters.
fn mutated(random: &mut generate::Random, text: &str) -> String {
    const BITS: [&str; 40] = [
        "(", ")", ",", "'", "\"", "`", "=", "=>", "<", ">", "-", "--", "/*", "*/", ".", ";", "\\",
        "\0", "🎉", "é", "\n", "1", "1e", "9e9999", " and ", " or ", " not ", " in ", " null ",
        " true ", "$$", "$1", "?", "E'", "U&'", "N'", ":", "{", "[", "ci(",
    ];
    let mut letters: Vec<String> = text.chars().map(String::from).collect();
    for _ in 0..random.range(1, 4) {
        let at = random.rng.random_range(0..letters.len().max(1));
        match random.range(0, 4) {
            _ if letters.is_empty() => letters.push("a".to_owned()),
            0 => drop(letters.remove(at)),
            1 => letters.insert(at, letters[at].clone()),
            2 => letters[at] = (*random.pick(&BITS)).to_owned(),
            3 => {
                let end = letters.len().min(at + random.size((1, 20)));
                drop(letters.drain(at..end));
            }
            _ => letters.insert(at, (*random.pick(&BITS)).to_owned()),
        }
    }
    letters.concat()
}

/// What the language is made of, and what it is not.
const WORDS: [&str; 60] = [
    "a",
    "t.b",
    "\"c d\"",
    "segment",
    "bucket",
    "'x'",
    "'it''s'",
    "1",
    "-1",
    "2.5e3",
    "true",
    "false",
    "null",
    "not",
    "and",
    "or",
    "in",
    "is",
    "between",
    "(",
    ")",
    "(",
    ")",
    ",",
    ",",
    "=",
    "=",
    "<>",
    ">=",
    "=>",
    "=>",
    "count(",
    "sum(t.a",
    "trait(a",
    "ci(",
    "contains(",
    "during(a",
    "within(a",
    "top(a",
    "did(",
    "step(t",
    "field(",
    "any_of(",
    "disabled('{\"muted\":true}')",
    "where =>",
    "among =>",
    "last =>",
    "'1 day'",
    "between =>",
    "events =>",
    "window => 'all'",
    "polygon =>",
    "'[[1,2],[3,4],[5,6]]'",
    "lat =>",
    "count =>",
    "select",
    "like",
    "*",
    ";",
    "\n",
];

#[test]
fn text_of_words_thrown_together_never_panics() {
    let wanted = setting("SEGMENTRY_RULES", 100_000);
    let first = setting("SEGMENTRY_SEED", 0);
    on_small_stack(move || {
        use rand::SeedableRng;
        let mut random = generate::Random { rng: rand_chacha::ChaCha8Rng::seed_from_u64(first) };
        let mut good = 0;
        for _ in 0..wanted {
            let count = random.size((1, 12));
            let words: Vec<&str> = (0..count).map(|_| *random.pick(&WORDS)).collect();
            let mut text = words.join(" ");
            if random.percent(50) {
                // Whatever was opened is closed.
                let open = text.matches('(').count().saturating_sub(text.matches(')').count());
                text.push_str(&")".repeat(open));
            }
            let read = std::panic::catch_unwind(|| RuleParser::parse_text(&text));
            if let Ok(rule) = read.unwrap_or_else(|_| panic!("panics at {text:?}")) {
                good += 1;
                written(&rule.conditions.unwrap());
            }
        }
        println!("seed {first}, {wanted} texts, {good} of them read");
        assert!(good * 1_000 > wanted, "only {good} of {wanted} are read");
    });
}

#[test]
fn text_that_is_damaged_never_panics() {
    let wanted = usize::try_from(setting("SEGMENTRY_RULES", 30_000)).unwrap();
    let first = setting("SEGMENTRY_SEED", 0);
    on_small_stack(move || {
        use rand::SeedableRng;
        let mut random =
            generate::Random { rng: rand_chacha::ChaCha8Rng::seed_from_u64(first ^ 0x7e87) };
        let options = Options {
            users: (20, 30),
            max_events: 100,
            rules: (40, 60),
            places: true,
            ranks: true,
            buckets: true,
            sequences: true,
            field_strings: true,
            retries: 0,
        };
        let (mut tried, mut good, mut seed) = (0, 0, first);
        while tried < wanted {
            for (_, document) in generate::case(seed, &options).rules {
                let rule = RuleParser::parse(document.as_str()).unwrap();
                let Some(conditions) = rule.conditions else { continue };
                let text = conditions.to_text();
                for _ in 0..20 {
                    let text = mutated(&mut random, &text);
                    tried += 1;
                    let read = std::panic::catch_unwind(|| RuleParser::parse_text(&text));
                    match read.unwrap_or_else(|_| panic!("panics at {text:?}")) {
                        Ok(rule) => {
                            good += 1;
                            written(&rule.conditions.unwrap());
                        }
                        Err(error) => {
                            for problem in error.problems() {
                                let (line, column) = problem.path.split_once(':').unwrap();
                                let (line, column): (usize, usize) =
                                    (line.parse().unwrap(), column.parse().unwrap());
                                let row = text.split('\n').nth(line - 1).unwrap();
                                assert!(column <= row.chars().count() + 1, "{text}\n{problem}");
                            }
                        }
                    }
                }
            }
            seed += 1;
        }
        println!("seeds {first} to {}, {tried} texts, {good} of them read", seed - 1);
        assert!(good * 50 > tried, "only {good} of {tried} are read");
    });
}
