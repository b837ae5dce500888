#![no_main]

use std::sync::{LazyLock, Mutex};

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use segmentry_fuzz::grammar::Grammar;

static GRAMMAR: LazyLock<Mutex<Grammar>> = LazyLock::new(|| {
    Mutex::new(Grammar::parse(include_str!("../../core/tests/fuzz/grammars/cron.txt")))
});

fuzz_target!(|data: &[u8]| {
    segmentry_fuzz::targets::cron(data);
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    segmentry_fuzz::mutated(&GRAMMAR, data, size, max_size, seed)
});
