//! Gemini's generateContent, streamGenerateContent and countTokens. Vertex AI speaks the same.
//!
//! Reading order: `read` and `part` (a caller's request), `write`, `write_part` and `ask` (a
//! provider's), `answer`, `stream` and `stream_write`, then the small ones they share.

mod answer;
mod array;
mod ask;
mod chunk;
mod cite;
mod config;
mod count;
mod error;
mod ground;
mod media;
mod model;
mod part;
mod proto;
mod read;
mod schema;
mod sign;
mod stream;
mod stream_write;
#[cfg(test)]
mod tests;
mod tools;
mod usage;
mod watch;
mod wire;
mod words;
mod write;
mod write_part;

pub use array::Array;
pub use count::{
    CountForm, pass_count, read_count_answer, read_count_request, write_count_answer,
    write_count_request,
};

use crate::convert::{
    Address, Caller, Inbound, Malformed, Outbound, Pass, Provider, ProviderError, ReadStream,
    WatchStream, WriteStream,
};
use crate::loss::Losses;
use crate::neutral::{Answer, Request};
use crate::sigv4::segment;
use crate::{Invalid, Problem, Reported};
use std::borrow::Cow;

/// The dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gemini;

impl Gemini {
    /// The path of a method of a model; a name with a slash is a path itself.
    fn method(model: &str, method: &str) -> String {
        let folder = if model.contains('/') { "" } else { "models/" };
        let model: Vec<_> = model.split('/').map(segment).collect();
        format!("/{folder}{}:{method}", model.join("/"))
    }

    /// The path of countTokens under the provider's base address.
    #[must_use]
    pub fn count_path(model: &str) -> String {
        Self::method(model, "countTokens")
    }
}

impl Inbound for Gemini {
    fn read_request(&self, body: &[u8], at: &Address<'_>) -> Result<Request, Invalid> {
        read::read_request(body, at)
    }

    fn write_answer(&self, answer: &Answer, to: &Caller<'_>) -> Vec<u8> {
        answer::write_answer(answer, to)
    }

    fn stream_writer(&self, to: &Caller<'_>) -> Box<dyn WriteStream> {
        Box::new(stream_write::Writer::new(to))
    }

    fn error_body(&self, problem: &Problem<'_>) -> Vec<u8> {
        error::error_body(problem)
    }

    fn error_event(&self, problem: &Problem<'_>) -> Vec<u8> {
        error::error_event(problem)
    }
}

impl Outbound for Gemini {
    fn path<'a>(&self, model: &'a str, stream: bool) -> Cow<'a, str> {
        let method = if stream { "streamGenerateContent?alt=sse" } else { "generateContent" };
        Self::method(model, method).into()
    }

    fn write_request(
        &self,
        request: &Request,
        to: &Provider<'_>,
        losses: &mut Losses,
    ) -> Result<Vec<u8>, Invalid> {
        write::write_request(request, to, losses)
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

impl Pass for Gemini {
    fn watch(&self) -> Box<dyn WatchStream> {
        Box::new(watch::Watcher::default())
    }

    fn read_usage(&self, body: &[u8]) -> Result<Reported, Malformed> {
        watch::read_usage(body)
    }
}
