//! A dialect as a set of functions: what every folder of a dialect offers, and nothing else is
//! asked of it. Callers speak an [`Inbound`] dialect, providers an [`Outbound`] one; where both
//! are the same, bytes pass and only [`Pass`] is used.

use crate::loss::Losses;
use crate::neutral::{Answer, Event, Request};
use crate::{Invalid, Problem, Reported};
use bytes::BytesMut;
use std::borrow::Cow;
use std::fmt;

/// A dialect that callers speak.
pub trait Inbound: Sync {
    /// Reads a request whole.
    ///
    /// # Errors
    /// [`Invalid`] with the field, as a path in this dialect.
    fn read_request(&self, body: &[u8], at: &Address<'_>) -> Result<Request, Invalid>;

    /// Writes an answer whole.
    fn write_answer(&self, answer: &Answer, to: &Caller<'_>) -> Vec<u8>;

    /// Writes a stream.
    fn stream_writer(&self, to: &Caller<'_>) -> Box<dyn WriteStream>;

    /// The body of an error.
    fn error_body(&self, problem: &Problem<'_>) -> Vec<u8>;

    /// The last event of a stream that broke.
    fn error_event(&self, problem: &Problem<'_>) -> Vec<u8>;
}

/// A dialect that providers speak.
pub trait Outbound: Sync {
    /// The path under the provider's base address.
    fn path<'a>(&self, model: &'a str, stream: bool) -> Cow<'a, str>;

    /// How a stream is cut into events.
    fn framing(&self) -> Framing {
        Framing::Sse
    }

    /// Writes a request. What the dialect cannot say goes to `losses`.
    ///
    /// # Errors
    /// [`Invalid`], where the table of losses refuses, with the field.
    fn write_request(
        &self,
        request: &Request,
        to: &Provider<'_>,
        losses: &mut Losses,
    ) -> Result<Vec<u8>, Invalid>;

    /// Reads an answer whole.
    ///
    /// # Errors
    /// [`Malformed`]: it is none.
    fn read_answer(&self, body: &[u8]) -> Result<Answer, Malformed>;

    /// Reads a stream.
    fn stream_reader(&self) -> Box<dyn ReadStream>;

    /// Reads what came with a status that is not a success. Anything may have: a page of a proxy
    /// in between has no message.
    fn read_error(&self, status: u16, body: &[u8]) -> ProviderError;
}

/// A dialect that passes through: what is read of the bytes, and changed in them, on the way.
pub trait Pass: Sync {
    /// What a stream tells, event by event.
    fn watch(&self) -> Box<dyn WatchStream>;

    /// What an answer says was used.
    ///
    /// # Errors
    /// [`Malformed`]: it is no answer.
    fn read_usage(&self, body: &[u8]) -> Result<Reported, Malformed>;
}

/// What of a request is not in its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Address<'a> {
    /// The model, where the path names it.
    pub model: Option<&'a str>,
    /// Where the path says that the answer is to be streamed.
    pub stream: Option<bool>,
}

/// Who is answered, and what they asked.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    pub asked: &'a Request,
    /// Unique, for dialects whose answers have ids where the provider gave none.
    pub id: &'a str,
    /// Seconds since 1970, where the provider does not say when it answered.
    pub now: i64,
    /// Whether a stream tells its usage, in the dialects where a caller may choose.
    pub stream_usage: bool,
}

/// Who is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Provider<'a> {
    /// What the provider calls the model.
    pub model: &'a str,
    /// The most tokens that the model gives; for targets that demand a bound. 0: not known.
    pub output_tokens_max: u32,
}

/// How a stream is cut into events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// Server-sent events, shown to readers whole, with their blank line.
    Sse,
    /// AWS event stream messages, shown whole, checksums proved.
    EventStream,
    /// A JSON text a line.
    Lines,
}

/// Turns a provider's events into neutral ones.
pub trait ReadStream: fmt::Debug {
    /// Reads one event; adds what it means to `out`, often nothing or several.
    ///
    /// # Errors
    /// [`Malformed`]: it is left out, and the stream goes on.
    fn read(&mut self, event: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed>;

    /// The provider closed the stream. Adds `End`, and what must come before, if the stream was
    /// whole without an end mark of its own; adds nothing when it was cut.
    fn close(&mut self, out: &mut Vec<Event>);
}

/// Turns neutral events into a caller's.
pub trait WriteStream: fmt::Debug {
    fn write(&mut self, event: &Event, out: &mut BytesMut);
}

/// Watches events that pass as they are.
pub trait WatchStream: fmt::Debug {
    fn see(&mut self, event: &[u8]) -> Seen;

    /// All that is known to be used so far.
    fn reported(&self) -> Reported;

    /// Whether a stream that closes now is whole.
    fn may_end(&self) -> bool;
}

/// What an event is to a watcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Nothing to a reader: comments, keep-alives.
    Silent,
    /// A part of the stream. `content`: the caller has seen something of the answer with it, so no
    /// other attempt can be made any more.
    Chunk { content: bool },
    /// Usage and nothing else, which comes only where it is asked for.
    Usage,
    /// The stream is complete.
    Done,
    /// The provider breaks the stream off.
    Error,
    /// Not of this dialect: left out.
    Malformed,
}

/// Something a provider sent that is not of its dialect.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Malformed(pub Cow<'static, str>);

impl From<serde_json::Error> for Malformed {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string().into())
    }
}

/// A provider's refusal, as far as it can be read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProviderError {
    /// The sentence for a human.
    pub message: Option<String>,
    /// The vendor's word for the kind of error.
    pub kind: Option<String>,
    /// The field it complains about.
    pub param: Option<String>,
    pub cause: Cause,
}

/// What is at fault, where the status does not tell and the body does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Cause {
    #[default]
    Unknown,
    /// The conversation is longer than the model's window.
    ContextFull,
    /// The provider's policy forbids the content.
    ContentPolicy,
    /// The request is at fault, whatever the status says.
    Refused,
    /// Too many calls or tokens at once.
    RateLimited,
    /// The provider's account has no money or quota left.
    Quota,
    Overloaded,
    /// Our credentials are refused, whatever the status: not the caller's fault.
    Credentials,
}
