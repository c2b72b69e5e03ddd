//! What a model answered, whole.

use super::part::Part;
use contract::usage::{Tokens, Units};
use serde::{Deserialize, Serialize};
use serde_json::Value;

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Answer {
    /// The provider's.
    pub id: String,
    pub model: String,
    /// Seconds since 1970, where the provider says.
    pub created: Option<i64>,
    pub candidates: Vec<Candidate>,
    /// Disjoint classes; `None` when the provider tells nothing.
    pub tokens: Option<Tokens>,
    /// What is told besides tokens.
    pub units: Units,
    pub service_tier: Option<String>,
    /// A prompt that was blocked before any answer: the provider's word for why.
    pub blocked: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    pub parts: Vec<Part>,
    pub stop: Stop,
    pub logprobs: Option<Vec<TokenChance>>,
    /// What the vendor says besides, such as safety ratings, for its own dialect only.
    pub native: Option<super::Native>,
}

/// Why an answer ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stop {
    /// It was complete.
    End,
    /// It reached the bound of tokens.
    MaxTokens,
    /// It reached the model's context window.
    ContextFull,
    /// A stop sequence, which where the provider says.
    Sequence(Option<String>),
    /// Tools are to be called.
    ToolUse,
    /// The provider's filter took it away.
    Filtered,
    /// The model declined.
    Refusal,
    /// The provider paused a long turn; sending the answer back goes on with it.
    Paused,
    /// A word that no dialect here knows, as it came.
    Other(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TokenChance {
    pub token: TopToken,
    pub top: Vec<TopToken>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopToken {
    pub token: String,
    pub logprob: f64,
    /// The token's bytes where it is not a whole text: an array of numbers, or null.
    pub bytes: Value,
}
