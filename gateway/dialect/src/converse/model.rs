//! What the models behind one shape take besides it, by the vendor's name in a model's id:
//!
//! | | top_k | reasoning | output by a schema | cache points |
//! |---|---|---|---|---|
//! | Claude | as `messages::model` has it, in the fields of its own dialect | | | yes, 1 h too |
//! | Nova | `inferenceConfig.topK` | Nova 2: `reasoningConfig` | no | yes, not on tools |
//! | gpt-oss | no | `reasoning_effort` | yes | no |
//! | Mistral | `top_k` | no | from 2025 | no |
//! | Cohere | `k` | no | no | no |
//! | Llama, Titan, AI21, DeepSeek R1 | no | no | no | no |
//! | others | no | no | yes | no |
//! | an ARN that names no vendor | no | no | yes | yes |
//!
//! What a model does not take although its row says so, Bedrock refuses and says why.

use crate::messages::{Host, model::Traits};
use crate::neutral::{Effort, Reasoning};
use serde_json::{Map, Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    Claude(Traits),
    Nova {
        reasons: bool,
    },
    GptOss,
    Mistral {
        schema: bool,
    },
    Cohere,
    DeepSeek {
        schema: bool,
    },
    /// Models from before schemas could be enforced.
    Plain,
    /// Newer open models.
    Open,
    /// A profile or deployment of the account's own, which names no vendor.
    Unknown,
}

impl Family {
    pub fn of(model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let has = |part: &str| model.contains(part);
        if has("claude") {
            return Self::Claude(Traits::of(&model, Host::Bedrock));
        }
        if has("amazon.nova") {
            return Self::Nova { reasons: has("nova-2") };
        }
        if has("gpt-oss") {
            return Self::GptOss;
        }
        if has("mistral.") {
            let old = ["-24", "7b-instruct-v0", "mixtral", "pixtral"].iter().any(|mark| has(mark));
            return Self::Mistral { schema: !old };
        }
        if has("cohere.") {
            return Self::Cohere;
        }
        if has("deepseek.") {
            return Self::DeepSeek { schema: !has("deepseek.r1") };
        }
        if ["meta.", "amazon.", "ai21."].iter().any(|vendor| has(vendor)) {
            return Self::Plain;
        }
        if has(".") && !has("arn:") { Self::Open } else { Self::Unknown }
    }

    /// Whether an answer can be held to a schema, and a tool's input too.
    pub fn takes_schema(self) -> bool {
        match self {
            Self::Claude(traits) => traits.structured,
            Self::Mistral { schema } | Self::DeepSeek { schema } => schema,
            Self::GptOss | Self::Open | Self::Unknown => true,
            Self::Nova { .. } | Self::Cohere | Self::Plain => false,
        }
    }

    pub const fn caches(self) -> bool {
        matches!(self, Self::Claude(_) | Self::Nova { .. } | Self::Unknown)
    }

    pub const fn caches_tools(self) -> bool {
        matches!(self, Self::Claude(_) | Self::Unknown)
    }

    pub const fn caches_for_an_hour(self) -> bool {
        matches!(self, Self::Claude(_) | Self::Unknown)
    }

    /// Whether reasoning goes back only with the proof that it is the model's own.
    pub const fn wants_signed_reasoning(self) -> bool {
        matches!(self, Self::Claude(_) | Self::Unknown)
    }

    /// Whether reasoning may go back at all.
    pub const fn takes_reasoning_back(self) -> bool {
        !matches!(self, Self::DeepSeek { .. } | Self::Plain | Self::Cohere)
    }

    /// The field for `top_k`, if there is one.
    pub fn top_k(self, k: u64) -> Option<(&'static str, Value)> {
        match self {
            Self::Mistral { .. } => Some(("top_k", k.into())),
            Self::Nova { .. } => Some(("inferenceConfig", json!({ "topK": k }))),
            Self::Cohere => Some(("k", k.into())),
            _ => None,
        }
    }

    /// How it is told to reason, in its own fields. `None`: it cannot be.
    pub fn reason(self, reasoning: &Reasoning) -> Option<Map<String, Value>> {
        let effort = reasoning.effort.or(reasoning.tokens_max.map(Effort::of_tokens));
        let mut fields = Map::new();
        match (self, effort) {
            // Says nothing about how hard.
            (_, None) if reasoning.show.is_none() => {}
            (Self::Nova { reasons: true }, None | Some(Effort::None)) => {
                fields.insert("reasoningConfig".to_owned(), json!({ "type": "disabled" }));
            }
            (Self::Nova { reasons: true }, Some(effort)) => {
                let config = json!({ "type": "enabled", "maxReasoningEffort": step(effort) });
                fields.insert("reasoningConfig".to_owned(), config);
            }
            (Self::GptOss, effort) => {
                let effort = step(effort.unwrap_or(Effort::Medium));
                fields.insert("reasoning_effort".to_owned(), effort.into());
            }
            // A model that does not reason does as it is told.
            (_, Some(Effort::None)) => {}
            _ => return None,
        }
        Some(fields)
    }
}

const fn step(effort: Effort) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High | Effort::Highest => "high",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_family_is_read_from_its_id() {
        let claude = |name: &str| Family::Claude(Traits::of(name, Host::Bedrock));
        for (model, family) in [
            ("anthropic.claude-3-7-sonnet-20250219-v1:0", claude("claude-3-7-sonnet")),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", claude("claude-sonnet-4-5")),
            (
                "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-opus-4-7-v1",
                claude("claude-opus-4-7"),
            ),
            ("us.amazon.nova-pro-v1:0", Family::Nova { reasons: false }),
            ("amazon.nova-2-lite-v1:0", Family::Nova { reasons: true }),
            ("openai.gpt-oss-120b-1:0", Family::GptOss),
            ("mistral.mistral-large-2407-v1:0", Family::Mistral { schema: false }),
            ("mistral.ministral-3-8b-instruct", Family::Mistral { schema: true }),
            ("cohere.command-r-plus-v1:0", Family::Cohere),
            ("us.deepseek.r1-v1:0", Family::DeepSeek { schema: false }),
            ("meta.llama3-1-70b-instruct-v1:0", Family::Plain),
            ("qwen.qwen3-32b-v1:0", Family::Open),
            ("arn:aws:bedrock:us-east-1:1:application-inference-profile/abc", Family::Unknown),
        ] {
            assert_eq!(Family::of(model), family, "{model}");
        }
    }

    #[test]
    fn each_family_is_told_to_reason_in_its_own_words() {
        let fields = |model, effort| {
            let reasoning = Reasoning { effort: Some(effort), ..Reasoning::default() };
            Family::of(model).reason(&reasoning).map(|told| Value::Object(told).to_string())
        };
        let (nova, llama) = ("amazon.nova-2-lite-v1:0", "meta.llama3-1-70b-instruct-v1:0");
        let on = r#"{"reasoningConfig":{"type":"enabled","maxReasoningEffort":"high"}}"#;
        assert_eq!(fields(nova, Effort::Highest).as_deref(), Some(on));
        let off = r#"{"reasoningConfig":{"type":"disabled"}}"#;
        assert_eq!(fields(nova, Effort::None).as_deref(), Some(off));
        let low = r#"{"reasoning_effort":"low"}"#;
        assert_eq!(fields("openai.gpt-oss-20b-1:0", Effort::Minimal).as_deref(), Some(low));
        assert_eq!(fields(llama, Effort::Low), None);
        assert_eq!(fields(llama, Effort::None).as_deref(), Some("{}"));
    }
}
