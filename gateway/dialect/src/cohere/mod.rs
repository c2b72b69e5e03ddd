//! Cohere's chat, version 2. Providers speak it, callers do not.
//!
//! Its ways: a plan before calls of tools (`tool_plan`), which is reasoning here; citations by
//! characters; no choice of one tool, so that the one is the only one offered.

mod answer;
mod error;
mod settings;
mod stream;
#[cfg(test)]
mod tests;
mod turns;
mod usage;

use crate::Invalid;
use crate::convert::{Malformed, Outbound, Provider, ProviderError, ReadStream};
use crate::loss::Losses;
use crate::neutral::{Answer, Request};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// The dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cohere;

impl Outbound for Cohere {
    fn path<'a>(&self, _model: &'a str, _stream: bool) -> Cow<'a, str> {
        "/chat".into()
    }

    fn write_request(
        &self,
        request: &Request,
        to: &Provider<'_>,
        losses: &mut Losses,
    ) -> Result<Vec<u8>, Invalid> {
        let mut body = Map::new();
        body.insert("model".to_owned(), to.model.into());
        body.insert("messages".to_owned(), turns::write(request, to.model, losses)?.into());
        settings::write(request, &mut body, losses)?;
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
