//! From conditions to text.

use std::fmt::{Display, Write};

use crate::document::{Json, Number};

use super::super::write::double;
use super::super::{
    Aggregate, Combinator, Condition, Disabled, Group, Metric, Node, Operand, Operator, Place,
    RankSize, RuleRef, Scalar, SegmentCondition, Sequence, Step, Subject, Window,
};
use super::comparison::{MAX_PARTS, WORDS};
use super::functions::name_of;

/// Words that sqlparser's own expression parser does not take for a name.
const RESERVED: [&str; 9] =
    ["all", "any", "distinct", "exists", "interval", "returning", "some", "struct", "trim"];

/// The conditions of a rule, a `where` or an `among`.
pub(super) fn conditions(out: &mut String, group: &Group) {
    match group.rules.as_slice() {
        [_, _, ..] if !group.not => members(out, group),
        // A group alone would be taken for the conditions itself.
        [Node::Group(inner)] if !group.not && group.combinator == Combinator::And => {
            out.push('(');
            self::group(out, inner);
            out.push(')');
        }
        [only] if !group.not && group.combinator == Combinator::And => node(out, only),
        _ => self::group(out, group),
    }
}

/// The group's members with its combinator between them.
fn members(out: &mut String, group: &Group) {
    let between = match group.combinator {
        Combinator::And => " and ",
        Combinator::Or => " or ",
    };
    for (index, member) in group.rules.iter().enumerate() {
        if index > 0 {
            out.push_str(between);
        }
        node(out, member);
    }
}

/// A group as the member of another.
fn group(out: &mut String, group: &Group) {
    if group.not {
        out.push_str("not ");
    }
    match (group.rules.len(), group.combinator) {
        (0, Combinator::And) => out.push_str("true"),
        (0, Combinator::Or) => out.push_str("false"),
        (length, combinator) => {
            if length == 1 && combinator == Combinator::Or {
                out.push_str("any_of");
            }
            out.push('(');
            members(out, group);
            out.push(')');
        }
    }
}

fn node(out: &mut String, node: &Node) {
    match node {
        Node::Group(inner) => group(out, inner),
        Node::Condition(one) => condition(out, one),
        Node::Segments(one) => segments(out, one),
        Node::Sequence(one) => sequence(out, one),
        Node::Disabled(Disabled(json)) => {
            out.push_str("disabled(");
            string(out, &json.to_text());
            out.push(')');
        }
    }
}

fn put(out: &mut String, value: impl Display) {
    // Writing to memory does not fail.
    let _ = write!(out, "{value}");
}

fn string(out: &mut String, text: &str) {
    out.push('\'');
    out.push_str(&text.replace('\'', "''"));
    out.push('\'');
}

fn is_plain(part: &str) -> bool {
    let mut bytes = part.bytes();
    let letters = |b: u8| b.is_ascii_alphabetic() || b == b'_';
    bytes.next().is_some_and(letters)
        && bytes.all(|b| letters(b) || b.is_ascii_digit())
        && !WORDS.iter().chain(&RESERVED).any(|word| word.eq_ignore_ascii_case(part))
}

/// A name, quoted whole unless all of its parts can stand as they are.
fn name(out: &mut String, name: &str) {
    let few = name.bytes().filter(|byte| *byte == b'.').count() < MAX_PARTS - 1;
    match few && name.split('.').all(is_plain) {
        true => out.push_str(name),
        false => quoted(out, name),
    }
}

fn quoted(out: &mut String, name: &str) {
    out.push('"');
    out.push_str(&name.replace('"', "\"\""));
    out.push('"');
}

/// A name that must stay one part.
fn part(out: &mut String, name: &str) {
    match is_plain(name) {
        true => out.push_str(name),
        false => quoted(out, name),
    }
}

fn scalar(out: &mut String, value: &Scalar) {
    match value {
        Scalar::Bool(value) => put(out, value),
        Scalar::Number(number) => put(out, number),
        Scalar::Text(text) => string(out, text),
    }
}

fn condition(out: &mut String, condition: &Condition) {
    match name_of(condition.operator) {
        Some(function) => called(out, function, condition),
        None => compared(out, condition),
    }
}

/// A condition that is a function.
fn called(out: &mut String, function: &str, condition: &Condition) {
    out.push_str(function);
    out.push('(');
    subject(out, &condition.subject);
    match &condition.operand {
        Operand::One(value) => {
            out.push_str(", ");
            scalar(out, value);
        }
        Operand::Field(other) => {
            out.push_str(", ");
            field(out, other);
        }
        Operand::Window(window) => self::window(out, *window),
        Operand::Place(place) => self::place(out, place),
        Operand::Rank { size, among } => rank(out, *size, among.as_ref()),
        Operand::None | Operand::Pair(..) | Operand::List(_) => {}
    }
    if !condition.case_sensitive {
        out.push_str(", case_sensitive => false");
    }
    out.push(')');
}

/// A condition with an operator of SQL.
fn compared(out: &mut String, condition: &Condition) {
    if condition.case_sensitive {
        subject(out, &condition.subject);
    } else {
        out.push_str("ci(");
        subject(out, &condition.subject);
        out.push(')');
    }
    out.push(' ');
    out.push_str(sign(condition.operator));
    if condition.operand != Operand::None {
        out.push(' ');
    }
    match &condition.operand {
        Operand::One(value) => scalar(out, value),
        Operand::Pair(low, high) => {
            scalar(out, low);
            out.push_str(" and ");
            scalar(out, high);
        }
        Operand::List(values) => list(out, values, scalar),
        Operand::Field(other) => field(out, other),
        Operand::None | Operand::Window(_) | Operand::Place(_) | Operand::Rank { .. } => {}
    }
}

