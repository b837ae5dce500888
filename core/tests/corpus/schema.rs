//! The JSON Schema of a rule: a valid document that accepts every rule of the corpus.

use segmentry::RuleParser;
use serde_json::{Value, json};

use super::case;

/// Whether the schema accepts the value. It knows the keywords that ours has, and no others.
fn accepts(root: &Value, schema: &Value, value: &Value) -> bool {
    let schema = match schema {
        Value::Bool(all) => return *all,
        other => other.as_object().expect("a schema is an object"),
    };
    let accept = |schema: &Value, value: &Value| accepts(root, schema, value);
    let number = |value: &Value| value.as_u64().and_then(|n| usize::try_from(n).ok()).unwrap();
    schema.iter().all(|(keyword, wanted)| match keyword.as_str() {
        "$schema" | "$defs" | "title" | "description" | "format" | "default" => true,
        "$ref" => {
            let place = wanted.as_str().unwrap().strip_prefix('#').unwrap();
            accept(root.pointer(place).unwrap_or_else(|| panic!("no {place}")), value)
        }
        "anyOf" => wanted.as_array().unwrap().iter().any(|one| accept(one, value)),
        "oneOf" => wanted.as_array().unwrap().iter().filter(|one| accept(one, value)).count() == 1,
        "enum" => wanted.as_array().unwrap().contains(value),
        "const" => wanted == value,
        "type" => match wanted {
            Value::Array(types) => types.iter().any(|ty| is_of(ty.as_str().unwrap(), value)),
            ty => is_of(ty.as_str().unwrap(), value),
        },
        "properties" => value.as_object().is_none_or(|members| {
            let known = wanted.as_object().unwrap();
            members.iter().all(|(name, held)| known.get(name).is_none_or(|one| accept(one, held)))
        }),
        "additionalProperties" => value.as_object().is_none_or(|members| {
            let known = schema["properties"].as_object().unwrap();
            assert_eq!(*wanted, Value::Bool(false));
            members.keys().all(|name| known.contains_key(name))
        }),
        "required" => value.as_object().is_none_or(|members| {
            let names = wanted.as_array().unwrap();
            names.iter().all(|name| members.contains_key(name.as_str().unwrap()))
        }),
        "items" => value.as_array().is_none_or(|items| items.iter().all(|one| accept(wanted, one))),
        "prefixItems" => value.as_array().is_none_or(|items| {
            wanted.as_array().unwrap().iter().zip(items).all(|(one, item)| accept(one, item))
        }),
        "minItems" => value.as_array().is_none_or(|items| items.len() >= number(wanted)),
        "maxItems" => value.as_array().is_none_or(|items| items.len() <= number(wanted)),
        "minLength" => value.as_str().is_none_or(|text| text.chars().count() >= number(wanted)),
        "maxLength" => value.as_str().is_none_or(|text| text.chars().count() <= number(wanted)),
        "pattern" => {
            let pattern = regex::Regex::new(wanted.as_str().unwrap()).unwrap();
            value.as_str().is_none_or(|text| pattern.is_match(text))
        }
        other => panic!("the keyword {other} is new"),
    })
}

fn is_of(ty: &str, value: &Value) -> bool {
    match ty {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        other => panic!("{other} is no type"),
    }
}

#[tokio::test]
async fn corpus_rules_fit_the_schema() {
    let schema = RuleParser::schema();
    let mut found = Vec::new();
    for case in case::all().await {
        for (_, document) in &case.rules {
            let written = RuleParser::parse(document.as_str()).unwrap().to_json();
            for value in [serde_json::from_str(document).unwrap(), written] {
                if !accepts(&schema, &schema, &value) {
                    found.push(format!("{}: {value}", case.name));
                }
            }
        }
    }
    assert!(found.is_empty(), "not accepted:\n{}", found.join("\n"));
}

#[test]
fn the_schema_refuses_what_is_no_rule() {
    let schema = RuleParser::schema();
    let refused = |rule: Value| assert!(!accepts(&schema, &schema, &rule), "{rule}");
    refused(json!([]));
    refused(json!({"conditions": []}));
    refused(json!({"rule_name": "", "conditions": []}));
    refused(json!({"rule_name": "a", "conditons": []}));
    refused(json!({"rule_name": "a", "conditions": [7]}));
    refused(json!({"rule_name": "a", "conditions": [{"field": "x"}]}));
    refused(json!({"rule_name": "a", "conditions": [{"field": "x", "operator": "=", "valeu": 1}]}));
    refused(json!({"rule_name": "a", "depends_on": [1], "operation": "XOR"}));
    let window = json!({"calendar": "next week"});
    let condition = json!({"events": "e", "operator": "=", "value": 1, "window": window});
    refused(json!({"rule_name": "a", "conditions": [condition]}));
}

#[test]
fn the_schema_has_every_member_of_a_rule() {
    let schema = RuleParser::schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["additionalProperties"], false);
    assert!(schema["$defs"].is_object());
    let members = schema["properties"].as_object().unwrap();
    let mut rule = json!({"rule_name": "a", "conditions": []});
    let complaint = |rule: &Value| match RuleParser::parse(rule) {
        Ok(_) => String::new(),
        Err(error) => format!("{:?}", error.problems()),
    };
    for name in members.keys() {
        if rule.get(name).is_none() {
            rule[name] = Value::Null;
        }
    }
    assert_eq!(complaint(&rule), "", "the parser knows every member of the schema");
    assert_eq!(members.len(), 15);
    rule["other"] = Value::Null;
    assert!(complaint(&rule).contains("UnknownMember"), "{}", complaint(&rule));
}
