//! The dialects of providers, each in a file: how it is read, how it answers, streams and refuses.
//! Written from the vendors' documents alone; nothing here is shared with what the gateway speaks,
//! so that an error in one is seen by the other.

mod chat;
mod cohere;
mod converse;
mod embeddings;
mod event_stream;
mod gemini;
mod messages;
mod ollama;
mod responses;
mod route;
mod watsonx;

pub(crate) use embeddings::flat;
pub(crate) use route::{Operation, Target, route};

use crate::ask::Ask;
use crate::node::{Invalid, Node};
use crate::reply::Reply;
use crate::stream::Writer;
use http::HeaderMap;
use serde_json::Value;

/// The `created` of every answer: answers do not depend on the time of day.
pub(crate) const CREATED: i64 = 1_760_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    Chat,
    Responses,
    Messages,
    Gemini,
    Converse,
    Cohere,
    Watsonx,
    Ollama,
}

/// Which tokens a dialect tells apart. Those that it does not are inside the totals.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Tells {
    pub cached: bool,
    pub cache_write: bool,
    pub reasoning: bool,
}

/// A failed call: what a dialect makes its error of.
#[derive(Debug)]
pub(crate) struct Refusal<'a> {
    pub status: u16,
    /// The word asked for by a switch; absent: the dialect's own for the status.
    pub code: Option<&'a str>,
    pub message: &'a str,
    pub param: Option<&'a str>,
}

pub(crate) trait Dialect: Sync {
    /// What a request asks for.
    fn ask(&self, target: &Target, headers: &HeaderMap, body: &Node<'_>) -> Result<Ask, Invalid>;
    /// The whole answer.
    fn whole(&self, reply: &Reply) -> Value;
    fn writer(&self, reply: &Reply) -> Box<dyn Writer>;
    /// The error's body, and a header beside it.
    fn refusal(&self, refusal: &Refusal<'_>) -> (Value, Option<(&'static str, String)>);
    fn tells(&self) -> Tells {
        Tells { cached: true, cache_write: false, reasoning: true }
    }
    fn stream_type(&self) -> &'static str {
        "text/event-stream; charset=utf-8"
    }
}

impl Wire {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "openai_chat",
            Self::Responses => "openai_responses",
            Self::Messages => "anthropic",
            Self::Gemini => "gemini",
            Self::Converse => "bedrock",
            Self::Cohere => "cohere",
            Self::Watsonx => "watsonx",
            Self::Ollama => "ollama",
        }
    }

    pub fn dialect(self) -> &'static dyn Dialect {
        match self {
            Self::Chat => &chat::Chat,
            Self::Responses => &responses::Responses,
            Self::Messages => &messages::Messages,
            Self::Gemini => &gemini::Gemini,
            Self::Converse => &converse::Converse,
            Self::Cohere => &cohere::Cohere,
            Self::Watsonx => &watsonx::Watsonx,
            Self::Ollama => &ollama::Ollama,
        }
    }
}

/// The text of a message's content: a text, or a list of parts of which some have text.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        Value::Array(parts) => {
            parts.iter().filter_map(|part| part.get("text").and_then(Value::as_str)).collect()
        }
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Sets a member of an object.
pub(crate) fn set(object: &mut Value, key: &str, value: impl Into<Value>) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value.into());
    }
}
