//! What the models behind one shape take besides it, by the vendor's name in a model's id:
//!
//! | | top_k | reasoning | output by a schema | cache points |
//! |---|---|---|---|---|
//! | Claude | `top_k` | `thinking`; from 4.6 adaptive, with `outputConfig.effort` | from 4.5 | yes, 1 h too |
//! | Nova | `inferenceConfig.topK` | Nova 2: `reasoningConfig` | no | yes, not on tools |
//! | gpt-oss | no | `reasoning_effort` | yes | no |
//! | Mistral | `top_k` | no | from 2025 | no |
//! | Cohere | `k` | no | no | no |
//! | Llama, Titan, AI21, DeepSeek R1 | no | no | no | no |
//! | others | no | no | yes | no |
//! | an ARN that names no vendor | no | no | yes | yes |
//!
//! What a model does not take although its row says so, Bedrock refuses and says why.

use crate::neutral::{Effort, Reasoning};
use serde_json::{Map, Value, json};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Family {
    /// Major and minor version; 0 where the id does not say.
    Claude(u32, u32),
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

/// How a model is told to reason.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Told {
    /// For `additionalModelRequestFields`.
    pub fields: Map<String, Value>,
    /// For `outputConfig.effort`.
    pub effort: Option<&'static str>,
    /// The tokens it may spend, where these are counted into the bound of the answer.
    pub budget: Option<u64>,
}

/// The least that Claude may be told to spend.
const BUDGET_MIN: u64 = 1_024;

impl Family {
    pub fn of(model: &str) -> Self {
        let model = model.to_ascii_lowercase();
        let has = |part: &str| model.contains(part);
        if let Some((_, version)) = model.split_once("claude-") {
            let (major, minor) = claude_version(version);
            return Self::Claude(major, minor);
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
            Self::Claude(major, minor) => (major, minor) >= (4, 5),
            Self::Mistral { schema } | Self::DeepSeek { schema } => schema,
            Self::GptOss | Self::Open | Self::Unknown => true,
            Self::Nova { .. } | Self::Cohere | Self::Plain => false,
        }
    }

    pub const fn caches(self) -> bool {
        matches!(self, Self::Claude(..) | Self::Nova { .. } | Self::Unknown)
    }

    pub const fn caches_tools(self) -> bool {
        matches!(self, Self::Claude(..) | Self::Unknown)
    }

    pub const fn caches_for_an_hour(self) -> bool {
        matches!(self, Self::Claude(..) | Self::Unknown)
    }

    /// Whether reasoning goes back only with the proof that it is the model's own.
    pub const fn wants_signed_reasoning(self) -> bool {
        matches!(self, Self::Claude(..) | Self::Unknown)
    }

    /// Whether reasoning may go back at all.
    pub const fn takes_reasoning_back(self) -> bool {
        !matches!(self, Self::DeepSeek { .. } | Self::Plain | Self::Cohere)
    }

    /// Whether a model that reasons cannot be forced to call a tool.
    pub const fn reasons_unforced(self) -> bool {
        matches!(self, Self::Claude(..))
    }

    /// Whether a model that reasons needs its reasoning back before each of its tool calls.
    pub fn needs_reasoning_back(self) -> bool {
        matches!(self, Self::Claude(..)) && !self.adapts()
    }

    fn adapts(self) -> bool {
        matches!(self, Self::Claude(major, minor) if (major, minor) >= (4, 6))
    }

    /// The field for `top_k`, if there is one.
    pub fn top_k(self, k: u64) -> Option<(&'static str, Value)> {
        match self {
            Self::Claude(..) | Self::Mistral { .. } => Some(("top_k", k.into())),
            Self::Nova { .. } => Some(("inferenceConfig", json!({ "topK": k }))),
            Self::Cohere => Some(("k", k.into())),
            _ => None,
        }
    }

