//! JSON Schemas as the vendor's structured output takes them: objects are closed, and a bound that
//! the vendor cannot enforce is told to the model in words.

use serde_json::{Map, Value};

/// Bounds that are not enforced, and become a part of the description.
const WORDS_ONLY: [&str; 14] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
    "contains",
    "minContains",
    "maxContains",
    "minProperties",
    "maxProperties",
];

/// A schema that the vendor enforces, and whether it says something else than it did. `None`:
/// there is none, as for objects with free names and for schemas within themselves.
pub(super) fn enforced(schema: &Value) -> Option<(Value, bool)> {
    if is_recursive(schema) {
        return None;
    }
    let mut changed = false;
    let schema = close(schema, &mut changed)?;
    Some((schema, changed))
}

fn close(schema: &Value, changed: &mut bool) -> Option<Value> {
    let Value::Object(from) = schema else { return Some(schema.clone()) };
    let mut to = Map::new();
    let mut words = Vec::new();
    for (name, value) in from {
        let value = match name.as_str() {
            "properties" | "$defs" | "definitions" => each_member(value, changed)?,
            "anyOf" | "allOf" | "oneOf" | "prefixItems" => each_element(value, changed)?,
            "items" => close(value, changed)?,
            "additionalProperties" if *value != Value::Bool(false) => return None,
            "patternProperties" | "not" | "if" => return None,
            _ if WORDS_ONLY.contains(&name.as_str()) => {
                words.push(format!("{name}: {value}"));
                continue;
            }
            "minItems" if value.as_u64().is_none_or(|least| least > 1) => {
                words.push(format!("{name}: {value}"));
                continue;
            }
            _ => value.clone(),
        };
        to.insert(name.clone(), value);
    }
    if !words.is_empty() {
        *changed = true;
        let before = to.get("description").and_then(Value::as_str);
        let lead = before.map(|text| format!("{text} ")).unwrap_or_default();
        to.insert("description".into(), format!("{lead}({})", words.join(", ")).into());
    }
    let object = to.get("type").and_then(Value::as_str) == Some("object")
        || (to.contains_key("properties") && !to.contains_key("type"));
    if object && !to.contains_key("additionalProperties") {
        *changed = true;
        to.insert("additionalProperties".into(), false.into());
    }
    Some(to.into())
}

fn each_member(value: &Value, changed: &mut bool) -> Option<Value> {
    let Value::Object(members) = value else { return Some(value.clone()) };
    let mut out = Map::new();
    for (name, schema) in members {
        out.insert(name.clone(), close(schema, changed)?);
    }
    Some(out.into())
}

fn each_element(value: &Value, changed: &mut bool) -> Option<Value> {
    let Value::Array(elements) = value else { return Some(value.clone()) };
    let elements: Option<Vec<Value>> =
        elements.iter().map(|schema| close(schema, changed)).collect();
    elements.map(Value::Array)
}

/// Whether a schema refers to one that it is a part of, or to one that is elsewhere.
fn is_recursive(root: &Value) -> bool {
    let mut refs = Vec::new();
    collect_refs(root, &mut refs);
    refs.iter().any(|start| reaches_itself(root, start))
}

fn reaches_itself<'a>(root: &'a Value, start: &'a str) -> bool {
    let mut seen: Vec<&str> = Vec::new();
    let mut open = vec![start];
    while let Some(reference) = open.pop() {
        let Some(target) = reference.strip_prefix('#').and_then(|at| root.pointer(at)) else {
            return true;
        };
        if reference == "#" {
            return true;
        }
        let mut inner = Vec::new();
        collect_refs(target, &mut inner);
        for next in inner {
            if next == start {
                return true;
            }
            if !seen.contains(&next) {
                seen.push(next);
                open.push(next);
            }
        }
    }
    false
}

fn collect_refs<'a>(value: &'a Value, out: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref")
                && !out.contains(&reference.as_str())
            {
                out.push(reference);
            }
            members.values().for_each(|value| collect_refs(value, out));
        }
        Value::Array(values) => values.iter().for_each(|value| collect_refs(value, out)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_schema_that_is_closed_already_stays_as_it_is() {
        let schema = json!({"type": "object", "additionalProperties": false,
            "properties": {"a": {"$ref": "#/$defs/a"}}, "$defs": {"a": {"type": "string"}}});
        assert_eq!(enforced(&schema), Some((schema, false)));
    }

    #[test]
    fn bounds_become_words_and_objects_are_closed() {
        let schema = json!({"type": "object", "properties":
            {"n": {"type": "integer", "minimum": 3, "description": "How many."}}});
        let (schema, changed) = enforced(&schema).unwrap();
        assert!(changed);
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["n"]["description"], "How many. (minimum: 3)");
        assert_eq!(schema["properties"]["n"].get("minimum"), None);
    }

    #[test]
    fn what_cannot_be_enforced_is_told_apart() {
        for schema in [
            json!({"type": "object", "additionalProperties": {"type": "string"}}),
            json!({"type": "object", "properties": {"next": {"$ref": "#"}}}),
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"items": {"$ref": "#/$defs/b"}},
                "b": {"items": {"$ref": "#/$defs/a"}}}}),
            json!({"$ref": "https://example.com/schema"}),
        ] {
            assert_eq!(enforced(&schema), None, "{schema}");
        }
    }
}
