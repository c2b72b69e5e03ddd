//! OpenAI responses: requests made of items, answers made of items, and streams that tell the life
//! of each item with numbered events.
//!
//! Nothing is stored here, so what points at something stored (`previous_response_id`,
//! `conversation`, `background`, `prompt`, item references) has a meaning only at OpenAI itself: it
//! passes where the provider speaks this dialect, and translation refuses it.

mod answer;
mod carry;
mod cite;
mod error;
mod media;
mod read;
mod stream;
#[cfg(test)]
mod tests;
mod usage;
mod write;

use crate::convert::{
    Address, Caller, Inbound, Malformed, Outbound, Pass, Provider, ProviderError, ReadStream,
    WatchStream, WriteStream,
};
use crate::loss::Losses;
use crate::neutral::{Answer, Request};
use crate::{Invalid, Problem, Reported, Wire, openai};
use std::borrow::Cow;

/// This dialect's name.
const WIRE: Wire = Wire::Responses;
/// What is listed in `include` for reasoning that can be sent back.
const INCLUDE_REASONING: &str = "reasoning.encrypted_content";
/// What is listed in `include` for log-probabilities.
const INCLUDE_LOGPROBS: &str = "message.output_text.logprobs";

/// Whether a type is that of a part of a message: parts are named after who made them, items after
/// what they are.
fn is_part(kind: &str) -> bool {
    kind.starts_with("input_") || kind.starts_with("output_") || kind == "computer_screenshot"
}

/// The dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Responses;

impl Inbound for Responses {
    fn read_request(&self, body: &[u8], at: &Address<'_>) -> Result<Request, Invalid> {
        read::read_request(body, at)
    }

    fn write_answer(&self, answer: &Answer, to: &Caller<'_>) -> Vec<u8> {
        answer::write_answer(answer, to)
    }

    fn stream_writer(&self, to: &Caller<'_>) -> Box<dyn WriteStream> {
        Box::new(stream::Writer::new(to))
    }

    fn error_body(&self, problem: &Problem<'_>) -> Vec<u8> {
        openai::error_body(problem)
    }

    fn error_event(&self, problem: &Problem<'_>) -> Vec<u8> {
        error::error_event(problem)
    }
}

impl Outbound for Responses {
    fn path<'a>(&self, _model: &'a str, _stream: bool) -> Cow<'a, str> {
        Cow::Borrowed("/responses")
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

impl Pass for Responses {
    fn watch(&self) -> Box<dyn WatchStream> {
        Box::new(stream::Watch::default())
    }

    fn read_usage(&self, body: &[u8]) -> Result<Reported, Malformed> {
        usage::read_body(body)
    }
}
