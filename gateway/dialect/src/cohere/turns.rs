//! Writes the turns of a request.

use super::documents;
use crate::Invalid;
use crate::loss::{Feature, Losses};
use crate::neutral::{
    CallKind, Content, Detail, Media, Part, Request, Role, Source, ToolCall, ToolResult, Turn,
};
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// A conversation in this dialect.
#[derive(Debug, Default)]
pub(super) struct Conversation {
    pub messages: Vec<Value>,
    /// What stands beside it.
    pub documents: Vec<Value>,
}

pub(super) fn write(
    request: &Request,
    model: &str,
    losses: &mut Losses,
) -> Result<Conversation, Invalid> {
    let mut writer =
        Writer { thinks: model.contains("reasoning"), out: Conversation::default(), losses };
    for (n, turn) in request.turns.iter().enumerate() {
        writer.turn(turn, &format!("turns[{n}]"))?;
    }
    Ok(writer.out)
}

struct Writer<'l> {
    /// Whether the model takes its own thoughts back.
    thinks: bool,
    out: Conversation,
    losses: &'l mut Losses,
}

impl Writer<'_> {
    fn turn(&mut self, turn: &Turn, at: &str) -> Result<(), Invalid> {
        if turn.name.is_some() {
            self.losses.meet(Feature::SpeakerName, &format!("{at}.name"))?;
        }
        match turn.role {
            Role::System => self.plain("system", turn, at),
            Role::User => self.plain("user", turn, at),
            Role::Assistant => self.assistant(turn, at),
        }
    }

    /// What every part may carry and this dialect cannot say.
    fn marks(&mut self, part: &Part, at: &str) -> Result<(), Invalid> {
        if part.cache.is_some() {
            self.losses.meet(Feature::CacheMark, &format!("{at}.cache"))?;
        }
        if part.signature.is_some() {
            self.losses.meet(Feature::ForeignSignature, &format!("{at}.signature"))?;
        }
        Ok(())
    }

    /// A turn of the user or of instructions. Results are messages of their own, before the rest.
    fn plain(&mut self, role: &str, turn: &Turn, at: &str) -> Result<(), Invalid> {
        let mut blocks = Vec::new();
        for (p, part) in turn.parts.iter().enumerate() {
            let at = format!("{at}.parts[{p}]");
            self.marks(part, &at)?;
            match &part.content {
                Content::ToolResult(result) => self.result(result, &at, &mut blocks)?,
                Content::Text { text, .. } => blocks.push(text_block(text)),
                _ if role == "system" => {
                    self.losses.meet(Feature::InstructionMedia, &at)?;
                }
                // A text to answer from. Its place in the conversation is lost, which is told.
                Content::File(Media { source: Source::Text(text), name, .. }) => {
                    self.losses.adapt(&at);
                    self.out.documents.push(documents::write(name.as_deref(), text));
                }
                content => blocks.extend(self.block(content, &at)?),
            }
        }
        if !blocks.is_empty() {
            self.out.messages.push(json!({"role": role, "content": content(blocks)}));
        }
        Ok(())
    }

    fn result(
        &mut self,
        result: &ToolResult,
        at: &str,
        beside: &mut Vec<Value>,
    ) -> Result<(), Invalid> {
        let (mut text, mut documents) = (String::new(), Vec::new());
        for (n, part) in result.parts.iter().enumerate() {
            let at = format!("{at}.parts[{n}]");
            self.marks(part, &at)?;
            match &part.content {
                Content::Text { text: more, .. } => {
                    text += if text.is_empty() { "" } else { "\n" };
                    text += more;
                }
                Content::File(Media { source: Source::Text(data), name, .. }) => {
                    let id = name.clone().unwrap_or_else(|| format!("file {n}"));
                    let document = self::documents::write(Some(&id), data);
                    documents.push(json!({"type": "document", "document": document}));
                }
                // A result holds no images: the user shows them right after it.
                content @ Content::Image(_) => {
                    self.losses.meet(Feature::ToolResultImage, &at)?;
                    beside.extend(self.block(content, &at)?);
                }
                content => {
                    self.losses.meet(Feature::ToolResultFile, &at)?;
                    beside.extend(self.block(content, &at)?);
                }
            }
        }
        if result.is_error {
            self.losses.meet(Feature::ToolResultError, &format!("{at}.is_error"))?;
            text = json!({"error": text}).to_string();
        }
        let content: Value = if documents.is_empty() {
            text.into()
        } else {
            if !text.is_empty() {
                documents.insert(0, text_block(&text));
            }
            documents.into()
        };
        let id = &result.call_id;
        self.out.messages.push(json!({"role": "tool", "tool_call_id": id, "content": content}));
        Ok(())
    }

    fn assistant(&mut self, turn: &Turn, at: &str) -> Result<(), Invalid> {
        let (mut blocks, mut calls, mut plan) = (Vec::new(), Vec::new(), String::new());
        let has_calls = turn.parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
        for (p, part) in turn.parts.iter().enumerate() {
            let at = format!("{at}.parts[{p}]");
            if !matches!(part.content, Content::HiddenThinking) {
                self.marks(part, &at)?;
            }
            match &part.content {
                Content::ToolCall(call) => calls.push(self.call(call, &at)?),
                Content::Thinking(text) if self.thinks => {
                    blocks.push(json!({"type": "thinking", "thinking": text}));
                }
                Content::Thinking(text) if has_calls => plan += text,
                Content::Thinking(_) => {
                    self.losses.meet(Feature::Thinking, &at)?;
                }
                Content::HiddenThinking => {
                    self.losses.meet(Feature::HiddenThinking, &at)?;
                }
                Content::Text { text, citations } => {
                    if !citations.is_empty() {
                        self.losses.meet(Feature::Citations, &format!("{at}.citations"))?;
                    }
                    blocks.push(text_block(text));
                }
                content => blocks.extend(self.block(content, &at)?),
            }
        }
        let mut message = Object::new();
        message.insert("role".to_owned(), "assistant".into());
        for (name, is_there, value) in [
            ("tool_plan", !plan.is_empty(), plan.into()),
            ("tool_calls", !calls.is_empty(), calls.into()),
            ("content", !blocks.is_empty(), content(blocks)),
        ] {
            if is_there {
                message.insert(name.to_owned(), value);
            }
        }
        if message.len() > 1 {
            self.out.messages.push(message.into());
        }
        Ok(())
    }

    fn call(&mut self, call: &ToolCall, at: &str) -> Result<Value, Invalid> {
        if call.kind == CallKind::Custom {
            self.losses.meet(Feature::CustomTool, at)?;
        }
        let input = if call.input.trim().is_empty() { "{}" } else { &call.input };
        if !serde_json::from_str::<Value>(input).is_ok_and(|value| value.is_object()) {
            return Err(Invalid::at(
                at.to_owned(),
                format!(
                    "The arguments of the call of `{}` (`{at}`) are not a JSON object, which the \
                     model's dialect demands. Send them whole, or leave the call out.",
                    call.name
                ),
            ));
        }
        let function = json!({"name": call.name, "arguments": input});
        Ok(json!({"id": call.id, "type": "function", "function": function}))
    }

    /// A block of content that may stand with the user or the assistant.
    fn block(&mut self, content: &Content, at: &str) -> Result<Option<Value>, Invalid> {
        let feature = match content {
            Content::Text { text, .. } => return Ok(Some(text_block(text))),
            Content::Refusal(text) => {
                self.losses.meet(Feature::Refusal, at)?;
                return Ok(Some(text_block(text)));
            }
            Content::Image(media) => return self.image(media, at),
            Content::File(Media { source: Source::Url(_), .. }) => Feature::FileUrl,
            Content::File(Media { source: Source::Uploaded(..), .. }) => Feature::UploadedFile,
            Content::File(_) => Feature::File,
            Content::Audio(_) => Feature::Audio,
            Content::Video(_) => Feature::Video,
            Content::Thinking(_) => Feature::Thinking,
            Content::HiddenThinking => Feature::HiddenThinking,
            Content::Native(_) | Content::ToolCall(_) | Content::ToolResult(_) => {
                Feature::NativePart
            }
        };
        self.losses.meet(feature, at)?;
        Ok(None)
    }

    fn image(&mut self, media: &Media, at: &str) -> Result<Option<Value>, Invalid> {
        let url = match &media.source {
            Source::Inline(data) => {
                let kind =
                    if media.media_type.is_empty() { "image/png" } else { &media.media_type };
                format!("data:{kind};base64,{data}")
            }
            Source::Url(url) => url.clone(),
            Source::Text(_) | Source::Uploaded(..) => {
                self.losses.meet(Feature::UploadedFile, at)?;
                return Ok(None);
            }
        };
        let mut image = Object::new();
        image.insert("url".to_owned(), url.into());
        if let Some(detail) = media.detail {
            let word = match detail {
                Detail::Low => "low",
                Detail::High => "high",
                Detail::Auto => "auto",
            };
            image.insert("detail".to_owned(), word.into());
        }
        Ok(Some(json!({"type": "image_url", "image_url": image})))
    }
}

fn text_block(text: &str) -> Value {
    json!({"type": "text", "text": text})
}

/// One text is a string; the dialect's older models take nothing else.
fn content(mut blocks: Vec<Value>) -> Value {
    match blocks.as_mut_slice() {
        [one] if one.get("type") == Some(&Value::from("text")) => {
            one.get_mut("text").map(Value::take).unwrap_or_default()
        }
        _ => blocks.into(),
    }
}
