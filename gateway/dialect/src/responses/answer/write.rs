//! Writes an answer whole.

use super::items::{self, Ids};
use super::{Envelope, State};
use crate::convert::Caller;
use crate::neutral::{Answer, Candidate, Content, Part, Signature, TokenChance};
use serde_json::Value;

/// Writes an answer whole. This dialect has one candidate.
pub(in super::super) fn write_answer(answer: &Answer, to: &Caller<'_>) -> Vec<u8> {
    let mut envelope = Envelope::new(to);
    envelope.answered_by(&answer.id, &answer.model, answer.created);
    let candidate = answer.candidates.first();
    let state = match (candidate, &answer.blocked) {
        (Some(candidate), None) => State::Stopped(&candidate.stop),
        _ => State::Blocked,
    };
    let items = candidate.map(|candidate| write_items(candidate, to.id)).unwrap_or_default();
    let items: Vec<String> = items.iter().map(Value::to_string).collect();
    let tier = answer.service_tier.as_deref();
    envelope.write(state, &items.join(","), answer.tokens.as_ref(), tier).into_bytes()
}

fn write_items(candidate: &Candidate, call: &str) -> Vec<Value> {
    let mut writer = Items {
        ids: Ids::new(call),
        items: Vec::new(),
        content: Vec::new(),
        logprobs: candidate.logprobs.as_deref().unwrap_or_default(),
    };
    for part in &candidate.parts {
        writer.part(part);
    }
    writer.close();
    writer.items
}

struct Items<'a> {
    ids: Ids,
    items: Vec<Value>,
    /// Of the message being written.
    content: Vec<Value>,
    /// For the first text.
    logprobs: &'a [TokenChance],
}

impl Items<'_> {
    fn part(&mut self, part: &Part) {
        match &part.content {
            Content::Text { text, citations } => {
                let notes: Vec<Value> =
                    citations.iter().map(|one| super::super::cite::write(one, text)).collect();
                let logprobs = std::mem::take(&mut self.logprobs);
                self.content.push(items::text(text, &notes, logprobs));
                self.of_last(part.signature.as_ref());
            }
            Content::Refusal(text) => {
                self.content.push(items::refusal(text));
                self.of_last(part.signature.as_ref());
            }
            Content::ToolCall(call) => {
                self.close();
                let id = self.ids.id(prefix(call.kind), self.items.len());
                self.items.push(items::tool_call(&id, "completed", call));
                self.of_last(part.signature.as_ref());
            }
            _ => {
                self.close();
                self.items.extend(items::whole(part, &self.ids, self.items.len()));
                if !matches!(part.content, Content::Thinking(_) | Content::HiddenThinking) {
                    self.of_last(part.signature.as_ref());
                }
            }
        }
    }

    /// Closes the message being written, if there is one.
    fn close(&mut self) {
        if !self.content.is_empty() {
            let id = self.ids.id("msg", self.items.len());
            self.items.push(items::message(&id, "completed", &self.content));
            self.content.clear();
        }
    }

    fn of_last(&mut self, signature: Option<&Signature>) {
        if let Some(signature) = signature {
            self.close();
            let id = self.ids.id("rs", self.items.len());
            self.items.push(items::of_last(&id, signature));
        }
    }
}

/// What the vendor's ids of calls start with.
pub(in super::super) const fn prefix(kind: crate::neutral::CallKind) -> &'static str {
    match kind {
        crate::neutral::CallKind::Function => "fc",
        crate::neutral::CallKind::Custom => "ctc",
    }
}
