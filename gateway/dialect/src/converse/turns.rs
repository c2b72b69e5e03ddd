//! The conversation: turns become messages that alternate between user and assistant, with what
//! tools answered first, as the models behind the service demand.
//!
//! Blank texts are left out: the service refuses them, and they say nothing.

use super::JSON_TOOL;
use super::body::{
    Block, CachePoint, Citations, Message, Reasoning, TextOnly, ToolResult, ToolUse,
};
use super::media::{self, What};
use super::model::Family;
use crate::loss::{Feature, Losses};
use crate::neutral::{self, CacheMark, CallKind, Citation, Content, Part, Request, Role, Turn};
use crate::{Invalid, Wire};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

const USER: &str = "user";
const ASSISTANT: &str = "assistant";

/// What the body says of the conversation.
#[derive(Debug, Default)]
pub(super) struct Conversation<'a> {
    pub system: Vec<Block<'a>>,
    pub messages: Vec<Message<'a>>,
    /// Tools called in it, by name, in order.
    pub called: Vec<&'a str>,
}

pub(super) fn write<'a>(
    request: &'a Request,
    family: Family,
    losses: &mut Losses,
) -> Result<Conversation<'a>, Invalid> {
    let mut writer = Writer {
        family,
        losses,
        told: Conversation::default(),
        open: None,
        ids: HashMap::new(),
        names: HashSet::new(),
    };
    for (n, turn) in request.turns.iter().enumerate() {
        writer.turn(n, turn)?;
    }
    writer.close();
    writer.finish()
}

struct Writer<'a, 'l> {
    family: Family,
    losses: &'l mut Losses,
    told: Conversation<'a>,
    open: Option<Open<'a>>,
    /// Ids of tool calls that the service does not allow → those that stand for them.
    ids: HashMap<&'a str, String>,
    /// Names of documents.
    names: HashSet<String>,
}

/// The message being written.
#[derive(Default)]
struct Open<'a> {
    assistant: bool,
    results: Vec<Block<'a>>,
    rest: Vec<Block<'a>>,
}

