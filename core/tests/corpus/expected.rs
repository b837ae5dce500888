//! The members that a rule is to have: their keys, or figures of many of them.

use std::collections::BTreeSet;

use crate::oracle::UserKey;
use crate::oracle::json::Json;

pub enum Expected {
    Keys(BTreeSet<UserKey>),
    /// Of integer keys, ascending.
    Figures {
        count: usize,
        first: Vec<i64>,
        last: Vec<i64>,
        sum: i128,
        sum_of_squares: i128,
    },
}

fn integer<T: std::str::FromStr>(json: Option<&Json>) -> T {
    let Some(Json::Number(digits)) = json else { panic!("{json:?} is no integer") };
    digits.parse().unwrap_or_else(|_| panic!("{digits} is no integer"))
}

fn key(json: &Json) -> UserKey {
    match json {
        Json::Text(key) => UserKey::Text(key.clone()),
        other => UserKey::Int(integer(Some(other))),
    }
}

impl Expected {
    pub fn read(json: &Json) -> Expected {
        if let Json::List(keys) = json {
            let all: BTreeSet<UserKey> = keys.iter().map(key).collect();
            assert!(all.iter().eq(&keys.iter().map(key).collect::<Vec<_>>()), "keys not ascending");
            return Expected::Keys(all);
        }
        let some = |name: &str| {
            json.get(name).unwrap().list().unwrap().iter().map(|key| integer(Some(key))).collect()
        };
        Expected::Figures {
            count: integer(json.get("count")),
            first: some("first"),
            last: some("last"),
            sum: integer(json.get("sum")),
            sum_of_squares: integer(json.get("sum_of_squares")),
        }
    }

    pub fn agrees(&self, members: &BTreeSet<UserKey>) -> Result<(), String> {
        match self {
            Expected::Keys(keys) if keys == members => Ok(()),
            Expected::Keys(keys) => Err(format!("expected {keys:?}, found {members:?}")),
            Expected::Figures { count, first, last, sum, sum_of_squares } => {
                let keys: Vec<i64> = members
                    .iter()
                    .map(|key| match key {
                        UserKey::Int(key) => *key,
                        UserKey::Text(key) => panic!("{key} is no integer"),
                    })
                    .collect();
                let found_sum: i128 = keys.iter().map(|key| i128::from(*key)).sum();
                let squares: i128 =
                    keys.iter().map(|key| i128::from(*key) * i128::from(*key)).sum();
                let same = keys.len() == *count
                    && keys.starts_with(first)
                    && keys.ends_with(last)
                    && found_sum == *sum
                    && squares == *sum_of_squares;
                let found = || {
                    format!(
                        "expected {count} keys from {first:?} to {last:?} with the sum {sum}, found {} \
                         from {:?} to {:?} with the sum {found_sum}",
                        keys.len(),
                        &keys[..first.len().min(keys.len())],
                        &keys[keys.len().saturating_sub(last.len())..],
                    )
                };
                if same { Ok(()) } else { Err(found()) }
            }
        }
    }
}
