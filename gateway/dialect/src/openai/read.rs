//! Reads of a request what the gateway must know: model, stream, how much may come out. The text
//! is proved to be JSON on the way; nothing else of it is understood. The other dialects that
//! name these things at the top level of a body, or in the address, are read here too.

use crate::convert::Address;
use crate::json::{self, Kind, Member, Syntax};
use crate::{Invalid, Wire};
use contract::usage::Operation;
use std::ops::Range;

/// What a request asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The model as the caller names it.
    pub model: String,
    /// Where the model's value lies in the body, quotes included. Empty: the address names it.
    pub model_at: Range<usize>,
    pub stream: bool,
    pub stream_options: StreamOptions,
    /// The most tokens that each choice may have, where the caller says so.
    pub output_tokens_max: Option<u64>,
    /// Choices asked for, of all prompts together.
    pub choices: u64,
    /// Bytes of text that the model will read, over-counted.
    pub text_bytes: u64,
    /// Where the body's closing brace is.
    pub close: usize,
}

/// How a streamed request asks for usage, and where that would be changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamOptions {
    /// Not there, or null at this place.
    Absent(Option<Range<usize>>),
    /// An object without `include_usage`: where its brace opens, and whether it has members.
    Without { open: usize, empty: bool },
    /// `include_usage` is there and not true: where its value is.
    Declined(Range<usize>),
    /// The caller asks for usage itself.
    Asked,
}

/// The longest model name that is looked up.
const MODEL_NAME_MAX: usize = 256;

#[derive(Default)]
struct Found {
    model: Option<Member>,
    model_id: Option<Member>,
    stream: Option<Member>,
    stream_options: Option<Member>,
    max_tokens: Option<Member>,
    max_completion_tokens: Option<Member>,
    max_output_tokens: Option<Member>,
    generation_config: Option<Member>,
    n: Option<Member>,
    prompt: Option<Member>,
    twice: Option<&'static str>,
}

/// Reads the body of a conversation in a dialect that passes.
///
/// # Errors
/// As [`read_request`].
pub fn read_call(body: &[u8], wire: Wire, at: &Address<'_>) -> Result<Ask, Invalid> {
    match (wire, at.model) {
        (Wire::Chat, None) => return read_request(body, Operation::Chat),
        (Wire::Messages, None) => return crate::messages::read_ask(body),
        _ => {}
    }
    let (found, walked) = find(body)?;
    let named = if wire == Wire::Watsonx { &found.model_id } else { &found.model };
    let (model, model_at) = match (at.model, named) {
        (Some(model), _) => (model.to_owned(), 0..0),
        (None, Some(member)) => (model_name(body, member)?, member.value.clone()),
        (None, None) => return Err(no_model()),
    };
    let stream = match at.stream {
        Some(stream) => stream,
        // Ollama's answers are streamed unless that is declined.
        None if wire == Wire::Ollama && found.stream.is_none() => true,
        None => streamed(found.stream.as_ref())?,
    };
    let config = found.generation_config.as_ref().filter(|member| member.kind == Kind::Object);
    let within = config.map_or((None, None), |member| generation_config(member.raw(body)));
    let bound = |member: &Option<Member>| number(member.as_ref(), body);
    Ok(Ask {
        model,
        model_at,
        stream,
        // Usage is part of every stream in all but one of these dialects: nothing to ask for,
        // nothing to hide.
        stream_options: match wire {
            Wire::Chat => stream_options(body, found.stream_options)?,
            _ => StreamOptions::Asked,
        },
        output_tokens_max: bound(&found.max_output_tokens)
            .or_else(|| bound(&found.max_completion_tokens).max(bound(&found.max_tokens)))
            .or(within.0),
        choices: bound(&found.n).or(within.1).unwrap_or(1).max(1),
        text_bytes: walked.text_bytes,
        close: walked.close,
    })
}

/// The bound of an answer and the number of candidates, as Gemini has them.
fn generation_config(object: &[u8]) -> (Option<u64>, Option<u64>) {
    let (mut tokens, mut candidates) = (None, None);
    let walked = json::walk_object(object, |member| match member.name(object).as_deref() {
        Some(b"maxOutputTokens" | b"max_output_tokens") => {
            tokens = json::whole_number(member.raw(object));
        }
        Some(b"candidateCount" | b"candidate_count") => {
            candidates = json::whole_number(member.raw(object));
        }
        _ => {}
    });
    // The text around it was proved to be JSON.
    walked.map_or((None, None), |_| (tokens, candidates))
}

/// Reads a request's body.
///
/// # Errors
/// `request.not_json` with the place, `request.malformed` with the field.
pub fn read_request(body: &[u8], operation: Operation) -> Result<Ask, Invalid> {
    let (found, walked) = find(body)?;
    let choices = choices(&found, body);
    let model = found.model.ok_or_else(no_model)?;
    let chat = operation == Operation::Chat;
    let stream = if chat { streamed(found.stream.as_ref())? } else { false };
    let bound = |member: &Option<Member>| number(member.as_ref(), body);
    Ok(Ask {
        model: model_name(body, &model)?,
        model_at: model.value,
        stream,
        stream_options: stream_options(body, found.stream_options)?,
        output_tokens_max: bound(&found.max_completion_tokens).max(bound(&found.max_tokens)),
        choices,
        text_bytes: walked.text_bytes,
        close: walked.close,
    })
}

