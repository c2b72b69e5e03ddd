//! Turns as messages. A tool's result is a message of its own; what it holds besides text follows
//! in the caller's name, because only text is taken there.

use super::content::{Piece, Said, said};
use super::{Quirk, Writer};
use crate::loss::Feature;
use crate::neutral::{CallKind, Content, Part, Request, Role, Source, ToolCall, ToolResult, Turn};
use crate::openai::chat::reasoning;
use crate::{Invalid, Wire};
use serde::Serialize;
use serde_json::{Value, json};
use std::borrow::Cow;

/// The longest id of a call that the vendor takes; others give longer ones.
const CALL_ID_MAX: usize = 40;

#[derive(Debug, Serialize)]
pub(crate) struct Message<'a> {
    pub role: &'static str,
    /// Null where an assistant only calls tools.
    pub content: Option<Said<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_call_id: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    #[serde(skip_serializing_if = "String::is_empty")]
    reasoning_content: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    reasoning: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    reasoning_details: Vec<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audio: Option<Value>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'a>>,
}

#[derive(Debug, Serialize)]
struct Call<'a> {
    id: Cow<'a, str>,
    #[serde(flatten)]
    what: Called<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<Value>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Called<'a> {
    Function { function: Function<'a> },
    Custom { custom: Custom<'a> },
}

#[derive(Debug, Serialize)]
struct Function<'a> {
    name: &'a str,
    arguments: &'a str,
}

#[derive(Debug, Serialize)]
struct Custom<'a> {
    name: &'a str,
    input: &'a str,
}

impl<'a> Message<'a> {
    fn new(role: &'static str, content: Option<Said<'a>>) -> Self {
        Self {
            role,
            content,
            name: None,
            tool_call_id: None,
            refusal: None,
            reasoning_content: String::new(),
            reasoning: String::new(),
            reasoning_details: Vec::new(),
            audio: None,
            tool_calls: Vec::new(),
        }
    }

    pub(super) fn text(role: Role, text: Cow<'a, str>) -> Self {
        Self::new(role_word(role), Some(Said::Text(text)))
    }

    pub(super) fn speaks_of_json(&self) -> bool {
        let says = |text: &str| text.to_ascii_lowercase().contains("json");
        match &self.content {
            Some(Said::Text(text)) => says(text),
            Some(Said::Parts(pieces)) => {
                pieces.iter().any(|piece| matches!(piece, Piece::Text { text, .. } if says(text)))
            }
            None => false,
        }
    }

    pub(super) fn add_text(&mut self, more: &str) {
        match &mut self.content {
            Some(Said::Text(text)) => {
                let text = text.to_mut();
                text.push_str("\n\n");
                text.push_str(more);
            }
            Some(Said::Parts(pieces)) => pieces.push(Piece::text(more.to_owned())),
            none => *none = Some(Said::Text(more.to_owned().into())),
        }
    }
}

const fn role_word(role: Role) -> &'static str {
    match role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
    }
}

