//! Writes a conversation: instructions in front, turns of one side merged, results of tools before
//! anything else the caller's side says, and the caller's side first.

use super::model::Traits;
use super::put::{self, cache_control};
use super::{Host, WIRE, media, proof};
use crate::Invalid;
use crate::loss::{Feature, Losses, Meet};
use crate::neutral::{Citation, Content, Part, Request, Role, ToolCall, ToolResult, Turn};
use serde_json::{Value, json};
use std::borrow::Cow;

/// A conversation in this dialect.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub system: Vec<Value>,
    pub messages: Vec<Value>,
}

struct Message {
    role: Role,
    results: Vec<Value>,
    content: Vec<Value>,
}

struct Writer<'a> {
    losses: &'a mut Losses,
    late: bool,
    system: Vec<Value>,
    messages: Vec<Message>,
}

pub(super) fn conversation(
    host: Host,
    traits: Traits,
    request: &Request,
    losses: &mut Losses,
) -> Result<Conversation, Invalid> {
    let late = traits.late_instructions && host == Host::Direct;
    let mut writer = Writer { losses, late, system: Vec::new(), messages: Vec::new() };
    let mut begun = false;
    for (n, turn) in request.turns.iter().enumerate() {
        begun |= turn.role != Role::System;
        if turn.name.is_some() {
            writer.losses.meet(Feature::SpeakerName, &format!("turns[{n}].name"))?;
        }
        match turn.role {
            Role::System if !begun => {
                let blocks = writer.instructions(n, turn)?;
                writer.system.extend(blocks);
            }
            Role::System => {
                let next = request.turns.get(n + 1).map(|next| next.role);
                writer.late_instructions(n, turn, next)?;
            }
            Role::User | Role::Assistant => writer.turn(n, turn)?,
        }
    }
    writer.finish()
}

