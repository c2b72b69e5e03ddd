//! Reads and writes whole answers.

use super::chunk::{self, CallIds, Chunk, ChunkCandidate};
use super::cite;
use super::sign;
use super::usage;
use super::wire::{Blob, Call, File, Known, WirePart, args};
use super::words;
use crate::Wire;
use crate::convert::{Caller, Malformed};
use crate::neutral::{
    Answer, Candidate, Content, Native, Part, Signature, Source, Stop, TokenChance, TopToken,
};
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};

pub(super) fn read_answer(body: &[u8]) -> Result<Answer, Malformed> {
    let whole: Chunk<'_> = serde_json::from_slice(body)?;
    if whole.error.is_some() {
        return Err(Malformed("an error in place of an answer".into()));
    }
    let blocked = whole.prompt_feedback.and_then(|feedback| feedback.block_reason);
    if whole.candidates.is_none() && whole.usage_metadata.is_none() && blocked.is_none() {
        return Err(Malformed("an answer without candidates".into()));
    }
    let id = chunk::text(whole.response_id);
    let mut ids = CallIds::of(&id);
    let candidates = whole.candidates.unwrap_or_default();
    Ok(Answer {
        model: chunk::text(whole.model_version),
        candidates: candidates
            .into_iter()
            .map(|raw| candidate(raw, &mut ids))
            .collect::<Result<_, _>>()?,
        tokens: whole.usage_metadata.and_then(|raw| usage::read(raw.get().as_bytes())),
        blocked,
        id,
        ..Answer::default()
    })
}

fn candidate(raw: &RawValue, ids: &mut CallIds) -> Result<Candidate, Malformed> {
    let told: ChunkCandidate<'_> = serde_json::from_str(raw.get())?;
    let mut parts = Vec::new();
    for raw in told.content.and_then(|content| content.parts).unwrap_or_default() {
        let chunk::Read { content, signature } = chunk::part(raw, ids)?;
        parts.push(Part { content, cache: None, signature });
    }
    cite_parts(&mut parts, cite::read(told.grounding_metadata, told.citation_metadata));
    let calls = parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    let word = told.finish_reason.unwrap_or_else(|| "STOP".to_owned());
    let mut native: Map<String, Value> = serde_json::from_str(raw.get())?;
    for known in ["content", "index", "logprobsResult"] {
        native.shift_remove(known);
    }
    // A word that says no more than the neutral form is not worth carrying.
    if native.len() == 1 && matches!(word.as_str(), "STOP" | "MAX_TOKENS") {
        native.clear();
    }
    Ok(Candidate {
        parts,
        stop: words::stop(&word, calls),
        logprobs: told.logprobs_result.map(chunk::Logprobs::chances),
        native: (!native.is_empty()).then(|| Native { wire: Wire::Gemini, value: native.into() }),
    })
}

/// Puts citations to their text: the part that is named, else the first.
fn cite_parts(parts: &mut [Part], placed: Vec<cite::Placed>) {
    for cite::Placed { part, citation } in placed {
        let is_text = |part: &Part| matches!(part.content, Content::Text { .. });
        let named = part.filter(|n| parts.get(*n).is_some_and(is_text));
        let Some(at) = named.or_else(|| parts.iter().position(is_text)) else { continue };
        if let Some(Content::Text { citations, .. }) =
            parts.get_mut(at).map(|part| &mut part.content)
        {
            citations.push(citation);
        }
    }
}

/// An answer on its way out. What a call is given is not read again: it may hold numbers that no
/// type here does.
#[derive(Serialize)]
struct Whole<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    candidates: Option<Vec<Said<'a>>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Serialize)]
struct Said<'a> {
    content: Spoken<'a>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Serialize)]
struct Spoken<'a> {
    parts: Vec<WirePart<'a>>,
    role: &'static str,
}

pub(super) fn write_answer(answer: &Answer, to: &Caller<'_>) -> Vec<u8> {
    let told = answer.blocked.is_none() || !answer.candidates.is_empty();
    let candidates =
        told.then(|| answer.candidates.iter().enumerate().map(write_candidate).collect());
    let mut body = Map::new();
    if let Some(reason) = &answer.blocked {
        let feedback = json!({"blockReason": words::block(reason)});
        body.insert("promptFeedback".to_owned(), feedback);
    }
    if let Some(tokens) = &answer.tokens {
        body.insert("usageMetadata".to_owned(), usage::write(tokens));
    }
    let or = |own: &str, other: &str| Value::from(if own.is_empty() { other } else { own });
    body.insert("modelVersion".to_owned(), or(&answer.model, &to.asked.model));
    body.insert("responseId".to_owned(), or(&answer.id, to.id));
    serde_json::to_vec(&Whole { candidates, rest: body }).unwrap_or_default()
}

