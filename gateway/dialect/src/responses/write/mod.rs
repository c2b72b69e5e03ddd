//! Writes a request: the settings of the call; `items` writes the conversation, `tools` the tools.
//!
//! The provider is told not to store the answer: who asked it of us did not ask for that.

mod items;
mod tools;

pub(super) use items::{arguments, write_summary};
pub(super) use tools::{write_choice, write_tool};

use super::{INCLUDE_LOGPROBS, INCLUDE_REASONING, WIRE};
use crate::convert::Provider;
use crate::loss::{Feature, Losses};
use crate::neutral::{Effort, Extra, Format, Reasoning, Request, Sampling};
use crate::{Invalid, Wire};
use serde_json::{Map, Value, json};

/// Objects that are read member by member.
const NESTED: [&str; 2] = ["reasoning", "text"];

/// Fields of chat that are the same here, and what they are called.
const SHARED_WITH_CHAT: [(&str, &str); 4] = [
    ("verbosity", "text.verbosity"),
    ("safety_identifier", "safety_identifier"),
    ("prompt_cache_retention", "prompt_cache_retention"),
    ("prompt_cache_options", "prompt_cache_options"),
];

/// Writes a request whole.
///
/// # Errors
/// [`Invalid`] where the table of losses refuses.
pub(super) fn write_request(
    request: &Request,
    to: &Provider<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Invalid> {
    let mut body = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        value.map(|value| body.insert(name.to_owned(), value));
    };
    put("model", Some(to.model.into()));
    put("store", Some(false.into()));
    put("stream", request.stream.then_some(true.into()));
    let (instructions, input) = items::write_turns(request, losses)?;
    put("instructions", instructions.map(Value::from));
    put("input", Some(input.into()));
    put("tools", tools::write_tools(request, losses)?);
    put("tool_choice", tools::write_choice(request));
    put("parallel_tool_calls", request.parallel_tool_calls.map(Value::from));
    put("text", write_format(&request.format));
    put("max_output_tokens", request.output_tokens_max.map(Value::from));
    put("temperature", request.sampling.temperature.map(Value::from));
    put("top_p", request.sampling.top_p.map(Value::from));
    meet_sampling(&request.sampling, losses)?;
    put("top_logprobs", request.logprobs.filter(|top| *top > 0).map(Value::from));
    put("reasoning", request.reasoning.as_ref().map(write_reasoning));
    put("include", include(request));
    put("service_tier", request.service_tier.as_deref().map(service_tier));
    put("user", request.end_user.as_deref().map(Value::from));
    put("prompt_cache_key", request.cache_key.as_deref().map(Value::from));
    put("metadata", (!request.metadata.is_empty()).then(|| request.metadata.clone().into()));
    for extra in &request.extra {
        write_extra(extra, &mut body, losses)?;
    }
    // Strings, numbers and trees of both always serialise.
    Ok(serde_json::to_vec(&body).unwrap_or_default())
}

/// What this dialect has no words for.
fn meet_sampling(sampling: &Sampling, losses: &mut Losses) -> Result<(), Invalid> {
    for (is_set, feature, field) in [
        (sampling.top_k.is_some(), Feature::TopK, "sampling.top_k"),
        (sampling.frequency_penalty.is_some(), Feature::Penalties, "sampling.frequency_penalty"),
        (sampling.presence_penalty.is_some(), Feature::Penalties, "sampling.presence_penalty"),
        (sampling.seed.is_some(), Feature::Seed, "sampling.seed"),
        (!sampling.stop.is_empty(), Feature::StopSequences, "sampling.stop"),
        (sampling.candidates.is_some_and(|n| n > 1), Feature::Candidates, "sampling.candidates"),
        (!sampling.logit_bias.is_empty(), Feature::LogitBias, "sampling.logit_bias"),
    ] {
        if is_set {
            losses.meet(feature, field)?;
        }
    }
    Ok(())
}

