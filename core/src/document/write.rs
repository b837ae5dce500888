//! From [`Json`] to text and to [`serde_json::Value`].

use json_event_parser::{JsonEvent, WriterJsonSerializer};
use serde_json::Value;

use super::{Json, Number};

impl Json {
    /// JSON text, numbers to the last digit.
    pub(crate) fn to_text(&self) -> String {
        let mut writer = WriterJsonSerializer::new(Vec::new());
        // Writing to memory does not fail, and the tree is well formed.
        let _ = emit(self, &mut writer);
        let bytes = writer.finish().unwrap_or_default();
        String::from_utf8(bytes).unwrap_or_default()
    }

    /// A value for programs. A number that neither a 64-bit integer nor a double holds exactly
    /// becomes a string, which every place that takes a number reads as one.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Json::Null => Value::Null,
            Json::Bool(value) => Value::Bool(*value),
            Json::Number(number) => number_value(*number),
            Json::LongNumber(text) => Value::String(text.to_string()),
            Json::String(text) => Value::String(text.clone()),
            Json::Array(items) => items.iter().map(Json::to_value).collect(),
            Json::Object(members) => {
                Value::Object(members.iter().map(|(k, v)| (k.clone(), v.to_value())).collect())
            }
        }
    }
}

fn number_value(number: Number) -> Value {
    if let Some(integer) = number.to_i64() {
        return Value::from(integer);
    }
    // Of the shortest texts of a double there may be two, and `serde_json` takes its own: what it
    // will write must be this very number.
    let double = Value::from(number.to_f64());
    if double.is_number() && double.to_string().parse() == Ok(number) {
        return double;
    }
    Value::String(number.to_string())
}

fn emit(json: &Json, to: &mut WriterJsonSerializer<Vec<u8>>) -> std::io::Result<()> {
    match json {
        Json::Null => to.serialize_event(JsonEvent::Null),
        Json::Bool(value) => to.serialize_event(JsonEvent::Boolean(*value)),
        Json::Number(number) => to.serialize_event(JsonEvent::Number(number.to_string().into())),
        Json::LongNumber(text) => to.serialize_event(JsonEvent::Number(text.as_ref().into())),
        Json::String(text) => to.serialize_event(JsonEvent::String(text.as_str().into())),
        Json::Array(items) => {
            to.serialize_event(JsonEvent::StartArray)?;
            for item in items {
                emit(item, to)?;
            }
            to.serialize_event(JsonEvent::EndArray)
        }
        Json::Object(members) => {
            to.serialize_event(JsonEvent::StartObject)?;
            for (name, value) in members {
                to.serialize_event(JsonEvent::ObjectKey(name.as_str().into()))?;
                emit(value, to)?;
            }
            to.serialize_event(JsonEvent::EndObject)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn text_keeps_every_digit_and_values_say_strings() {
        let text = r#"{"a":[1,0.1,12345678901234567890.12,"q\"",null],"b":{"c":true}}"#;
        let json = read(text).unwrap();
        assert_eq!(json.to_text(), text);
        assert_eq!(
            json.to_value(),
            serde_json::json!(
                {"a": [1, 0.1, "12345678901234567890.12", "q\"", null], "b": {"c": true}}
            )
        );
    }

    #[test]
    fn numbers_in_a_value_are_what_they_were() {
        // Both are as near to the same double as the other, and as short.
        for text in ["168.60000610351563", "168.60000610351562", "0.1", "1e-30", "-2.5e20"] {
            let number: Number = text.parse().unwrap();
            let again = match number_value(number) {
                Value::Number(value) => value.to_string().parse(),
                Value::String(value) => value.parse(),
                other => panic!("{other}"),
            };
            assert_eq!(again, Ok(number), "{text}");
        }
    }
}
