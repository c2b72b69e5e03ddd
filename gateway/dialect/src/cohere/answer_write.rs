//! Writes whole answers, and what streams have in common with them.

use super::{WIRE, sign, usage};
use crate::convert::Caller;
use crate::neutral::{
    Answer, Candidate, Citation, Content, Media, Part, Signature, Source, Stop, TokenChance,
    ToolCall,
};
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// An answer has one candidate in this dialect, and its callers can ask for no more.
pub(super) fn write(answer: &Answer, to: &Caller<'_>) -> Vec<u8> {
    let none = Candidate { parts: Vec::new(), stop: Stop::Filtered, logprobs: None, native: None };
    let candidate = answer.candidates.first().unwrap_or(&none);
    let mut message = Object::new();
    message.insert("role".to_owned(), "assistant".into());
    let (mut content, mut citations, mut calls) = (Vec::new(), Vec::new(), Vec::new());
    let mut parts = candidate.parts.as_slice();
    if let (Some((Part { content: Content::Thinking(plan), signature, .. }, rest)), true) =
        (parts.split_first(), plans(to))
    {
        parts = rest;
        if !plan.is_empty() {
            message.insert("tool_plan".to_owned(), plan.as_str().into());
        }
        content.extend(signature.as_ref().map(|signature| thinking("", Some(signature))));
    }
    for part in parts {
        match &part.content {
            Content::ToolCall(told) => calls.push(call(told, part.signature.as_ref())),
            told => {
                if let Content::Text { text, citations: notes } = told {
                    let at = content.len();
                    citations.extend(notes.iter().map(|note| citation(note, text, at)));
                }
                content.extend(block(part));
            }
        }
    }
    let called = !calls.is_empty();
    for (name, list) in [("content", content), ("citations", citations), ("tool_calls", calls)] {
        if !list.is_empty() {
            message.insert(name.to_owned(), list.into());
        }
    }
    let id = if answer.id.is_empty() { to.id } else { &answer.id };
    let mut out = Object::new();
    out.insert("id".to_owned(), id.into());
    out.insert("message".to_owned(), message.into());
    out.insert("finish_reason".to_owned(), stop_word(&candidate.stop, called).into());
    if let Some(tokens) = &answer.tokens {
        out.insert("usage".to_owned(), usage::write(tokens));
    }
    if let Some(chances) = &candidate.logprobs {
        out.insert("logprobs".to_owned(), chances.iter().map(chance).collect());
    }
    Value::Object(out).to_string().into_bytes()
}

/// Whether the thought that an answer begins with is a plan: the caller offers tools, and did not
/// ask for thoughts, which are blocks of their own.
pub(super) fn plans(to: &Caller<'_>) -> bool {
    !to.asked.tools.is_empty() && to.asked.reasoning.is_none()
}

/// A block of content; `None` where there is nothing to tell: what another vendor alone knows,
/// and texts without text. Media are told in the shape that requests have for images.
pub(super) fn block(part: &Part) -> Option<Value> {
    let signature = part.signature.as_ref();
    Some(match &part.content {
        Content::Text { text, .. } | Content::Refusal(text) => {
            if text.is_empty() && signature.is_none() {
                return None;
            }
            signed(json!({"type": "text", "text": text}), sign::SIGNATURE, signature)
        }
        Content::Thinking(text) => thinking(text, signature),
        Content::HiddenThinking => {
            signed(json!({"type": "thinking", "thinking": ""}), sign::HIDDEN, signature)
        }
        Content::Image(media)
        | Content::Audio(media)
        | Content::Video(media)
        | Content::File(media) => {
            json!({"type": "image_url", "image_url": {"url": address(media)?}})
        }
        Content::Native(native) if native.wire == WIRE => native.value.clone(),
        Content::Native(_) | Content::ToolCall(_) | Content::ToolResult(_) => return None,
    })
}

pub(super) fn thinking(text: &str, signature: Option<&Signature>) -> Value {
    signed(json!({"type": "thinking", "thinking": text}), sign::SIGNATURE, signature)
}

/// A call. The vendor's arguments are always JSON: none is an empty object.
pub(super) fn call(call: &ToolCall, signature: Option<&Signature>) -> Value {
    let input = if call.input.is_empty() { "{}" } else { &call.input };
    let function = json!({"name": call.name, "arguments": input});
    let call = json!({"id": call.id, "type": "function", "function": function});
    signed(call, sign::SIGNATURE, signature)
}

pub(super) fn signed(mut of: Value, name: &str, signature: Option<&Signature>) -> Value {
    if let (Some(signature), Some(map)) = (signature, of.as_object_mut()) {
        map.insert(name.to_owned(), signature.packed(WIRE).into());
    }
    of
}

fn address(media: &Media) -> Option<String> {
    match &media.source {
        Source::Inline(data) => Some(format!("data:{};base64,{data}", media.media_type())),
        Source::Url(url) => Some(url.clone()),
        Source::Text(_) | Source::Uploaded(..) => None,
    }
}

/// A citation of the block at `index`, whose text is `text`. The vendor counts characters.
pub(super) fn citation(of: &Citation, text: &str, index: usize) -> Value {
    if let (WIRE, Value::Object(native)) = (of.native.wire, &of.native.value) {
        let mut native = native.clone();
        native.insert("content_index".to_owned(), index.into());
        return native.into();
    }
    let mut out = Object::new();
    if let Some((start, end)) = of.span {
        let chars = |to: usize| text.get(..to).map_or(0, |text| text.chars().count());
        out.insert("start".to_owned(), chars(start).into());
        out.insert("end".to_owned(), chars(end).into());
        out.insert("text".to_owned(), text.get(start..end).unwrap_or_default().into());
    }
    let mut document = Object::new();
    for (name, value) in [("title", &of.title), ("url", &of.url), ("text", &of.quote)] {
        if let Some(value) = value {
            document.insert(name.to_owned(), value.as_str().into());
        }
    }
    let id = of.url.as_deref().or(of.title.as_deref());
    let source = json!({"type": "document", "id": id, "document": document});
    out.insert("sources".to_owned(), vec![source].into());
    out.insert("content_index".to_owned(), index.into());
    out.insert("type".to_owned(), "TEXT_CONTENT".into());
    out.into()
}

/// A token's chance. Ids of tokens are its own provider's secret.
pub(super) fn chance(of: &TokenChance) -> Value {
    json!({"text": of.token.token, "token_ids": [], "logprobs": [of.token.logprob]})
}

/// The vendor's word. Programs go on with calls of tools where it says so, whatever another
/// vendor's word was; what the vendor has no word for is the nearest that is not a whole answer.
pub(super) const fn stop_word(stop: &Stop, calls: bool) -> &'static str {
    match stop {
        Stop::End | Stop::Other(_) | Stop::ToolUse if calls => "TOOL_CALL",
        Stop::ToolUse => "TOOL_CALL",
        Stop::End | Stop::Other(_) => "COMPLETE",
        Stop::MaxTokens | Stop::Paused => "MAX_TOKENS",
        Stop::ContextFull => "ERROR_LIMIT",
        Stop::Sequence(_) => "STOP_SEQUENCE",
        Stop::Filtered | Stop::Refusal => "ERROR_TOXIC",
    }
}