fn write_candidate((index, candidate): (usize, &Candidate)) -> Said<'_> {
    let (mut parts, mut cut) = (Vec::new(), None);
    let mut cited = Vec::new();
    for part in &candidate.parts {
        if let Content::Text { citations, .. } = &part.content {
            cited.extend(citations.iter().map(|citation| (parts.len(), citation)));
        }
        match write_part(part) {
            Some(part) => parts.push(part),
            None => cut = cut.or(cut_call(part)),
        }
    }
    let mut out = Map::new();
    out.insert("finishReason".to_owned(), finish_reason(&candidate.stop, cut.is_some()).into());
    out.insert("index".to_owned(), index.into());
    if let Some(message) = cut {
        out.insert("finishMessage".to_owned(), message.into());
    }
    if let Some(chances) = &candidate.logprobs {
        out.insert("logprobsResult".to_owned(), write_logprobs(chances));
    }
    match &candidate.native {
        Some(Native { wire: Wire::Gemini, value: Value::Object(own) }) => out.extend(own.clone()),
        _ => {
            if let Some(grounding) = cite::write(cited.into_iter()) {
                out.insert("groundingMetadata".to_owned(), grounding);
            }
        }
    }
    Said { content: Spoken { parts, role: "model" }, rest: out }
}

/// The reason, told that a call was cut off: arguments are an object here, so that half of one
/// cannot be said. Gemini itself leaves such a call out and says so.
pub(super) fn finish_reason(stop: &Stop, cut: bool) -> &str {
    match words::finish(stop) {
        "STOP" if cut => "MALFORMED_FUNCTION_CALL",
        word => word,
    }
}

fn cut_call(part: &Part) -> Option<String> {
    match &part.content {
        Content::ToolCall(call) => Some(cut_message(&call.name, &call.input)),
        _ => None,
    }
}

pub(super) fn cut_message(name: &str, input: &str) -> String {
    format!("The arguments of the call of `{name}` are not a JSON object: {input}")
}

/// A part of an answer. `None`: the dialect has no words for it.
pub(super) fn write_part(part: &Part) -> Option<WirePart<'_>> {
    let mut known = match &part.content {
        Content::Text { text, .. } | Content::Refusal(text) => {
            Known { text: Some(text.into()), ..Known::default() }
        }
        Content::Thinking(text) => {
            Known { text: Some(text.into()), thought: Some(true), ..Known::default() }
        }
        Content::HiddenThinking => {
            Known { text: Some("".into()), thought: Some(true), ..Known::default() }
        }
        Content::ToolCall(call) => {
            let call = Call { id: &call.id, name: &call.name, args: args(&call.input)? };
            Known { function_call: Some(call), ..Known::default() }
        }
        Content::Image(media)
        | Content::Audio(media)
        | Content::Video(media)
        | Content::File(media) => {
            let mime_type = super::media::media_type(media);
            match &media.source {
                Source::Inline(data) => {
                    let mime_type = mime_type.unwrap_or("application/octet-stream");
                    let blob = Blob { mime_type, data: data.into() };
                    Known { inline_data: Some(blob), ..Known::default() }
                }
                Source::Text(text) => Known { text: Some(text.into()), ..Known::default() },
                Source::Url(uri) | Source::Uploaded(_, uri) => {
                    Known { file_data: Some(File { mime_type, file_uri: uri }), ..Known::default() }
                }
            }
        }
        Content::Native(Native { wire: Wire::Gemini, value }) => {
            return Some(WirePart::Native(value));
        }
        Content::Native(_) | Content::ToolResult(_) => return None,
    };
    known.thought_signature = part.signature.as_ref().map(sign::written);
    Some(known.into())
}

pub(super) fn signed<'a>(signature: &'a Signature, thought: bool) -> WirePart<'a> {
    Known {
        text: Some("".into()),
        thought: thought.then_some(true),
        thought_signature: Some(sign::written(signature)),
        ..Known::default()
    }
    .into()
}

pub(super) fn write_logprobs(chances: &[TokenChance]) -> Value {
    let one = |top: &TopToken| json!({"token": top.token, "logProbability": top.logprob});
    let chosen: Vec<Value> = chances.iter().map(|chance| one(&chance.token)).collect();
    let tops: Vec<Value> = chances
        .iter()
        .map(|chance| json!({"candidates": chance.top.iter().map(one).collect::<Vec<_>>()}))
        .collect();
    json!({"chosenCandidates": chosen, "topCandidates": tops})
}
