//! JSON Schema and Gemini's own form of schemas, a part of OpenAPI's: upper-case types, `nullable`,
//! no references. Everything here is bounded: a schema that refers to itself, or that grows when its
//! references are written out, ends in "anything".

use serde_json::{Map, Value, json};

/// Times that one definition may stand inside itself.
const CYCLES_MAX: usize = 2;
/// Nodes that a schema may have once its references are written out.
const NODES_MAX: usize = 4_000;

/// Keywords that mean the same in both.
const SHARED: [&str; 14] = [
    "title",
    "description",
    "default",
    "example",
    "pattern",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
    "minProperties",
    "maxProperties",
    "required",
];

/// Gemini's form of a JSON Schema, and whether that is looser than the schema was.
pub(super) fn from_json(schema: &Value) -> (Value, bool) {
    let mut writer = Writer { root: schema, open: Vec::new(), nodes: 0, looser: false };
    let value = writer.node(schema);
    (value, writer.looser)
}

struct Writer<'a> {
    root: &'a Value,
    /// The references that are being written out, outermost first.
    open: Vec<&'a str>,
    nodes: usize,
    looser: bool,
}

impl<'a> Writer<'a> {
    fn node(&mut self, schema: &'a Value) -> Value {
        self.nodes += 1;
        let Some(map) = schema.as_object().filter(|_| self.nodes <= NODES_MAX) else {
            self.looser |= schema != &Value::Bool(true);
            return json!({"type": "OBJECT"});
        };
        if let Some(Value::String(reference)) = map.get("$ref") {
            return self.reference(reference);
        }
        let mut out = Map::new();
        self.types(map, &mut out);
        for keyword in SHARED {
            if let Some(value) = map.get(keyword) {
                out.insert(keyword.to_owned(), value.clone());
            }
        }
        self.values(map, &mut out);
        if let Some(Value::Object(properties)) = map.get("properties") {
            let named = properties.iter().map(|(name, schema)| (name.clone(), self.node(schema)));
            out.insert("properties".to_owned(), Value::Object(named.collect()));
            let order: Vec<&String> = properties.keys().collect();
            out.insert("propertyOrdering".to_owned(), json!(order));
        }
        if let Some(items) = map.get("items") {
            let items = self.node(items);
            out.insert("items".to_owned(), items);
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(Value::Array(choices)) = map.get(keyword) {
                self.choices(choices, &mut out);
            }
        }
        if let Some(Value::Array(all)) = map.get("allOf") {
            for schema in all {
                let member = self.node(schema);
                merge(&mut out, member);
            }
        }
        const GONE: [&str; 6] = [
            "additionalProperties",
            "not",
            "if",
            "patternProperties",
            "prefixItems",
            "uniqueItems",
        ];
        self.looser |= GONE.iter().any(|keyword| map.contains_key(*keyword));
        Value::Object(out)
    }

