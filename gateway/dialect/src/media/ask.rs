//! Reads of a request what must be known to call and to charge, from JSON and from forms. Every
//! other byte is the provider's business.

use super::size::{PARTIAL_TOKENS, output_tokens};
use super::{Form, Sizes, Task, audio};
use crate::Invalid;
use crate::json::{self, Kind, Member};
use crate::openai::{self, Ask, StreamOptions};
use bytes::{Bytes, BytesMut};
use contract::usage::Operation;
use memchr::memmem;

/// Pictures of one call.
const IMAGES_MAX: u64 = 100;
/// Unfinished pictures that a stream shows of each.
const PARTIALS_MAX: u64 = 3;
/// Characters of a model's name.
const MODEL_NAME_MAX: usize = 256;
/// As in the other dialects: tenants share the provider's account.
const KEPT: &str = "cannot be used here: nothing is kept between calls. Send what it stands for, \
                    whole.";

/// What a task asks for, beside what every call does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub sizes: Sizes,
    pub tells: TellsAs,
    /// Whether it came as a form.
    pub is_form: bool,
}

/// What a whole answer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TellsAs {
    Json,
    /// A transcript as plain text or subtitles.
    Text,
    /// Bytes of a voice, which pass as they come.
    Audio,
}

impl Asked {
    /// A form as its provider gets it: only the model's value is another.
    #[must_use]
    pub fn write_form(body: &Bytes, ask: &Ask, upstream_model: &str) -> Bytes {
        if ask.model == upstream_model {
            return body.clone();
        }
        let mut out = BytesMut::with_capacity(body.len() + upstream_model.len());
        out.extend_from_slice(body.get(..ask.model_at.start).unwrap_or_default());
        out.extend_from_slice(upstream_model.as_bytes());
        out.extend_from_slice(body.get(ask.model_at.end..).unwrap_or_default());
        out.freeze()
    }
}

/// Reads a body; `form` is the `Content-Type` of one that comes as a form.
///
/// # Errors
/// `request.not_json`, `request.malformed` or `request.media_type`, with the place or the field.
pub fn read(task: Task, body: &[u8], form: Option<&str>) -> Result<(Ask, Asked), Invalid> {
    match form {
        Some(content_type) => of_form(task, body, content_type),
        None => of_json(task, body),
    }
}

/// The fields that are read, as text: a number or a word as it is written.
#[derive(Debug, Default)]
struct Settings<'a> {
    n: Option<&'a str>,
    stream: Option<&'a str>,
    size: Option<&'a str>,
    quality: Option<&'a str>,
    stream_format: Option<&'a str>,
    response_format: Option<&'a str>,
}

impl Settings<'_> {
    /// Completes `sizes`; what of it is left is whether a stream is asked for, and what is told.
    fn apply(&self, sizes: &mut Sizes) -> Result<(bool, TellsAs), Invalid> {
        let mut stream = match self.stream {
            None => false,
            Some(word) if word.eq_ignore_ascii_case("true") => true,
            Some(word) if word.eq_ignore_ascii_case("false") => false,
            Some(_) => return Err(Invalid::at("stream", "`stream` must be true or false.")),
        };
        let mut tells = TellsAs::Json;
        match sizes.task.operation() {
            Operation::Images => {
                let n = self.n.map_or(Some(1), |n| json::whole_number(n.as_bytes()));
                sizes.images = n.filter(|n| (1..=IMAGES_MAX).contains(n)).ok_or_else(|| {
                    Invalid::at("n", "`n` must be a whole number from 1 to 100: how many pictures.")
                })?;
                let partial = if stream { PARTIALS_MAX * PARTIAL_TOKENS } else { 0 };
                sizes.image_tokens = output_tokens(self.size, self.quality).saturating_add(partial);
            }
            Operation::Speech => {
                stream = self.stream_format == Some("sse");
                tells = TellsAs::Audio;
            }
            Operation::Transcription => {
                if let Some("text" | "srt" | "vtt") = self.response_format {
                    tells = TellsAs::Text;
                }
            }
            _ => stream = false,
        }
        Ok((stream, tells))
    }
}

fn of_json(task: Task, body: &[u8]) -> Result<(Ask, Asked), Invalid> {
    let mut ask = openai::read_request(body, task.operation())?;
    let mut sizes = Sizes { text_bytes: 0, ..Sizes::of(task) };
    let (mut settings, mut seen) = (Settings::default(), Vec::new());
    let mut wrong = None;
    json::walk_object(body, |member| {
        let Some(name) = member.name(body) else { return };
        let Some(known) = KNOWN.iter().find(|known| known.as_bytes() == name.as_ref()) else {
            return;
        };
        // Two readers of one text must not see two different values.
        let fault = if seen.contains(known) {
            Some(Invalid::at(*known, format!("`{known}` is given twice; send it once.")))
        } else {
            seen.push(known);
            settings.note(known, &member, body);
            note(known, &member, body, &mut sizes).err()
        };
        wrong = wrong.take().or(fault);
    })?;
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    if task == Task::Speak && !seen.contains(&"input") {
        return Err(Invalid::at("input", "`input` is missing. It must be the text to speak."));
    }
    let (stream, tells) = settings.apply(&mut sizes)?;
    (ask.stream, ask.stream_options) = (stream, StreamOptions::Asked);
    ask.text_bytes = sizes.text_bytes;
    Ok((ask, Asked { sizes, tells, is_form: false }))
}

