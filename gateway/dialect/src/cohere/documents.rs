//! Documents that an answer is to rest on. The vendor takes them beside the conversation; in the
//! neutral form they are files of plain text, in front of what the user last said.

use super::read::keep;
use crate::Invalid;
use crate::fields::Item;
use crate::neutral::{Content, Extra, Media, Part, Role, Source, Turn};
use serde_json::{Map, Value, json};
use std::fmt::Write as _;

/// Puts documents into the conversation.
pub(super) fn attach(
    items: Vec<Item>,
    turns: &mut Vec<Turn>,
    left: &mut Vec<Extra>,
) -> Result<(), Invalid> {
    let mut parts = Vec::with_capacity(items.len());
    for item in items {
        parts.push(Part::new(Content::File(read(item, left)?)));
    }
    if parts.is_empty() {
        return Ok(());
    }
    let speaks = |turn: &&mut Turn| {
        turn.role == Role::User
            && turn.parts.iter().any(|part| !matches!(part.content, Content::ToolResult(_)))
    };
    match turns.iter_mut().rfind(speaks) {
        Some(turn) => drop(turn.parts.splice(0..0, parts)),
        None => turns.push(Turn::new(Role::User, parts)),
    }
    Ok(())
}

/// A document: a text, or an object whose `data` is a text or has several fields.
pub(super) fn read(item: Item, left: &mut Vec<Extra>) -> Result<Media, Invalid> {
    let file = |name: Option<String>, text: String| Media {
        source: Source::Text(text),
        media_type: "text/plain".to_owned(),
        name,
        detail: None,
    };
    if item.value.is_string() {
        return Ok(file(None, item.string()?));
    }
    let mut document = item.fields()?;
    let id = document.string("id")?;
    let data = document
        .item("data")
        .ok_or_else(|| document.missing("data", "a text, or an object with the fields of one"))?;
    let read = match data.value {
        Value::String(text) => file(id, text),
        Value::Object(fields) => {
            let title = fields.get("title").and_then(Value::as_str).map(str::to_owned);
            file(id.or(title), text_of(&fields))
        }
        _ => return Err(data.wrong("a text, or an object with the fields of one")),
    };
    keep(left, document);
    Ok(read)
}

/// The only text as it is; of several fields a line each with its name, as the vendor shows them
/// to its models.
fn text_of(fields: &Map<String, Value>) -> String {
    let mut values = fields.values();
    if let (Some(Value::String(only)), None) = (values.next(), values.next()) {
        return only.clone();
    }
    let mut out = String::new();
    for (name, value) in fields {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // Writing to a String does not fail.
        writeln!(out, "{name}: {value}").unwrap_or_default();
    }
    out
}

/// A document in the vendor's words.
pub(super) fn write(name: Option<&str>, text: &str) -> Value {
    match name {
        Some(id) => json!({"id": id, "data": {"text": text}}),
        None => json!({"data": {"text": text}}),
    }
}
