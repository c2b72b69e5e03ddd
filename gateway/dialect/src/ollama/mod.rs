//! Ollama's own chat, `/api/chat`. Providers speak it, callers do not.
//!
//! Its ways: a message holds one text, and images beside it; arguments of calls are objects; no tool
//! can be forced; a stream is a JSON text a line, the last of which is done. What does not fit the
//! model's window it would leave out without a word: it is told to refuse instead.
//!
//! Sources: the vendor's API reference, its page about errors, and its published types.

mod answer;
mod error;
mod settings;
mod stream;
#[cfg(test)]
mod tests;
mod turns;
mod usage;

pub use error::error_body;

use crate::Invalid;
use crate::convert::{Framing, Malformed, Outbound, Provider, ProviderError, ReadStream};
use crate::loss::Losses;
use crate::neutral::{Answer, Request};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ollama;

impl Outbound for Ollama {
    fn path<'a>(&self, _model: &'a str, _stream: bool) -> Cow<'a, str> {
        "/api/chat".into()
    }

    fn framing(&self) -> Framing {
        Framing::Lines
    }

    fn write_request(
        &self,
        request: &Request,
        to: &Provider<'_>,
        losses: &mut Losses,
    ) -> Result<Vec<u8>, Invalid> {
        let mut body = Map::new();
        body.insert("model".to_owned(), to.model.into());
        body.insert("messages".to_owned(), turns::write(request, losses)?.into());
        settings::write(request, to.model, &mut body, losses)?;
        Ok(Value::Object(body).to_string().into_bytes())
    }

    fn read_answer(&self, body: &[u8]) -> Result<Answer, Malformed> {
        answer::read_answer(body)
    }

    fn stream_reader(&self) -> Box<dyn ReadStream> {
        Box::new(stream::Reader::default())
    }

    fn read_error(&self, status: u16, body: &[u8]) -> ProviderError {
        error::read_error(status, body)
    }
}
