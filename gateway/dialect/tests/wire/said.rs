//! What a request says, piece by piece, and whether a body says it too: independent of any dialect,
//! by the words alone.

use dialect::loss::Losses;
use dialect::neutral::{Content, Media, Part, Request, Source, ToolKind};
use serde_json::Value;

/// Where in the neutral form, and what.
type Piece = (String, String);

/// The pieces of `request` that `body` does not say and `losses` does not name.
pub fn lost(request: &Request, body: &[u8], losses: &Losses) -> Vec<Piece> {
    let told = words(&serde_json::from_slice(body).unwrap());
    let header = losses.header();
    let named = |at: &str| {
        // Where some tools may be called and a dialect cannot say which, the others are not told.
        let at = if at.starts_with("tools") && header.contains("tool_choice") { "" } else { at };
        let mut fields = header.split(", ").filter(|field| !field.is_empty());
        fields.any(|field| field.starts_with(at) || at.starts_with(field))
    };
    let mut lost = pieces(request);
    lost.retain(|(at, piece)| !told.contains(piece.as_str()) && !named(at));
    lost
}

fn pieces(request: &Request) -> Vec<Piece> {
    let mut all = Vec::new();
    for (t, turn) in request.turns.iter().enumerate() {
        for (p, part) in turn.parts.iter().enumerate() {
            of_part(part, &format!("turns[{t}].parts[{p}]"), &mut all);
        }
        all.extend(turn.name.clone().map(|name| (format!("turns[{t}].name"), name)));
    }
    for (n, tool) in request.tools.iter().enumerate() {
        let at = format!("tools[{n}]");
        all.push((at.clone(), tool.name.clone()));
        all.extend(tool.description.clone().map(|text| (at.clone(), text)));
        if let ToolKind::Function { schema, .. } = &tool.kind {
            let properties = schema.get("properties").and_then(Value::as_object);
            let names = properties.into_iter().flat_map(|properties| properties.keys());
            all.extend(names.map(|name| (at.clone(), name.clone())));
        }
    }
    all.extend(request.sampling.stop.iter().map(|stop| ("sampling.stop".into(), stop.clone())));
    all.extend(request.end_user.iter().map(|user| ("end_user".into(), user.clone())));
    all.retain(|(_, piece)| !piece.trim().is_empty());
    all
}

fn of_part(part: &Part, at: &str, all: &mut Vec<Piece>) {
    let at = || at.to_owned();
    match &part.content {
        Content::Text { text, .. } | Content::Refusal(text) | Content::Thinking(text) => {
            all.push((at(), text.trim().to_owned()));
        }
        Content::Image(media)
        | Content::Audio(media)
        | Content::Video(media)
        | Content::File(media) => all.push((at(), source(media))),
        Content::ToolCall(call) => {
            all.push((at(), call.name.clone()));
            let input: Value = serde_json::from_str(&call.input).unwrap_or_default();
            let words = words(&input);
            all.extend(words.lines().map(|word| (at(), word.to_owned())));
        }
        Content::ToolResult(result) => {
            for (n, part) in result.parts.iter().enumerate() {
                let Content::Text { text, .. } = &part.content else {
                    of_part(part, &format!("{}.parts[{n}]", at()), all);
                    continue;
                };
                // A text that is JSON is a value in some dialects.
                let value: Result<Value, _> = serde_json::from_str(text);
                let text = value.map_or_else(|_| text.trim().to_owned(), |value| words(&value));
                all.extend(text.lines().map(|line| (at(), line.trim().to_owned())));
            }
        }
        Content::HiddenThinking | Content::Native(_) => {}
    }
}

fn source(media: &Media) -> String {
    match &media.source {
        // Either alphabet, padded or not.
        Source::Inline(data) => data.chars().take_while(char::is_ascii_alphanumeric).collect(),
        Source::Text(text) => text.trim().to_owned(),
        Source::Url(place) | Source::Uploaded(_, place) => place.clone(),
    }
}

/// Every name, text and number of a value, a line each; a text that is JSON too.
pub fn words(value: &Value) -> String {
    match value {
        Value::String(text) => {
            let inner: Result<Value, _> = serde_json::from_str(text);
            let inner = inner.ok().filter(|inner| inner.is_object() || inner.is_array());
            format!("{text}\n{}", inner.map(|inner| words(&inner)).unwrap_or_default())
        }
        Value::Array(items) => items.iter().map(words).collect(),
        Value::Object(object) => {
            object.iter().map(|(name, value)| format!("{name}\n{}", words(value))).collect()
        }
        Value::Null => String::new(),
        other => format!("{other}\n"),
    }
}
