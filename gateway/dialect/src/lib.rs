//! The wire formats. For each dialect what is read of requests, answers, streams and errors, and
//! how they are written; between two dialects lies the neutral form, so that N dialects take N
//! readers and N writers. No I/O, no clock, no chance: bytes in, bytes out.
//!
//! Reading order: `neutral` (what a conversation is, whoever tells it), `loss` (what a target
//! cannot tell, and what becomes of it), `convert` (a dialect as a set of functions), then a
//! folder per dialect.

pub mod cohere;
pub mod converse;
pub mod convert;
pub mod count;
pub mod embed;
mod error;
pub mod eventstream;
pub mod fields;
pub mod gemini;
mod heard;
pub mod inference;
mod inline;
pub mod json;
mod known;
pub mod lines;
pub mod listing;
pub mod loss;
pub mod media;
pub mod messages;
pub mod metrics;
pub mod native;
pub mod neutral;
pub mod ollama;
pub mod openai;
pub mod replay;
mod reported;
pub mod rerank;
pub mod responses;
pub mod sigv4;
pub mod sse;
pub mod stored;
#[cfg(test)]
mod testing;
pub mod watsonx;
mod wire;

pub use error::{Invalid, Problem};
pub use known::{Speaker, Ways};
pub use reported::Reported;
pub use wire::Wire;