    fn reference(&mut self, reference: &'a str) -> Value {
        let times = self.open.iter().filter(|open| **open == reference).count();
        let root = self.root;
        let target = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer));
        match target {
            Some(target) if times < CYCLES_MAX => {
                self.open.push(reference);
                let value = self.node(target);
                self.open.pop();
                value
            }
            _ => {
                self.looser = true;
                json!({"type": "OBJECT"})
            }
        }
    }

    /// `type`, of which JSON Schema may have several, and `format`.
    fn types(&mut self, map: &'a Map<String, Value>, out: &mut Map<String, Value>) {
        let names: Vec<&str> = match map.get("type") {
            Some(Value::String(name)) => vec![name],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            _ if map.contains_key("properties") => vec!["object"],
            _ => Vec::new(),
        };
        if names.contains(&"null") || map.get("nullable") == Some(&Value::Bool(true)) {
            out.insert("nullable".to_owned(), true.into());
        }
        let names: Vec<String> =
            names.into_iter().filter(|name| *name != "null").map(str::to_ascii_uppercase).collect();
        match names.as_slice() {
            [] => {}
            [one] => {
                out.insert("type".to_owned(), one.as_str().into());
                let format = map.get("format").and_then(Value::as_str).unwrap_or_default();
                if matches!(
                    (one.as_str(), format),
                    ("STRING", "date-time")
                        | ("NUMBER", "float" | "double")
                        | ("INTEGER", "int32" | "int64")
                ) {
                    out.insert("format".to_owned(), format.into());
                }
            }
            several => {
                let any: Vec<Value> = several.iter().map(|name| json!({"type": name})).collect();
                out.insert("anyOf".to_owned(), any.into());
            }
        }
    }

    /// `enum` and `const`: only strings can be listed.
    fn values(&mut self, map: &'a Map<String, Value>, out: &mut Map<String, Value>) {
        let values = match (map.get("enum"), map.get("const")) {
            (Some(Value::Array(values)), _) => values.clone(),
            (_, Some(one)) => vec![one.clone()],
            _ => return,
        };
        if values.contains(&Value::Null) {
            out.insert("nullable".to_owned(), true.into());
        }
        let words: Vec<Value> = values.into_iter().filter(|value| !value.is_null()).collect();
        if words.iter().all(Value::is_string) && !words.is_empty() {
            out.insert("type".to_owned(), "STRING".into());
            out.insert("enum".to_owned(), words.into());
        } else {
            self.looser = true;
        }
    }

    /// `anyOf`; a choice of null is `nullable`, and a single one left is no choice.
    fn choices(&mut self, choices: &'a [Value], out: &mut Map<String, Value>) {
        let is_null = |schema: &&Value| schema.get("type") == Some(&Value::from("null"));
        if choices.iter().any(|schema| is_null(&schema)) {
            out.insert("nullable".to_owned(), true.into());
        }
        let mut rest: Vec<Value> = Vec::new();
        for schema in choices.iter().filter(|schema| !is_null(schema)) {
            rest.push(self.node(schema));
        }
        if rest.len() == 1 {
            rest.pop().into_iter().for_each(|only| merge(out, only));
        } else if !rest.is_empty() {
            out.insert("anyOf".to_owned(), rest.into());
        }
    }
}

/// Adds what `more` demands to `out`.
fn merge(out: &mut Map<String, Value>, more: Value) {
    let Value::Object(more) = more else { return };
    for (keyword, value) in more {
        match (out.get_mut(&keyword), value) {
            (Some(Value::Object(there)), Value::Object(new)) if keyword == "properties" => {
                there.extend(new);
            }
            (Some(Value::Array(there)), Value::Array(new))
                if matches!(keyword.as_str(), "required" | "propertyOrdering") =>
            {
                let new: Vec<Value> = new.into_iter().filter(|v| !there.contains(v)).collect();
                there.extend(new);
            }
            (_, value) => {
                out.insert(keyword, value);
            }
        }
    }
}

/// The JSON Schema of a schema in Gemini's form.
pub(super) fn to_json(schema: Value) -> Value {
    let Value::Object(map) = schema else { return schema };
    let mut out = Map::new();
    let (mut nullable, mut order) = (false, Vec::new());
    for (name, value) in map {
        match (name.as_str(), value) {
            ("type", Value::String(name)) => {
                out.insert("type".to_owned(), name.to_ascii_lowercase().into());
            }
            ("nullable", value) => nullable = value == Value::Bool(true),
            ("propertyOrdering" | "property_ordering", Value::Array(names)) => order = names,
            ("format", Value::String(format)) if format == "enum" => {}
            ("properties", Value::Object(properties)) => {
                let named = properties.into_iter().map(|(name, schema)| (name, to_json(schema)));
                out.insert("properties".to_owned(), Value::Object(named.collect()));
            }
            ("items" | "additionalProperties" | "additional_properties", value) => {
                out.insert(camel(&name), to_json(value));
            }
            ("anyOf" | "any_of" | "prefixItems" | "prefix_items", Value::Array(schemas)) => {
                let schemas: Vec<Value> = schemas.into_iter().map(to_json).collect();
                out.insert(camel(&name), schemas.into());
            }
            // Bounds are 64-bit numbers, which Google's JSON writes as strings.
            (_, Value::String(text)) if camel(&name).starts_with("m") && bound(&text).is_some() => {
                out.insert(camel(&name), json!(bound(&text)));
            }
            (_, value) => {
                out.insert(camel(&name), value);
            }
        }
    }
    if let Some(Value::Object(properties)) = out.get_mut("properties") {
        reorder(properties, &order);
    }
    if nullable {
        make_nullable(&mut out);
    }
    Value::Object(out)
}

fn bound(text: &str) -> Option<i64> {
    text.parse().ok()
}

