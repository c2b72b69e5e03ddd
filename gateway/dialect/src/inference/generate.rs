//! Triton's text generation: a text in, a text out, at once or as it comes. No token is counted
//! by the server, so they are counted by the text.

use crate::convert::{Malformed, Seen, WatchStream};
use crate::json::{self, Kind};
use crate::openai::{Ask, StreamOptions};
use crate::sse;
use crate::{Invalid, Reported};

/// What a caller asks for under `model`.
///
/// # Errors
/// `request.not_json`, and `request.malformed` with the field.
pub fn read_generate(body: &[u8], model: &str, stream: bool) -> Result<Ask, Invalid> {
    let (mut found, mut most, mut several) = (false, None, None);
    let mut bound = |name: Option<&[u8]>, raw: &[u8]| match name {
        Some(b"max_tokens" | b"max_output_tokens" | b"max_new_tokens") => {
            most = most.max(json::whole_number(raw));
        }
        Some(b"n") => several = several.max(json::whole_number(raw)),
        _ => {}
    };
    let walked = json::walk_object(body, |member| {
        let (name, raw) = (member.name(body), member.raw(body));
        match name.as_deref() {
            Some(b"text_input") => found = member.kind == Kind::String,
            Some(b"parameters") if member.kind == Kind::Object => {
                // It was proved to be JSON with all that is around it.
                json::walk_object(raw, |inner| bound(inner.name(raw).as_deref(), inner.raw(raw)))
                    .map(|_| ())
                    .unwrap_or_default();
            }
            name => bound(name, raw),
        }
    })?;
    if !found {
        let detail = "`text_input` is missing. It must be the text to go on with, a string.";
        return Err(Invalid::at("text_input", detail));
    }
    Ok(Ask {
        model: model.to_owned(),
        model_at: 0..0,
        stream,
        stream_options: StreamOptions::Asked,
        output_tokens_max: most,
        choices: several.unwrap_or(1).max(1),
        text_bytes: walked.text_bytes,
        close: walked.close,
    })
}

/// How much text a whole answer has.
///
/// # Errors
/// [`Malformed`]: it is no answer.
pub fn check_text(body: &[u8]) -> Result<u64, Malformed> {
    let mut text = None;
    json::walk_object(body, |member| {
        if member.name(body).as_deref() == Some(b"text_output") {
            text = Some(member.text_bytes);
        }
    })
    .map_err(|error| Malformed(error.to_string().into()))?;
    text.ok_or(Malformed("it has no text_output".into()))
}

/// Watches a stream of answers, each with the text that is new.
#[must_use]
pub fn text_watch() -> Box<dyn WatchStream> {
    Box::new(TextWatch { begun: false })
}

#[derive(Debug)]
struct TextWatch {
    begun: bool,
}

impl WatchStream for TextWatch {
    fn see(&mut self, event: &[u8]) -> Seen {
        let Some(data) = sse::data(event) else { return Seen::Silent };
        let data = data.trim_ascii();
        let (mut error, mut content) = (false, false);
        let walked = json::walk_object(data, |member| match member.name(data).as_deref() {
            Some(b"text_output") => content = member.text_bytes > 0,
            Some(b"error") => error = member.kind != Kind::Null,
            _ => {}
        });
        match walked {
            _ if data.is_empty() => Seen::Silent,
            Err(_) => Seen::Malformed,
            Ok(_) if error => Seen::Error,
            Ok(_) => {
                self.begun |= content;
                Seen::Chunk { content }
            }
        }
    }

    fn reported(&self) -> Reported {
        Reported::NOTHING
    }

    /// Nothing but the end of the body tells that it is over; a body that is cut has no end.
    fn may_end(&self) -> bool {
        true
    }
}
