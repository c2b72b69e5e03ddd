//! A stream, step by step. The order that every reader keeps and every writer may count on:
//!
//! `Start`, then for each block `Open`, its `Delta`s, `Close` — blocks of one candidate one after
//! the other, their numbers counting up from 0 over the whole stream —, `Stop` once a candidate
//! and after its blocks are closed, `Tokens` and `Units` any time (a later one replaces an earlier one, whole),
//! `End` last and once. A reader opens and closes blocks where its dialect does not say so.

use super::answer::{Stop, TokenChance};
use super::part::{CallKind, Citation, Content, Part, Signature, ToolCall};
use contract::usage::{Tokens, Units};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    Start {
        id: String,
        model: String,
        created: Option<i64>,
    },
    Open {
        block: usize,
        candidate: usize,
        what: Block,
    },
    Delta {
        block: usize,
        delta: Delta,
    },
    Close {
        block: usize,
    },
    Stop {
        candidate: usize,
        stop: Stop,
    },
    /// All that is known to be used so far.
    Tokens(Tokens),
    /// What is used so far that is not counted in tokens.
    Units(Units),
    /// The stream is complete. One that ends without it was cut.
    End,
    /// A sign of life.
    Ping,
    /// The provider breaks the stream off: its word for the kind of error, and its message.
    Error {
        kind: String,
        message: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Block {
    Text,
    Refusal,
    Thinking,
    ToolCall {
        id: String,
        name: String,
        kind: CallKind,
    },
    /// Comes whole: images, hidden thinking, what only one dialect knows. No deltas follow but,
    /// maybe, a signature.
    Whole(Part),
}

impl Block {
    /// What the block is before any of its deltas.
    #[must_use]
    pub fn begun(&self) -> Part {
        Part::new(match self {
            Self::Text => return Part::text(""),
            Self::Refusal => Content::Refusal(String::new()),
            Self::Thinking => Content::Thinking(String::new()),
            Self::ToolCall { id, name, kind } => Content::ToolCall(ToolCall {
                id: id.clone(),
                name: name.clone(),
                input: String::new(),
                kind: *kind,
            }),
            Self::Whole(part) => return part.clone(),
        })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delta {
    /// Of a text, a refusal or of thinking.
    Text(String),
    /// A fragment of a tool call's input. Fragments cut the text anywhere.
    Input(String),
    Citation(Citation),
    /// The block's signature, whole. Comes after a text; before the input of a call, where the
    /// provider tells both at once.
    Signature(Signature),
    Logprobs(Vec<TokenChance>),
}
