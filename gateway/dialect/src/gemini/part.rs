//! Reads one part of a turn or of an answer. A part is one thing; what it is tells the one field
//! that it has of those known here. A part with none of them is kept whole.

use super::media;
use super::proto::Proto;
use super::sign;
use crate::fields::Item;
use crate::inline;
use crate::neutral::{CallKind, Content, Media, Native, Part, Source, ToolCall, ToolResult};
use crate::{Invalid, Wire};
use serde_json::{Map, Value};

/// The calls of a conversation so far, for results that name only their function.
#[derive(Debug, Default)]
pub(super) struct Calls {
    seen: usize,
    /// Id and name of those without a result yet.
    open: Vec<(String, String)>,
}

impl Calls {
    /// The call's id; one is made up from its place where it has none.
    fn note(&mut self, id: Option<String>, name: &str) -> String {
        let id = id.unwrap_or_else(|| format!("call_{}", self.seen));
        self.seen += 1;
        self.open.push((id.clone(), name.to_owned()));
        id
    }

    /// The call that a result is of: by its id, else the first open one of that name, else one
    /// that is not in the conversation.
    fn answered(&mut self, id: Option<String>, name: &str) -> String {
        let found = self.open.iter().position(|(open, of)| match &id {
            Some(id) => open == id,
            None => of == name,
        });
        match (id, found) {
            (id, Some(at)) => {
                let (open, _) = self.open.remove(at);
                id.unwrap_or(open)
            }
            (Some(id), None) => id,
            (None, None) => format!("call_{name}"),
        }
    }
}

const KINDS: [&str; 5] = ["text", "inlineData", "fileData", "functionCall", "functionResponse"];

pub(super) fn read_part(item: Item, calls: &mut Calls) -> Result<Part, Invalid> {
    let mut part = Proto::of(item)?;
    let kinds: Vec<&str> = KINDS.into_iter().filter(|kind| part.has(kind)).collect();
    let content = match kinds.as_slice() {
        // What of a film is to be looked at is a part of the question, and only Gemini knows it.
        ["inlineData" | "fileData"] if part.has("videoMetadata") => return Ok(native(part)),
        ["text"] => text(&mut part)?,
        ["inlineData"] => blob(&mut part)?,
        ["fileData"] => file(&mut part)?,
        ["functionCall"] => call(&mut part, calls)?,
        ["functionResponse"] => result(&mut part, calls)?,
        [first, second, ..] => {
            let at = part.at().to_owned();
            let detail = format!(
                "`{at}` holds both `{first}` and `{second}`. A part is one thing: send two parts."
            );
            return Err(Invalid::at(at, detail));
        }
        _ => return unknown(part),
    };
    let signature = part.string("thoughtSignature")?.map(sign::read);
    let content = match content {
        Content::Thinking(text) if text.is_empty() && signature.is_some() => {
            Content::HiddenThinking
        }
        content => content,
    };
    Ok(Part { content, cache: None, signature })
}

fn text(part: &mut Proto) -> Result<Content, Invalid> {
    let text = part.need_string("text")?;
    Ok(if part.boolean("thought")? == Some(true) {
        Content::Thinking(text)
    } else {
        Content::Text { text, citations: Vec::new() }
    })
}

/// A part of a kind that is not known here, or of none: a signature alone is an empty text.
fn unknown(mut part: Proto) -> Result<Part, Invalid> {
    let only_signature = part.has("thoughtSignature");
    let at = part.at().to_owned();
    let Some(signature) = part.string("thoughtSignature")? else {
        let part = native(part);
        if matches!(&part.content, Content::Native(native) if native.value == Value::Object(Map::new()))
        {
            let detail =
                format!("`{at}` is empty. Send `text`, `inlineData` or another kind of part.");
            return Err(Invalid::at(at, detail));
        }
        return Ok(part);
    };
    let thought = part.boolean("thought")? == Some(true);
    let mut rest = part.rest();
    if !rest.is_empty() && only_signature {
        rest.insert("thoughtSignature".to_owned(), signature.into());
        return Ok(Part::new(Content::Native(Native { wire: Wire::Gemini, value: rest.into() })));
    }
    let content = if thought {
        Content::HiddenThinking
    } else {
        Content::Text { text: String::new(), citations: Vec::new() }
    };
    Ok(Part { content, cache: None, signature: Some(sign::read(signature)) })
}

