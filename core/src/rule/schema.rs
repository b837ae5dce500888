//! The JSON Schema of a rule, generated from types that mirror the document for nothing else.

#![allow(dead_code)] // the fields exist to be described, not read

use schemars::{JsonSchema, Schema, generate::SchemaSettings};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{AGGREGATES, OPERATORS, Operation};

/// The schema of [`RuleDocument`], JSON Schema 2020-12.
pub(super) fn rule_schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<RuleDocument>().to_value()
}

/// A rule: who belongs to an audience.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(title = "Rule", deny_unknown_fields)]
struct RuleDocument {
    /// Unique, 1 to 200 characters.
    #[schemars(length(min = 1, max = 200))]
    rule_name: String,
    /// What the rule is for.
    description: Option<String>,
    /// Who belongs: a list (and), a group or one condition.
    conditions: Option<Conditions>,
    /// Five-field cron, or @hourly @daily @midnight @weekly @monthly @yearly @annually.
    schedule: Option<String>,
    /// IANA name, default the model's.
    timezone: Option<String>,
    /// First day or instant of the default window, inclusive.
    start_date: Option<String>,
    /// Last day or instant of the default window, inclusive.
    end_date: Option<String>,
    /// Rules, by id or name, whose segments are operands; a JSON list, or its text.
    depends_on: Option<DependsOn>,
    /// Required with `depends_on`.
    // A schema of its own hides that a member is optional; the default says so.
    #[serde(default)]
    #[schemars(schema_with = "operations")]
    operation: Option<String>,
    /// Users that belong whatever the conditions say.
    #[schemars(length(max = 1_000_000))]
    include: Option<Vec<IdOrName>>,
    /// Users that do not belong, whatever else is said.
    #[schemars(length(max = 1_000_000))]
    exclude: Option<Vec<IdOrName>>,
    /// False: keeps its segment, leaves the schedule and "refresh all".
    enabled: Option<bool>,
    /// Ignored.
    id: Option<Value>,
    /// Ignored.
    created_at: Option<Value>,
    /// Ignored.
    updated_at: Option<Value>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum DependsOn {
    List(Vec<IdOrName>),
    Text(String),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum IdOrName {
    Id(i64),
    Name(String),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Conditions {
    /// All of them; strings "and" and "or" may stand between them.
    List(Vec<Member>),
    One(Box<Node>),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Member {
    Node(Box<Node>),
    Combinator(Combinator),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Combinator {
    And,
    Or,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Node {
    Group(Group),
    Sequence(Sequence),
    Events(Events),
    Field(Field),
}

/// A group of conditions.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Group {
    combinator: Option<Combinator>,
    /// Turns the group into its complement.
    not: Option<bool>,
    rules: Vec<Member>,
    disabled: Option<bool>,
    muted: Option<bool>,
    id: Option<Value>,
    path: Option<Value>,
}

/// A condition on an attribute, a trait, other segments or the bucket.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
struct Field {
    /// A column of the users table, a trait, "segment" or "bucket".
    field: String,
    #[schemars(schema_with = "operators")]
    operator: String,
    /// What the operator takes: one value, a list, a window, a place, a rank's size.
    value: Option<Value>,
    /// "field": `value` names another field.
    value_source: Option<ValueSource>,
    /// False: strings are compared by simple case folding.
    case_sensitive: Option<bool>,
    /// Narrows a trait to some of its events.
    r#where: Option<Conditions>,
    /// Narrows a trait in time.
    window: Option<Window>,
    /// Of whom a rank is taken.
    among: Option<Conditions>,
    /// Makes buckets of different tests independent.
    salt: Option<String>,
    disabled: Option<bool>,
    muted: Option<bool>,
    id: Option<Value>,
    path: Option<Value>,
}

/// A condition on an aggregate of a user's events.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
struct Events {
    events: Names,
    #[serde(default)]
    #[schemars(schema_with = "aggregates")]
    aggregate: Option<String>,
    /// The column that is aggregated; required but for count and days_since_*.
    field: Option<String>,
    /// Which events.
    r#where: Option<Conditions>,
    /// From which time; the rule's dates if absent.
    window: Option<Window>,
    #[schemars(schema_with = "operators")]
    operator: String,
    value: Option<Value>,
    value_source: Option<ValueSource>,
    case_sensitive: Option<bool>,
    among: Option<Conditions>,
    disabled: Option<bool>,
    muted: Option<bool>,
    id: Option<Value>,
    path: Option<Value>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum ValueSource {
    Value,
    Field,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Names {
    One(String),
    Several(Vec<String>),
}

/// A condition on an order of events.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(deny_unknown_fields)]
struct Sequence {
    #[schemars(length(min = 2, max = 10))]
    sequence: Vec<Step>,
    window: Option<Window>,
    operator: Option<Did>,
    value_source: Option<ValueSource>,
    disabled: Option<bool>,
    muted: Option<bool>,
    id: Option<Value>,
    path: Option<Value>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
enum Did {
    Did,
    DidNot,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Step {
    events: Names,
    r#where: Option<Conditions>,
    /// The longest time after the step before, "7 days"; not on the first step.
    within: Option<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Window {
    /// No window.
    All(All),
    Last(Last),
    Between(Between),
    Calendar(Calendar),
    Range(Range),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum All {
    All,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Last {
    /// A duration back from `as_of`, "30 days".
    last: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Between {
    /// Two durations back from `as_of`, the far edge first.
    between: (String, String),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Calendar {
    /// "this" or "last", and day, week, month, quarter or year.
    #[schemars(regex(pattern = r"^(this|last) (day|week|month|quarter|year)$"))]
    calendar: String,
}

/// Both ends inclusive; at least one.
#[derive(Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Range {
    start: Option<String>,
    end: Option<String>,
}

/// The stored spellings first; others that people use are accepted too.
fn operators(_: &mut schemars::SchemaGenerator) -> Schema {
    let names: Vec<&str> = OPERATORS.iter().map(|(_, name)| *name).collect();
    schemars::json_schema!({ "anyOf": [{ "enum": names }, { "type": "string" }] })
}

/// The stored spellings first; the same in lower case are accepted too.
fn operations(_: &mut schemars::SchemaGenerator) -> Schema {
    let all = [Operation::Intersection, Operation::Union, Operation::Difference];
    let names = all.map(Operation::as_str);
    let lower = names.map(str::to_lowercase);
    schemars::json_schema!({ "anyOf": [{ "enum": names }, { "enum": lower }, { "type": "null" }] })
}

fn aggregates(_: &mut schemars::SchemaGenerator) -> Schema {
    let names: Vec<&str> = AGGREGATES.iter().map(|(_, name)| *name).collect();
    schemars::json_schema!({ "anyOf": [{ "enum": names }, { "type": "null" }] })
}
