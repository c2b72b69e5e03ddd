//! What a caller asks for.

use super::part::Part;
use crate::Wire;
use serde::Serialize;
use serde_json::{Map, Value};

/// One call of a conversational model. As JSON it is what its answer depends on, whichever model is
/// asked: two calls with the same JSON ask for the same.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Request {
    /// As the caller names it; writers are told the provider's name.
    #[serde(skip)]
    pub model: String,
    pub turns: Vec<Turn>,
    pub tools: Vec<Tool>,
    pub tool_choice: Option<ToolChoice>,
    pub parallel_tool_calls: Option<bool>,
    pub format: Format,
    pub sampling: Sampling,
    /// Tokens that the answer may have, reasoning included where the provider counts it in.
    pub output_tokens_max: Option<u64>,
    pub reasoning: Option<Reasoning>,
    /// Log-probabilities of the tokens chosen, and of so many others for each.
    pub logprobs: Option<u32>,
    #[serde(skip)]
    pub stream: bool,
    pub service_tier: Option<String>,
    /// The caller's name for its own user.
    #[serde(skip)]
    pub end_user: Option<String>,
    #[serde(skip)]
    pub metadata: Map<String, Value>,
    /// The caller's hint which calls share a prefix.
    #[serde(skip)]
    pub cache_key: Option<String>,
    /// Everything else, at the top level of the body. Not in its JSON: who compares knows which of
    /// it matters.
    #[serde(skip)]
    pub extra: Vec<Extra>,
}

/// A field that has no meaning beyond its dialect. Written back where the target speaks the same
/// dialect, else lost as [`crate::loss`] says.
#[derive(Debug, Clone, PartialEq)]
pub struct Extra {
    pub wire: Wire,
    pub name: String,
    pub value: Value,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Role {
    /// Instructions, wherever in the conversation they are.
    System,
    /// The caller's side, results of tools among it.
    User,
    Assistant,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Turn {
    pub role: Role,
    pub parts: Vec<Part>,
    /// Who of several speaks.
    pub name: Option<String>,
}

impl Turn {
    #[must_use]
    pub const fn new(role: Role, parts: Vec<Part>) -> Self {
        Self { role, parts, name: None }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Tool {
    pub name: String,
    pub description: Option<String>,
    pub kind: ToolKind,
    #[serde(skip)]
    pub cache: Option<super::CacheMark>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum ToolKind {
    /// A JSON Schema of the arguments, as it came. `strict`: the caller asks for it to be enforced.
    Function { schema: Value, strict: Option<bool> },
    /// Free text, of a grammar where one is given: `{"type": "grammar", "grammar": {…}}`.
    Custom { format: Option<Value> },
    /// Run by the vendor itself (web search, code execution, …): the whole declaration.
    Native(super::Native),
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub enum ToolChoice {
    Auto,
    None,
    /// Some tool must be called.
    Any,
    /// This one must be called.
    One(String),
    /// One of these may be called, or must.
    Among {
        names: Vec<String>,
        must: bool,
    },
}

/// What the answer's text has to be.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub enum Format {
    #[default]
    Text,
    /// Some JSON object.
    Json,
    Schema(Schema),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Schema {
    pub name: String,
    pub description: Option<String>,
    pub schema: Value,
    pub strict: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Sampling {
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub top_k: Option<u64>,
    pub frequency_penalty: Option<f64>,
    pub presence_penalty: Option<f64>,
    pub seed: Option<i64>,
    pub stop: Vec<String>,
    /// Answers asked for; absent is one.
    pub candidates: Option<u64>,
    /// Token → bias, as it came.
    pub logit_bias: Map<String, Value>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Reasoning {
    pub effort: Option<Effort>,
    /// Tokens that reasoning may take. 0: none.
    pub tokens_max: Option<u64>,
    /// The caller wants to read it: a summary or the thoughts themselves. Absent: the dialect's
    /// default.
    pub show: Option<bool>,
}

/// How hard to think. A target with fewer steps takes the nearest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Effort {
    None,
    Minimal,
    Low,
    Medium,
    High,
    Highest,
}

impl Effort {
    /// What a target that counts tokens gets in its place.
    #[must_use]
    pub const fn tokens(self) -> u64 {
        match self {
            Self::None => 0,
            Self::Minimal => 1_024,
            Self::Low => 2_048,
            Self::Medium => 8_192,
            Self::High => 24_576,
            Self::Highest => 32_768,
        }
    }

    /// What a target that knows only steps gets in place of `tokens`.
    #[must_use]
    pub const fn of_tokens(tokens: u64) -> Self {
        match tokens {
            0 => Self::None,
            1..=1_024 => Self::Minimal,
            1_025..=4_096 => Self::Low,
            4_097..=16_384 => Self::Medium,
            _ => Self::High,
        }
    }
}