impl Writer<'_> {
    fn instructions(&mut self, n: usize, turn: &Turn) -> Result<Vec<Value>, Invalid> {
        let mut blocks = Vec::new();
        for (m, part) in turn.parts.iter().enumerate() {
            let at = format!("turns[{n}].parts[{m}]");
            match &part.content {
                Content::Text { text, .. } if text.trim().is_empty() => {}
                Content::Text { text, citations } => {
                    self.citations(&at, citations)?;
                    blocks.push(with_mark(put::text(text, Vec::new()), part));
                }
                _ => {
                    self.losses.meet(Feature::InstructionMedia, &at)?;
                }
            }
        }
        Ok(blocks)
    }

    /// As a turn of its own where the vendor takes one: behind the caller's side, before the
    /// assistant's. Else as a part of what the caller's side says.
    fn late_instructions(
        &mut self,
        n: usize,
        turn: &Turn,
        next: Option<Role>,
    ) -> Result<(), Invalid> {
        let blocks = self.instructions(n, turn)?;
        if blocks.is_empty() {
            return Ok(());
        }
        let behind_user = self.messages.last().is_some_and(|last| last.role == Role::User);
        if self.late && behind_user && next != Some(Role::User) && next != Some(Role::System) {
            let message = Message { role: Role::System, results: Vec::new(), content: blocks };
            self.messages.push(message);
            return Ok(());
        }
        self.losses.meet(Feature::LateInstructions, &format!("turns[{n}]"))?;
        for mut block in blocks {
            if let Some(Value::String(text)) = block.get_mut("text") {
                *text = format!("<system>\n{text}\n</system>");
            }
            self.message(Role::User).content.push(block);
        }
        Ok(())
    }

    /// The message that goes on, or a new one.
    fn message(&mut self, role: Role) -> &mut Message {
        let same = self.messages.last().is_some_and(|last| last.role == role);
        if !same {
            self.messages.push(Message { role, results: Vec::new(), content: Vec::new() });
        }
        let last = self.messages.len() - 1;
        #[expect(clippy::indexing_slicing, reason = "one was pushed if there was none")]
        &mut self.messages[last]
    }

    fn turn(&mut self, n: usize, turn: &Turn) -> Result<(), Invalid> {
        for (m, part) in turn.parts.iter().enumerate() {
            let at = format!("turns[{n}].parts[{m}]");
            if let Content::ToolResult(result) = &part.content {
                let block = with_mark(self.result(&at, result)?, part);
                self.message(turn.role).results.push(block);
            } else if let Some(block) = self.part(&at, part)? {
                let block = with_mark(block, part);
                self.message(turn.role).content.push(block);
            }
        }
        Ok(())
    }

    /// A piece of a turn or of a tool's result; `None` where nothing is left of it.
    fn part(&mut self, at: &str, part: &Part) -> Result<Option<Value>, Invalid> {
        let thinks = matches!(part.content, Content::Thinking(_) | Content::HiddenThinking);
        if part.signature.is_some() && !thinks {
            self.losses.meet(Feature::ForeignSignature, at)?;
        }
        Ok(Some(match &part.content {
            // The vendor refuses a text of nothing.
            Content::Text { text, .. } | Content::Refusal(text) if text.trim().is_empty() => {
                return Ok(None);
            }
            Content::Text { text, citations } => put::text(text, self.citations(at, citations)?),
            Content::Refusal(text) => {
                self.losses.meet(Feature::Refusal, at)?;
                put::text(text, Vec::new())
            }
            Content::Image(media) => media::image(at, media, self.losses)?,
            Content::File(media) => media::document(at, media, self.losses)?,
            Content::Audio(_) => return self.without(Feature::Audio, at),
            Content::Video(_) => return self.without(Feature::Video, at),
            Content::ToolCall(call) => call_block(at, call, self.losses)?,
            Content::ToolResult(result) => self.result(at, result)?,
            Content::Thinking(_) | Content::HiddenThinking => return self.thinking(at, part),
            Content::Native(native) if native.wire == WIRE => native.value.clone(),
            Content::Native(_) => return self.without(Feature::NativePart, at),
        }))
    }

    fn without(&mut self, feature: Feature, at: &str) -> Result<Option<Value>, Invalid> {
        self.losses.meet(feature, at).map(|_| None)
    }

    /// Thinking that another vendor proves, or nobody, is refused by this one.
    fn thinking(&mut self, at: &str, part: &Part) -> Result<Option<Value>, Invalid> {
        let own = part.signature.as_ref().filter(|signature| proof::is_own(signature));
        match (&part.content, own) {
            (Content::Thinking(text), Some(own)) => Ok(Some(put::thinking(text, &own.value))),
            (_, Some(own)) => Ok(Some(put::redacted(&own.value))),
            (_, None) if part.signature.is_some() => self.without(Feature::ForeignSignature, at),
            (Content::Thinking(text), None) if text.is_empty() => Ok(None),
            (Content::Thinking(_), None) => self.without(Feature::Thinking, at),
            (_, None) => self.without(Feature::HiddenThinking, at),
        }
    }

    /// Those of this dialect. Others are left out: they point into what this vendor never saw.
    fn citations(&mut self, at: &str, citations: &[Citation]) -> Result<Vec<Value>, Invalid> {
        if citations.iter().any(|citation| citation.native.wire != WIRE) {
            self.losses.meet(Feature::Citations, &format!("{at}.citations"))?;
        }
        let own = citations.iter().filter(|citation| citation.native.wire == WIRE);
        Ok(own.map(|citation| citation.native.value.clone()).collect())
    }

    fn result(&mut self, at: &str, result: &ToolResult) -> Result<Value, Invalid> {
        let mut content = Vec::new();
        for (n, part) in result.parts.iter().enumerate() {
            let at = format!("{at}.parts[{n}]");
            if let Some(block) = self.part(&at, part)? {
                content.push(with_mark(block, part));
            }
        }
        let mut block = json!({"type": "tool_result", "tool_use_id": plain_id(&result.call_id)});
        if let Some(block) = block.as_object_mut() {
            if !content.is_empty() {
                block.insert("content".into(), content.into());
            }
            if result.is_error {
                block.insert("is_error".into(), true.into());
            }
        }
        Ok(block)
    }

    fn finish(mut self) -> Result<Conversation, Invalid> {
        if self.messages.first().is_none_or(|first| first.role != Role::User) {
            if self.messages.is_empty() && self.system.is_empty() {
                return Err(Invalid::at(
                    "turns",
                    "The conversation has no content. Say something.",
                ));
            }
            if self.losses.meet(Feature::AssistantFirst, "turns")? == Meet::Adapt {
                let content = vec![put::text(".", Vec::new())];
                let opening = Message { role: Role::User, results: Vec::new(), content };
                self.messages.insert(0, opening);
            }
        }
        trim_end(&mut self.messages);
        let messages = self.messages.into_iter().map(|message| {
            let role = match message.role {
                Role::User => "user",
                Role::Assistant => "assistant",
                Role::System => "system",
            };
            let mut content = message.results;
            content.extend(message.content);
            json!({"role": role, "content": content})
        });
        Ok(Conversation { messages: messages.collect(), system: self.system })
    }
}

/// The vendor refuses an answer begun for it that ends with space.
fn trim_end(messages: &mut [Message]) {
    let last = messages.last_mut().filter(|last| last.role == Role::Assistant);
    let block = last.and_then(|last| last.content.last_mut());
    if let Some(Value::String(text)) = block.and_then(|block| block.get_mut("text")) {
        text.truncate(text.trim_end().len());
    }
}

fn with_mark(mut block: Value, part: &Part) -> Value {
    if let (Some(mark), Some(block)) = (part.cache, block.as_object_mut()) {
        block.insert("cache_control".into(), cache_control(mark));
    }
    block
}

fn call_block(at: &str, call: &ToolCall, losses: &mut Losses) -> Result<Value, Invalid> {
    if call.kind == crate::neutral::CallKind::Custom {
        losses.meet(Feature::CustomTool, at)?;
    }
    let input = put::input(call).ok_or_else(|| {
        let detail = format!(
            "The arguments of the tool call `{}` are not a JSON object. Send the call as the model \
             made it, or leave out a call that was cut off.",
            call.id
        );
        Invalid::at(format!("{at}.input"), detail)
    })?;
    Ok(put::tool_use(&plain_id(&call.id), &call.name, input))
}

/// The vendor takes letters, digits, `_` and `-` in the ids of calls.
fn plain_id(id: &str) -> Cow<'_, str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if id.chars().all(plain) {
        return id.into();
    }
    id.chars().map(|c| if plain(c) { c } else { '_' }).collect::<String>().into()
}
