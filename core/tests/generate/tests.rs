//! What the generator promises: the same case for the same seed, rules that tell, wide coverage.

use super::{Coverage, Options, case};
use crate::oracle::members;

#[test]
fn same_seed_same_case() {
    let options = Options { users: (20, 30), max_events: 60, ..Options::default() };
    let (one, other) = (case(7, &options), case(7, &options));
    assert_eq!(one.rules, other.rules);
    assert_eq!(one.world.model_json, other.world.model_json);
    assert_eq!(format!("{:?}", one.world.tables), format!("{:?}", other.world.tables));
}

#[test]
fn optional_kinds_are_valid() {
    let options = Options {
        places: true,
        ranks: true,
        buckets: true,
        sequences: true,
        field_strings: true,
        users: (40, 60),
        max_events: 200,
        retries: 0,
        ..Options::default()
    };
    let mut coverage = Coverage::default();
    for seed in 0..12 {
        let case = case(seed, &options);
        for (id, rule) in &case.rules {
            let found = members(&case.world, &case.rules, *id, case.as_of_micros);
            assert!(found.is_ok(), "{found:?} in {rule}");
        }
        coverage.add(&case.coverage);
    }
    for kind in ["rank", "bucket", "place", "sequence"] {
        assert!(coverage.others.contains_key(kind), "no {kind} in {coverage}");
    }
}
