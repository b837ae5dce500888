//! Whole rules: names, zones, dates, operands and hand-picked users round the conditions.

use super::conditions::{Maker, turns};
use super::coverage::{Coverage, tells};
use super::document::{list, object, plain, quote, tree};
use super::world::Schema;
use super::{Options, Random, ZONES, special, windows};
use crate::oracle::table::Cell;
use crate::oracle::{World, members, time};

const NAMES: [&str; 20] = [
    "Metro travellers",
    "metro travellers",
    "Größe XL",
    "7",
    "a, b",
    "it's",
    "say \"hi\"",
    "日本",
    "x",
    "%",
    "back\\slash",
    "in",
    "null",
    "Churned",
    "😀 fans",
    "segment",
    "or",
    "Night owls",
    "High Value Customers",
    "last",
];

/// The rules of a case, each drawn until it selects some users but not all, or chances run out.
pub fn rules(
    random: &mut Random,
    options: &Options,
    world: &World,
    schema: &Schema,
    seed: u64,
) -> (Vec<(i64, String)>, Coverage) {
    let mut turns = turns(seed);
    let mut coverage = Coverage::default();
    let mut rules: Vec<(i64, String)> = Vec::new();
    let mut known: Vec<(i64, String)> = Vec::new();
    let users = world.population().unwrap().len();
    let mut id = 0;
    for at in 0..random.size(options.rules) {
        id += random.range(1, 3);
        let name = match NAMES.get(at) {
            Some(name) => (*name).to_owned(),
            None => format!("Rule {at}"),
        };
        let name = quote(random, &name);
        let mut last = None;
        for attempt in 0..=options.retries {
            let mut draft = Draft {
                random: &mut *random,
                options,
                world,
                schema,
                known: &known,
                turns: turns.clone(),
            };
            let (rule, after, counts) = draft.rule(&name);
            rules.push((id, rule));
            let selected = members(world, &rules, id, schema.as_of);
            let (_, rule) = rules.pop().expect("just pushed");
            let selected = selected.unwrap_or_else(|error| panic!("{error} in {rule}")).len();
            last = Some((rule, after, counts, selected));
            if tells(selected, users) || attempt == options.retries {
                break;
            }
        }
        let (rule, after, counts, selected) = last.expect("at least one attempt");
        turns = after;
        coverage.add(&counts);
        coverage.note_share(selected, users);
        rules.push((id, rule));
        known.push((id, name));
    }
    (rules, coverage)
}

/// One attempt at a rule.
struct Draft<'a> {
    random: &'a mut Random,
    options: &'a Options,
    world: &'a World,
    schema: &'a Schema,
    /// Ids of the rules so far, with their names as JSON.
    known: &'a [(i64, String)],
    turns: [super::conditions::Turns; 3],
}