fn native(part: Proto) -> Part {
    let value = Value::Object(part.rest());
    Part::new(Content::Native(Native { wire: Wire::Gemini, value }))
}

fn blob(part: &mut Proto) -> Result<Content, Invalid> {
    let mut blob = need_object(part, "inlineData")?;
    let media_type = media_type(&mut blob)?;
    let data = blob.item("data").ok_or_else(|| blob.missing("data", "bytes in base64"))?;
    let source = Source::Inline(media::base64(data)?);
    let name = blob.string("displayName")?;
    Ok(media::content(Media { source, media_type, name, detail: detail(part)? }))
}

fn media_type(blob: &mut Proto) -> Result<String, Invalid> {
    let path = blob.path("mimeType");
    inline::media_type(blob.string("mimeType")?.unwrap_or_default(), &path)
}

fn file(part: &mut Proto) -> Result<Content, Invalid> {
    let mut file = need_object(part, "fileData")?;
    let source = media::source(file.need_string("fileUri")?);
    let media_type = media_type(&mut file)?;
    let name = file.string("displayName")?;
    let mut media = Media { source, media_type, name, detail: detail(part)? };
    if media.media_type.is_empty() {
        media.media_type = media::media_type(&media).unwrap_or_default().to_owned();
    }
    Ok(media::content(media))
}

fn detail(part: &mut Proto) -> Result<Option<crate::neutral::Detail>, Invalid> {
    let Some(mut resolution) = part.object("mediaResolution")? else { return Ok(None) };
    Ok(resolution.string("level")?.as_deref().and_then(media::detail))
}

fn need_object(part: &mut Proto, name: &str) -> Result<Proto, Invalid> {
    part.object(name)?.ok_or_else(|| part.missing(name, "an object"))
}

fn call(part: &mut Proto, calls: &mut Calls) -> Result<Content, Invalid> {
    let mut call = need_object(part, "functionCall")?;
    let name = call.need_string("name")?;
    let id = call.string("id")?.filter(|id| !id.is_empty());
    let input = call.map("args")?.map_or_else(|| "{}".to_owned(), |args| json_text(args.into()));
    let id = calls.note(id, &name);
    Ok(Content::ToolCall(ToolCall { id, name, input, kind: CallKind::Function }))
}

fn result(part: &mut Proto, calls: &mut Calls) -> Result<Content, Invalid> {
    let mut result = need_object(part, "functionResponse")?;
    let name = result.need_string("name")?;
    let id = result.string("id")?.filter(|id| !id.is_empty());
    let (text, is_error) = response_text(result.map("response")?.unwrap_or_default());
    let mut parts = Vec::new();
    if let Some(text) = text {
        parts.push(Part::text(text));
    }
    for item in result.list("parts")? {
        let mut part = Proto::of(item)?;
        let content = if part.has("fileData") { file(&mut part)? } else { blob(&mut part)? };
        parts.push(Part::new(content));
    }
    let call_id = calls.answered(id, &name);
    Ok(Content::ToolResult(ToolResult { call_id, name, parts, is_error }))
}

/// A result's text and whether it tells of an error. Google's convention: `output` alone is the
/// result, `error` alone what went wrong, any other object is the result itself.
fn response_text(mut response: Map<String, Value>) -> (Option<String>, bool) {
    if response.is_empty() {
        return (None, false);
    }
    if response.len() == 1 {
        for (name, is_error) in [("output", false), ("error", true)] {
            match response.remove(name) {
                Some(Value::String(text)) => return (Some(text), is_error),
                Some(value) => return (Some(json_text(value)), is_error),
                None => {}
            }
        }
    }
    (Some(json_text(response.into())), false)
}

fn json_text(value: Value) -> String {
    value.to_string()
}
