//! Random worlds and rules for the differential tests, the same ones for the same seed.
//!
//! [`case`] gives one world with its rules. Rules are drawn until the oracle says that they select
//! some of the users but not all, so that most of them tell two engines apart.

#![allow(dead_code, missing_docs)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod columns;
mod conditions;
mod coverage;
mod document;
mod literals;
mod patterns;
mod rules;
mod special;
#[cfg(test)]
mod tests;
mod windows;
mod world;

use rand::seq::IndexedRandom;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

#[allow(unused_imports)]
pub use coverage::{Coverage, Place};

use crate::oracle::World;

/// What a case may hold.
#[derive(Clone, Debug)]
pub struct Options {
    pub users: (usize, usize),
    pub max_events: usize,
    pub rules: (usize, usize),
    /// `within` and `notWithin` (section 3.4).
    pub places: bool,
    /// `top` and `bottom` (section 3.5).
    pub ranks: bool,
    /// The field `bucket` (section 3.6).
    pub buckets: bool,
    /// Sequences (section 3.8).
    pub sequences: bool,
    /// `contains`, `beginsWith` and the like against another field.
    pub field_strings: bool,
    /// How often a rule that selects nobody or everybody is drawn anew.
    pub retries: usize,
}

impl Options {
    /// Everything that the language has.
    pub fn whole() -> Options {
        Options {
            places: true,
            ranks: true,
            buckets: true,
            sequences: true,
            field_strings: true,
            ..Options::default()
        }
    }
}

impl Default for Options {
    fn default() -> Options {
        Options {
            users: (80, 200),
            max_events: 1500,
            rules: (10, 20),
            places: false,
            ranks: false,
            buckets: false,
            sequences: false,
            field_strings: false,
            retries: 3,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    Int { bits: u8, signed: bool },
    Text,
}

pub struct Case {
    pub world: World,
    /// Ids and documents, each depending only on earlier ones.
    pub rules: Vec<(i64, String)>,
    pub as_of_micros: i64,
    pub key_type: KeyType,
    pub coverage: Coverage,
}

/// The zones of models and rules: offsets of half and quarter hours, a change of half an hour, one
/// that skips midnight, and one whose summer time is the other way round.
pub const ZONES: [&str; 7] = [
    "UTC",
    "Asia/Kolkata",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Casablanca",
    "America/Sao_Paulo",
    "Asia/Kathmandu",
];

/// The case of a seed.
pub fn case(seed: u64, options: &Options) -> Case {
    let mut rng = Random::of(seed);
    let (world, schema) = world::world(&mut rng, options, seed);
    let as_of_micros = schema.as_of;
    let key_type = schema.key_type;
    let (rules, coverage) = rules::rules(&mut rng, options, &world, &schema, seed);
    Case { world, rules, as_of_micros, key_type, coverage }
}

/// The random numbers of a case, with the draws that are made everywhere.
#[derive(Clone)]
pub struct Random {
    pub rng: ChaCha8Rng,
}

impl Random {
    /// The numbers of a seed.
    pub fn of(seed: u64) -> Random {
        Random { rng: ChaCha8Rng::seed_from_u64(seed) }
    }

    /// True in so many cases of a hundred.
    pub fn percent(&mut self, share: u32) -> bool {
        self.rng.random_range(0..100) < share
    }

    /// From `low` to `high`, both included.
    pub fn range(&mut self, low: i64, high: i64) -> i64 {
        self.rng.random_range(low..=high)
    }

    pub fn size(&mut self, (low, high): (usize, usize)) -> usize {
        self.rng.random_range(low..=high)
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        from.choose(&mut self.rng).expect("something to pick from")
    }
}