impl<'a> Writer<'a, '_> {
    fn turn(&mut self, n: usize, turn: &'a Turn) -> Result<(), Invalid> {
        if turn.name.is_some() {
            self.losses.meet(Feature::SpeakerName, &format!("turns[{n}].name"))?;
        }
        let assistant = turn.role == Role::Assistant;
        let first = self.told.messages.is_empty() && self.open.is_none();
        if turn.role == Role::System {
            if first {
                return self.instructions(n, turn);
            }
            self.losses.meet(Feature::LateInstructions, &format!("turns[{n}]"))?;
        }
        if self.open.as_ref().is_some_and(|open| open.assistant != assistant) {
            self.close();
        }
        let mut open = self.open.take().unwrap_or_else(|| Open { assistant, ..Open::default() });
        for (m, part) in turn.parts.iter().enumerate() {
            let field = format!("turns[{n}].parts[{m}]");
            if turn.role == Role::System && !is_text(part) {
                self.losses.meet(Feature::InstructionMedia, &field)?;
                continue;
            }
            self.part(&mut open, part, &field)?;
        }
        self.open = Some(open);
        Ok(())
    }

    fn instructions(&mut self, n: usize, turn: &'a Turn) -> Result<(), Invalid> {
        for (m, part) in turn.parts.iter().enumerate() {
            let field = format!("turns[{n}].parts[{m}]");
            let Content::Text { text, .. } = &part.content else {
                self.losses.meet(Feature::InstructionMedia, &field)?;
                continue;
            };
            if !text.trim().is_empty() {
                self.told.system.push(Block::Text(text.into()));
                if let Some(point) = self.cache_point(part.cache, &field)? {
                    self.told.system.push(Block::CachePoint(point));
                }
            }
        }
        Ok(())
    }

    /// Ends the message being written; one that says nothing is left out.
    fn close(&mut self) {
        let Some(Open { assistant, results, rest }) = self.open.take() else { return };
        let mut content = results;
        content.extend(rest);
        if !content.is_empty() {
            let role = if assistant { ASSISTANT } else { USER };
            self.told.messages.push(Message { role, content });
        }
    }

    /// The service wants the user to begin, and no space at the end of an answer begun for it.
    fn finish(mut self) -> Result<Conversation<'a>, Invalid> {
        let messages = &mut self.told.messages;
        if messages.is_empty() && self.told.system.is_empty() {
            return Err(Invalid::at("turns", "The conversation has no content. Say something."));
        }
        if messages.first().is_none_or(|first| first.role == ASSISTANT) {
            self.losses.meet(Feature::AssistantFirst, "turns")?;
            let content = vec![Block::Text(".".into())];
            messages.insert(0, Message { role: USER, content });
        }
        if let Some(last) = messages.last_mut().filter(|last| last.role == ASSISTANT)
            && let Some(Block::Text(Cow::Borrowed(text))) = last.content.last_mut()
        {
            *text = text.trim_end();
        }
        Ok(self.told)
    }

    fn part(&mut self, open: &mut Open<'a>, part: &'a Part, field: &str) -> Result<(), Invalid> {
        let thinks = matches!(part.content, Content::Thinking(_) | Content::HiddenThinking);
        if part.signature.is_some() && !thinks {
            self.losses.meet(Feature::ForeignSignature, field)?;
        }
        let result = matches!(part.content, Content::ToolResult(_));
        let Some(block) = self.block(part, field)? else { return Ok(()) };
        let blocks = if result { &mut open.results } else { &mut open.rest };
        blocks.push(block);
        if let Some(point) = self.cache_point(part.cache, field)? {
            blocks.push(Block::CachePoint(point));
        }
        Ok(())
    }

    fn block(&mut self, part: &'a Part, field: &str) -> Result<Option<Block<'a>>, Invalid> {
        Ok(Some(match &part.content {
            Content::Text { text, .. } if text.trim().is_empty() => return Ok(None),
            Content::Text { text, citations } => self.text(text, citations, field)?,
            Content::Refusal(text) => {
                self.losses.meet(Feature::Refusal, field)?;
                Block::Text(text.into())
            }
            Content::Image(media) => self.media(What::Image, media, field)?,
            Content::Audio(media) => self.media(What::Audio, media, field)?,
            Content::Video(media) => self.media(What::Video, media, field)?,
            Content::File(media) => self.media(What::File, media, field)?,
            Content::Thinking(text) => return self.thinking(text, part, field),
            Content::HiddenThinking => return self.hidden(part, field),
            Content::ToolCall(call) => self.call(call, field)?,
            Content::ToolResult(result) => self.result(result, field)?,
            Content::Native(native) if native.wire == Wire::Converse => {
                Block::Native(&native.value)
            }
            Content::Native(_) => {
                self.losses.meet(Feature::NativePart, field)?;
                return Ok(None);
            }
        }))
    }

    fn media(
        &mut self,
        what: What,
        media: &'a neutral::Media,
        field: &str,
    ) -> Result<Block<'a>, Invalid> {
        media::write(what, media, field, &mut self.names, self.losses)
    }

    /// A text; with its citations where all of them are this dialect's own.
    fn text(
        &mut self,
        text: &'a str,
        citations: &'a [Citation],
        field: &str,
    ) -> Result<Block<'a>, Invalid> {
        if citations.is_empty() {
            return Ok(Block::Text(text.into()));
        }
        if citations.iter().all(|citation| citation.native.wire == Wire::Converse) {
            let citations = citations.iter().map(|citation| &citation.native.value).collect();
            return Ok(Block::CitationsContent(Citations {
                content: [TextOnly { text }],
                citations,
            }));
        }
        self.losses.meet(Feature::Citations, field)?;
        Ok(Block::Text(text.into()))
    }

    /// Reasoning. Signatures of Claude are the same whether Anthropic or Bedrock serves it.
    fn thinking(
        &mut self,
        text: &'a str,
        part: &'a Part,
        field: &str,
    ) -> Result<Option<Block<'a>>, Invalid> {
        let own =
            part.signature.as_ref().filter(|s| matches!(s.wire, Wire::Converse | Wire::Messages));
        if part.signature.is_some() && own.is_none() {
            self.losses.meet(Feature::ForeignSignature, field)?;
            return Ok(None);
        }
        let unproved = own.is_none() && self.family.wants_signed_reasoning();
        if unproved || !self.family.takes_reasoning_back() {
            self.losses.lack(Feature::Thinking, field)?;
            return Ok(None);
        }
        let signature = own.map(|signature| signature.value.as_str());
        Ok(Some(Block::ReasoningContent(Reasoning::ReasoningText { text, signature })))
    }

    fn hidden(&mut self, part: &'a Part, field: &str) -> Result<Option<Block<'a>>, Invalid> {
        match &part.signature {
            Some(own) if own.wire == Wire::Converse => {
                Ok(Some(Block::ReasoningContent(Reasoning::RedactedContent(&own.value))))
            }
            _ => {
                self.losses.lack(Feature::HiddenThinking, field)?;
                Ok(None)
            }
        }
    }

    fn call(&mut self, call: &'a neutral::ToolCall, field: &str) -> Result<Block<'a>, Invalid> {
        if call.kind == CallKind::Custom {
            self.losses.meet(Feature::CustomTool, field)?;
        }
        let text = call.input.trim();
        let text = if text.is_empty() { "{}" } else { text };
        let input: &RawValue = serde_json::from_str(text)
            .ok()
            .filter(|raw: &&RawValue| raw.get().starts_with('{'))
            .ok_or_else(|| {
                let detail = format!(
                    "`{field}` calls the tool `{}` with arguments that are not a JSON object. Send \
                     them as the model gave them, or leave out a call that was cut off.",
                    call.name
                );
                Invalid::at(field.to_owned(), detail)
            })?;
        if !self.told.called.contains(&call.name.as_str()) {
            self.told.called.push(&call.name);
        }
        Ok(Block::ToolUse(ToolUse { tool_use_id: self.id(&call.id), name: &call.name, input }))
    }

    fn result(
        &mut self,
        result: &'a neutral::ToolResult,
        field: &str,
    ) -> Result<Block<'a>, Invalid> {
        let mut content = Vec::new();
        for (n, part) in result.parts.iter().enumerate() {
            let field = format!("{field}.parts[{n}]");
            match &part.content {
                Content::Text { text, .. } if text.is_empty() => {}
                Content::Text { text, .. } => content.push(Block::Text(text.into())),
                Content::Image(_) | Content::File(_) | Content::Video(_) => {
                    content.extend(self.block(part, &field)?);
                }
                Content::Native(native) if native.wire == Wire::Converse => {
                    content.push(Block::Native(&native.value));
                }
                _ => {
                    let detail = format!(
                        "`{field}` is not what a tool may answer to a model on Bedrock: text, \
                         images, videos and documents."
                    );
                    return Err(Invalid::at(field, detail));
                }
            }
        }
        let status = result.is_error.then_some("error");
        Ok(Block::ToolResult(ToolResult { tool_use_id: self.id(&result.call_id), content, status }))
    }

    /// The id, or one that stands for it where the service does not allow it: the same for a call
    /// and its result.
    fn id(&mut self, id: &'a str) -> Cow<'a, str> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'-');
        if (1..=64).contains(&id.len()) && id.bytes().all(plain) {
            return id.into();
        }
        let next = self.ids.len();
        self.ids.entry(id).or_insert_with(|| format!("tollgate_call_{next}")).clone().into()
    }

    fn cache_point(
        &mut self,
        mark: Option<CacheMark>,
        field: &str,
    ) -> Result<Option<CachePoint>, Invalid> {
        let Some(mark) = mark else { return Ok(None) };
        cache_point(mark, self.family.caches(), self.family, field, self.losses)
    }
}

/// A cache point where the model knows them.
pub(super) fn cache_point(
    mark: CacheMark,
    known: bool,
    family: Family,
    field: &str,
    losses: &mut Losses,
) -> Result<Option<CachePoint>, Invalid> {
    let hour = mark == CacheMark::Hour;
    if !known || (hour && !family.caches_for_an_hour()) {
        losses.lack(Feature::CacheMark, field)?;
    }
    let ttl = (hour && family.caches_for_an_hour()).then_some("1h");
    Ok(known.then_some(CachePoint { r#type: "default", ttl }))
}

const fn is_text(part: &Part) -> bool {
    matches!(part.content, Content::Text { .. })
}

/// Whether a tool's name is ours.
pub(super) fn is_ours(name: &str) -> bool {
    name == JSON_TOOL
}
