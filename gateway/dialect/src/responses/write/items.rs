//! Writes the conversation as items. Text, images and files of a turn are one message; calls,
//! results and reasoning are items of their own, where they stand.

use super::super::{WIRE, carry, cite, is_part, media};
use crate::Invalid;
use crate::loss::{Feature, Losses};
use crate::neutral::{CallKind, Content, Media, Part, Request, Role, ToolCall, ToolResult, Turn};
use serde_json::{Map, Value, json};
use std::collections::HashSet;

/// `instructions`, if the conversation opens with one plain text of them, and `input`.
pub(super) fn write_turns(
    request: &Request,
    losses: &mut Losses,
) -> Result<(Option<String>, Vec<Value>), Invalid> {
    let instructions = match request.turns.first() {
        Some(Turn { role: Role::System, parts, name: None }) => match parts.as_slice() {
            [Part { content: Content::Text { text, citations }, cache: None, signature: None }]
                if citations.is_empty() =>
            {
                Some(text.clone())
            }
            _ => None,
        },
        _ => None,
    };
    let mut writer = Items { losses, items: Vec::new(), custom: custom_calls(request) };
    for (index, turn) in request.turns.iter().enumerate().skip(instructions.iter().len()) {
        writer.turn(turn, &format!("turns[{index}]"))?;
    }
    Ok((instructions, writer.items))
}

/// Whether a part is reasoning that this dialect's vendor sealed.
pub(super) fn is_own_reasoning(part: &Part) -> bool {
    part.signature.as_ref().is_some_and(|signature| signature.wire == WIRE)
}

/// The ids of calls of custom tools: their results are items of another type.
fn custom_calls(request: &Request) -> HashSet<&str> {
    let parts = request.turns.iter().flat_map(|turn| &turn.parts);
    let custom = |part| match part {
        &Part {
            content: Content::ToolCall(ToolCall { ref id, kind: CallKind::Custom, .. }),
            ..
        } => Some(id.as_str()),
        _ => None,
    };
    parts.filter_map(custom).collect()
}

struct Items<'a> {
    losses: &'a mut Losses,
    items: Vec<Value>,
    custom: HashSet<&'a str>,
}

