//! Anthropic messages, as callers and as providers speak it, and as Vertex AI and Bedrock's invoke
//! wrap it.
//!
//! Reading order: `blocks` (what a turn is made of, read), `read` (a request), `put` (blocks,
//! written), `turns`, `plan` and `write` (a request, written), `answer`, `stream_read` with its
//! `pieces`, `stream_write`, then what passes: `pass`, `watch`. `proof` says how signatures travel.

mod answer;
mod blocks;
mod count;
mod error;
mod media;
pub(crate) mod model;
mod pass;
mod pieces;
pub(crate) mod plan;
mod proof;
mod put;
mod read;
mod schema;
mod stream_read;
mod stream_write;
#[cfg(test)]
mod tests;
mod told;
mod tools;
mod turns;
mod usage;
mod watch;
mod write;

pub use count::{count_body, read_count, read_count_answer};
pub use pass::read_ask;

use crate::convert::{
    Address, Caller, Framing, Inbound, Malformed, Outbound, Pass, Provider, ProviderError,
    ReadStream, WatchStream, WriteStream,
};
use crate::loss::Losses;
use crate::neutral::{Answer, Request};
use crate::{Invalid, Problem, Reported, Wire};
use std::borrow::Cow;

/// The name of the tool that stands for the answer where a model has no words for structured
/// output: its arguments are the answer's text again. No caller's tool has this name by chance.
pub(crate) const JSON_TOOL: &str = "tollgate_json_output";

const WIRE: Wire = Wire::Messages;

/// The dialect, by who serves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Messages {
    pub host: Host,
}

/// Who serves the dialect: the same words, in another envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Host {
    /// The vendor, or whoever imitates it: the model is in the body.
    #[default]
    Direct,
    /// Vertex AI: the model is in the path, the version of the dialect in the body.
    Vertex,
    /// Bedrock's invoke: as Vertex AI; whether to stream is in the path too, and a stream is
    /// framed as AWS event stream.
    Bedrock,
}

impl Host {
    /// The `anthropic_version` of the body.
    const fn version(self) -> Option<&'static str> {
        match self {
            Self::Direct => None,
            Self::Vertex => Some("vertex-2023-10-16"),
            Self::Bedrock => Some("bedrock-2023-05-31"),
        }
    }
}

impl Inbound for Messages {
    fn read_request(&self, body: &[u8], at: &Address<'_>) -> Result<Request, Invalid> {
        read::request(body, at)
    }

    fn write_answer(&self, answer: &Answer, to: &Caller<'_>) -> Vec<u8> {
        answer::write(answer, to)
    }

    fn stream_writer(&self, to: &Caller<'_>) -> Box<dyn WriteStream> {
        Box::new(stream_write::Writer::new(to))
    }

    fn error_body(&self, problem: &Problem<'_>) -> Vec<u8> {
        error::body(problem)
    }

    fn error_event(&self, problem: &Problem<'_>) -> Vec<u8> {
        error::event(problem)
    }
}

impl Outbound for Messages {
    fn path<'a>(&self, model: &'a str, stream: bool) -> Cow<'a, str> {
        match (self.host, stream) {
            (Host::Direct, _) => "/messages".into(),
            (Host::Vertex, false) => {
                format!("/publishers/anthropic/models/{}:rawPredict", escaped(model)).into()
            }
            (Host::Vertex, true) => {
                format!("/publishers/anthropic/models/{}:streamRawPredict", escaped(model)).into()
            }
            (Host::Bedrock, false) => format!("/model/{}/invoke", escaped(model)).into(),
            (Host::Bedrock, true) => {
                format!("/model/{}/invoke-with-response-stream", escaped(model)).into()
            }
        }
    }

    fn framing(&self) -> Framing {
        match self.host {
            Host::Direct | Host::Vertex => Framing::Sse,
            Host::Bedrock => Framing::EventStream,
        }
    }

    fn write_request(
        &self,
        request: &Request,
        to: &Provider<'_>,
        losses: &mut Losses,
    ) -> Result<Vec<u8>, Invalid> {
        write::request(self.host, request, to, losses)
    }

    fn read_answer(&self, body: &[u8]) -> Result<Answer, Malformed> {
        answer::read(body)
    }

    fn stream_reader(&self) -> Box<dyn ReadStream> {
        Box::new(stream_read::Reader::new(self.host))
    }

    fn read_error(&self, status: u16, body: &[u8]) -> ProviderError {
        error::read(status, body)
    }
}

impl Pass for Messages {
    fn watch(&self) -> Box<dyn WatchStream> {
        Box::new(watch::Watcher::default())
    }

    fn read_usage(&self, body: &[u8]) -> Result<Reported, Malformed> {
        usage::of_answer(body)
    }
}

/// A model's name as a segment of a path.
fn escaped(model: &str) -> String {
    let mut out = String::with_capacity(model.len());
    for byte in model.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'@' | b':' => {
                out.push(char::from(byte));
            }
            _ => {
                out.push('%');
                for half in [byte >> 4, byte & 15] {
                    out.extend(char::from_digit(half.into(), 16).map(|c| c.to_ascii_uppercase()));
                }
            }
        }
    }
    out
}
