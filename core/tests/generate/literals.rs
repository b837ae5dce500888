//! Values of conditions, drawn from what the data holds, in the forms that a document may give them.

use chrono_tz::Tz;

use super::Random;
use super::columns::small_hours;
use super::document::{list, quote};
use super::patterns::pattern;
use super::world::Type;
use crate::oracle::text::fold;
use crate::oracle::time::{Moment, SECOND, date_of_days, local_time};
use crate::oracle::value::Value;

/// A value as text, and whether JSON needs it in quotes.
#[derive(Clone)]
struct Written {
    text: String,
    quoted: bool,
}

/// Draws operands for one condition.
pub struct Literals<'a> {
    pub random: &'a mut Random,
    /// The rule's zone; none where a condition serves rules of any zone.
    pub zone: Option<Tz>,
    pub as_of: i64,
    /// What the field holds, in order.
    pub samples: Vec<Value>,
    pub ty: Type,
    pub folded: bool,
}

impl Literals<'_> {
    /// The members `value` and `caseSensitive` of a condition.
    pub fn members(&mut self, operator: &str) -> Vec<(&'static str, String)> {
        let text = self.ty == Type::Text && !["null", "notNull"].contains(&operator);
        self.folded = text && self.random.percent(30);
        if self.samples.is_empty() {
            self.samples = vec![self.fallback()];
        }
        let value = match operator {
            "null" | "notNull" => return Vec::new(),
            "between" | "notBetween" => self.range(),
            "in" | "notIn" => self.several(),
            "matches" | "doesNotMatch" => {
                let texts = self.texts();
                let pattern = pattern(self.random, &texts);
                quote(self.random, &pattern)
            }
            "contains" | "doesNotContain" if self.ty != Type::Text => {
                let item = self.item();
                self.json(item)
            }
            "contains" | "doesNotContain" | "beginsWith" | "doesNotBeginWith" | "endsWith"
            | "doesNotEndWith" => self.part(operator),
            "<" | "<=" | ">" | ">=" => {
                let value = self.quantile();
                let written = self.written(&value, true);
                self.json(written)
            }
            _ => {
                let value = self.any();
                let moved = self.random.percent(10);
                let written = self.written(&value, moved);
                self.json(written)
            }
        };
        let mut members = vec![("value", value)];
        if self.folded {
            members.push(("caseSensitive", "false".to_owned()));
        } else if text && self.random.percent(5) {
            members.push(("caseSensitive", "true".to_owned()));
        }
        members
    }

    /// A value for a field that has none.
    fn fallback(&self) -> Value {
        match self.ty {
            Type::Bool => Value::Bool(true),
            Type::Int | Type::Decimal | Type::Float => Value::Float(5.0),
            Type::Text => Value::Text("Travel".to_owned()),
            Type::Date => Value::Date((self.as_of / (86_400 * SECOND)) as i32),
            Type::Stamp => Value::Stamp(self.as_of),
            Type::IntList | Type::TextList => Value::List(Vec::new()),
        }
    }

    fn any(&mut self) -> Value {
        self.random.pick(&self.samples).clone()
    }

    fn at_share(&self, share: i64) -> Value {
        let last = self.samples.len() - 1;
        self.samples[(last * share as usize) / 100].clone()
    }

    fn quantile(&mut self) -> Value {
        let share = self.random.range(10, 90);
        self.at_share(share)
    }

    fn texts(&self) -> Vec<String> {
        self.samples
            .iter()
            .filter_map(
                |value| if let Value::Text(text) = value { Some(text.clone()) } else { None },
            )
            .collect()
    }

    fn json(&mut self, written: Written) -> String {
        if written.quoted { quote(self.random, &written.text) } else { written.text }
    }

    fn item(&mut self) -> Written {
        let items: Vec<Value> = self
            .samples
            .iter()
            .filter_map(|value| if let Value::List(items) = value { Some(items) } else { None })
            .flatten()
            .cloned()
            .collect();
        match (items.as_slice(), self.ty) {
            ([], Type::TextList) => Written { text: "Travel".to_owned(), quoted: true },
            ([], _) => Written { text: "3".to_owned(), quoted: false },
            (items, _) => {
                let item = self.random.pick(items).clone();
                self.written(&item, false)
            }
        }
    }

    fn range(&mut self) -> String {
        let first = self.random.range(0, 45);
        let second = self.random.range(40, 100);
        let (low, high) = (self.at_share(first.min(second)), self.at_share(first.max(second)));
        let mut bounds = [self.written(&low, false), self.written(&high, false)];
        if self.folded {
            bounds.sort_by_key(|written| fold(&written.text));
        }
        if self.ty == Type::Stamp && !self.in_order(&bounds) {
            bounds = [absolute(&low), absolute(&high)];
        }
        self.joined(&bounds, 30)
    }

    /// Whether the first of two written instants is not after the second, in the rule's zone.
    fn in_order(&self, bounds: &[Written; 2]) -> bool {
        let Some(zone) = self.zone else { return false };
        let [low, high] =
            bounds.each_ref().map(|written| Moment::parse(&written.text, zone).unwrap());
        low.start(zone) < high.end(zone)
    }

    fn several(&mut self) -> String {
        if self.random.percent(2) {
            return "[]".to_owned();
        }
        let count = self.random.range(1, 4);
        let items: Vec<Written> = (0..count)
            .map(|_| {
                let value = self.any();
                self.written(&value, false)
            })
            .collect();
        self.joined(&items, 45)
    }

    /// A list, or at times one string with commas where the items allow that.
    fn joined(&mut self, items: &[Written], share: u32) -> String {
        let splits = items.iter().all(|item| {
            let text = &item.text;
            !text.is_empty()
                && text.trim() == text
                && !text.ends_with('\\')
                && !text.contains("\\,")
        });
        if self.ty != Type::Bool && splits && self.random.percent(share) {
            let comma = *self.random.pick(&[",", ", ", " ,", ",,"]);
            let items: Vec<String> =
                items.iter().map(|item| item.text.replace(',', "\\,")).collect();
            return quote(self.random, &items.join(comma));
        }
        let items: Vec<String> = items.iter().map(|item| self.json(item.clone())).collect();
        list(&items)
    }

    /// Part of a string that is there: some of its letters in a row.
    fn part(&mut self, operator: &str) -> String {
        let texts: Vec<String> = self.texts().into_iter().filter(|text| !text.is_empty()).collect();
        if texts.is_empty() {
            return "\"T\"".to_owned();
        }
        let letters: Vec<char> = self.random.pick(&texts).chars().collect();
        let length = self.random.size((1, letters.len().min(3)));
        let start = match operator {
            "beginsWith" | "doesNotBeginWith" => 0,
            "endsWith" | "doesNotEndWith" => letters.len() - length,
            _ => self.random.size((0, letters.len() - length)),
        };
        let part: String = letters[start..start + length].iter().collect();
        let part = if self.folded { swapped(&part) } else { part };
        quote(self.random, &part)
    }

    /// A value in one of its forms; `moved` allows another value beside it.
    fn written(&mut self, value: &Value, moved: bool) -> Written {
        match value {
            Value::Bool(value) => Written { text: value.to_string(), quoted: false },
            Value::Text(text) if self.folded => Written { text: swapped(text), quoted: true },
            Value::Text(text) => Written { text: text.clone(), quoted: true },
            Value::Date(days) => {
                let days = days + if moved { self.random.range(-1, 1) as i32 } else { 0 };
                Written { text: date_of_days(days).to_string(), quoted: true }
            }
            Value::Stamp(at) => {
                let at = at + if moved { self.random.range(-1, 1) } else { 0 };
                Written { text: self.instant(at), quoted: true }
            }
            Value::Exact(_) | Value::Float(_) => {
                let text = number(value);
                let text = if moved && self.random.percent(30) { beside(&text) } else { text };
                self.number_form(text)
            }
            other => panic!("{other:?} is no value of a condition"),
        }
    }

    fn number_form(&mut self, text: String) -> Written {
        let plain = !text.contains('e');
        let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
        let short = digits.len() < 30;
        let changed = match self.random.range(0, 19) {
            0 if plain && short && text.contains('.') => format!("{text}00"),
            0 if plain && short => format!("{text}.0"),
            1 if plain && short => {
                let places = digits.split_once('.').map_or(0, |(_, after)| after.len());
                let all = digits.replace('.', "");
                let all = all.trim_start_matches('0');
                format!("{sign}{}e-{places}", if all.is_empty() { "0" } else { all })
            }
            2 if plain && !text.contains('.') && text.ends_with("00") && text.len() > 2 => {
                format!("{}E+2", &text[..text.len() - 2])
            }
            3 => return Written { text, quoted: true },
            4 => return Written { text: format!(" {text}  "), quoted: true },
            5 if text == "0" => "-0.0".to_owned(),
            _ => text,
        };
        Written { text: changed, quoted: false }
    }

    /// An instant: its day, or its time in UTC, with an offset, or on the wall of the rule's zone.
    fn instant(&mut self, at: i64) -> String {
        let odd = match self.zone {
            Some(zone) if self.random.percent(8) => small_hours(self.random, zone, at),
            _ => None,
        };
        match self.random.range(0, 9) {
            _ if odd.is_some() => wall(odd.unwrap_or(at)),
            0..=2 => {
                let zone = self.zone.unwrap_or(Tz::UTC);
                local_time(zone, at).date().to_string()
            }
            3 | 4 => {
                let (shift, offset) = *self.random.pick(&[(330, "+05:30"), (-480, "-08:00")]);
                format!("{}{offset}", wall(at + shift * 60 * SECOND))
            }
            5 | 6 if self.zone.is_some() => {
                let local = local_time(self.zone.unwrap_or(Tz::UTC), at);
                wall(local.and_utc().timestamp_micros())
            }
            _ => utc(at),
        }
    }
}

