//! Decides what a request asks for in the words that its model takes: how to think, what the
//! answer has to be, how much may come out. What one wish forbids another is settled here, and
//! told.
//!
//! | both wished for | what gives way |
//! |---|---|
//! | thinking and a forced tool, or an answer that has to be one | thinking |
//! | thinking by tokens, and an open tool call that was made without | thinking |
//! | thinking and temperature, `top_k` or a low `top_p` | the latter |
//! | a budget of thought above the bound of tokens | the caller's own: the bound is raised; one that stands for an effort: the budget, as far as it goes |

use super::model::{Sampling as Takes, Thinking as Way, Traits};
use super::{JSON_TOOL, proof, schema, tools};
use crate::Invalid;
use crate::convert::Provider;
use crate::loss::{Feature, Losses};
use crate::neutral::{Content, Effort, Format, Request, Role, Schema};
use serde_json::{Map, Value, json};

/// The least that the vendor lets a model think.
const BUDGET_MIN: u64 = 1_024;
/// Tokens of an answer where nobody says how many.
const OUTPUT_DEFAULT: u64 = 4_096;

/// What is written of wishes that touch each other.
#[derive(Debug)]
pub(crate) struct Plan {
    pub max_tokens: u64,
    pub thinking: Option<Value>,
    pub effort: Option<&'static str>,
    /// The schema that the vendor enforces.
    pub format: Option<Value>,
    /// The tool that stands for the answer.
    pub answer_tool: Option<Value>,
    pub temperature: Option<f64>,
    pub top_p: Option<f64>,
    pub top_k: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thought {
    /// Nothing is said.
    Unsaid,
    Off,
    Budget {
        tokens: u64,
        /// The caller's own number.
        own: bool,
    },
    Adaptive,
}

pub(crate) fn plan(
    request: &Request,
    traits: Traits,
    to: &Provider<'_>,
    losses: &mut Losses,
) -> Result<Plan, Invalid> {
    let (format, answer_tool) = answer_format(&request.format, traits, losses)?;
    let mut thought = thought(request, traits, losses)?;
    let on = matches!(thought, Thought::Budget { .. } | Thought::Adaptive);
    let forced = answer_tool.is_some() || tools::is_forced(request.tool_choice.as_ref());
    let open = matches!(thought, Thought::Budget { .. }) && is_open_without_thinking(request);
    if on && (forced || open) {
        losses.meet(Feature::Reasoning, "reasoning")?;
        thought =
            if traits.thinking == Way::AdaptiveByDefault { Thought::Off } else { Thought::Unsaid };
    }
    let (max_tokens, thought) = bound(request, thought, to);
    let mut plan = Plan {
        max_tokens,
        thinking: thinking(thought, request.reasoning.as_ref().and_then(|r| r.show), traits),
        effort: effort(request, traits),
        format,
        answer_tool,
        temperature: request.sampling.temperature,
        top_p: request.sampling.top_p,
        top_k: request.sampling.top_k,
    };
    let thinks = matches!(thought, Thought::Budget { .. } | Thought::Adaptive);
    sampling(&mut plan, thinks, traits, losses)?;
    Ok(plan)
}

/// The schema that is enforced, or the tool that stands for the answer.
fn answer_format(
    format: &Format,
    traits: Traits,
    losses: &mut Losses,
) -> Result<(Option<Value>, Option<Value>), Invalid> {
    let wanted = match format {
        Format::Text => return Ok((None, None)),
        Format::Json => {
            losses.meet(Feature::JsonFormat, "format")?;
            return Ok((None, Some(answer_tool(None, json!({"type": "object"})))));
        }
        Format::Schema(wanted) => wanted,
    };
    if traits.structured
        && let Some((schema, changed)) = schema::enforced(&wanted.schema)
    {
        if changed {
            losses.meet(Feature::SchemaFormat, "format.schema")?;
        }
        return Ok((Some(schema), None));
    }
    losses.meet(Feature::SchemaFormat, "format")?;
    if wanted.schema.get("type").and_then(Value::as_str) != Some("object") {
        return Err(Invalid::at(
            "format.schema",
            "The model takes a schema only for an object: its `type` must be `object`. Put the \
             value into a property of one.",
        ));
    }
    Ok((None, Some(answer_tool(Some(wanted), wanted.schema.clone()))))
}

fn answer_tool(wanted: Option<&Schema>, schema: Value) -> Value {
    let description = wanted.and_then(|wanted| wanted.description.as_deref());
    let lead = description.map(|text| format!("{text} ")).unwrap_or_default();
    json!({
        "name": JSON_TOOL,
        "description": format!("{lead}Call this once, with your whole answer as its input."),
        "input_schema": schema,
    })
}

fn thought(request: &Request, traits: Traits, losses: &mut Losses) -> Result<Thought, Invalid> {
    let Some(wish) = &request.reasoning else { return Ok(Thought::Unsaid) };
    if wish.effort == Some(Effort::None) || wish.tokens_max == Some(0) {
        return Ok(match traits.thinking {
            Way::AdaptiveByDefault => Thought::Off,
            Way::Always => {
                losses.meet(Feature::Reasoning, "reasoning")?;
                Thought::Unsaid
            }
            _ => Thought::Unsaid,
        });
    }
    let budget = || {
        let own = wish.tokens_max.is_some();
        let tokens =
            wish.tokens_max.unwrap_or_else(|| wish.effort.unwrap_or(Effort::Medium).tokens());
        Thought::Budget { tokens: tokens.max(BUDGET_MIN), own }
    };
    Ok(match traits.thinking {
        Way::Never => {
            losses.meet(Feature::Reasoning, "reasoning")?;
            Thought::Unsaid
        }
        Way::Budget => budget(),
        Way::Either if wish.tokens_max.is_some() && wish.effort.is_none() => budget(),
        Way::Either | Way::Adaptive | Way::AdaptiveByDefault => Thought::Adaptive,
        Way::Always => Thought::Unsaid,
    })
}

/// Whether the conversation is in the middle of a tool call whose turn does not begin with
/// thinking that the vendor would know again.
fn is_open_without_thinking(request: &Request) -> bool {
    let mut turns = request.turns.iter().rev().skip_while(|turn| {
        turn.role == Role::System
            || (turn.role == Role::User
                && turn.parts.iter().all(|part| matches!(part.content, Content::ToolResult(_))))
    });
    let Some(last) = turns.next().filter(|turn| turn.role == Role::Assistant) else { return false };
    let calls = last.parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    let proved = last.parts.iter().any(|part| {
        matches!(part.content, Content::Thinking(_) | Content::HiddenThinking)
            && part.signature.as_ref().is_some_and(proof::is_own)
    });
    calls && !proved
}

fn bound(request: &Request, thought: Thought, to: &Provider<'_>) -> (u64, Thought) {
    let most = u64::from(to.output_tokens_max);
    let known = if most == 0 { OUTPUT_DEFAULT } else { most };
    let max = request.output_tokens_max.unwrap_or(known);
    let Thought::Budget { tokens, own } = thought else { return (max, thought) };
    if tokens < max {
        return (max, thought);
    }
    // A quarter is left for the answer.
    let fitting = max - max / 4;
    if !own && fitting >= BUDGET_MIN && fitting < max {
        return (max, Thought::Budget { tokens: fitting, own });
    }
    (tokens.saturating_add(max), thought)
}

fn thinking(thought: Thought, show: Option<bool>, traits: Traits) -> Option<Value> {
    let mut out = Map::new();
    match thought {
        Thought::Unsaid => return None,
        Thought::Off => return Some(json!({"type": "disabled"})),
        Thought::Adaptive => out.insert("type".into(), "adaptive".into()),
        Thought::Budget { tokens, .. } => {
            out.insert("type".into(), "enabled".into());
            out.insert("budget_tokens".into(), tokens.into())
        }
    };
    // Up to a generation, thoughts are shown unless something else is said; then it is the other
    // way round, and before that the word is not known.
    let shows = matches!(traits.thinking, Way::Budget | Way::Either);
    if show == Some(true) && !shows {
        out.insert("display".into(), "summarized".into());
    }
    if show == Some(false) && traits.thinking != Way::Budget {
        out.insert("display".into(), "omitted".into());
    }
    Some(out.into())
}

fn effort(request: &Request, traits: Traits) -> Option<&'static str> {
    let wish = request.reasoning.as_ref()?;
    let by_tokens = !matches!(traits.thinking, Way::Never | Way::Budget | Way::Either);
    let effort = match wish.effort {
        Some(effort) => effort,
        None if by_tokens => Effort::of_tokens(wish.tokens_max?),
        None => return None,
    };
    let off = effort == Effort::None && traits.thinking != Way::Always;
    (traits.effort && !off).then(|| effort_word(effort))
}

