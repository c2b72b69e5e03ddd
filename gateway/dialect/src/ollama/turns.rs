//! Writes the turns of a request.

use crate::Invalid;
use crate::loss::{Feature, Losses};
use crate::neutral::{
    CallKind, Content, Media, Part, Request, Role, Source, ToolCall, ToolResult, Turn,
};
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

pub(super) fn write(request: &Request, losses: &mut Losses) -> Result<Vec<Value>, Invalid> {
    let mut writer = Writer { messages: Vec::new(), losses };
    for (n, turn) in request.turns.iter().enumerate() {
        writer.turn(turn, &format!("turns[{n}]"))?;
    }
    if writer.messages.is_empty() {
        return Err(Invalid::silent());
    }
    Ok(writer.messages)
}

struct Writer<'l> {
    messages: Vec<Value>,
    losses: &'l mut Losses,
}

/// What one message holds.
#[derive(Default)]
struct Message {
    texts: Vec<String>,
    images: Vec<String>,
    thinking: Vec<String>,
    calls: Vec<Value>,
    /// How many texts came before the first image.
    texts_before: usize,
}

impl Writer<'_> {
    fn turn(&mut self, turn: &Turn, at: &str) -> Result<(), Invalid> {
        if turn.name.is_some() {
            self.losses.meet(Feature::SpeakerName, &format!("{at}.name"))?;
        }
        let role = match turn.role {
            Role::System => "system",
            Role::User => "user",
            Role::Assistant => "assistant",
        };
        let mut message = Message::default();
        for (p, part) in turn.parts.iter().enumerate() {
            self.part(part, role, &format!("{at}.parts[{p}]"), &mut message)?;
        }
        self.push(role, message, at);
        Ok(())
    }

    /// Results are messages of their own, before the rest of their turn.
    fn part(
        &mut self,
        part: &Part,
        role: &str,
        at: &str,
        message: &mut Message,
    ) -> Result<(), Invalid> {
        if !matches!(part.content, Content::HiddenThinking) {
            self.marks(part, at)?;
        }
        match &part.content {
            Content::ToolResult(result) => return self.result(result, at, message),
            Content::ToolCall(call) => message.calls.push(self.call(call, at)?),
            Content::Text { text, citations } => {
                if !citations.is_empty() {
                    self.losses.meet(Feature::Citations, &format!("{at}.citations"))?;
                }
                message.texts.push(text.clone());
            }
            Content::Thinking(text) => message.thinking.push(text.clone()),
            Content::HiddenThinking => {
                self.losses.meet(Feature::HiddenThinking, at)?;
            }
            _ if role == "system" => {
                self.losses.meet(Feature::InstructionMedia, at)?;
            }
            content => self.beside(content, at, message)?,
        }
        Ok(())
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

    /// Content that is not text, or says so in words.
    fn beside(&mut self, content: &Content, at: &str, to: &mut Message) -> Result<(), Invalid> {
        if let Content::File(media) = content
            && let Some(text) = media.within_text()
        {
            self.losses.adapt(at);
            to.texts.push(text);
            return Ok(());
        }
        let feature = match content {
            Content::Refusal(text) => {
                to.texts.push(text.clone());
                Feature::Refusal
            }
            Content::Image(media) => return self.image(media, at, to),
            Content::File(Media { source: Source::Url(_), .. }) => Feature::FileUrl,
            Content::File(Media { source: Source::Uploaded(..), .. }) => Feature::UploadedFile,
            Content::File(_) => Feature::File,
            Content::Audio(_) => Feature::Audio,
            Content::Video(_) => Feature::Video,
            _ => Feature::NativePart,
        };
        self.losses.meet(feature, at)?;
        Ok(())
    }

    fn image(&mut self, media: &Media, at: &str, to: &mut Message) -> Result<(), Invalid> {
        let feature = match &media.source {
            Source::Inline(data) => {
                if media.detail.is_some() {
                    self.losses.meet(Feature::ImageDetail, &format!("{at}.detail"))?;
                }
                if to.images.is_empty() {
                    to.texts_before = to.texts.len();
                }
                to.images.push(data.clone());
                return Ok(());
            }
            Source::Url(_) => Feature::ImageUrl,
            Source::Text(_) | Source::Uploaded(..) => Feature::UploadedFile,
        };
        self.losses.meet(feature, at)?;
        Ok(())
    }

    /// A result holds text; what else is in it the user shows right after it.
    fn result(
        &mut self,
        result: &ToolResult,
        at: &str,
        beside: &mut Message,
    ) -> Result<(), Invalid> {
        let mut texts = Vec::new();
        for (n, part) in result.parts.iter().enumerate() {
            let at = format!("{at}.parts[{n}]");
            self.marks(part, &at)?;
            match &part.content {
                Content::Text { text, .. } => texts.push(text.as_str()),
                content @ Content::Image(_) => {
                    self.losses.meet(Feature::ToolResultImage, &at)?;
                    self.beside(content, &at, beside)?;
                }
                content => {
                    self.losses.meet(Feature::ToolResultFile, &at)?;
                    self.beside(content, &at, beside)?;
                }
            }
        }
        let mut text = texts.join("\n");
        if result.is_error {
            self.losses.meet(Feature::ToolResultError, &format!("{at}.is_error"))?;
            text = json!({"error": text}).to_string();
        }
        let mut message = json!({"role": "tool", "content": text});
        for (name, value) in [("tool_name", &result.name), ("tool_call_id", &result.call_id)] {
            if let Some(map) = message.as_object_mut().filter(|_| !value.is_empty()) {
                map.insert(name.to_owned(), value.as_str().into());
            }
        }
        self.messages.push(message);
        Ok(())
    }

    fn call(&mut self, call: &ToolCall, at: &str) -> Result<Value, Invalid> {
        if call.kind == CallKind::Custom {
            self.losses.meet(Feature::CustomTool, at)?;
        }
        let input = if call.input.trim().is_empty() { "{}" } else { &call.input };
        let Ok(arguments @ Value::Object(_)) = serde_json::from_str(input) else {
            return Err(Invalid::at(
                at.to_owned(),
                format!(
                    "The arguments of the call of `{}` (`{at}`) are not a JSON object, which the \
                     model's dialect demands. Send them whole, or leave the call out.",
                    call.name
                ),
            ));
        };
        let function = json!({"name": call.name, "arguments": arguments});
        Ok(json!({"id": call.id, "function": function}))
    }

    fn push(&mut self, role: &str, message: Message, at: &str) {
        let Message { texts, images, thinking, calls, texts_before } = message;
        if texts.is_empty() && images.is_empty() && thinking.is_empty() && calls.is_empty() {
            return;
        }
        // A message has one text with its images at one end.
        if !images.is_empty() && texts_before > 0 && texts_before < texts.len() {
            self.losses.adapt(&format!("{at}.parts"));
        }
        let mut object = Object::new();
        object.insert("role".to_owned(), role.into());
        object.insert("content".to_owned(), texts.join("\n\n").into());
        if !thinking.is_empty() {
            object.insert("thinking".to_owned(), thinking.join("\n\n").into());
        }
        for (name, list) in
            [("images", images.into_iter().map(Value::from).collect()), ("tool_calls", calls)]
        {
            let list: Vec<Value> = list;
            if !list.is_empty() {
                object.insert(name.to_owned(), list.into());
            }
        }
        self.messages.push(object.into());
    }
}