impl Items<'_> {
    fn turn(&mut self, turn: &Turn, path: &str) -> Result<(), Invalid> {
        if turn.name.is_some() {
            self.losses.meet(Feature::SpeakerName, &format!("{path}.name"))?;
        }
        let mut message = Vec::new();
        for (index, part) in turn.parts.iter().enumerate() {
            let path = format!("{path}.parts[{index}]");
            if part.cache.is_some() {
                self.losses.meet(Feature::CacheMark, &format!("{path}.cache"))?;
            }
            let item = match &part.content {
                Content::ToolCall(call) => Some(write_call(call)),
                Content::ToolResult(result) => Some(self.result(result, &path)?),
                Content::Native(native) if native.wire == WIRE && turn.role != Role::System => {
                    if native.value.get("type").and_then(Value::as_str).is_some_and(is_part) {
                        message.push(native.value.clone());
                        continue;
                    }
                    Some(native.value.clone())
                }
                Content::Thinking(_) | Content::HiddenThinking => self.reasoning(part, &path)?,
                Content::Image(image) if turn.role == Role::Assistant => {
                    self.generated_image(image, &path)?
                }
                _ => {
                    message.extend(self.content(part, turn.role, &path)?);
                    self.foreign_signature(part, &path)?;
                    continue;
                }
            };
            if !matches!(part.content, Content::Thinking(_) | Content::HiddenThinking) {
                self.foreign_signature(part, &path)?;
            }
            self.message(turn.role, &mut message);
            self.items.extend(item);
        }
        self.message(turn.role, &mut message);
        Ok(())
    }

    /// Closes the message written so far, if there is one.
    fn message(&mut self, role: Role, parts: &mut Vec<Value>) {
        let role = match role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        if parts.is_empty() {
            return;
        }
        let content = content_of(std::mem::take(parts));
        let members = [("type", "message".into()), ("role", role.into()), ("content", content)];
        let item = members.map(|(name, value)| (name.to_owned(), value));
        self.items.push(Map::from_iter(item).into());
    }

    /// A part of a message, or of a tool's result.
    fn content(&mut self, part: &Part, role: Role, path: &str) -> Result<Option<Value>, Invalid> {
        if role == Role::System && !matches!(part.content, Content::Text { .. }) {
            self.losses.meet(Feature::InstructionMedia, path)?;
            return Ok(None);
        }
        let feature = match &part.content {
            Content::Text { text, citations } => {
                let kind = if role == Role::Assistant { "output_text" } else { "input_text" };
                let mut value = json!({"type": kind, "text": text});
                let (own, foreign): (Vec<_>, Vec<_>) =
                    citations.iter().partition(|one| one.native.wire == WIRE);
                if !foreign.is_empty() {
                    self.losses.meet(Feature::Citations, &format!("{path}.citations"))?;
                }
                if let (false, Some(map)) = (own.is_empty(), value.as_object_mut()) {
                    let all: Vec<Value> =
                        own.into_iter().map(|one| cite::write(one, text)).collect();
                    map.insert("annotations".to_owned(), all.into());
                }
                return Ok(Some(value));
            }
            Content::Refusal(text) => return Ok(Some(json!({"type": "refusal", "refusal": text}))),
            Content::Image(image) => match media::write_image(image) {
                Some(image) => return Ok(Some(image)),
                None => Feature::UploadedFile,
            },
            Content::File(file) => match media::write_file(file) {
                Some(file) => return Ok(Some(file)),
                None => Feature::UploadedFile,
            },
            Content::Audio(_) => Feature::Audio,
            Content::Video(_) => Feature::Video,
            _ => Feature::NativePart,
        };
        self.losses.meet(feature, path)?;
        Ok(None)
    }

    fn result(&mut self, result: &ToolResult, path: &str) -> Result<Value, Invalid> {
        let kind = if self.custom.contains(result.call_id.as_str()) {
            "custom_tool_call_output"
        } else {
            "function_call_output"
        };
        let mut parts = Vec::new();
        if result.is_error {
            self.losses.meet(Feature::ToolResultError, &format!("{path}.is_error"))?;
        }
        for (index, part) in result.parts.iter().enumerate() {
            parts.extend(self.content(part, Role::User, &format!("{path}.parts[{index}]"))?);
        }
        if result.is_error {
            mark_error(&mut parts);
        }
        let output = if parts.is_empty() { "".into() } else { content_of(parts) };
        Ok(json!({"type": kind, "call_id": result.call_id, "output": output}))
    }

    /// Reasoning goes back only sealed: the vendor takes none that it cannot prove to be its own.
    fn reasoning(&mut self, part: &Part, path: &str) -> Result<Option<Value>, Invalid> {
        let text = match &part.content {
            Content::Thinking(text) => text.as_str(),
            _ => "",
        };
        let Some(signature) = part.signature.as_ref().filter(|own| own.wire == WIRE) else {
            let feature = match &part.signature {
                Some(_) => Feature::ForeignSignature,
                None => Feature::Thinking,
            };
            self.losses.meet(feature, path)?;
            return Ok(None);
        };
        let (id, content) = carry::write(signature);
        let mut item = Map::new();
        item.insert("type".to_owned(), "reasoning".into());
        id.map(|id| item.insert("id".to_owned(), id.into()));
        item.insert("summary".to_owned(), write_summary(text));
        item.insert("encrypted_content".to_owned(), content.into());
        Ok(Some(item.into()))
    }

    fn foreign_signature(&mut self, part: &Part, path: &str) -> Result<(), Invalid> {
        if part.signature.is_some() {
            self.losses.meet(Feature::ForeignSignature, &format!("{path}.signature"))?;
        }
        Ok(())
    }

    /// An image in the assistant's turn: one that it made.
    fn generated_image(&mut self, image: &Media, path: &str) -> Result<Option<Value>, Invalid> {
        let id = format!("ig_tollgate_{}", self.items.len());
        if let Some(item) = media::write_generated_image(image, &id) {
            return Ok(Some(item));
        }
        self.losses.meet(Feature::NativePart, path)?;
        Ok(None)
    }
}

/// The content of a message or of a result: a text where that is all, else parts.
fn content_of(mut parts: Vec<Value>) -> Value {
    match parts.as_mut_slice() {
        [Value::Object(one)] if !one.contains_key("annotations") => {
            one.shift_remove("text").unwrap_or_else(|| parts.into())
        }
        _ => parts.into(),
    }
}

fn write_call(call: &ToolCall) -> Value {
    match call.kind {
        CallKind::Function => json!({
            "type": "function_call", "call_id": call.id, "name": call.name,
            "arguments": arguments(&call.input),
        }),
        CallKind::Custom => json!({
            "type": "custom_tool_call", "call_id": call.id, "name": call.name, "input": call.input,
        }),
    }
}

/// Says in words that a tool failed.
fn mark_error(parts: &mut Vec<Value>) {
    match parts.first_mut().and_then(|part| part.get_mut("text")) {
        Some(Value::String(text)) => {
            let told = text.get(..5).is_some_and(|start| start.eq_ignore_ascii_case("error"));
            if !told {
                text.insert_str(0, "Error: ");
            }
        }
        _ => parts.insert(0, json!({"type": "input_text", "text": "Error."})),
    }
}

/// The arguments of a call; none are an empty object, because readers parse them.
pub(in super::super) fn arguments(input: &str) -> &str {
    if input.trim_ascii().is_empty() { "{}" } else { input }
}

/// `summary` of a reasoning item.
pub(in super::super) fn write_summary(text: &str) -> Value {
    match text {
        "" => json!([]),
        text => json!([{"type": "summary_text", "text": text}]),
    }
}