fn camel(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut upper = false;
    for c in name.chars() {
        match c {
            '_' => upper = true,
            c if upper => {
                camel.push(c.to_ascii_uppercase());
                upper = false;
            }
            c => camel.push(c),
        }
    }
    camel
}

/// The properties in the order that was asked for; others after them.
fn reorder(properties: &mut Map<String, Value>, order: &[Value]) {
    let mut ordered = Map::new();
    for name in order.iter().filter_map(Value::as_str) {
        if let Some(schema) = properties.shift_remove(name) {
            ordered.insert(name.to_owned(), schema);
        }
    }
    ordered.append(properties);
    *properties = ordered;
}

fn make_nullable(schema: &mut Map<String, Value>) {
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.push(json!({"type": "null"}));
    } else if let Some(kind) = schema.get_mut("type") {
        *kind = json!([kind, "null"]);
    }
    if let Some(Value::Array(words)) = schema.get_mut("enum") {
        words.push(Value::Null);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_written_out_and_a_cycle_ends_in_anything() {
        let schema = json!({
            "type": "object",
            "properties": {"tree": {"$ref": "#/$defs/Node"}, "gone": {"$ref": "#/$defs/None"}},
            "$defs": {"Node": {"type": "object", "properties": {
                "name": {"type": "string"}, "next": {"$ref": "#/$defs/Node"}}}},
        });
        let (clean, looser) = from_json(&schema);
        assert!(looser);
        let next = clean.pointer("/properties/tree/properties/next/properties/next").unwrap();
        assert_eq!(next, &json!({"type": "OBJECT"}));
        assert_eq!(clean.pointer("/properties/gone").unwrap(), &json!({"type": "OBJECT"}));
        assert!(!clean.to_string().contains('$'));
    }

    #[test]
    fn references_that_multiply_are_bounded() {
        let mut defs = Map::new();
        for n in 0..40 {
            let next = json!({"$ref": format!("#/$defs/d{}", n + 1)});
            let both = json!({"type": "object", "properties": {"a": next, "b": next}});
            defs.insert(format!("d{n}"), both);
        }
        let schema = json!({"$ref": "#/$defs/d0", "$defs": defs});
        let (clean, looser) = from_json(&schema);
        assert!(looser);
        assert!(clean.to_string().len() < 1_000_000);
    }

    #[test]
    fn what_json_schema_says_otherwise_is_said_in_geminis_words() {
        let schema = json!({
            "type": "object",
            "properties": {
                "a": {"type": ["string", "null"], "format": "uri"},
                "b": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
                "c": {"const": "x"},
                "d": {"oneOf": [{"type": "string"}, {"type": "number"}]},
                "e": {"allOf": [{"type": "object", "required": ["f"]}, {"required": ["g"]}]},
            },
            "required": ["a"],
        });
        let (clean, looser) = from_json(&schema);
        assert!(!looser);
        assert_eq!(
            clean,
            json!({
                "type": "OBJECT",
                "required": ["a"],
                "properties": {
                    "a": {"nullable": true, "type": "STRING"},
                    "b": {"nullable": true, "type": "INTEGER"},
                    "c": {"type": "STRING", "enum": ["x"]},
                    "d": {"anyOf": [{"type": "STRING"}, {"type": "NUMBER"}]},
                    "e": {"type": "OBJECT", "required": ["f", "g"]},
                },
                "propertyOrdering": ["a", "b", "c", "d", "e"],
            })
        );
        assert!(from_json(&json!({"type": "object", "additionalProperties": false})).1);
    }

    #[test]
    fn geminis_form_is_read_as_json_schema() {
        let schema = json!({
            "type": "OBJECT",
            "properties": {
                "z": {"type": "STRING", "nullable": true, "min_length": "2"},
                "a": {"any_of": [{"type": "INTEGER"}, {"type": "NUMBER"}], "nullable": true},
            },
            "propertyOrdering": ["a", "z"],
        });
        let read = to_json(schema);
        let properties = read["properties"].as_object().unwrap();
        assert_eq!(properties.keys().collect::<Vec<_>>(), ["a", "z"]);
        assert_eq!(properties["z"], json!({"type": ["string", "null"], "minLength": 2}));
        assert_eq!(
            properties["a"],
            json!({"anyOf": [{"type": "integer"}, {"type": "number"}, {"type": "null"}]})
        );
    }
}
