//! Content blocks, written: the shapes that requests and answers share.

use super::{WIRE, proof};
use crate::neutral::{CacheMark, Citation, Content, Media, Part, Signature, Source, ToolCall};
use serde_json::{Map, Value, json};

pub(super) fn cache_control(mark: CacheMark) -> Value {
    match mark {
        CacheMark::Short => json!({"type": "ephemeral"}),
        CacheMark::Hour => json!({"type": "ephemeral", "ttl": "1h"}),
    }
}

pub(super) fn text(text: &str, citations: Vec<Value>) -> Value {
    let mut block = json!({"type": "text", "text": text});
    if let (false, Some(block)) = (citations.is_empty(), block.as_object_mut()) {
        block.insert("citations".into(), citations.into());
    }
    block
}

pub(super) fn thinking(text: &str, signature: &str) -> Value {
    json!({"type": "thinking", "thinking": text, "signature": signature})
}

pub(super) fn redacted(data: &str) -> Value {
    json!({"type": "redacted_thinking", "data": data})
}

pub(super) fn tool_use(id: &str, name: &str, input: Map<String, Value>) -> Value {
    json!({"type": "tool_use", "id": id, "name": name, "input": input})
}

/// The input of a call as the object that it must be; without text it is empty. `None`: the text
/// is no object, as one that was cut off.
pub(super) fn input(call: &ToolCall) -> Option<Map<String, Value>> {
    if call.input.trim().is_empty() {
        return Some(Map::new());
    }
    serde_json::from_str(&call.input).ok()
}

/// An image or a document.
pub(super) fn media(kind: &str, media: &Media) -> Value {
    let source = match &media.source {
        Source::Inline(data) => {
            json!({"type": "base64", "media_type": media.media_type, "data": data})
        }
        Source::Text(data) => json!({"type": "text", "media_type": "text/plain", "data": data}),
        Source::Url(url) => json!({"type": "url", "url": url}),
        Source::Uploaded(_, id) => json!({"type": "file", "file_id": id}),
    };
    let mut block = json!({"type": kind, "source": source});
    if let (Some(name), Some(block)) = (media.name.as_deref(), block.as_object_mut()) {
        block.insert("title".into(), name.into());
    }
    block
}

/// A citation in an answer. One of another dialect is told as a result of a web search or, where
/// it has no address, as a place in a document: positions in what only the provider saw are 0.
pub(super) fn citation(of: &Citation) -> Value {
    if of.native.wire == WIRE {
        return of.native.value.clone();
    }
    let quote = of.quote.as_deref().unwrap_or_default();
    match &of.url {
        Some(url) => json!({
            "type": "web_search_result_location", "url": url, "title": of.title,
            "cited_text": quote, "encrypted_index": "",
        }),
        None => json!({
            "type": "char_location", "cited_text": quote, "document_index": 0,
            "document_title": of.title, "start_char_index": 0, "end_char_index": 0,
        }),
    }
}

/// The block that carries a signature of the piece behind it.
pub(super) fn carrier(signature: &Signature) -> Value {
    thinking("", &proof::ahead(signature))
}

/// A piece of an answer; `None` where there is nothing to tell: what another vendor alone knows,
/// which no caller of this dialect can have asked for, and texts without text.
///
/// Images, sounds and documents in answers are told in the shape that requests have for them. The
/// input of a call that is no object, because the bound of tokens cut it off, is an empty one: the
/// stop reason says why.
pub(super) fn answer(part: &Part) -> Option<Value> {
    let signature = || part.signature.as_ref().map(|s| s.packed(WIRE)).unwrap_or_default();
    Some(match &part.content {
        Content::Text { text: told, .. } | Content::Refusal(told) if told.is_empty() => {
            return None;
        }
        Content::Text { text: told, citations } => {
            text(told, citations.iter().map(citation).collect())
        }
        Content::Refusal(told) => text(told, Vec::new()),
        Content::Image(media) => self::media("image", media),
        Content::Audio(media) => self::media("audio", media),
        Content::Video(media) => self::media("video", media),
        Content::File(media) => self::media("document", media),
        Content::ToolCall(call) => tool_use(&call.id, &call.name, input(call).unwrap_or_default()),
        Content::Thinking(told) => thinking(told, &signature()),
        Content::HiddenThinking => redacted(&signature()),
        Content::Native(native) if native.wire == WIRE => native.value.clone(),
        Content::Native(_) | Content::ToolResult(_) => return None,
    })
}
