//! AWS Bedrock Converse and ConverseStream: one shape for the models of many vendors. Nobody calls
//! us in it; providers are called in it, and their streams may pass as they are.
//!
//! What must stay true: the shapes are those of the service's own model (`bedrock-runtime`,
//! 2023-09-30); what only one vendor's model takes is told in `model`, nowhere else.

mod answer;
mod body;
mod error;
mod events;
mod media;
mod model;
mod stream;
mod turns;
mod usage;
mod watch;
mod write;

pub use error::{error_body, error_event};

use crate::convert::{
    Framing, Malformed, Outbound, Pass, Provider, ProviderError, ReadStream, WatchStream,
};
use crate::loss::Losses;
use crate::neutral::{Answer, Request};
use crate::{Invalid, Reported, sigv4};
use std::borrow::Cow;

/// The dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Converse;

/// A tool that we force where a model knows no other way to answer in JSON: its input is the text
/// that the caller asked for, and is told as text.
pub const JSON_TOOL: &str = crate::messages::JSON_TOOL;

impl Outbound for Converse {
    fn path<'a>(&self, model: &'a str, stream: bool) -> Cow<'a, str> {
        let operation = if stream { "converse-stream" } else { "converse" };
        format!("/model/{}/{operation}", sigv4::segment(model)).into()
    }

    fn framing(&self) -> Framing {
        Framing::EventStream
    }

    fn write_request(
        &self,
        request: &Request,
        to: &Provider<'_>,
        losses: &mut Losses,
    ) -> Result<Vec<u8>, Invalid> {
        write::request(request, to, losses)
    }

    fn read_answer(&self, body: &[u8]) -> Result<Answer, Malformed> {
        answer::read(body)
    }

    fn stream_reader(&self) -> Box<dyn ReadStream> {
        Box::new(stream::Reader::default())
    }

    fn read_error(&self, status: u16, body: &[u8]) -> ProviderError {
        error::read(status, body)
    }
}

impl Pass for Converse {
    fn watch(&self) -> Box<dyn WatchStream> {
        Box::new(watch::Watch::default())
    }

    fn read_usage(&self, body: &[u8]) -> Result<Reported, Malformed> {
        Ok(usage::of_answer(body)?.into())
    }
}

#[cfg(test)]
mod tests;