impl Writer<'_> {
    pub(super) fn messages<'a>(
        &mut self,
        request: &'a Request,
    ) -> Result<Vec<Message<'a>>, Invalid> {
        let mut messages = Vec::with_capacity(request.turns.len());
        for (n, turn) in request.turns.iter().enumerate() {
            let first = messages.len();
            match turn.role {
                Role::System => messages.push(self.system(turn, n)?),
                Role::User => self.user(turn, n, &mut messages)?,
                Role::Assistant => messages.push(self.assistant(turn, n)?),
            }
            if let Some(name) = &turn.name
                && self.lacks(Feature::SpeakerName, || format!("turns[{n}].name"))?.is_none()
                && let Some(message) = messages.get_mut(first..).and_then(<[_]>::last_mut)
            {
                message.name = Some(name);
            }
        }
        if self.has(Quirk::TakeTurns) {
            messages = self.taking_turns(messages)?;
        }
        Ok(messages)
    }

    fn said<'a>(&self, pieces: Vec<Piece<'a>>) -> Said<'a> {
        said(pieces, self.has(Quirk::StringContent) || self.has(Quirk::TakeTurns))
    }

    fn system<'a>(&mut self, turn: &'a Turn, n: usize) -> Result<Message<'a>, Invalid> {
        let mut pieces = Vec::new();
        for (p, part) in turn.parts.iter().enumerate() {
            let at = place(n, p);
            if !matches!(part.content, Content::Text { .. }) {
                self.losses.lack(Feature::InstructionMedia, &at)?;
            }
            pieces.extend(self.piece(part, &at)?);
        }
        Ok(Message::new("system", Some(self.said(pieces))))
    }

    fn user<'a>(
        &mut self,
        turn: &'a Turn,
        n: usize,
        messages: &mut Vec<Message<'a>>,
    ) -> Result<(), Invalid> {
        let (mut pieces, mut results) = (Vec::new(), false);
        for (p, part) in turn.parts.iter().enumerate() {
            let at = place(n, p);
            match &part.content {
                Content::ToolResult(result) => {
                    results = true;
                    if part.cache.is_some() {
                        self.losses.lack(Feature::CacheMark, &at)?;
                    }
                    messages.push(self.result(result, &at, &mut pieces)?);
                }
                _ => pieces.extend(self.piece(part, &at)?),
            }
        }
        if !pieces.is_empty() || !results {
            messages.push(Message::new("user", Some(self.said(pieces))));
        }
        Ok(())
    }

    /// A result as a message; what is not text goes to `beside`.
    fn result<'a>(
        &mut self,
        result: &'a ToolResult,
        at: &str,
        beside: &mut Vec<Piece<'a>>,
    ) -> Result<Message<'a>, Invalid> {
        let mut pieces = Vec::new();
        let mut media = Vec::new();
        for (p, part) in result.parts.iter().enumerate() {
            let at = format!("{at}.parts[{p}]");
            let feature = match &part.content {
                Content::Image(_) => Some(Feature::ToolResultImage),
                Content::File(file) if !matches!(file.source, Source::Text(_)) => {
                    Some(Feature::ToolResultFile)
                }
                Content::Audio(_) | Content::Video(_) => Some(Feature::ToolResultFile),
                _ => None,
            };
            let Some(feature) = feature else {
                pieces.extend(self.piece(part, &at)?);
                continue;
            };
            self.losses.meet(feature, &at)?;
            media.extend(self.piece(part, &at)?);
        }
        let id = self.call_id(&result.call_id);
        if !media.is_empty() {
            if pieces.is_empty() {
                pieces.push(Piece::text("The result follows in the next message."));
            }
            beside.push(Piece::text(format!("From the tool {} ({id}):", result.name)));
            beside.append(&mut media);
        }
        if result.is_error {
            self.losses.meet(Feature::ToolResultError, &format!("{at}.is_error"))?;
            mark_error(&mut pieces);
        }
        let mut message = Message::new("tool", Some(said(pieces, true)));
        message.tool_call_id = Some(id);
        Ok(message)
    }

    fn assistant<'a>(&mut self, turn: &'a Turn, n: usize) -> Result<Message<'a>, Invalid> {
        let mut message = Message::new("assistant", None);
        let mut pieces = Vec::new();
        for (p, part) in turn.parts.iter().enumerate() {
            let at = place(n, p);
            match &part.content {
                Content::Thinking(_) | Content::HiddenThinking => {
                    self.thinking(part, &at, &mut message, &mut pieces)?;
                }
                Content::Refusal(text) => {
                    if self.lacks(Feature::Refusal, || at.clone())?.is_some() {
                        pieces.push(Piece::text(text));
                    } else {
                        message.refusal = Some(text);
                    }
                }
                Content::ToolCall(call) => {
                    let call = self.call(call, part, &at)?;
                    message.tool_calls.push(call);
                }
                Content::Audio(media)
                    if matches!(&media.source, Source::Uploaded(Wire::Chat, _)) =>
                {
                    self.lacks(Feature::Audio, || at.clone())?;
                    if let Source::Uploaded(_, id) = &media.source {
                        message.audio = Some(json!({"id": id}));
                    }
                }
                // What a model drew or said, it cannot be shown as its own.
                Content::Image(_) | Content::Audio(_) | Content::Video(_) | Content::File(_) => {
                    self.losses.lack(Feature::NativePart, &at)?;
                }
                _ => pieces.extend(self.piece(part, &at)?),
            }
        }
        let silent =
            message.tool_calls.is_empty() && message.refusal.is_none() && message.audio.is_none();
        if !pieces.is_empty() || silent {
            message.content = Some(self.said(pieces));
        }
        Ok(message)
    }

    /// Reasoning of an earlier turn, as the provider wants it back.
    fn thinking<'a>(
        &mut self,
        part: &'a Part,
        at: &str,
        message: &mut Message<'a>,
        pieces: &mut Vec<Piece<'a>>,
    ) -> Result<(), Invalid> {
        let Content::Thinking(text) = &part.content else {
            let own = part.signature.as_ref().and_then(reasoning::own_detail);
            match own.filter(|_| self.has(Quirk::ReasoningDetails)) {
                Some(own) => message.reasoning_details.push(own),
                None => {
                    self.losses.lack(Feature::HiddenThinking, at)?;
                }
            }
            return Ok(());
        };
        let own = part.signature.as_ref().and_then(reasoning::own_detail);
        let is_part =
            own.as_ref().and_then(|own| own.get("type")).is_some_and(|kind| kind == "thinking");
        let unsigned = part.signature.is_some();
        if self.has(Quirk::ReasoningDetails) {
            let index = message.reasoning_details.len();
            let plain = || json!({"type": "reasoning.text", "text": text, "index": index});
            let own = own.filter(|_| !is_part);
            if own.is_none() && unsigned {
                self.losses.meet(Feature::ForeignSignature, at)?;
            }
            message.reasoning_details.push(own.unwrap_or_else(plain));
            return Ok(());
        }
        if self.has(Quirk::ThinkingParts) && is_part {
            pieces.extend(own.map(|own| Piece::Native(Cow::Owned(own))));
            return Ok(());
        }
        if self.has(Quirk::ThinkingParts) {
            let inner = json!([{"type": "text", "text": text}]);
            let piece = json!({"type": "thinking", "thinking": inner, "closed": true});
            pieces.push(Piece::Native(Cow::Owned(piece)));
        } else if self.has(Quirk::ReasoningContent) {
            message.reasoning_content.push_str(text);
        } else if self.has(Quirk::ReasoningText) {
            message.reasoning.push_str(text);
        } else {
            self.losses.lack(Feature::Thinking, at)?;
            return Ok(());
        }
        if unsigned {
            self.losses.meet(Feature::ForeignSignature, at)?;
        }
        Ok(())
    }

    fn call<'a>(&mut self, call: &'a ToolCall, part: &Part, at: &str) -> Result<Call<'a>, Invalid> {
        let what = match call.kind {
            CallKind::Function => {
                // A call without arguments has an empty object of them.
                let arguments = if call.input.trim().is_empty() { "{}" } else { &call.input };
                Called::Function { function: Function { name: &call.name, arguments } }
            }
            CallKind::Custom => {
                self.lacks(Feature::CustomTool, || at.to_owned())?;
                Called::Custom { custom: Custom { name: &call.name, input: &call.input } }
            }
        };
        let mut extra_content = None;
        if let Some(signature) = &part.signature {
            if self.has(Quirk::GoogleSignatures) && signature.wire == Wire::Gemini {
                extra_content = Some(reasoning::extra_content(signature));
            } else {
                self.losses.meet(Feature::ForeignSignature, at)?;
            }
        }
        if part.cache.is_some() {
            self.losses.lack(Feature::CacheMark, at)?;
        }
        Ok(Call { id: self.call_id(&call.id), what, extra_content })
    }

    fn call_id<'a>(&self, id: &'a str) -> Cow<'a, str> {
        let plain = id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        if self.has(Quirk::ShortCallIds) && !(plain && id.len() == 9) {
            return short_id(id, 9).into();
        }
        if id.len() > CALL_ID_MAX {
            return format!("call_{}", short_id(id, 11)).into();
        }
        id.into()
    }

    /// Neighbours with the same role as one; instructions that come late in the caller's name.
    fn taking_turns<'a>(
        &mut self,
        messages: Vec<Message<'a>>,
    ) -> Result<Vec<Message<'a>>, Invalid> {
        let mut out: Vec<Message<'a>> = Vec::with_capacity(messages.len());
        for (n, mut message) in messages.into_iter().enumerate() {
            if message.role == "system" && out.iter().any(|before| before.role != "system") {
                self.losses.lack(Feature::LateInstructions, &format!("turns[{n}]"))?;
                message.role = "user";
            }
            match (out.last_mut(), &message.content) {
                (Some(last), Some(Said::Text(text)))
                    if last.role == message.role && message.tool_calls.is_empty() =>
                {
                    last.add_text(text);
                }
                _ => out.push(message),
            }
        }
        Ok(out)
    }
}

fn place(turn: usize, part: usize) -> String {
    format!("turns[{turn}].parts[{part}]")
}

/// Says in words that a tool failed, unless the text does.
fn mark_error(pieces: &mut Vec<Piece<'_>>) {
    match pieces.first_mut() {
        Some(Piece::Text { text, .. }) => {
            let told = text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("error"));
            if !told {
                *text = format!("Error: {text}").into();
            }
        }
        _ => pieces.insert(0, Piece::text("Error.")),
    }
}

/// Letters and digits that stand for any id, always the same ones.
fn short_id(id: &str, length: usize) -> String {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    // FNV-1a: no secret, only few collisions among the calls of one conversation.
    let mut hash = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut short = String::with_capacity(length);
    for _ in 0..length {
        let letter = usize::try_from(hash % 62).unwrap_or_default();
        short.push(LETTERS.get(letter).copied().map_or('0', char::from));
        hash /= 62;
    }
    short
}
