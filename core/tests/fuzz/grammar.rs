//! Texts from a grammar in a file, and which of its productions have been used.

use rand::Rng;
use rand::seq::IndexedRandom;

use super::Random;

/// One piece of an alternative.
#[derive(Clone, Debug)]
enum Part {
    Text(String),
    /// The number of another production.
    Production(usize),
}

#[derive(Debug)]
struct Production {
    name: String,
    alternatives: Vec<Vec<Part>>,
    /// How deep each alternative nests at least.
    depths: Vec<usize>,
    used: Vec<u64>,
}

/// A grammar; the first production is the whole.
#[derive(Debug)]
pub struct Grammar {
    productions: Vec<Production>,
}

/// Deeper than this only what ends soonest is taken.
const DEEP: usize = 14;

impl Grammar {
    /// Reads a grammar: names at the margin, their alternatives indented by four spaces.
    pub fn parse(text: &str) -> Grammar {
        let lines = || text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
        let names: Vec<&str> = lines().filter(|line| !line.starts_with("    ")).collect();
        let mut productions: Vec<Production> = Vec::new();
        for line in lines() {
            match line.strip_prefix("    ") {
                Some(alternative) => {
                    let production = productions.last_mut().expect("a name comes first");
                    production.alternatives.push(parts(alternative, &names));
                }
                None => productions.push(Production {
                    name: line.to_owned(),
                    alternatives: Vec::new(),
                    depths: Vec::new(),
                    used: Vec::new(),
                }),
            }
        }
        let mut grammar = Grammar { productions };
        grammar.measure();
        grammar
    }

    /// Works out how deep each alternative nests at least, until nothing gets less.
    fn measure(&mut self) {
        const ENDLESS: usize = usize::MAX / 2;
        for production in &mut self.productions {
            production.depths = vec![ENDLESS; production.alternatives.len()];
            production.used = vec![0; production.alternatives.len()];
        }
        loop {
            let least: Vec<usize> = self
                .productions
                .iter()
                .map(|production| production.depths.iter().copied().min().unwrap_or(ENDLESS))
                .collect();
            let mut changed = false;
            for production in &mut self.productions {
                for (depth, parts) in production.depths.iter_mut().zip(&production.alternatives) {
                    let within = parts.iter().map(|part| match part {
                        Part::Text(_) => 0,
                        Part::Production(number) => least[*number],
                    });
                    let found = within.max().unwrap_or(0).saturating_add(1).min(ENDLESS);
                    changed |= found < *depth;
                    *depth = found.min(*depth);
                }
            }
            if !changed {
                break;
            }
        }
        assert!(self.productions.iter().all(|p| p.depths.iter().any(|depth| *depth < ENDLESS)));
    }

    /// A text of the language.
    pub fn text(&mut self, random: &mut Random) -> String {
        let mut text = String::new();
        self.expand(0, 0, random, &mut text);
        text
    }

    fn expand(&mut self, number: usize, level: usize, random: &mut Random, text: &mut String) {
        let production = &mut self.productions[number];
        let least = production.depths.iter().min().copied().unwrap_or(0);
        let choice = match level > DEEP {
            true => production.depths.iter().position(|depth| *depth == least).unwrap_or(0),
            false => random.random_range(0..production.alternatives.len()),
        };
        production.used[choice] += 1;
        for part in production.alternatives[choice].clone() {
            match part {
                Part::Text(part) => text.push_str(&part),
                Part::Production(number) => self.expand(number, level + 1, random, text),
            }
        }
    }

    /// A piece of what texts consist of.
    pub fn word(&self, random: &mut Random) -> String {
        let production = self.productions.choose(random).expect("a production");
        let parts = production.alternatives.choose(random).expect("an alternative");
        match parts.choose(random) {
            Some(Part::Text(text)) => text.clone(),
            _ => String::new(),
        }
    }

    /// How many of its alternatives have been used, of how many, and the names of the others.
    pub fn coverage(&self) -> (usize, usize, Vec<String>) {
        let (mut used, mut all, mut missing) = (0, 0, Vec::new());
        for production in &self.productions {
            for (number, times) in production.used.iter().enumerate() {
                all += 1;
                match times {
                    0 => missing.push(format!("{} {number}", production.name)),
                    _ => used += 1,
                }
            }
        }
        (used, all, missing)
    }
}

/// Texts and names by turns; `<nothing>` is nothing.
fn parts(alternative: &str, names: &[&str]) -> Vec<Part> {
    let mut parts = Vec::new();
    let mut rest = alternative;
    while !rest.is_empty() {
        let named = rest.strip_prefix('<').and_then(|rest| rest.split_once('>'));
        let known = |name: &str| names.iter().position(|known| *known == name);
        match named {
            Some(("nothing", after)) => rest = after,
            Some((name, after)) if known(name).is_some() => {
                parts.extend(known(name).map(Part::Production));
                rest = after;
            }
            _ => {
                let next = rest.char_indices().skip(1).find(|(_, letter)| *letter == '<');
                let (text, after) = rest.split_at(next.map_or(rest.len(), |(at, _)| at));
                parts.push(Part::Text(text.to_owned()));
                rest = after;
            }
        }
    }
    parts
}
