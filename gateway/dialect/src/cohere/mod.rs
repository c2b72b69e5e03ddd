//! Cohere's chat, version 2, as callers and as providers speak it.
//!
//! Its ways: a plan before calls of tools (`tool_plan`), which is reasoning here; documents beside
//! the conversation; citations by characters; no choice of one tool, so that the one is the only
//! one offered. `sign` says how signatures travel, which it has none of.
//!
//! Reading order: `blocks` and `documents` (messages, read), `read` (a request), `turns` and
//! `settings` (a request, written), `answer` and `stream` (read), `answer_write` and `stream_write`,
//! then what passes: `watch`.

mod answer;
mod answer_write;
mod blocks;
mod documents;
mod error;
mod put;
mod read;
mod settings;
mod sign;
mod stream;
mod stream_write;
#[cfg(test)]
mod tests;
mod turns;
mod usage;
mod watch;

use crate::convert::{
    Address, Caller, Inbound, Malformed, Outbound, Pass, Provider, ProviderError, ReadStream,
    WatchStream, WriteStream,
};
use crate::loss::Losses;
use crate::neutral::{Answer, Request};
use crate::{Invalid, Problem, Reported, Wire};
use serde_json::{Map, Value};
use std::borrow::Cow;

const WIRE: Wire = Wire::Cohere;

/// The dialect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cohere;

impl Inbound for Cohere {
    fn read_request(&self, body: &[u8], at: &Address<'_>) -> Result<Request, Invalid> {
        read::request(body, at)
    }

    fn write_answer(&self, answer: &Answer, to: &Caller<'_>) -> Vec<u8> {
        answer_write::write(answer, to)
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

impl Pass for Cohere {
    fn watch(&self) -> Box<dyn WatchStream> {
        Box::new(watch::Watcher::default())
    }

    /// Of a conversation, of embeddings or of a ranking.
    fn read_usage(&self, body: &[u8]) -> Result<Reported, Malformed> {
        let used: usage::Used = serde_json::from_slice(body)?;
        Ok(used.reported())
    }
}

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
        let turns::Conversation { messages, documents } = turns::write(request, to.model, losses)?;
        if messages.is_empty() {
            return Err(Invalid::silent());
        }
        body.insert("messages".to_owned(), messages.into());
        if !documents.is_empty() {
            body.insert("documents".to_owned(), documents.into());
        }
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
