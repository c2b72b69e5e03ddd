//! An answer, whole: read and written. The tool that stands for a structured answer becomes its
//! text again.

use super::blocks::Blocks;
use super::usage::{self, Usage};
use super::{JSON_TOOL, WIRE, put};
use crate::convert::{Caller, Malformed};
use crate::fields::Fields;
use crate::neutral::{Answer, Candidate, Content, Native, Part, Stop};
use serde_json::{Map, Value, json};

pub(super) fn read(body: &[u8]) -> Result<Answer, Malformed> {
    read_fields(body).map_err(|invalid| Malformed(invalid.detail))?
}

fn read_fields(body: &[u8]) -> Result<Result<Answer, Malformed>, crate::Invalid> {
    let mut fields = Fields::of_body(body)?;
    if fields.string("type")?.as_deref() == Some("error") {
        return Ok(Err(Malformed("the answer is an error".into())));
    }
    fields.take("role");
    let id = fields.string("id")?.unwrap_or_default();
    let model = fields.string("model")?.unwrap_or_default();
    let content = fields.item("content").ok_or_else(|| fields.missing("content", "an array"))?;
    let mut parts = Blocks::default().content(content)?;
    let stood_in = unwrap_answers(&mut parts);
    let sequence = fields.string("stop_sequence")?;
    let stop = match fields.string("stop_reason")? {
        Some(word) => stop(&word, sequence),
        None => Stop::End,
    };
    let calls = parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    let stop = if stop == Stop::ToolUse && stood_in && !calls { Stop::End } else { stop };
    let used = fields.take("usage");
    let told = used.as_ref().map(Value::to_string).unwrap_or_default();
    let tier = used.as_ref().and_then(|used| used.get("service_tier")).and_then(Value::as_str);
    let reported = Usage::read(told.as_bytes()).reported();
    let rest = fields.rest();
    let native = (!rest.is_empty()).then(|| Native { wire: WIRE, value: Value::Object(rest) });
    let candidate = Candidate { parts, stop, logprobs: None, native };
    Ok(Ok(Answer {
        id,
        model,
        candidates: vec![candidate],
        tokens: reported.tokens,
        units: reported.units,
        service_tier: tier.map(|tier| if tier == "standard" { "default" } else { tier }.to_owned()),
        ..Answer::default()
    }))
}

/// Whether there was one.
fn unwrap_answers(parts: &mut [Part]) -> bool {
    let mut any = false;
    for part in parts {
        if let Content::ToolCall(call) = &mut part.content
            && call.name == JSON_TOOL
        {
            any = true;
            let text = std::mem::take(&mut call.input);
            part.content = Content::Text { text, citations: Vec::new() };
        }
    }
    any
}

/// A stop reason, with the sequence that it names.
pub(super) fn stop(word: &str, sequence: Option<String>) -> Stop {
    match word {
        "end_turn" => Stop::End,
        "max_tokens" => Stop::MaxTokens,
        "model_context_window_exceeded" => Stop::ContextFull,
        "stop_sequence" => Stop::Sequence(sequence),
        "tool_use" => Stop::ToolUse,
        "pause_turn" => Stop::Paused,
        "refusal" => Stop::Refusal,
        _ => Stop::Other(word.to_owned()),
    }
}

/// The vendor's word. SDKs go on with a call of tools only where it says so, whatever another
/// vendor's word was.
pub(super) const fn stop_word(stop: &Stop, calls: bool) -> &'static str {
    match stop {
        Stop::End | Stop::Other(_) if calls => "tool_use",
        Stop::End | Stop::Other(_) => "end_turn",
        Stop::MaxTokens => "max_tokens",
        Stop::ContextFull => "model_context_window_exceeded",
        Stop::Sequence(_) => "stop_sequence",
        Stop::ToolUse => "tool_use",
        Stop::Filtered | Stop::Refusal => "refusal",
        Stop::Paused => "pause_turn",
    }
}

/// What the stop reason is told with.
pub(super) fn stop_sequence(stop: &Stop) -> Option<&str> {
    match stop {
        Stop::Sequence(sequence) => sequence.as_deref(),
        _ => None,
    }
}

/// An answer has one candidate in this dialect, and its callers can ask for no more.
pub(super) fn write(answer: &Answer, to: &Caller<'_>) -> Vec<u8> {
    let none = Candidate { parts: Vec::new(), stop: Stop::Refusal, logprobs: None, native: None };
    let candidate = answer.candidates.first().unwrap_or(&none);
    let mut content = Vec::new();
    for part in &candidate.parts {
        let thinks = matches!(part.content, Content::Thinking(_) | Content::HiddenThinking);
        if let Some(signature) = part.signature.as_ref().filter(|_| !thinks) {
            content.push(put::carrier(signature));
        }
        content.extend(put::answer(part));
    }
    let calls = candidate.parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    let id = if answer.id.is_empty() { to.id } else { &answer.id };
    let model = if answer.model.is_empty() { &to.asked.model } else { &answer.model };
    let mut usage = usage::write(&answer.tokens.unwrap_or_default());
    if let Some(tier) = &answer.service_tier {
        let tier = if tier == "default" { "standard" } else { tier };
        usage.insert("service_tier".into(), tier.into());
    }
    let mut out = Map::new();
    out.insert("id".into(), id.into());
    out.insert("type".into(), "message".into());
    out.insert("role".into(), "assistant".into());
    out.insert("model".into(), model.as_str().into());
    out.insert("content".into(), content.into());
    out.insert("stop_reason".into(), stop_word(&candidate.stop, calls).into());
    out.insert("stop_sequence".into(), stop_sequence(&candidate.stop).into());
    if let Some(word) = &answer.blocked {
        let details = json!({"type": "refusal", "category": null, "explanation": word});
        out.insert("stop_details".into(), details);
    }
    out.insert("usage".into(), usage.into());
    if let Some(Native { wire: WIRE, value: Value::Object(rest) }) = &candidate.native {
        for (name, value) in rest {
            out.entry(name.as_str()).or_insert_with(|| value.clone());
        }
    }
    serde_json::to_vec(&out).unwrap_or_default()
}
