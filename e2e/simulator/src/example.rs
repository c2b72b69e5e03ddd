//! An object that fits a JSON Schema: what the simulator gives as a tool's arguments and as
//! structured output. Knows what callers of models use: types, properties, items, enums, constants,
//! bounds, alternatives and local references.

use serde_json::{Map, Value, json};
use std::cell::Cell;

/// How deep a schema is followed, and how many values are made of it; beyond stands null.
const DEPTH_MAX: u32 = 24;
const VALUES_MAX: u32 = 2_000;

/// The `nth` example of `schema`: texts and choices differ from one to the next.
pub(crate) fn example(schema: &Value, nth: usize) -> Value {
    Example { root: schema, nth, made: Cell::new(0) }.of(schema, 0)
}

struct Example<'a> {
    root: &'a Value,
    nth: usize,
    made: Cell<u32>,
}

impl Example<'_> {
    fn of(&self, schema: &Value, depth: u32) -> Value {
        self.made.set(self.made.get() + 1);
        if depth > DEPTH_MAX || self.made.get() > VALUES_MAX {
            return Value::Null;
        }
        if let Some(pointer) = schema.get("$ref").and_then(Value::as_str) {
            let target = self.root.pointer(pointer.trim_start_matches('#'));
            return target.map_or(Value::Null, |target| self.of(target, depth + 1));
        }
        if let Some(value) = schema.get("const") {
            return value.clone();
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array)
            && let Some(value) = values.get(self.nth % values.len().max(1))
        {
            return value.clone();
        }
        for key in ["anyOf", "oneOf", "allOf"] {
            let alternatives = schema.get(key).and_then(Value::as_array);
            let first = alternatives.and_then(|all| all.iter().find(|one| kind(one) != "null"));
            if let Some(first) = first {
                return self.of(first, depth + 1);
            }
        }
        match kind(schema).as_str() {
            "string" => json!(self.text(schema)),
            "integer" | "number" => number(schema),
            "boolean" => json!(true),
            "null" => Value::Null,
            "array" => self.array(schema, depth),
            _ => self.object(schema, depth),
        }
    }

    fn text(&self, schema: &Value) -> String {
        let mut text = match self.nth {
            0 => "simulated".to_owned(),
            nth => format!("simulated {}", nth + 1),
        };
        let bound = |key| schema.get(key).and_then(Value::as_u64).unwrap_or(0);
        let shortest = usize::try_from(bound("minLength")).unwrap_or(0).min(4096);
        while text.len() < shortest {
            text.push('.');
        }
        if let Ok(longest @ 1..) = usize::try_from(bound("maxLength")) {
            text.truncate(longest);
        }
        text
    }

    fn array(&self, schema: &Value, depth: u32) -> Value {
        let least = schema.get("minItems").and_then(Value::as_u64).unwrap_or(1).clamp(1, 64);
        let any = json!({"type": "string"});
        let items = schema.get("items").unwrap_or(&any);
        Value::Array((0..least).map(|_| self.of(items, depth + 1)).collect())
    }

    fn object(&self, schema: &Value, depth: u32) -> Value {
        let properties = schema.get("properties").and_then(Value::as_object);
        let members = properties.into_iter().flatten();
        let members = members.map(|(key, schema)| (key.clone(), self.of(schema, depth + 1)));
        Value::Object(members.collect::<Map<_, _>>())
    }
}

/// The type a schema names first that is not null, in small letters: Gemini writes capitals.
fn kind(schema: &Value) -> String {
    let named = match schema.get("type") {
        Some(Value::Array(types)) => types.iter().find(|t| t.as_str() != Some("null")),
        one => one,
    };
    named.and_then(Value::as_str).unwrap_or_default().to_lowercase()
}

fn number(schema: &Value) -> Value {
    let bound = |key| schema.get(key).filter(|value| value.is_number()).cloned();
    let above = || bound("exclusiveMinimum").and_then(|n| n.as_i64()).map(|n| json!(n + 1));
    bound("minimum").or_else(above).or_else(|| bound("maximum")).unwrap_or_else(|| json!(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_example_fits_its_schema() {
        let schema = json!({
            "type": "object",
            "properties": {
                "city": {"type": "string"},
                "unit": {"enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "minimum": 3},
                "note": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/note"}]},
                "tags": {"type": "ARRAY", "items": {"type": "STRING"}, "minItems": 2},
            },
            "$defs": {"note": {"type": ["null", "boolean"]}},
        });
        let first = json!({"city": "simulated", "unit": "celsius", "days": 3, "note": true,
                           "tags": ["simulated", "simulated"]});
        assert_eq!(example(&schema, 0), first);
        assert_eq!(example(&schema, 1)["city"], "simulated 2");
        assert_eq!(example(&schema, 1)["unit"], "fahrenheit");
    }

    #[test]
    fn a_schema_that_refers_to_itself_ends() {
        let schema = json!({"$ref": "#"});
        assert_eq!(example(&schema, 0), Value::Null);
        let twig = json!({"$ref": "#"});
        let twigs = json!({"a": twig, "b": twig, "c": twig, "d": twig, "e": twig, "f": twig});
        let tree = json!({"type": "object", "properties": twigs});
        assert!(example(&tree, 0).is_object());
    }
}
