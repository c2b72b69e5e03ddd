//! Writes the parts of a turn. What must stay true: a call of a model that demands signatures has
//! one, and results name the function they are of.

use super::media;
use super::model::Model;
use super::sign;
use super::wire::{Blob, Call, File, Known, Response, WirePart, args};
use crate::loss::{Feature, Losses};
use crate::neutral::{
    CallKind, Content, Media, Native, Part, Signature, Source, ToolCall, ToolResult,
};
use crate::{Invalid, Wire};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};
use std::borrow::Cow;
use std::collections::HashMap;

/// What Google's servers take for the signature of a call that another model made.
const NOT_SIGNED: &str = "skip_thought_signature_validator";

#[derive(Debug)]
pub(super) struct PartWriter<'a, 'm> {
    model: Model<'m>,
    /// The function of every call so far, by the call's id.
    called: HashMap<&'a str, &'a str>,
    /// A signature that came as a piece of its own: some dialects carry a call's so.
    held: Option<&'a Signature>,
    /// Whether this turn has a call already; only the first is signed.
    has_call: bool,
}

impl<'a, 'm> PartWriter<'a, 'm> {
    pub(super) fn new(model: Model<'m>) -> Self {
        Self { model, called: HashMap::new(), held: None, has_call: false }
    }

    pub(super) fn begin(&mut self) {
        self.has_call = false;
    }

    /// Ends a turn: what was held and belongs to nothing stands for itself.
    pub(super) fn end(&mut self, out: &mut Vec<WirePart<'a>>) {
        if let Some(signature) = self.held.take() {
            out.push(hidden(signature));
        }
    }

    pub(super) fn write(
        &mut self,
        part: &'a Part,
        at: &str,
        out: &mut Vec<WirePart<'a>>,
        losses: &mut Losses,
    ) -> Result<(), Invalid> {
        if part.cache.is_some() {
            losses.meet(Feature::CacheMark, &format!("{at}.cache"))?;
        }
        let own = part.signature.as_ref().filter(|signature| signature.wire == Wire::Gemini);
        if part.signature.is_some() && own.is_none() {
            losses.meet(Feature::ForeignSignature, &format!("{at}.signature"))?;
        }
        if matches!(part.content, Content::HiddenThinking) {
            self.end(out);
            self.held = own;
            return Ok(());
        }
        let held = self.held.take();
        let mut known = match &part.content {
            Content::ToolCall(call) => {
                let mut known = self.call(call, at, losses)?;
                let signature = own.or(held).map(sign::written);
                let demanded = self.model.demands_signatures() && !self.has_call;
                known.thought_signature = signature.or(demanded.then_some(NOT_SIGNED.into()));
                self.has_call = true;
                out.push(known.into());
                return Ok(());
            }
            Content::ToolResult(result) => self.result(result, at, out, losses)?,
            content => match plain(content, at, losses)? {
                Written::Known(known) => *known,
                Written::Native(value) => {
                    out.extend(held.map(hidden));
                    out.push(WirePart::Native(value));
                    return Ok(());
                }
                Written::Nothing => Known::default(),
            },
        };
        out.extend(held.map(hidden));
        known.thought_signature = own.map(sign::written);
        let is_something = known.text.as_deref() != Some("") || known.thought_signature.is_some();
        let is_anything = known.text.is_some()
            || known.inline_data.is_some()
            || known.file_data.is_some()
            || known.function_response.is_some();
        if is_something && is_anything {
            out.push(known.into());
        }
        Ok(())
    }

    fn call(
        &mut self,
        call: &'a ToolCall,
        at: &str,
        losses: &mut Losses,
    ) -> Result<Known<'a>, Invalid> {
        if call.kind == CallKind::Custom {
            losses.meet(Feature::CustomTool, at)?;
        }
        self.called.insert(&call.id, &call.name);
        let Some(args) = args(&call.input) else {
            return Err(Invalid::at(
                at.to_owned(),
                format!(
                    "The arguments of the call of `{}` (`{at}`) are not a JSON object, which the \
                     model's dialect demands. Send them whole, or leave the call out.",
                    call.name
                ),
            ));
        };
        let call = Call { id: &call.id, name: &call.name, args };
        Ok(Known { function_call: Some(call), ..Known::default() })
    }

    fn result(
        &self,
        result: &'a ToolResult,
        at: &str,
        out: &mut Vec<WirePart<'a>>,
        losses: &mut Losses,
    ) -> Result<Known<'a>, Invalid> {
        let called = self.called.get(result.call_id.as_str()).copied();
        let name = if result.name.is_empty() { called } else { Some(result.name.as_str()) };
        let Some(name) = name else {
            return Err(Invalid::at(
                at.to_owned(),
                format!(
                    "`{at}` is the result of the call `{}`, which is not in the conversation; the \
                     model's dialect needs its function's name. Send the call too.",
                    result.call_id
                ),
            ));
        };
        let (mut texts, mut media) = (Vec::new(), Vec::new());
        for (n, part) in result.parts.iter().enumerate() {
            let at = format!("{at}.parts[{n}]");
            if part.cache.is_some() {
                losses.meet(Feature::CacheMark, &format!("{at}.cache"))?;
            }
            match &part.content {
                Content::Text { text, .. } => texts.push(text.as_str()),
                content => match plain(content, &at, losses)? {
                    Written::Known(known) => media.push(WirePart::Known(known)),
                    Written::Native(value) => media.push(WirePart::Native(value)),
                    Written::Nothing => {}
                },
            }
        }
        let mut response = Response {
            id: &result.call_id,
            name,
            response: response(&texts, result.is_error),
            parts: Vec::new(),
        };
        if self.model.takes_media_in_results() {
            response.parts = media;
        } else {
            out.append(&mut media);
        }
        Ok(Known { function_response: Some(response), ..Known::default() })
    }
}