fn absolute(value: &Value) -> Written {
    match value {
        Value::Stamp(at) => Written { text: utc(*at), quoted: true },
        other => panic!("{other:?} is no instant"),
    }
}

/// An instant as text with `Z`.
pub fn utc(at: i64) -> String {
    format!("{}Z", wall(at))
}

fn wall(at: i64) -> String {
    let text = local_time(Tz::UTC, at).format("%Y-%m-%dT%H:%M:%S%.6f").to_string();
    text.strip_suffix(".000000").unwrap_or(&text).to_owned()
}

/// A number with all of its digits, up to 38.
fn number(value: &Value) -> String {
    match value {
        Value::Exact(exact) => {
            let whole = exact.text(0).len() as u32;
            exact.text(36u32.saturating_sub(whole).min(20))
        }
        Value::Float(value) => {
            let text = value.to_string();
            if text.len() > 36 { format!("{value:e}") } else { text }
        }
        other => panic!("{other:?} is no number"),
    }
}

/// A number with more digits, a little further from zero.
fn beside(text: &str) -> String {
    match text {
        text if text.contains('e') || text.len() > 28 => text.to_owned(),
        text if text.contains('.') => format!("{text}0001"),
        text => format!("{text}.5"),
    }
}

/// The letters in the other case, where that is one letter that folds to the same.
fn swapped(text: &str) -> String {
    let one = |letters: &mut dyn Iterator<Item = char>| match (letters.next(), letters.next()) {
        (Some(letter), None) => Some(letter),
        _ => None,
    };
    text.chars()
        .map(|letter| {
            let other = match letter.is_uppercase() {
                true => one(&mut letter.to_lowercase()),
                false => one(&mut letter.to_uppercase()),
            };
            other.unwrap_or(letter)
        })
        .collect()
}
