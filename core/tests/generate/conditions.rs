//! Conditions on attributes, on events and on traits, with operators and types taken in turn.

use chrono_tz::Tz;

use super::coverage::{Coverage, Place};
use super::document::{list, names, object, plain, tree};
use super::literals::Literals;
use super::windows::window;
use super::world::{EventField, Schema, Trait, Type};
use super::{Options, Random};
use crate::oracle::json::Json;
use crate::oracle::value::Value;
use crate::oracle::{World, event_values, values};

use Type::{Bool, Date, Decimal, Float, Int, IntList, Stamp, Text, TextList};

pub const ATTRIBUTE_TYPES: [Type; 9] =
    [Bool, Int, Decimal, Float, Text, Date, Stamp, IntList, TextList];
pub const AGGREGATE_TYPES: [Type; 7] = [Bool, Int, Decimal, Float, Text, Date, Stamp];

const ORDERED: [&str; 12] =
    ["=", "!=", "<", "<=", ">", ">=", "between", "notBetween", "in", "notIn", "null", "notNull"];
const TEXT: [&str; 20] = [
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "between",
    "notBetween",
    "in",
    "notIn",
    "null",
    "notNull",
    "contains",
    "doesNotContain",
    "beginsWith",
    "doesNotBeginWith",
    "endsWith",
    "doesNotEndWith",
    "matches",
    "doesNotMatch",
];
const TIME: [&str; 14] = [
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "between",
    "notBetween",
    "in",
    "notIn",
    "null",
    "notNull",
    "during",
    "notDuring",
];

/// The operators that a type allows.
pub fn operators(ty: Type) -> &'static [&'static str] {
    match ty {
        Bool => &["=", "!=", "in", "notIn", "null", "notNull"],
        Int | Decimal | Float => &ORDERED,
        Text => &TEXT,
        Date | Stamp => &TIME,
        IntList | TextList => &["contains", "doesNotContain", "null", "notNull"],
    }
}

type Pair = (&'static str, Type);

fn pairs(types: &[Type]) -> Vec<Pair> {
    types.iter().flat_map(|&ty| operators(ty).iter().map(move |&operator| (operator, ty))).collect()
}

/// Goes through all pairs of operator and type, in an order that mixes them.
#[derive(Clone)]
pub struct Turns {
    pairs: Vec<Pair>,
    at: usize,
}

impl Turns {
    fn new(types: &[Type], seed: u64, each: u64) -> Turns {
        let pairs = pairs(types);
        let at = (seed.wrapping_mul(each) % pairs.len() as u64) as usize;
        Turns { pairs, at }
    }

    fn next(&mut self) -> Pair {
        self.at += 1;
        // 37 has no factor in common with the number of pairs, so each has its turn
        self.pairs[self.at * 37 % self.pairs.len()]
    }
}

/// Makes the conditions of one rule.
pub struct Maker<'a> {
    pub random: &'a mut Random,
    pub options: &'a Options,
    pub world: &'a World,
    pub schema: &'a Schema,
    /// The rule without conditions: it gives the zone and the dates.
    pub shell: String,
    pub zone: Option<Tz>,
    pub turns: [Turns; 3],
    pub coverage: Coverage,
}

pub fn turns(seed: u64) -> [Turns; 3] {
    [
        Turns::new(&ATTRIBUTE_TYPES, seed, 19),
        Turns::new(&AGGREGATE_TYPES, seed, 17),
        Turns::new(&AGGREGATE_TYPES, seed, 21),
    ]
}