/// `text`, where the answer has to be more than text.
pub(super) fn write_format(format: &Format) -> Option<Value> {
    match format {
        Format::Text => None,
        Format::Json => Some(json!({"format": {"type": "json_object"}})),
        Format::Schema(schema) => {
            let name = if schema.name.is_empty() { "answer" } else { &schema.name };
            let mut format = json!({"type": "json_schema", "name": name, "schema": schema.schema});
            if let (Some(description), Some(map)) = (&schema.description, format.as_object_mut()) {
                map.insert("description".to_owned(), description.as_str().into());
            }
            if let (Some(strict), Some(map)) = (schema.strict, format.as_object_mut()) {
                map.insert("strict".to_owned(), strict.into());
            }
            Some(json!({"format": format}))
        }
    }
}

/// How hard to think; a bound in tokens is said as the nearest step.
fn effort(reasoning: &Reasoning) -> Option<Effort> {
    reasoning.effort.or_else(|| reasoning.tokens_max.map(Effort::of_tokens))
}

/// `reasoning`.
pub(super) fn write_reasoning(reasoning: &Reasoning) -> Value {
    let mut object = Map::new();
    if let Some(effort) = effort(reasoning) {
        let word = match effort {
            Effort::None => "none",
            Effort::Minimal => "minimal",
            Effort::Low => "low",
            Effort::Medium => "medium",
            Effort::High => "high",
            Effort::Highest => "xhigh",
        };
        object.insert("effort".to_owned(), word.into());
    }
    if reasoning.show == Some(true) {
        object.insert("summary".to_owned(), "auto".into());
    }
    object.into()
}

/// What the provider gives only where it is asked for. Reasoning that can be sent back is refused
/// by models that do not reason, so it is asked for only where reasoning is spoken of.
fn include(request: &Request) -> Option<Value> {
    let thinks = match &request.reasoning {
        Some(reasoning) => effort(reasoning) != Some(Effort::None),
        None => request.turns.iter().flat_map(|turn| &turn.parts).any(items::is_own_reasoning),
    };
    let reasoning = thinks.then_some(INCLUDE_REASONING);
    let logprobs = request.logprobs.map(|_| INCLUDE_LOGPROBS);
    let all: Vec<&str> = reasoning.into_iter().chain(logprobs).collect();
    (!all.is_empty()).then(|| all.into())
}

/// Other dialects' words for the usual tier.
fn service_tier(tier: &str) -> Value {
    match tier {
        "standard" | "standard_only" | "on_demand" => "default".into(),
        other => other.into(),
    }
}

/// A field that only this dialect knows: `name`, or `object.name` for one in an object.
fn write_extra(
    extra: &Extra,
    body: &mut Map<String, Value>,
    losses: &mut Losses,
) -> Result<(), Invalid> {
    let name = match extra.wire {
        WIRE => Some(extra.name.as_str()),
        Wire::Chat => {
            SHARED_WITH_CHAT.iter().find_map(|(chat, name)| (*chat == extra.name).then_some(*name))
        }
        _ => None,
    };
    // A caller may call a field of its own by a name with a dot: that is no path.
    let is_path = |name: &str| name.split_once('.').is_none_or(|(at, _)| NESTED.contains(&at));
    let Some(name) = name.filter(|name| !name.contains('[') && is_path(name)) else {
        return losses.meet(Feature::Extra, &extra.name).map(drop);
    };
    let (map, name) = match name.split_once('.') {
        None => (Some(body), name),
        Some((object, name)) => {
            let value = body.entry(object).or_insert_with(|| Map::new().into());
            (value.as_object_mut(), name)
        }
    };
    match map.map(|map| map.entry(name).or_insert(Value::Null)) {
        Some(Value::Array(all)) => all.extend(extra.value.as_array().cloned().unwrap_or_default()),
        Some(place) => *place = extra.value.clone(),
        None => {}
    }
    Ok(())
}