/// The operators that are no functions.
fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::NotBetween => "not between",
        Operator::NotIn => "not in",
        Operator::Null => "is null",
        Operator::NotNull => "is not null",
        other => other.as_str(),
    }
}

fn list<T>(out: &mut String, items: &[T], write: impl Fn(&mut String, &T)) {
    out.push('(');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        write(out, item);
    }
    out.push(')');
}

fn field(out: &mut String, other: &str) {
    out.push_str("field(");
    name(out, other);
    out.push(')');
}

fn subject(out: &mut String, subject: &Subject) {
    match subject {
        Subject::Field { name: field, filter: None, window: None } => name(out, field),
        Subject::Field { name: field, filter, window } => {
            out.push_str("trait(");
            name(out, field);
            narrowed(out, filter.as_ref(), *window);
            out.push(')');
        }
        Subject::Events(metric) => self::metric(out, metric),
        Subject::Bucket { salt } => {
            out.push_str("bucket(");
            if let Some(salt) = salt {
                out.push_str("salt => ");
                string(out, salt);
            }
            out.push(')');
        }
    }
}

fn narrowed(out: &mut String, filter: Option<&Group>, window: Option<Window>) {
    if let Some(filter) = filter {
        out.push_str(", where => ");
        conditions(out, filter);
    }
    if let Some(window) = window {
        self::window(out, window);
    }
}

fn metric(out: &mut String, metric: &Metric) {
    put(out, format_args!("{}(", metric.aggregate.as_str()));
    let days = |field: &String| metric.aggregate == Aggregate::CountDistinct && field == "time:day";
    match (metric.events.as_slice(), &metric.field) {
        ([table], None) => part(out, table),
        ([table], Some(field)) => {
            part(out, table);
            if days(field) {
                out.push_str(", ");
                string(out, field);
            } else {
                out.push('.');
                name(out, field);
            }
        }
        (tables, field) => {
            match field {
                Some(field) if days(field) => string(out, field),
                Some(field) => name(out, field),
                None => {}
            }
            out.push_str(if field.is_some() { ", " } else { "" });
            events(out, tables);
        }
    }
    narrowed(out, metric.filter.as_ref(), metric.window);
    out.push(')');
}

/// Several tables; names that the short form would split or trim stand in a list.
fn events(out: &mut String, tables: &[String]) {
    out.push_str("events => ");
    let short =
        |table: &String| !table.is_empty() && table.trim() == table && !table.contains([',', '\\']);
    match tables.iter().all(short) {
        true => string(out, &tables.join(",")),
        false => list(out, tables, |out, table| string(out, table)),
    }
}

fn window(out: &mut String, window: Window) {
    let mut argument = |name: &str, value: String| {
        put(out, format_args!(", {name} => '{value}'"));
    };
    match window {
        Window::All => argument("window", "all".to_owned()),
        Window::Last(duration) => argument("last", duration.to_string()),
        Window::Between { far, near } => argument("between", format!("{far},{near}")),
        Window::Calendar(calendar) => argument("calendar", calendar.to_string()),
        Window::Range { start, end } => {
            for (name, moment) in [("start", start), ("end", end)] {
                if let Some(moment) = moment {
                    argument(name, moment.to_string());
                }
            }
        }
    }
}

fn place(out: &mut String, place: &Place) {
    let degrees = |value: f64| match double(value) {
        Json::Number(number) => number,
        _ => Number::ZERO,
    };
    match place {
        Place::Circle { latitude, longitude, radius } => {
            let (lat, lon) = (degrees(*latitude), degrees(*longitude));
            put(out, format_args!(", lat => {lat}, lon => {lon}"));
            put(out, format_args!(", radius => '{} {}'", radius.length, radius.unit));
        }
        Place::Polygon(_) => {
            out.push_str(", polygon => ");
            if let Some(ring) = place.to_json().get("polygon") {
                string(out, &ring.to_text());
            }
        }
    }
}

fn rank(out: &mut String, size: RankSize, among: Option<&Group>) {
    match size {
        RankSize::Count(count) => put(out, format_args!(", count => {count}")),
        RankSize::Percent(percent) => put(out, format_args!(", percent => {percent}")),
    }
    if let Some(among) = among {
        out.push_str(", among => ");
        conditions(out, among);
    }
}

fn segments(out: &mut String, condition: &SegmentCondition) {
    out.push_str(if condition.negated { "segment not in " } else { "segment in " });
    list(out, &condition.rules, |out, rule| match rule {
        RuleRef::Id(id) => put(out, id),
        RuleRef::Name(name) => string(out, name),
    });
}

fn sequence(out: &mut String, sequence: &Sequence) {
    out.push_str(if sequence.did { "did(" } else { "did_not(" });
    for (index, step) in sequence.steps.iter().enumerate() {
        if index > 0 {
            out.push_str(", ");
        }
        self::step(out, step);
    }
    if let Some(window) = sequence.window {
        self::window(out, window);
    }
    out.push(')');
}

fn step(out: &mut String, step: &Step) {
    out.push_str("step(");
    match step.events.as_slice() {
        [table] => name(out, table),
        tables => events(out, tables),
    }
    if let Some(filter) = &step.filter {
        out.push_str(", where => ");
        conditions(out, filter);
    }
    if let Some(within) = step.within {
        put(out, format_args!(", within => '{within}'"));
    }
    out.push(')');
}