impl Maker<'_> {
    /// A condition on a column of users.
    pub fn attribute(&mut self) -> String {
        let (operator, ty) = self.turns[0].next();
        let fields: Vec<&String> =
            self.schema.users.iter().filter(|(_, of)| *of == ty).map(|(name, _)| name).collect();
        let name = (*self.random.pick(&fields)).clone();
        let written = match name.starts_with("users.") {
            false if self.random.percent(10) => format!("users.{name}"),
            _ => name.clone(),
        };
        let subject = vec![("field", plain(&written))];
        self.condition(Place::Attribute, operator, ty, subject, Some(&name))
    }

    /// A condition on what a user's events come to.
    pub fn aggregate(&mut self) -> String {
        let (operator, ty) = self.turns[1].next();
        let count = *self.random.pick(&[0, 1, 1, 1, 1, 2, 2]);
        let wanted: Vec<Pair> = (0..count).map(|_| self.turns[2].next()).collect();
        let traits: Vec<&Trait> = self
            .schema
            .traits
            .iter()
            .filter(|of| of.ty == ty && self.has_types(&of.entries, &wanted))
            .collect();
        let mut subject;
        let entries;
        if !traits.is_empty() && self.random.percent(45) {
            let chosen = (*self.random.pick(&traits)).clone();
            subject = vec![("field", plain(&chosen.name))];
            entries = chosen.entries;
        } else {
            (subject, entries) = self.calculation(ty, &wanted);
        }
        let conditions: Vec<String> =
            wanted.iter().map(|&(operator, ty)| self.event(&entries, operator, ty)).collect();
        if !conditions.is_empty() {
            subject.push(("where", tree(self.random, conditions)));
        }
        match self.random.range(0, 9) {
            0..=4 => {}
            5 => subject.push(("window", plain("all"))),
            _ => {
                let window = window(self.random, self.zone, self.schema.as_of);
                subject.push(("window", window));
            }
        }
        self.condition(Place::Aggregate, operator, ty, subject, None)
    }

    /// A condition on the same numbers of the same events as another, by another aggregate.
    pub fn beside(&mut self, other: &str) -> Option<String> {
        let other = Json::parse(other).unwrap();
        let column = other.get("field")?.text().unwrap();
        let entries = match other.get("events")? {
            Json::List(names) => names.iter().map(|name| name.text().unwrap()).collect(),
            name => vec![name.text().unwrap()],
        };
        let mut fields = self.schema.events.iter().filter(|field| field.column == column);
        let same = |field: &&EventField| {
            field.entries.iter().all(|name| entries.contains(&name.as_str()))
                && entries.iter().all(|name| field.entries.iter().any(|entry| entry == name))
        };
        let (aggregate, ty) = match fields.find(same)?.ty {
            Int => *self.random.pick(&[("sum", Int), ("avg", Decimal), ("count", Int)]),
            Decimal | Float => {
                *self.random.pick(&[("sum", Decimal), ("avg", Decimal), ("count", Int)])
            }
            _ => return None,
        };
        let kept = ["events", "field", "where", "window"].into_iter();
        let mut subject: Vec<(&'static str, String)> =
            kept.filter_map(|name| Some((name, other.get(name)?.write()))).collect();
        subject.push(("aggregate", plain(aggregate)));
        let operator = *self.random.pick(operators(ty));
        self.coverage.note_other("the same events");
        Some(self.condition(Place::Aggregate, operator, ty, subject, None))
    }

    fn has_types(&self, entries: &[String], wanted: &[Pair]) -> bool {
        wanted.iter().all(|(_, ty)| self.event_fields(entries).any(|field| field.ty == *ty))
    }

    fn event_fields<'s>(&'s self, entries: &[String]) -> impl Iterator<Item = &'s EventField> {
        self.schema.events.iter().filter(move |field| field.entries == entries)
    }

    /// Events with an aggregate of the wanted type, over entries that have what `where` will need.
    fn calculation(
        &mut self,
        ty: Type,
        wanted: &[Pair],
    ) -> (Vec<(&'static str, String)>, Vec<String>) {
        loop {
            let any = self.random.pick(&self.schema.events).clone();
            let EventField { entries, column, ty: of } = any;
            if !self.has_types(&entries, wanted) {
                continue;
            }
            let number = matches!(of, Int | Decimal | Float);
            let ordered = number || matches!(of, Text | Date | Stamp);
            let mut functions = Vec::new();
            if of == ty {
                functions.extend(["first", "last"]);
                functions.extend(if ordered { &["min", "max"][..] } else { &[] });
            }
            match ty {
                Int => {
                    functions.extend(["count", "days_since_first", "days_since_last"]);
                    functions.extend(["count field", "count_distinct", "time:day"]);
                    functions.extend(["count_distinct", "time:day"]);
                    functions.extend(if of == Int { &["sum"][..] } else { &[] });
                }
                Decimal if number => {
                    functions.push("avg");
                    functions.extend(if of == Int { &[][..] } else { &["sum"] });
                }
                _ => {}
            }
            if functions.is_empty() {
                continue;
            }
            let function = *self.random.pick(&functions);
            self.coverage.note_other(&format!("aggregate {function}"));
            let (aggregate, field) = match function {
                "count" | "days_since_first" | "days_since_last" => (function, None),
                "count field" => ("count", Some(column)),
                "time:day" => ("count_distinct", Some("time:day".to_owned())),
                _ => (function, Some(column)),
            };
            let mut members = vec![("events", names(self.random, &entries))];
            if aggregate != "count" || field.is_some() || self.random.percent(50) {
                members.push(("aggregate", plain(aggregate)));
            }
            members.extend(field.map(|field| ("field", plain(&field))));
            return (members, entries);
        }
    }

    /// A condition on a column of the events, for `where`.
    pub fn event(&mut self, entries: &[String], operator: &'static str, ty: Type) -> String {
        let fields: Vec<EventField> =
            self.event_fields(entries).filter(|field| field.ty == ty).cloned().collect();
        let field = self.random.pick(&fields).clone();
        let written = match entries {
            [entry] if self.random.percent(10) => format!("{entry}.{}", field.column),
            _ => field.column.clone(),
        };
        let mut members = vec![("field", plain(&written))];
        if self.random.percent(8) && comparison(operator) {
            let others: Vec<String> = self
                .event_fields(entries)
                .filter(|other| alike(other.ty, ty) && other.column != field.column)
                .map(|other| other.column.clone())
                .collect();
            if !others.is_empty() {
                let other = plain(self.random.pick(&others));
                return self.against_field(Place::Where, operator, ty, members, other);
            }
        }
        let mut samples = event_values(self.world, entries, &field.column).unwrap();
        sort(&mut samples);
        self.literal(Place::Where, operator, ty, &mut members, samples);
        object(&members)
    }

    /// A condition on users: its subject, then operator and value. `name` is the column's own.
    fn condition(
        &mut self,
        place: Place,
        operator: &'static str,
        ty: Type,
        mut subject: Vec<(&'static str, String)>,
        name: Option<&str>,
    ) -> String {
        let strings = self.options.field_strings && ty == Text && operator.ends_with("With");
        let share = if place == Place::Aggregate && ty != Text { 12 } else { 6 };
        if self.random.percent(share) && (comparison(operator) || strings) {
            let mut others: Vec<String> = self
                .schema
                .users
                .iter()
                .filter(|(other, of)| alike(*of, ty) && Some(other.as_str()) != name)
                .map(|(other, _)| other.clone())
                .collect();
            let traits = self.schema.traits.iter().filter(|of| alike(of.ty, ty));
            others.extend(traits.map(|of| of.name.clone()));
            if !others.is_empty() {
                let other = plain(self.random.pick(&others));
                return self.against_field(place, operator, ty, subject, other);
            }
        }
        let found = values(self.world, &self.shell, &object(&subject), self.schema.as_of);
        let found = found.unwrap_or_else(|error| panic!("{error} in {}", object(&subject)));
        let mut samples: Vec<Value> = found.into_iter().flatten().collect();
        sort(&mut samples);
        self.literal(place, operator, ty, &mut subject, samples);
        object(&subject)
    }

    fn against_field(
        &mut self,
        place: Place,
        operator: &'static str,
        ty: Type,
        mut members: Vec<(&'static str, String)>,
        other: String,
    ) -> String {
        self.coverage.note_other(&format!("{place:?} against a field, {ty:?}"));
        members.push(("operator", self.spelling(operator)));
        members.push(("value", other));
        members.push(("valueSource", plain("field")));
        if ty == Text && self.random.percent(25) {
            members.push(("caseSensitive", "false".to_owned()));
        }
        object(&members)
    }

    fn literal(
        &mut self,
        place: Place,
        operator: &'static str,
        ty: Type,
        members: &mut Vec<(&'static str, String)>,
        samples: Vec<Value>,
    ) {
        self.coverage.note(place, operator, ty);
        members.push(("operator", self.spelling(operator)));
        if operator == "during" || operator == "notDuring" {
            let window = window(self.random, self.zone, self.schema.as_of);
            members.push(("value", window));
            return;
        }
        let (zone, as_of) = (self.zone, self.schema.as_of);
        let mut literals =
            Literals { random: &mut *self.random, zone, as_of, samples, ty, folded: false };
        let more = literals.members(operator);
        members.extend(more);
    }

    /// The operator, at times as people write it elsewhere.
    fn spelling(&mut self, operator: &str) -> String {
        let other = match operator {
            "=" => "==",
            "!=" => "<>",
            "null" => "is null",
            "notIn" => "not in",
            other => other,
        };
        plain(if self.random.percent(12) { other } else { operator })
    }
}

fn comparison(operator: &str) -> bool {
    ["=", "!=", "<", "<=", ">", ">="].contains(&operator)
}

/// Whether fields of the two types may be compared with each other.
fn alike(one: Type, other: Type) -> bool {
    let number = |ty| matches!(ty, Int | Decimal | Float);
    (one == other && !matches!(one, IntList | TextList)) || (number(one) && number(other))
}

fn sort(samples: &mut [Value]) {
    if !matches!(samples.first(), Some(Value::List(_))) {
        samples.sort_by(Value::order);
    }
}

/// Named aggregates for the model, at times with conditions and a window of their own.
pub fn traits(
    random: &mut Random,
    world: &World,
    schema: &Schema,
    seed: u64,
) -> (Vec<Trait>, Vec<String>) {
    let options = Options::default();
    let count = random.size((3, 7));
    let mut made = Vec::new();
    let mut documents = Vec::new();
    for name in ["total", "how many", "Newest", "first_seen", "spread", "flag", "last_one"] {
        if made.len() == count {
            break;
        }
        let ty = *random.pick(&[Bool, Int, Int, Decimal, Decimal, Float, Text, Date, Stamp]);
        let shell = object(&[("rule_name", plain("traits"))]);
        let mut maker = Maker {
            random: &mut *random,
            options: &options,
            world,
            schema,
            shell,
            zone: None,
            turns: turns(seed),
            coverage: Coverage::default(),
        };
        let (mut members, entries) = maker.calculation(ty, &[]);
        if maker.random.percent(40) {
            let fields: Vec<Type> = maker.event_fields(&entries).map(|field| field.ty).collect();
            let ty = *maker.random.pick(&fields);
            let operator = *maker.random.pick(operators(ty));
            let condition = maker.event(&entries, operator, ty);
            members.push(("where", list(&[condition])));
        }
        match random.range(0, 9) {
            0..=5 => {}
            6 => members.push(("window", plain("all"))),
            _ => members.push(("window", window(random, None, schema.as_of))),
        }
        // a trait always says its aggregate
        if !members.iter().any(|(name, _)| *name == "aggregate") {
            members.push(("aggregate", plain("count")));
        }
        made.push(Trait { name: name.to_owned(), ty, entries });
        documents.push(object(&members));
    }
    (made, documents)
}