pub(super) const fn effort_word(effort: Effort) -> &'static str {
    match effort {
        Effort::None | Effort::Minimal | Effort::Low => "low",
        Effort::Medium => "medium",
        Effort::High => "high",
        Effort::Highest => "max",
    }
}

fn sampling(
    plan: &mut Plan,
    thinks: bool,
    traits: Traits,
    losses: &mut Losses,
) -> Result<(), Invalid> {
    let fixed = thinks || traits.sampling == Takes::Fixed;
    if let Some(temperature) = plan.temperature {
        // 1 is what the vendor takes where nothing is said.
        if fixed && temperature.total_cmp(&1.0).is_ne() {
            losses.meet(Feature::Temperature, "sampling.temperature")?;
        } else if temperature > 1.0 {
            losses.meet(Feature::Temperature, "sampling.temperature")?;
            plan.temperature = Some(1.0);
        }
        if fixed {
            plan.temperature = None;
        }
    }
    if let Some(top_p) = plan.top_p {
        let taken = match traits.sampling {
            Takes::Fixed => top_p >= 1.0,
            Takes::OneOf if plan.temperature.is_some() => top_p >= 1.0,
            _ => !thinks || top_p >= 0.95,
        };
        if !taken {
            losses.meet(Feature::Temperature, "sampling.top_p")?;
        }
        let said = traits.sampling == Takes::Free
            || (traits.sampling == Takes::OneOf && plan.temperature.is_none());
        if !taken || !said {
            plan.top_p = None;
        }
    }
    if plan.top_k.is_some() && fixed {
        losses.meet(Feature::TopK, "sampling.top_k")?;
        plan.top_k = None;
    }
    Ok(())
}
