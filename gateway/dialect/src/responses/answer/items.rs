//! The items of an answer, as JSON, with ids made up from the call's: a vendor's SDK wants one on
//! each, and nothing is stored under it.

use super::super::media::write_generated_image;
use super::super::write::{arguments, write_summary};
use super::super::{WIRE, carry};
use crate::neutral::{
    CallKind, Content, Media, Part, Signature, Source, TokenChance, ToolCall, TopToken,
};
use serde_json::{Map, Value, json};

/// Makes up ids of items.
#[derive(Debug, Clone)]
pub(in super::super) struct Ids(String);

impl Ids {
    pub(in super::super) fn new(call: &str) -> Self {
        Self(call.to_owned())
    }

    /// `kind` is the vendor's prefix of the ids of such items, `index` the item's place.
    pub(in super::super) fn id(&self, kind: &str, index: usize) -> String {
        format!("{kind}_tollgate_{}_{index}", self.0)
    }
}

pub(in super::super) fn message(id: &str, status: &str, content: &[Value]) -> Value {
    json!({"type": "message", "id": id, "role": "assistant", "status": status, "content": content})
}

/// A part of a message.
pub(in super::super) fn text(text: &str, notes: &[Value], logprobs: &[TokenChance]) -> Value {
    let logprobs = self::logprobs(logprobs);
    json!({"type": "output_text", "text": text, "annotations": notes, "logprobs": logprobs})
}

/// A part of a message.
pub(in super::super) fn refusal(text: &str) -> Value {
    json!({"type": "refusal", "refusal": text})
}

pub(in super::super) fn tool_call(id: &str, status: &str, call: &ToolCall) -> Value {
    match call.kind {
        CallKind::Function => json!({
            "type": "function_call", "id": id, "status": status, "call_id": call.id,
            "name": call.name, "arguments": arguments(&call.input),
        }),
        CallKind::Custom => json!({
            "type": "custom_tool_call", "id": id, "status": status, "call_id": call.id,
            "name": call.name, "input": call.input,
        }),
    }
}

/// A call of which nothing but the tool is known yet.
pub(in super::super) fn tool_call_begun(id: &str, call: &ToolCall) -> Value {
    let (kind, input) = match call.kind {
        CallKind::Function => ("function_call", "arguments"),
        CallKind::Custom => ("custom_tool_call", "input"),
    };
    json!({
        "type": kind, "id": id, "status": "in_progress", "call_id": call.id, "name": call.name,
        input: "",
    })
}

/// Reasoning, to be read or not.
pub(in super::super) fn reasoning(id: &str, text: &str, signature: Option<&Signature>) -> Value {
    let mut item = Map::new();
    item.insert("type".to_owned(), "reasoning".into());
    item.insert("id".to_owned(), id.into());
    item.insert("summary".to_owned(), write_summary(text));
    if let Some(signature) = signature {
        let content = carry::write_under(signature, id);
        item.insert("encrypted_content".to_owned(), content.into());
    }
    item.into()
}

/// The signature of the item before, as an item.
pub(in super::super) fn of_last(id: &str, signature: &Signature) -> Value {
    let content = carry::write_of_last(signature);
    json!({"type": "reasoning", "id": id, "summary": [], "encrypted_content": content})
}

/// A part that is an item by itself and no call. `None`: this dialect's answers have no words for
/// it (sound, video, files, other vendors' own things); requests that bring it about are refused.
pub(in super::super) fn whole(part: &Part, ids: &Ids, index: usize) -> Option<Value> {
    match &part.content {
        content @ (Content::Thinking(_) | Content::HiddenThinking) => {
            let text = if let Content::Thinking(text) = content { text } else { "" };
            let signature = part.signature.as_ref();
            let bound = signature.and_then(|signature| carry::write(signature).0);
            let id = bound.map_or_else(|| ids.id("rs", index), str::to_owned);
            Some(reasoning(&id, text, signature))
        }
        Content::Image(Media { source: Source::Url(url), .. }) => {
            let link = text(&format!("![]({url})"), &[], &[]);
            Some(message(&ids.id("msg", index), "completed", &[link]))
        }
        Content::Image(image) => write_generated_image(image, &ids.id("ig", index)),
        Content::Native(native) if native.wire == WIRE => Some(native.value.clone()),
        _ => None,
    }
}

pub(in super::super) fn logprobs(chances: &[TokenChance]) -> Value {
    chances.iter().map(chance).collect()
}

fn chance(chance: &TokenChance) -> Value {
    let token = |token: &TopToken| {
        let bytes = match &token.bytes {
            Value::Null => token.token.as_bytes().into(),
            bytes => bytes.clone(),
        };
        json!({"token": token.token, "logprob": token.logprob, "bytes": bytes})
    };
    let mut value = token(&chance.token);
    if let Some(map) = value.as_object_mut() {
        let top: Vec<Value> = chance.top.iter().map(token).collect();
        map.insert("top_logprobs".to_owned(), top.into());
    }
    value
}
