//! Reads a whole answer.

use crate::convert::Malformed;
use crate::neutral::{Answer, CallKind, Candidate, Content, Part, ToolCall};
use crate::openai::chat::said::{
    self, Called, Choice, Function, Said, Sent, Text, arguments, call_id, citations, string,
};
use crate::openai::chat::{annotation, reasoning};
use crate::openai::usage::read_usage;
use serde_json::value::RawValue;

pub(crate) fn answer(body: &[u8]) -> Result<Answer, Malformed> {
    let sent: Sent<'_> = serde_json::from_slice(body)?;
    let Some(choices) = sent.choices else {
        return Err(Malformed("an answer without `choices`".into()));
    };
    let id = Text::owned(sent.id);
    let mut candidates: Vec<Candidate> =
        choices.into_iter().map(|choice| candidate(choice, &id)).collect();
    let found =
        citations(sent.search_results.map(RawValue::get), sent.citations.map(RawValue::get));
    if !found.is_empty() {
        let parts = candidates.iter_mut().flat_map(|candidate| &mut candidate.parts);
        for part in parts {
            if let Content::Text { citations, .. } = &mut part.content {
                citations.extend(found.iter().cloned());
            }
        }
    }
    let used = sent.usage.map(|usage| read_usage(usage.get().as_bytes())).unwrap_or_default();
    Ok(Answer {
        model: Text::owned(sent.model),
        created: sent.created.and_then(|created| created.as_i64()),
        candidates,
        tokens: used.tokens,
        units: used.units,
        service_tier: sent.service_tier.map(|tier| tier.0.into_owned()),
        blocked: None,
        id,
    })
}

fn candidate(choice: Choice<'_>, answer_id: &str) -> Candidate {
    let mut message = choice.message.unwrap_or_default();
    let mut parts = thoughts(&mut message);
    let from = parts.len();
    parts.extend(message.parts());
    reasoning::sign_text(&mut parts);
    let text = parts.iter_mut().skip(from).find_map(|part| match &mut part.content {
        Content::Text { text, citations } => Some((text, citations)),
        _ => None,
    });
    if let (Some((text, citations)), Some(notes)) = (text, message.annotations) {
        citations.extend(notes.into_iter().map(|note| annotation::read(note, text)));
    }
    let refusal = string(message.refusal).filter(|refusal| !refusal.is_empty());
    let refused = refusal.is_some();
    parts.extend(refusal.map(|refusal| Part::new(Content::Refusal(refusal))));
    for piece in message.images.unwrap_or_default() {
        parts.extend(said::image(&piece).map(|media| Part::new(Content::Image(media))));
    }
    let calls = parts.len();
    if let Some(call) = message.function_call {
        parts.push(function(call, call_id(answer_id, 0)));
    }
    for (n, called) in message.tool_calls.unwrap_or_default().into_iter().enumerate() {
        parts.extend(call(called, answer_id, n));
    }
    let calls = parts.len() > calls;
    let word = choice.finish_reason.map(|reason| reason.0).unwrap_or_default();
    Candidate {
        stop: said::stop(&word, choice.stop_reason, calls, refused),
        logprobs: said::logprobs(choice.logprobs),
        native: None,
        parts,
    }
}

/// The reasoning of a message: in items, else as one text.
fn thoughts(message: &mut Said<'_>) -> Vec<Part> {
    let items = message.reasoning_details.take().unwrap_or_default();
    let mut parts: Vec<Part> = items.into_iter().filter_map(reasoning::part_of).collect();
    let told = parts.iter().any(|part| matches!(part.content, Content::Thinking(_)));
    if let Some(text) = message.thinking().filter(|text| !told && !text.is_empty()) {
        parts.insert(0, Part::new(Content::Thinking(text)));
    }
    parts
}

fn call(called: Called<'_>, answer_id: &str, n: usize) -> Option<Part> {
    let signature = called.signature();
    let id = Text::owned(called.id);
    let id = if id.is_empty() { call_id(answer_id, n) } else { id };
    let part = match (called.function, called.custom) {
        (Some(called), _) => function(called, id),
        (None, Some(custom)) => Part::new(Content::ToolCall(ToolCall {
            id,
            name: Text::owned(custom.name),
            input: string(custom.input).unwrap_or_default(),
            kind: CallKind::Custom,
        })),
        (None, None) => return None,
    };
    Some(Part { signature, ..part })
}

fn function(function: Function<'_>, id: String) -> Part {
    Part::new(Content::ToolCall(ToolCall {
        id,
        name: Text::owned(function.name),
        input: arguments(function.arguments),
        kind: CallKind::Function,
    }))
}