/// Members of a JSON body that count.
const KNOWN: [&str; 12] = [
    "n",
    "stream",
    "size",
    "quality",
    "stream_format",
    "response_format",
    "prompt",
    "input",
    "instructions",
    "voice",
    "images",
    "mask",
];

impl<'a> Settings<'a> {
    fn note(&mut self, name: &str, member: &Member, body: &'a [u8]) {
        let raw = body.get(member.value.clone()).unwrap_or_default();
        let text = std::str::from_utf8(raw).ok().map(|text| text.trim_matches('"'));
        let slot = match name {
            "n" => &mut self.n,
            "stream" => &mut self.stream,
            "size" => &mut self.size,
            "quality" => &mut self.quality,
            "stream_format" => &mut self.stream_format,
            "response_format" => &mut self.response_format,
            _ => return,
        };
        // `"true"` is none of JSON's two.
        let quoted = member.kind == Kind::String && matches!(name, "n" | "stream");
        *slot = if quoted { Some("") } else { text.filter(|_| member.kind != Kind::Null) };
    }
}

/// Notes how much a member of a JSON body is.
fn note(name: &str, member: &Member, body: &[u8], sizes: &mut Sizes) -> Result<(), Invalid> {
    let raw = member.raw(body);
    match name {
        "input" if sizes.task == Task::Speak => {
            let text: String = serde_json::from_slice(raw).map_err(|_| {
                Invalid::at("input", "`input` must be a string: the text to speak.")
            })?;
            sizes.characters = u64::try_from(text.chars().count()).unwrap_or(u64::MAX);
            sizes.text_bytes = sizes.text_bytes.saturating_add(member.text_bytes);
        }
        "prompt" | "input" | "instructions" => {
            sizes.text_bytes = sizes.text_bytes.saturating_add(member.text_bytes);
        }
        "voice" if member.kind == Kind::Object => {
            return Err(Invalid::at("voice", format!("A voice that the provider stores {KEPT}")));
        }
        "images" | "mask" => {
            if memmem::find(raw, b"\"file_id\"").is_some() {
                let field = if name == "mask" { "mask" } else { "images" };
                return Err(Invalid::at(field, format!("`file_id` {KEPT}")));
            }
            let mut given = 0;
            // A list is one of pictures; anything else is one, or the provider's to refuse.
            if json::walk_array(raw, |_| given += 1).is_err() {
                given = 1;
            }
            sizes.images_given = sizes.images_given.saturating_add(given);
        }
        _ => {}
    }
    Ok(())
}

fn of_form(task: Task, body: &[u8], content_type: &str) -> Result<(Ask, Asked), Invalid> {
    let form = Form::read(body, content_type)?;
    let text = |name| Ok::<_, Invalid>(form.text(body, name)?.map(|(text, _)| text));
    let (model, model_at) =
        form.text(body, "model")?.filter(|(model, _)| !model.is_empty()).ok_or_else(|| {
            Invalid::at(
                "model",
                "The form has no field `model`. Name the model to call, as /v1/models lists it.",
            )
        })?;
    if model.len() > MODEL_NAME_MAX {
        return Err(Invalid::at("model", "`model` is longer than any model's name."));
    }
    let len = |bytes: &[u8]| u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let mut sizes = Sizes {
        text_bytes: text("prompt")?.map_or(0, |prompt| len(prompt.as_bytes())),
        images_given: ["image", "mask"]
            .iter()
            .flat_map(|name| form.all(name))
            .fold(0, |n, _| n + 1),
        ..Sizes::of(task)
    };
    for file in form.all("file") {
        let (bytes, before) = (file.bytes(body), sizes.audio_bytes);
        sizes.audio_bytes = before.saturating_add(len(bytes));
        let ms = audio::length_ms(bytes).unwrap_or_else(|| audio::assumed_ms(len(bytes)));
        sizes.audio_ms = Some(sizes.audio_ms.unwrap_or(0).saturating_add(ms));
    }
    let settings = Settings {
        n: text("n")?,
        stream: text("stream")?,
        size: text("size")?,
        quality: text("quality")?,
        stream_format: None,
        response_format: text("response_format")?,
    };
    let (stream, tells) = settings.apply(&mut sizes)?;
    let ask = Ask {
        model: model.to_owned(),
        model_at,
        stream,
        stream_options: StreamOptions::Asked,
        output_tokens_max: None,
        choices: sizes.images.max(1),
        text_bytes: sizes.text_bytes,
        close: body.len(),
    };
    Ok((ask, Asked { sizes, tells, is_form: true }))
}

#[cfg(test)]
mod tests;
