//! What the targets share with `core/tests/fuzz`: what is done with an input, the grammars, and the damage
//! that is done to texts. libFuzzer's own mutations take turns with texts of the grammar, so that much of
//! what is tried can be read.

#[path = "../../core/tests/fuzz/grammar.rs"]
pub mod grammar;
#[path = "../../core/tests/fuzz/mutate.rs"]
pub mod mutate;
#[path = "../../core/tests/fuzz/targets.rs"]
pub mod targets;

use std::sync::Mutex;

use rand::{Rng, SeedableRng};

/// The random numbers of the shared files.
pub type Random = rand_chacha::ChaCha8Rng;

/// Replaces `size` bytes of `data` by a text of the grammar, or damages them; how many there are then.
pub fn mutated(
    grammar: &Mutex<grammar::Grammar>,
    data: &mut [u8],
    size: usize,
    max_size: usize,
    seed: u32,
) -> usize {
    let mut random = Random::seed_from_u64(seed.into());
    let mut grammar = grammar.lock().unwrap();
    let fresh = grammar.text(&mut random);
    let text = match random.random_range(0..4) {
        0 => fresh,
        1 => mutate::text(&fresh, "", &grammar, &mut random),
        2 => mutate::text(&String::from_utf8_lossy(&data[..size]), &fresh, &grammar, &mut random),
        _ => return libfuzzer_sys::fuzzer_mutate(data, size, max_size),
    };
    let size = text.len().min(max_size).min(data.len());
    data[..size].copy_from_slice(&text.as_bytes()[..size]);
    size
}
