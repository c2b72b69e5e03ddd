//! Writes a whole answer. What the vendor has no field for is written in those of its kin:
//! `reasoning_content`, `reasoning_details`, `images`.

use crate::convert::Caller;
use crate::neutral::{
    Answer, CallKind, Candidate, Content, Media, Part, Source, Stop, TokenChance, TopToken,
};
use crate::openai::chat::usage::Usage;
use crate::openai::chat::{annotation, reasoning};
use serde_json::{Map, Value, json};

pub(crate) fn answer(answer: &Answer, to: &Caller<'_>) -> Vec<u8> {
    let choices: Vec<Value> = answer.candidates.iter().enumerate().map(choice).collect();
    let mut body = json!({
        "id": id(&answer.id, to),
        "object": "chat.completion",
        "created": answer.created.unwrap_or(to.now),
        "model": if answer.model.is_empty() { &to.asked.model } else { &answer.model },
        "choices": choices,
    });
    if let Some(body) = body.as_object_mut() {
        if answer.candidates.is_empty() && answer.blocked.is_some() {
            body.insert("choices".to_owned(), json!([blocked()]));
        }
        if let Some(tokens) = &answer.tokens {
            let usage = serde_json::to_value(Usage::of(tokens)).unwrap_or_default();
            body.insert("usage".to_owned(), usage);
        }
        if let Some(tier) = &answer.service_tier {
            body.insert("service_tier".to_owned(), tier.as_str().into());
        }
        body.insert("system_fingerprint".to_owned(), Value::Null);
    }
    serde_json::to_vec(&body).unwrap_or_default()
}

/// The provider's id, else one made of the call's.
pub(crate) fn id(given: &str, to: &Caller<'_>) -> String {
    if given.is_empty() { format!("chatcmpl-{}", to.id) } else { given.to_owned() }
}

fn blocked() -> Value {
    json!({"index": 0, "message": {"role": "assistant", "content": null, "refusal": null},
        "logprobs": null, "finish_reason": "content_filter"})
}

fn choice((index, candidate): (usize, &Candidate)) -> Value {
    let chances = candidate.logprobs.as_ref().map(|chances| self::chances(chances));
    json!({
        "index": index,
        "message": message(&candidate.parts),
        "logprobs": chances,
        "finish_reason": finish_reason(&candidate.stop, has_calls(candidate), has_refusal(candidate)),
    })
}

fn has_calls(candidate: &Candidate) -> bool {
    candidate.parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)))
}

fn has_refusal(candidate: &Candidate) -> bool {
    candidate.parts.iter().any(|part| matches!(part.content, Content::Refusal(_)))
}

/// The vendor's word. Of a word that nobody knows, only that it ended.
pub(crate) const fn finish_reason(stop: &Stop, calls: bool, refusal: bool) -> &'static str {
    match stop {
        Stop::MaxTokens | Stop::ContextFull => "length",
        Stop::ToolUse => "tool_calls",
        Stop::Filtered => "content_filter",
        // A refusal that says nothing must be told from an answer that is empty.
        Stop::Refusal if !refusal => "content_filter",
        _ if calls => "tool_calls",
        Stop::End | Stop::Sequence(_) | Stop::Refusal | Stop::Paused | Stop::Other(_) => "stop",
    }
}

#[derive(Default)]
struct Message {
    content: Option<String>,
    refusal: Option<String>,
    thinking: String,
    details: Vec<Value>,
    notes: Vec<Value>,
    images: Vec<Value>,
    calls: Vec<Value>,
}

fn message(parts: &[Part]) -> Value {
    let mut message = Message::default();
    // One signature, and all reasoning is told in items, so that it can be handed back whole.
    let signed = parts
        .iter()
        .any(|part| part.signature.is_some() && !matches!(part.content, Content::ToolCall(_)));
    for part in parts {
        message.add(part, signed);
    }
    message.written()
}

impl Message {
    fn add(&mut self, part: &Part, signed: bool) {
        match &part.content {
            Content::Text { text, citations } => {
                let content = self.content.get_or_insert_default();
                let before = content.chars().count();
                content.push_str(text);
                self.notes.extend(citations.iter().map(|c| annotation::write(c, text, before)));
            }
            Content::Refusal(text) => self.refusal.get_or_insert_default().push_str(text),
            Content::Thinking(text) => self.thinking.push_str(text),
            Content::Image(media) => self.images.push(image(media)),
            Content::ToolCall(call) => {
                let mut written = match call.kind {
                    CallKind::Function => json!({"id": call.id, "type": "function",
                        "function": {"name": call.name, "arguments": call.input}}),
                    CallKind::Custom => json!({"id": call.id, "type": "custom",
                        "custom": {"name": call.name, "input": call.input}}),
                };
                if let (Some(signature), Some(call)) = (&part.signature, written.as_object_mut()) {
                    call.insert("extra_content".to_owned(), reasoning::extra_content(signature));
                }
                self.calls.push(written);
                return;
            }
            _ => {}
        }
        if signed || !matches!(part.content, Content::Thinking(_)) {
            self.details.extend(reasoning::detail(part, self.details.len()));
        }
    }

    fn written(self) -> Value {
        let mut message = Map::new();
        message.insert("role".to_owned(), "assistant".into());
        message.insert("content".to_owned(), self.content.into());
        message.insert("refusal".to_owned(), self.refusal.into());
        if !self.thinking.is_empty() {
            message.insert("reasoning_content".to_owned(), self.thinking.into());
        }
        let lists = [
            ("reasoning_details", self.details),
            ("annotations", self.notes),
            ("images", self.images),
            ("tool_calls", self.calls),
        ];
        for (name, list) in lists {
            if !list.is_empty() {
                message.insert(name.to_owned(), list.into());
            }
        }
        message.into()
    }
}

pub(crate) fn image(media: &Media) -> Value {
    let url = match &media.source {
        Source::Inline(bytes) => format!("data:{};base64,{bytes}", media.media_type()),
        Source::Url(url) | Source::Uploaded(_, url) => url.clone(),
        Source::Text(text) => text.clone(),
    };
    json!({"type": "image_url", "image_url": {"url": url}})
}

/// Log-probabilities of a choice.
pub(crate) fn chances(chances: &[TokenChance]) -> Value {
    let token = |token: &TopToken| json!({"token": token.token, "logprob": token.logprob, "bytes": token.bytes});
    let chance = |chance: &TokenChance| {
        let mut written = token(&chance.token);
        if let Some(written) = written.as_object_mut() {
            let top: Vec<Value> = chance.top.iter().map(token).collect();
            written.insert("top_logprobs".to_owned(), top.into());
        }
        written
    };
    let content: Vec<Value> = chances.iter().map(chance).collect();
    json!({"content": content, "refusal": null})
}
