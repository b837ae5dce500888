//! Pairs of rules that are planted: what each kind is, and the pieces that kinds are made of.

use serde_json::{Map, Value, json};

use crate::generate::Random;

use super::ground::{self, Base, Field, Ground, Kind};

/// What is known of a planted pair before anything is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expect {
    /// The two have the same members.
    Equal,
    /// Whoever is in the first is in the second.
    Contained,
    /// Nothing: the two look alike and mean something else.
    Open,
}

/// Makes a pair, where the world has what it takes.
pub type Make = fn(&mut Planter<'_>) -> Option<(Value, Value)>;

pub const KINDS: [(&[(&str, Make)], Expect); 3] = [
    (super::equals::KINDS, Expect::Equal),
    (super::contained::KINDS, Expect::Contained),
    (super::traps::KINDS, Expect::Open),
];

/// Draws pairs over one world.
pub struct Planter<'a> {
    pub random: &'a mut Random,
    pub ground: &'a Ground,
}

/// Two conditions, the first within the second.
pub type Pair = (Value, Value);

pub fn group(combinator: &str, rules: Vec<Value>) -> Value {
    json!({"combinator": combinator, "rules": rules})
}

pub fn and(rules: Vec<Value>) -> Value {
    group("and", rules)
}

pub fn or(rules: Vec<Value>) -> Value {
    group("or", rules)
}

pub fn not(rule: Value) -> Value {
    json!({"combinator": "and", "not": true, "rules": [rule]})
}

/// A rule without a name.
pub fn rule(node: Value, shell: &Map<String, Value>) -> Value {
    let mut rule = Value::Object(shell.clone());
    rule["conditions"] = json!([node]);
    rule
}

pub fn rules(pair: Pair) -> (Value, Value) {
    let shell = Map::new();
    (rule(pair.0, &shell), rule(pair.1, &shell))
}

/// A condition about a subject.
pub fn test(subject: &Value, (operator, value): (&str, Value)) -> Value {
    let mut condition = subject.clone();
    condition["operator"] = json!(operator);
    if !value.is_null() {
        condition["value"] = value;
    }
    condition
}

pub fn field(name: &str) -> Value {
    json!({"field": name})
}

/// An object with some more members.
pub fn with(object: &Value, more: Value) -> Value {
    let mut object = object.clone();
    for (name, value) in more.as_object().into_iter().flatten() {
        object[name] = value.clone();
    }
    object
}