impl Draft<'_> {
    fn rule(&mut self, name: &str) -> (String, [super::conditions::Turns; 3], Coverage) {
        let mut rule = vec![("rule_name", name.to_owned())];
        let mut zone = self.schema.zone.clone();
        if self.random.percent(35) {
            zone = (*self.random.pick(&ZONES)).to_owned();
            rule.push(("timezone", plain(&zone)));
        }
        let zone = time::zone(&zone).unwrap();
        if self.random.percent(25) {
            let (start, end) = windows::dates(self.random, Some(zone), self.schema.as_of);
            rule.extend(start.map(|start| ("start_date", start)));
            rule.extend(end.map(|end| ("end_date", end)));
        }
        let mut maker = Maker {
            random: &mut *self.random,
            options: self.options,
            world: self.world,
            schema: self.schema,
            shell: object(&rule),
            zone: Some(zone),
            turns: self.turns.clone(),
            coverage: Coverage::default(),
        };
        let leaves = leaves(&mut maker, self.known);
        let (turns, mut coverage) = (maker.turns.clone(), maker.coverage);
        let conditions = tree(self.random, leaves);
        let dependent = !self.known.is_empty() && self.random.percent(30);
        if dependent {
            self.depend(&mut rule, &mut coverage);
        }
        if dependent && self.random.percent(10) {
            match self.random.range(0, 2) {
                0 => {}
                1 => rule.push(("conditions", "[]".to_owned())),
                _ => rule.push(("conditions", "null".to_owned())),
            }
            // without conditions there is nothing to count, and the turns stay for the next rule
            coverage.counts.clear();
            return (object(&rule), self.turns.clone(), coverage);
        }
        rule.push(("conditions", conditions));
        for member in ["include", "exclude"] {
            if self.random.percent(10) {
                rule.push((member, self.keys()));
                coverage.note_other(member);
            }
        }
        self.extras(&mut rule);
        (object(&rule), turns, coverage)
    }

    fn depend(&mut self, rule: &mut Vec<(&'static str, String)>, coverage: &mut Coverage) {
        let count = self.random.size((1, 3)).min(self.known.len());
        let mut named: Vec<String> = Vec::new();
        let mut chosen: Vec<i64> = Vec::new();
        while chosen.len() < count {
            let (id, name) = self.random.pick(self.known).clone();
            if !chosen.contains(&id) {
                chosen.push(id);
                named.push(if self.random.percent(70) { id.to_string() } else { name });
            }
        }
        let named = list(&named);
        let depends = if self.random.percent(15) { quote(self.random, &named) } else { named };
        rule.push(("depends_on", depends));
        let operation = *self.random.pick(&["INTERSECTION", "UNION", "DIFFERENCE"]);
        coverage.note_other(operation);
        let lower = self.random.percent(10);
        rule.push((
            "operation",
            plain(&if lower { operation.to_lowercase() } else { operation.to_owned() }),
        ));
    }

    /// Some users' keys, and at times one that nobody has.
    fn keys(&mut self) -> String {
        let count = self.random.size((1, 6));
        let mut keys: Vec<String> = Vec::new();
        for _ in 0..count {
            keys.push(match self.random.pick(&self.schema.keys).clone() {
                Cell::Int(key) => key.to_string(),
                Cell::Text(key) => quote(self.random, &key),
                other => panic!("{other:?} is no key"),
            });
        }
        if self.random.percent(30) {
            keys.push(match self.schema.keys[0] {
                Cell::Text(_) => "\"nobody\"".to_owned(),
                _ => "31999".to_owned(),
            });
        }
        list(&keys)
    }

    /// Members that change nothing about who belongs.
    fn extras(&mut self, rule: &mut Vec<(&'static str, String)>) {
        if self.random.percent(10) {
            rule.push(("description", quote(self.random, "Tier 1, spends on «travel»")));
        }
        if self.random.percent(10) {
            rule.push(("enabled", self.random.percent(50).to_string()));
        }
        if self.random.percent(5) {
            rule.push(("schedule", plain("0 6 * * 1-5")));
        }
        if self.random.percent(5) {
            rule.push(("include", "null".to_owned()));
            // a member may stand once only
            if rule.iter().filter(|(name, _)| *name == "include").count() > 1 {
                rule.pop();
            }
        }
    }
}

/// One to four conditions, on attributes and on events by turns.
fn leaves(maker: &mut Maker<'_>, known: &[(i64, String)]) -> Vec<String> {
    let count = *maker.random.pick(&[1, 2, 2, 3, 3, 3, 4, 4]);
    let mut attribute = maker.random.percent(58);
    let mut leaves = Vec::new();
    for _ in 0..count {
        let leaf = if attribute { maker.attribute() } else { maker.aggregate() };
        if !attribute && maker.random.percent(25) {
            leaves.extend(maker.beside(&leaf));
        }
        leaves.push(leaf);
        attribute = !attribute;
    }
    if !known.is_empty() && maker.random.percent(15) {
        leaves.push(special::segment(maker, known));
    }
    if maker.random.percent(30) {
        leaves.extend(special::optional(maker));
    }
    leaves
}
