//! Random inputs for everything that reads what others wrote: texts of a grammar and of the corpus,
//! whole and damaged, so that a third of them can be read and the rest nearly. Nothing may panic, end
//! the process, or take a second.
//!
//! `SEGMENTRY_FUZZ` says how many inputs each target gets, `SEGMENTRY_SEED` which. An input that breaks a
//! target is made as short as it still breaks it, and printed.

mod grammar;
mod mutate;
mod stored;
mod targets;

use std::panic::{AssertUnwindSafe, catch_unwind};

use chrono::TimeDelta;
use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use segmentry::{Clock, RuleParser, SystemClock};

use crate::differential::setting;
use grammar::Grammar;

type Random = rand_chacha::ChaCha8Rng;

/// What became of the inputs of a target.
struct Report {
    target: &'static str,
    inputs: u64,
    read: u64,
    slowest: TimeDelta,
    slowest_input: String,
}

impl Report {
    fn new(target: &'static str) -> Report {
        let slowest = TimeDelta::zero();
        Report { target, inputs: 0, read: 0, slowest, slowest_input: String::new() }
    }

    /// Hands the target an input, and makes it short if it breaks there.
    fn give(&mut self, input: &[u8], work: &(dyn Fn(&[u8]) -> bool + Sync)) {
        let mut taken = TimeDelta::MAX;
        // Something else may have held the machine up: what is slow is slow every time.
        for _ in 0..3 {
            let begun = SystemClock.now();
            let Ok(read) = catch_unwind(AssertUnwindSafe(|| work(input))) else {
                let shortest = shortest(input.to_vec(), work);
                panic!("{}: {:?}", self.target, String::from_utf8_lossy(&shortest));
            };
            taken = taken.min(SystemClock.now() - begun);
            if taken < TimeDelta::seconds(1) {
                self.inputs += 1;
                self.read += u64::from(read);
                break;
            }
        }
        let shown = || String::from_utf8_lossy(&input[..input.len().min(200)]).into_owned();
        assert!(taken < TimeDelta::seconds(1), "{}: {taken} for {:?}", self.target, shown());
        if taken > self.slowest {
            (self.slowest, self.slowest_input) = (taken, shown());
        }
    }

    fn print(&self) {
        println!("{}: the slowest input was {:?}", self.target, self.slowest_input);
        let figure = format!(
            "{} {} inputs, {:.0} % read, none over {} ms",
            self.target,
            self.inputs,
            100.0 * self.read as f64 / self.inputs.max(1) as f64,
            self.slowest.num_milliseconds().max(1),
        );
        crate::reached("fuzz", figure);
    }
}

/// The input without every piece that it breaks the target without.
fn shortest(mut input: Vec<u8>, work: &dyn Fn(&[u8]) -> bool) -> Vec<u8> {
    let breaks = |input: &[u8]| catch_unwind(AssertUnwindSafe(|| work(input))).is_err();
    let mut size = input.len().div_ceil(2);
    while size > 0 {
        let mut at = 0;
        while at < input.len() {
            let mut less = input.clone();
            less.drain(at..less.len().min(at + size));
            if breaks(&less) {
                input = less;
            } else {
                at += size;
            }
        }
        size /= 2;
    }
    input
}

/// Runs on a thread whose stack is as small as that of a server's worker.
fn on_a_small_stack(work: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().stack_size(2 << 20);
        let done = thread.spawn_scoped(scope, work).unwrap().join();
        if let Err(panic) = done {
            std::panic::resume_unwind(panic);
        }
    });
}

/// Texts of a grammar and of the corpus, half of them damaged.
fn texts(
    target: &'static str,
    grammar: &str,
    corpus: &[String],
    work: &(dyn Fn(&[u8]) -> bool + Sync),
) {
    let (wanted, seed) = (setting("SEGMENTRY_FUZZ", 20_000), setting("SEGMENTRY_SEED", 0));
    on_a_small_stack(|| {
        let mut random = Random::seed_from_u64(seed);
        let (mut grammar, mut report) = (Grammar::parse(grammar), Report::new(target));
        let mut last = String::new();
        for _ in 0..wanted {
            let mut text = match corpus.choose(&mut random) {
                Some(text) if random.random_ratio(1, 4) => text.clone(),
                _ => grammar.text(&mut random),
            };
            if random.random_ratio(1, 2) {
                text = mutate::text(&text, &last, &grammar, &mut random);
            }
            report.give(text.as_bytes(), work);
            last = text;
        }
        report.print();
        let (used, all, missing) = grammar.coverage();
        crate::reached(
            "fuzz",
            format!("{target} {used} of {all} alternatives of its grammar used"),
        );
        assert!(used * 100 >= all * 95, "{missing:?}");
        assert!(report.read * 3 >= report.inputs, "{} read", report.read);
    });
}

/// The files of that name in the corpus.
fn corpus(name: &str) -> Vec<String> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases");
    let mut cases: Vec<_> = std::fs::read_dir(folder).unwrap().map(|c| c.unwrap().path()).collect();
    cases.sort();
    cases.iter().filter_map(|case| std::fs::read_to_string(case.join(name)).ok()).collect()
}

/// The rules of the corpus.
fn rules() -> Vec<String> {
    let rules = |text: String| -> Vec<serde_json::Value> { serde_json::from_str(&text).unwrap() };
    corpus("rules.json").into_iter().flat_map(rules).map(|rule| rule.to_string()).collect()
}

#[test]
fn fuzz_rules() {
    texts("rule", include_str!("grammars/rule.txt"), &rules(), &targets::rule);
}

#[test]
fn fuzz_text_form() {
    let rules = rules();
    let parsed = rules.iter().filter_map(|rule| RuleParser::parse(rule.as_str()).ok());
    let texts_of: Vec<String> =
        parsed.filter_map(|rule| Some(rule.conditions?.to_text())).collect();
    texts("text", include_str!("grammars/text.txt"), &texts_of, &targets::text);
}

#[test]
fn fuzz_models() {
    let models = corpus("model.json");
    texts("model", include_str!("grammars/model.txt"), &models, &targets::model);
}

#[test]
fn fuzz_schedules() {
    texts("cron", include_str!("grammars/cron.txt"), &[], &targets::cron);
}