pub const WINDOWS: [(&str, &str); 8] = [
    (r#"{"last": "30 days"}"#, r#"{"last": "90 days"}"#),
    (r#"{"last": "36 hours"}"#, r#"{"last": "30 days"}"#),
    (r#"{"last": "1 month"}"#, r#"{"last": "3 months"}"#),
    (r#"{"last": "180 days"}"#, r#""all""#),
    (r#"{"between": ["90 days", "30 days"]}"#, r#"{"last": "90 days"}"#),
    (r#"{"between": ["180 days", "60 days"]}"#, r#"{"between": ["365 days", "7 days"]}"#),
    (r#"{"calendar": "this month"}"#, r#"{"calendar": "this year"}"#),
    (r#"{"calendar": "last quarter"}"#, r#""all""#),
];

impl Planter<'_> {
    /// Two windows, the first within the second.
    pub fn windows(&mut self) -> Pair {
        if self.random.percent(30) {
            let day = 86_400_000_000;
            let mut back: Vec<i64> = (0..4).map(|_| self.random.range(0, 400)).collect();
            back.sort_unstable();
            let at = |back: i64| ground::utc(self.ground.as_of - back * day);
            let range = |from: i64, to: i64| json!({"start": at(from), "end": at(to)});
            return (range(back[2], back[1]), range(back[3], back[0]));
        }
        let (narrow, wide) = self.random.pick(&WINDOWS);
        let read = |text: &str| serde_json::from_str(text).unwrap();
        (read(narrow), read(wide))
    }

    /// Two tests of one range of values each, the first within the second.
    pub fn intervals(&mut self, samples: &[Value]) -> [(&'static str, Value); 2] {
        let mut at: Vec<usize> = (0..4).map(|_| self.random.size((0, samples.len() - 1))).collect();
        at.sort_unstable();
        let [a, b, c, d] = [0, 1, 2, 3].map(|place| samples[at[place]].clone());
        let wide = match self.random.range(0, 4) {
            0 => (">=", a),
            1 => ("<=", d),
            2 if at[0] < at[1] => (">", a),
            3 if at[2] < at[3] => ("<", d),
            _ => ("between", json!([a, d])),
        };
        let narrow = match (wide.0, self.random.range(0, 4)) {
            (_, 0) => ("between", json!([b, c])),
            (_, 1) => ("=", b),
            (">" | ">=", 2) => (">=", b),
            (">" | ">=", _) => (">", b),
            ("<" | "<=", 2) => ("<=", c),
            ("<" | "<=", _) => ("<", c),
            _ => ("in", json!([b, c])),
        };
        [narrow, wide]
    }

    /// Two tests of a list of values each, the first within the second.
    pub fn sets(&mut self, samples: &[Value]) -> [(&'static str, Value); 2] {
        let many: Vec<Value> =
            (0..self.random.size((2, 6))).map(|_| self.random.pick(samples).clone()).collect();
        let few: Vec<Value> =
            (0..self.random.size((1, 3))).map(|_| self.random.pick(&many).clone()).collect();
        match self.random.range(0, 4) {
            0 => [("notIn", json!(many)), ("notIn", json!(few))],
            1 => [("notIn", json!(many)), ("!=", few[0].clone())],
            2 => [("=", few[0].clone()), ("in", json!(many))],
            _ => [("in", json!(few)), ("in", json!(many))],
        }
    }

    /// Two parts of one text, the second within the first; at the beginning, the end or inside.
    fn parts(&mut self, samples: &[Value]) -> Option<(String, String, &'static str)> {
        let texts: Vec<&str> =
            samples.iter().filter_map(Value::as_str).filter(|t| t.chars().count() > 1).collect();
        if texts.is_empty() {
            return None;
        }
        let letters: Vec<char> = self.random.pick(&texts).chars().collect();
        let long = self.random.size((2, letters.len()));
        let short = self.random.size((1, long));
        let text = |letters: &[char]| letters.iter().collect::<String>();
        let end = letters.len();
        Some(match self.random.range(0, 2) {
            0 => (text(&letters[..long]), text(&letters[..short]), "beginsWith"),
            1 => (text(&letters[end - long..]), text(&letters[end - short..]), "endsWith"),
            _ => {
                let from = self.random.size((0, long - short));
                (text(&letters[..long]), text(&letters[from..from + short]), "contains")
            }
        })
    }

    /// Two tests that look into a text, the first within the second.
    pub fn looks(&mut self, samples: &[Value]) -> Option<[(&'static str, Value); 2]> {
        let (long, short, operator) = self.parts(samples)?;
        let negative = match operator {
            "beginsWith" => "doesNotBeginWith",
            "endsWith" => "doesNotEndWith",
            _ => "doesNotContain",
        };
        Some(match self.random.range(0, 4) {
            0 => [(negative, json!(short)), (negative, json!(long))],
            1 => [(operator, json!(long)), ("contains", json!(short))],
            2 => [("=", json!(long)), (operator, json!(short))],
            _ => [(operator, json!(long)), (operator, json!(short))],
        })
    }

    /// Two tests of one field, the first within the second.
    pub fn tests(&mut self, field: &Field) -> Option<[(&'static str, Value); 2]> {
        match field.kind {
            Kind::List => Some([
                ("contains", json!("3")),
                if self.random.percent(50) {
                    ("notNull", Value::Null)
                } else {
                    ("contains", json!("3"))
                },
            ]),
            Kind::Bool => {
                let value = json!(self.random.percent(50));
                Some([("=", value.clone()), ("in", json!([value]))])
            }
            Kind::Text if self.random.percent(40) => self.looks(&field.samples),
            _ if self.random.percent(10) => {
                let [narrow, _] = self.intervals(&field.samples);
                Some([narrow, ("notNull", Value::Null)])
            }
            _ if self.random.percent(40) => Some(self.sets(&field.samples)),
            _ => Some(self.intervals(&field.samples)),
        }
    }

    /// Two conditions on users' columns, the first within the second.
    pub fn attributes(&mut self) -> Option<Pair> {
        use Kind::{Bool, Date, Number, Stamp, Text};
        let one = self.ground.user(self.random, &[Bool, Date, Number, Number, Stamp, Text])?;
        let [narrow, wide] = self.tests(&one)?;
        let subject = field(&one.name);
        Some((test(&subject, narrow), test(&subject, wide)))
    }

    /// Two conditions on events of an entry, the first within the second.
    pub fn filters(&mut self, entry: &str) -> Option<Pair> {
        use Kind::{Bool, Date, Number, Stamp, Text};
        let fields = self.ground.fields_of(entry);
        let one = ground::pick(self.random, fields, &[Bool, Date, Number, Stamp, Text])?;
        let [narrow, wide] = self.tests(&one)?;
        let subject = field(&one.name);
        Some((test(&subject, narrow), test(&subject, wide)))
    }

    /// Two counts, the first within the second.
    pub fn counts(&mut self) -> Option<Pair> {
        let entry = self.random.pick(&self.ground.entries).name.clone();
        let (narrow, wide) = self.filters(&entry)?;
        let least = self.random.range(1, 3);
        let count = |filter: Value, least: i64| {
            test(&json!({"events": entry, "where": [filter]}), (">=", json!(least)))
        };
        Some((count(narrow, least + self.random.range(0, 1)), count(wide, least)))
    }

    pub fn leaves(&mut self) -> Option<Pair> {
        if self.random.percent(75) { self.attributes() } else { self.counts() }
    }

    pub fn leaf(&mut self) -> Option<Value> {
        let (narrow, wide) = self.leaves()?;
        Some(if self.random.percent(50) { narrow } else { wide })
    }

    /// Conditions of a random rule, or a few of ours in a group.
    pub fn base(&mut self) -> Option<Base> {
        if self.random.percent(50) {
            return self.ground.base(self.random);
        }
        let leaves: Option<Vec<Value>> =
            (0..self.random.size((2, 4))).map(|_| self.leaf()).collect();
        let mut leaves = leaves?;
        if self.random.percent(50) {
            let inner = [self.leaf()?, self.leaf()?].to_vec();
            leaves.push(or(inner));
        }
        let node = if self.random.percent(60) { and(leaves) } else { or(leaves) };
        Some(Base { node, shell: Map::new() })
    }
}