/// How many answers are to be made: so many to each text that is to be gone on with.
fn choices(found: &Found, body: &[u8]) -> u64 {
    let raw = |member: &Option<Member>| member.as_ref().map(|member| member.raw(body));
    let each = raw(&found.n).map_or(1, |n| {
        // Some servers take 2.0 for 2. What is no number at all is refused by the provider.
        json::whole_number(n).or_else(|| whole_part(n)).unwrap_or(1)
    });
    let texts = found.prompt.as_ref().filter(|prompt| prompt.kind == Kind::Array);
    each.max(1).saturating_mul(texts.map_or(1, |prompt| prompts(prompt.raw(body))))
}

/// The whole part of a number that is written in another way.
fn whole_part(raw: &[u8]) -> Option<u64> {
    let number: f64 = std::str::from_utf8(raw).ok()?.parse().ok()?;
    format!("{:.0}", number.ceil()).parse().ok()
}

/// The texts of a list; the tokens of a single one are numbers.
fn prompts(raw: &[u8]) -> u64 {
    let all: Vec<&serde_json::value::RawValue> = serde_json::from_slice(raw).unwrap_or_default();
    let texts = all.iter().filter(|one| one.get().starts_with(['"', '[', '{'])).count();
    u64::try_from(texts).unwrap_or(u64::MAX).max(1)
}

fn number(member: Option<&Member>, body: &[u8]) -> Option<u64> {
    member.and_then(|member| json::whole_number(member.raw(body)))
}

fn no_model() -> Invalid {
    Invalid::at("model", "`model` is missing. Name the model to call, as /v1/models lists it.")
}

fn streamed(member: Option<&Member>) -> Result<bool, Invalid> {
    match member.map(|member| member.kind) {
        None | Some(Kind::False | Kind::Null) => Ok(false),
        Some(Kind::True) => Ok(true),
        Some(_) => Err(Invalid::at("stream", "`stream` must be true or false.")),
    }
}

fn find(body: &[u8]) -> Result<(Found, json::Walked), Invalid> {
    if let Err(error) = std::str::from_utf8(body) {
        return Err(Invalid::from(Syntax {
            at: error.valid_up_to(),
            what: "the text is not UTF-8",
        }));
    }
    let mut found = Found::default();
    let walked =
        json::walk_object(body, |member| found.note(body, member)).map_err(Invalid::from)?;
    if let Some(twice) = found.twice {
        return Err(Invalid::at(twice, format!("`{twice}` is given twice; send it once.")));
    }
    Ok((found, walked))
}

impl Found {
    fn note(&mut self, body: &[u8], member: Member) {
        let Some(name) = member.name(body) else { return };
        let (slot, name) = match name.as_ref() {
            b"model" => (&mut self.model, "model"),
            b"model_id" => (&mut self.model_id, "model_id"),
            b"stream" => (&mut self.stream, "stream"),
            b"stream_options" => (&mut self.stream_options, "stream_options"),
            b"max_tokens" => (&mut self.max_tokens, "max_tokens"),
            b"max_completion_tokens" => (&mut self.max_completion_tokens, "max_completion_tokens"),
            b"max_output_tokens" => (&mut self.max_output_tokens, "max_output_tokens"),
            b"generationConfig" => (&mut self.generation_config, "generationConfig"),
            b"generation_config" => (&mut self.generation_config, "generation_config"),
            // The other is llama.cpp's word for the same.
            b"n" | b"n_cmpl" => (&mut self.n, "n"),
            b"prompt" => (&mut self.prompt, "prompt"),
            _ => return,
        };
        // Two readers of one text must not see two different values: given twice, refused.
        if slot.replace(member).is_some() {
            self.twice = Some(name);
        }
    }
}

fn model_name(body: &[u8], member: &Member) -> Result<String, Invalid> {
    if member.kind != Kind::String {
        return Err(Invalid::at("model", "`model` must be a string: the name of a model."));
    }
    if member.value.len() > MODEL_NAME_MAX {
        return Err(Invalid::at("model", "`model` is longer than any model's name."));
    }
    serde_json::from_slice(member.raw(body)).map_err(|_| {
        Invalid::at("model", "`model` holds half of a surrogate pair, which is not text.")
    })
}

fn stream_options(body: &[u8], member: Option<Member>) -> Result<StreamOptions, Invalid> {
    let Some(member) = member else { return Ok(StreamOptions::Absent(None)) };
    match member.kind {
        Kind::Null => return Ok(StreamOptions::Absent(Some(member.value))),
        Kind::Object => {}
        _ => return Err(Invalid::at("stream_options", "`stream_options` must be an object.")),
    }
    let object = member.raw(body);
    let open = member.value.start;
    let mut empty = true;
    let mut include = None;
    let walked = json::walk_object(object, |inner| {
        empty = false;
        if inner.name(object).is_some_and(|name| name.as_ref() == b"include_usage") {
            include = Some(inner);
        }
    });
    walked.map_err(Invalid::from)?;
    match include {
        None => Ok(StreamOptions::Without { open, empty }),
        Some(inner) => match inner.kind {
            Kind::True => Ok(StreamOptions::Asked),
            Kind::False | Kind::Null => Ok(StreamOptions::Declined(
                open.saturating_add(inner.value.start)..open.saturating_add(inner.value.end),
            )),
            _ => Err(Invalid::at(
                "stream_options.include_usage",
                "`stream_options.include_usage` must be true or false.",
            )),
        },
    }
}
