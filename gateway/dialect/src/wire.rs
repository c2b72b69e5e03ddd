//! The wire formats of conversations, by name.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A wire format that a caller or a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Wire {
    /// OpenAI chat completions.
    #[serde(rename = "openai_chat")]
    Chat,
    /// OpenAI responses.
    #[serde(rename = "openai_responses")]
    Responses,
    /// Anthropic messages; the same on Vertex AI and Bedrock's invoke.
    #[serde(rename = "anthropic")]
    Messages,
    /// Gemini generateContent; the same on Vertex AI.
    #[serde(rename = "gemini")]
    Gemini,
    /// AWS Bedrock Converse.
    #[serde(rename = "bedrock")]
    Converse,
    /// Cohere chat v2.
    #[serde(rename = "cohere")]
    Cohere,
    /// IBM watsonx.ai chat.
    #[serde(rename = "watsonx")]
    Watsonx,
    /// Ollama's own chat.
    #[serde(rename = "ollama")]
    Ollama,
}

impl Wire {
    pub const ALL: [Self; 8] = [
        Self::Chat,
        Self::Responses,
        Self::Messages,
        Self::Gemini,
        Self::Converse,
        Self::Cohere,
        Self::Watsonx,
        Self::Ollama,
    ];

    #[must_use]
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

    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|wire| wire.as_str() == text)
    }
}

impl fmt::Display for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