    /// How it is told to reason. `None`: it cannot be.
    pub fn reason(self, reasoning: &Reasoning) -> Option<Told> {
        let budget = reasoning.tokens_max.or(reasoning.effort.map(Effort::tokens));
        let effort = reasoning.effort.or(reasoning.tokens_max.map(Effort::of_tokens));
        let mut told = Told::default();
        let mut tell = |name: &str, value: Value| {
            told.fields.insert(name.to_owned(), value);
        };
        match self {
            // Neither adds to what the model does of itself.
            _ if effort.is_none() && reasoning.show.is_none() => {}
            Self::Claude(..) if effort == Some(Effort::None) => {
                tell("thinking", json!({ "type": "disabled" }));
            }
            Self::Claude(..) if self.adapts() => {
                let mut thinking = json!({ "type": "adaptive" });
                if let (Some(show), Some(map)) = (reasoning.show, thinking.as_object_mut()) {
                    let display = if show { "summarized" } else { "omitted" };
                    map.insert("display".to_owned(), display.into());
                }
                tell("thinking", thinking);
                told.effort = effort.map(|effort| step(effort, "max"));
            }
            Self::Claude(..) => {
                if let Some(budget) = budget.map(|budget| budget.max(BUDGET_MIN)) {
                    tell("thinking", json!({ "type": "enabled", "budget_tokens": budget }));
                    told.budget = Some(budget);
                }
            }
            Self::Nova { reasons: true } => {
                let config = match effort {
                    None | Some(Effort::None) => json!({ "type": "disabled" }),
                    Some(effort) => {
                        json!({ "type": "enabled", "maxReasoningEffort": step(effort, "high") })
                    }
                };
                tell("reasoningConfig", config);
            }
            Self::GptOss => {
                let effort = effort.unwrap_or(Effort::Medium);
                tell("reasoning_effort", step(effort, "high").into());
            }
            // A model that does not reason does as it is told.
            _ if effort == Some(Effort::None) => {}
            _ => return None,
        }
        Some(told)
    }
}

const fn step(effort: Effort, highest: &'static str) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::Highest => highest,
    }
}

/// `3-7-sonnet-20250219-v1:0` is 3.7, `sonnet-4-5-…` 4.5, `opus-4-20250514` 4.0.
fn claude_version(text: &str) -> (u32, u32) {
    let mut numbers = text
        .split('-')
        .skip_while(|part| part.parse::<u32>().is_err())
        .map_while(|part| part.parse::<u32>().ok())
        .filter(|number| *number < 100);
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_models_family_is_read_from_its_id() {
        for (model, family) in [
            ("anthropic.claude-3-7-sonnet-20250219-v1:0", Family::Claude(3, 7)),
            ("us.anthropic.claude-sonnet-4-5-20250929-v1:0", Family::Claude(4, 5)),
            ("anthropic.claude-opus-4-20250514-v1:0", Family::Claude(4, 0)),
            ("global.anthropic.claude-opus-4-6-v1", Family::Claude(4, 6)),
            ("anthropic.claude-v2:1", Family::Claude(0, 0)),
            ("anthropic.claude-instant-v1", Family::Claude(0, 0)),
            (
                "arn:aws:bedrock:us-east-1:1:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0",
                Family::Claude(4, 5),
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
        let asked = |effort| Reasoning { effort: Some(effort), ..Reasoning::default() };
        let fields = |model, reasoning: &Reasoning| {
            Family::of(model)
                .reason(reasoning)
                .map(|told| (Value::Object(told.fields).to_string(), told.effort, told.budget))
        };
        let told = |text: &str, effort, budget| Some((text.to_owned(), effort, budget));
        let claude = "anthropic.claude-sonnet-4-5-20250929-v1:0";
        assert_eq!(
            fields(claude, &asked(Effort::Low)),
            told(r#"{"thinking":{"type":"enabled","budget_tokens":2048}}"#, None, Some(2_048))
        );
        let few = Reasoning { tokens_max: Some(7), ..Reasoning::default() };
        assert_eq!(
            fields(claude, &few),
            told(r#"{"thinking":{"type":"enabled","budget_tokens":1024}}"#, None, Some(1_024))
        );
        let none = Reasoning { tokens_max: Some(0), ..Reasoning::default() };
        assert_eq!(fields(claude, &none), told(r#"{"thinking":{"type":"disabled"}}"#, None, None));
        let shown = Reasoning { show: Some(true), ..asked(Effort::Highest) };
        assert_eq!(
            fields("anthropic.claude-opus-4-6-v1", &shown),
            told(r#"{"thinking":{"type":"adaptive","display":"summarized"}}"#, Some("max"), None)
        );
        assert_eq!(
            fields("amazon.nova-2-lite-v1:0", &asked(Effort::Highest)),
            told(
                r#"{"reasoningConfig":{"type":"enabled","maxReasoningEffort":"high"}}"#,
                None,
                None
            )
        );
        assert_eq!(
            fields("openai.gpt-oss-20b-1:0", &asked(Effort::Minimal)),
            told(r#"{"reasoning_effort":"low"}"#, None, None)
        );
        assert_eq!(fields("meta.llama3-1-70b-instruct-v1:0", &asked(Effort::Low)), None);
        assert_eq!(
            fields("meta.llama3-1-70b-instruct-v1:0", &asked(Effort::None)),
            told("{}", None, None)
        );
    }
}