fn hidden(signature: &Signature) -> WirePart<'_> {
    Known {
        text: Some("".into()),
        thought: Some(true),
        thought_signature: Some(sign::written(signature)),
        ..Known::default()
    }
    .into()
}

/// The response object: what is one already, as it is; all else by Google's convention.
fn response(texts: &[&str], is_error: bool) -> Value {
    let text = texts.join("\n");
    let object: Option<Map<String, Value>> = serde_json::from_str(&text).ok();
    let name = if is_error { "error" } else { "output" };
    let conventional = |map: &Map<String, Value>| {
        map.len() <= 1
            && (map.is_empty() || map.contains_key("output") || map.contains_key("error"))
    };
    match object {
        Some(map) if !is_error && !conventional(&map) => map.into(),
        None if texts.is_empty() && !is_error => Value::Object(Map::new()),
        _ => Value::Object(Map::from_iter([(name.to_owned(), text.into())])),
    }
}

/// What becomes of a part.
enum Written<'a> {
    Known(Box<Known<'a>>),
    Native(&'a Value),
    Nothing,
}

fn plain<'a>(content: &'a Content, at: &str, losses: &mut Losses) -> Result<Written<'a>, Invalid> {
    let known = match content {
        Content::Text { text, citations } => {
            if !citations.is_empty() {
                losses.meet(Feature::Citations, &format!("{at}.citations"))?;
            }
            Known { text: Some(text.into()), ..Known::default() }
        }
        Content::Refusal(text) => {
            losses.meet(Feature::Refusal, at)?;
            Known { text: Some(text.into()), ..Known::default() }
        }
        Content::Thinking(text) => {
            Known { text: Some(text.into()), thought: Some(true), ..Known::default() }
        }
        Content::Image(media)
        | Content::Audio(media)
        | Content::Video(media)
        | Content::File(media) => self::media(media, content, at, losses)?,
        Content::Native(Native { wire: Wire::Gemini, value }) => return Ok(Written::Native(value)),
        Content::Native(_) => {
            losses.meet(Feature::NativePart, at)?;
            return Ok(Written::Nothing);
        }
        // Written by the caller of this, or as a signature.
        Content::ToolCall(_) | Content::ToolResult(_) | Content::HiddenThinking => {
            return Ok(Written::Nothing);
        }
    };
    Ok(Written::Known(Box::new(known)))
}

fn media<'a>(
    media: &'a Media,
    content: &Content,
    at: &str,
    losses: &mut Losses,
) -> Result<Known<'a>, Invalid> {
    if media.detail.is_some() {
        losses.meet(Feature::ImageDetail, &format!("{at}.detail"))?;
    }
    if media.name.is_some() {
        losses.meet(Feature::Extra, &format!("{at}.name"))?;
    }
    let mime_type = media::media_type(media);
    let data = match &media.source {
        Source::Inline(data) => Cow::Borrowed(data.as_str()),
        Source::Text(text) => STANDARD.encode(text).into(),
        Source::Url(uri) | Source::Uploaded(Wire::Gemini, uri) => {
            let file = File { mime_type, file_uri: uri };
            return Ok(Known { file_data: Some(file), ..Known::default() });
        }
        Source::Uploaded(..) => {
            losses.meet(Feature::UploadedFile, at)?;
            return Ok(Known::default());
        }
    };
    let Some(mime_type) = mime_type else {
        let kind = if matches!(content, Content::Image(_)) { "image" } else { "file" };
        return Err(Invalid::at(
            at.to_owned(),
            format!(
                "The {kind} at `{at}` has no media type, and its bytes do not tell one. Send the \
                 media type with it."
            ),
        ));
    };
    Ok(Known { inline_data: Some(Blob { mime_type, data }), ..Known::default() })
}
