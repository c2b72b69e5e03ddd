//! OpenAI chat completions as a dialect of its own: the vendor's, and with [`Quirks`] that of
//! everybody who says to be compatible with it.

mod annotation;
pub(crate) mod answer;
pub(crate) mod error;
mod quirk;
mod read;
mod reasoning;
mod said;
pub(crate) mod stream;
mod usage;
pub(crate) mod write;

pub use quirk::{PROVIDERS, Quirk, Quirks, spoken_by};

use crate::convert::{
    Address, Caller, Inbound, Malformed, Outbound, Pass, Provider, ProviderError, ReadStream,
    WatchStream, WriteStream,
};
use crate::loss::Losses;
use crate::neutral::{Answer, Request};
use crate::openai::read_answer;
use crate::{Invalid, Problem, Reported};
use std::borrow::Cow;

/// The dialect, as one provider speaks it. Callers speak it as [`Chat::OPENAI`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chat {
    pub quirks: Quirks,
}

impl Chat {
    /// As the vendor itself speaks it.
    pub const OPENAI: Self = Self { quirks: Quirks::NONE };
}

impl Inbound for Chat {
    fn read_request(&self, body: &[u8], at: &Address<'_>) -> Result<Request, Invalid> {
        read::request(body, at)
    }

    fn write_answer(&self, answer: &Answer, to: &Caller<'_>) -> Vec<u8> {
        answer::write(answer, to)
    }

    fn stream_writer(&self, to: &Caller<'_>) -> Box<dyn WriteStream> {
        Box::new(stream::Writer::new(to))
    }

    fn error_body(&self, problem: &Problem<'_>) -> Vec<u8> {
        super::error_body(problem)
    }

    fn error_event(&self, problem: &Problem<'_>) -> Vec<u8> {
        super::error_event(problem)
    }
}

impl Outbound for Chat {
    /// Under a base address that holds the version: `https://api.openai.com/v1`.
    fn path<'a>(&self, _model: &'a str, _stream: bool) -> Cow<'a, str> {
        "/chat/completions".into()
    }

    fn write_request(
        &self,
        request: &Request,
        to: &Provider<'_>,
        losses: &mut Losses,
    ) -> Result<Vec<u8>, Invalid> {
        Ok(write::request(request, ("model", to.model), self.quirks, losses)?.into_bytes())
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

impl Pass for Chat {
    fn watch(&self) -> Box<dyn WatchStream> {
        Box::new(stream::Watcher::default())
    }

    fn read_usage(&self, body: &[u8]) -> Result<Reported, Malformed> {
        read_answer(body).map_err(|syntax| Malformed(syntax.to_string().into()))
    }
}

#[cfg(test)]
mod tests;
