//! Reads an answer: its items, in order, are the parts of the one candidate.

use super::super::{WIRE, carry, cite, error, usage};
use crate::convert::Malformed;
use crate::neutral::{
    Answer, CallKind, Candidate, Content, Media, Native, Part, Signature, Source, Stop,
    TokenChance, ToolCall, TopToken,
};
use serde_json::Value;

/// Reads an answer whole.
///
/// # Errors
/// [`Malformed`]: it is none, or tells that there is none.
pub(in super::super) fn read_answer(body: &[u8]) -> Result<Answer, Malformed> {
    let mut body: Value = serde_json::from_slice(body)?;
    let text = |name: &str| body.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (id, model, status) = (text("id"), text("model"), text("status"));
    if matches!(status.as_str(), "failed" | "cancelled" | "queued" | "in_progress") {
        let told = body.get("error").map(|told| error::read_error_object(200, told));
        let told = told.and_then(|told| told.message).unwrap_or_default();
        return Err(Malformed(format!("the response is {status}: {told}").into()));
    }
    let created = body.get("created_at").and_then(Value::as_f64);
    let tokens = body.get("usage").and_then(usage::read);
    let service_tier = body.get("service_tier").and_then(Value::as_str).map(str::to_owned);
    let reason = body.pointer("/incomplete_details/reason").and_then(Value::as_str);
    let reason = reason.map(str::to_owned);
    if !body.get("output").is_some_and(Value::is_array) {
        return Err(Malformed("the response has no output".into()));
    }
    let items = read_answer_items(&mut body);
    let (mut parts, mut logprobs) = (Vec::new(), Vec::new());
    for item in items {
        read_item(item, &mut parts, &mut logprobs);
    }
    let mut said = Said::default();
    parts.iter().for_each(|part| said.note(&part.content));
    let stop = read_stop(&status, reason.as_deref(), said);
    let logprobs = (!logprobs.is_empty()).then_some(logprobs);
    #[expect(clippy::cast_possible_truncation, reason = "a second within the next aeons")]
    let created = created.map(|seconds| seconds as i64);
    Ok(Answer {
        id,
        model,
        created,
        candidates: vec![Candidate { parts, stop, logprobs, native: None }],
        tokens,
        service_tier,
        ..Answer::default()
    })
}

/// Takes the items out of an answer.
pub(in super::super) fn read_answer_items(body: &mut Value) -> Vec<Value> {
    match body.get_mut("output").map(Value::take) {
        Some(Value::Array(items)) => items,
        _ => Vec::new(),
    }
}

/// Why an answer ended. A reason that is not given is the commonest: the bound of tokens.
pub(in super::super) fn read_stop(status: &str, reason: Option<&str>, said: Said) -> Stop {
    match (status, reason) {
        ("incomplete", None | Some("max_output_tokens")) => Stop::MaxTokens,
        ("incomplete", Some("content_filter")) => Stop::Filtered,
        ("incomplete", Some(other)) => Stop::Other(other.to_owned()),
        _ if said.call => Stop::ToolUse,
        _ if said.refusal => Stop::Refusal,
        _ => Stop::End,
    }
}

/// What of an answer tells why it ended.
#[derive(Debug, Clone, Copy, Default)]
pub(in super::super) struct Said {
    pub(in super::super) call: bool,
    pub(in super::super) refusal: bool,
}

impl Said {
    pub(in super::super) fn note(&mut self, content: &Content) {
        self.call |= matches!(content, Content::ToolCall(_));
        self.refusal |= matches!(content, Content::Refusal(_));
    }
}

/// Reads an item of the output.
pub(in super::super) fn read_item(
    mut item: Value,
    parts: &mut Vec<Part>,
    logprobs: &mut Vec<TokenChance>,
) {
    let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
    let text = |name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let call = |input: &str, kind| {
        let call = ToolCall { id: text("call_id"), name: text("name"), input: text(input), kind };
        Part::new(Content::ToolCall(call))
    };
    match kind {
        "message" => {
            if let Some(Value::Array(content)) = item.get_mut("content").map(Value::take) {
                for part in content {
                    parts.push(read_part(part, logprobs));
                }
            }
        }
        "function_call" => parts.push(call("arguments", CallKind::Function)),
        "custom_tool_call" => parts.push(call("input", CallKind::Custom)),
        "reasoning" => read_reasoning(&item, parts),
        "image_generation_call" if item.get("result").is_some_and(Value::is_string) => {
            let format = text("output_format");
            let format = if format.is_empty() { "png" } else { &format };
            let media_type = format!("image/{format}");
            let source = Source::Inline(text("result"));
            let image = Media { source, media_type, ..Media::default() };
            parts.push(Part::new(Content::Image(image)));
        }
        _ => {
            let native = Native { wire: WIRE, value: item };
            parts.push(Part::new(Content::Native(native)));
        }
    }
}

fn read_part(mut part: Value, logprobs: &mut Vec<TokenChance>) -> Part {
    let text = |name: &str| part.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    Part::new(match part.get("type").and_then(Value::as_str) {
        Some("output_text") => {
            let text = text("text");
            logprobs.extend(part.get("logprobs").map(read_logprobs).unwrap_or_default());
            let annotations = match part.get_mut("annotations").map(Value::take) {
                Some(Value::Array(all)) => all,
                _ => Vec::new(),
            };
            let citations = annotations.into_iter().map(|one| cite::read(one, &text)).collect();
            Content::Text { text, citations }
        }
        Some("refusal") => Content::Refusal(text("refusal")),
        _ => Content::Native(Native { wire: WIRE, value: part }),
    })
}

fn read_reasoning(item: &Value, parts: &mut Vec<Part>) {
    let id = item.get("id").and_then(Value::as_str);
    let signature = item.get("encrypted_content").and_then(Value::as_str);
    let signature: Option<Signature> = match signature.map(|content| carry::read(id, content)) {
        None => None,
        Some(carry::Carried::Own(signature)) => Some(signature),
        Some(carry::Carried::OfLast(signature)) => {
            match parts.last_mut() {
                Some(last) => last.signature = Some(signature),
                None => parts.push(Part {
                    signature: Some(signature),
                    ..Part::new(Content::HiddenThinking)
                }),
            }
            return;
        }
    };
    // The thoughts themselves, where a model shows them, hold what a summary tells.
    let texts = |name: &str| -> Vec<&str> {
        let all = item.get(name).and_then(Value::as_array).into_iter().flatten();
        all.filter_map(|part| part.get("text")?.as_str()).collect()
    };
    let thoughts = texts("content");
    let text = if thoughts.is_empty() { texts("summary") } else { thoughts }.join("\n\n");
    if !text.is_empty() {
        parts.push(Part { signature, ..Part::new(Content::Thinking(text)) });
    } else if signature.is_some() {
        parts.push(Part { signature, ..Part::new(Content::HiddenThinking) });
    }
}

/// Reads `logprobs`.
pub(in super::super) fn read_logprobs(value: &Value) -> Vec<TokenChance> {
    let token = |value: &Value| TopToken {
        token: value.get("token").and_then(Value::as_str).unwrap_or_default().to_owned(),
        logprob: value.get("logprob").and_then(Value::as_f64).unwrap_or_default(),
        bytes: value.get("bytes").cloned().unwrap_or_default(),
    };
    let list = |value: Option<&Value>| value.and_then(Value::as_array).cloned().unwrap_or_default();
    let chance = |value: &Value| TokenChance {
        token: token(value),
        top: list(value.get("top_logprobs")).iter().map(token).collect(),
    };
    list(Some(value)).iter().map(chance).collect()
}
