//! The wire formats of conversations, by name.

use std::fmt;

/// A wire format that a caller or a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Wire {
    /// OpenAI chat completions.
    Chat,
    /// OpenAI responses.
    Responses,
    /// Anthropic messages; the same on Vertex AI and Bedrock's invoke.
    Messages,
    /// Gemini generateContent; the same on Vertex AI.
    Gemini,
    /// AWS Bedrock Converse.
    Converse,
    /// Cohere chat v2.
    Cohere,
    /// IBM watsonx.ai chat.
    Watsonx,
    /// Ollama's own chat.
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
