//! Writes all of a request but its turns.

use crate::loss::{Feature, Losses};
use crate::neutral::{Effort, Format, Reasoning, Request, Sampling, ToolChoice, ToolKind};
use crate::{Invalid, Wire};
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

pub(super) fn write(
    request: &Request,
    body: &mut Object,
    losses: &mut Losses,
) -> Result<(), Invalid> {
    put(body, "stream", request.stream.then_some(true));
    put(body, "max_tokens", request.output_tokens_max);
    sampling(&request.sampling, body, losses)?;
    tools(request, body, losses)?;
    match &request.format {
        Format::Text => {}
        Format::Json => put(body, "response_format", Some(json!({"type": "json_object"}))),
        Format::Schema(format) => {
            let format = json!({"type": "json_object", "json_schema": format.schema});
            put(body, "response_format", Some(format));
        }
    }
    if let Some(reasoning) = &request.reasoning {
        thinking(reasoning, body, losses)?;
    }
    if let Some(others) = request.logprobs {
        put(body, "logprobs", Some(true));
        if others > 0 {
            losses.meet(Feature::Logprobs, "logprobs")?;
        }
    }
    for (feature, field, is_there) in [
        (Feature::ServiceTier, "service_tier", request.service_tier.is_some()),
        (Feature::EndUser, "end_user", request.end_user.is_some()),
        (Feature::Metadata, "metadata", !request.metadata.is_empty()),
        (Feature::CacheKey, "cache_key", request.cache_key.is_some()),
        (
            Feature::ParallelToolCalls,
            "parallel_tool_calls",
            request.parallel_tool_calls == Some(false),
        ),
    ] {
        if is_there {
            losses.meet(feature, field)?;
        }
    }
    for extra in &request.extra {
        // A path names something within: it has no place at the top.
        if extra.wire == Wire::Cohere && !extra.name.contains(['.', '[']) {
            body.insert(extra.name.clone(), extra.value.clone());
        } else {
            losses.meet(Feature::Extra, &extra.name)?;
        }
    }
    Ok(())
}

fn put(object: &mut Object, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value.into());
    }
}

/// Sampling, within the bounds that the dialect has.
fn sampling(sampling: &Sampling, body: &mut Object, losses: &mut Losses) -> Result<(), Invalid> {
    put(body, "temperature", sampling.temperature);
    for (name, field, value, from, to, feature) in [
        ("p", "top_p", sampling.top_p, 0.01, 0.99, Feature::TopK),
        (
            "frequency_penalty",
            "frequency_penalty",
            sampling.frequency_penalty,
            0.0,
            1.0,
            Feature::Penalties,
        ),
        (
            "presence_penalty",
            "presence_penalty",
            // Only one of the two may be given.
            sampling
                .presence_penalty
                .filter(|_| sampling.frequency_penalty.is_none_or(|p| p == 0.0)),
            0.0,
            1.0,
            Feature::Penalties,
        ),
    ] {
        let Some(value) = value else { continue };
        let within = value.clamp(from, to);
        if within != value {
            losses.meet(feature, &format!("sampling.{field}"))?;
        }
        put(body, name, Some(within));
    }
    if sampling.presence_penalty.is_some_and(|p| p != 0.0) && !body.contains_key("presence_penalty")
    {
        losses.meet(Feature::Penalties, "sampling.presence_penalty")?;
    }
    if let Some(k) = sampling.top_k {
        if k > 500 {
            losses.meet(Feature::TopK, "sampling.top_k")?;
        }
        put(body, "k", Some(k.min(500)));
    }
    if let Some(seed) = sampling.seed {
        if seed < 0 {
            losses.meet(Feature::Seed, "sampling.seed")?;
        }
        put(body, "seed", Some(seed.unsigned_abs()));
    }
    put(body, "stop_sequences", (!sampling.stop.is_empty()).then(|| sampling.stop.clone()));
    if sampling.candidates.is_some_and(|n| n > 1) {
        losses.meet(Feature::Candidates, "sampling.candidates")?;
    }
    if !sampling.logit_bias.is_empty() {
        losses.meet(Feature::LogitBias, "sampling.logit_bias")?;
    }
    Ok(())
}

/// Tools. A choice among some of them leaves the others out.
fn tools(request: &Request, body: &mut Object, losses: &mut Losses) -> Result<(), Invalid> {
    let (only, choice): (Option<Vec<&str>>, Option<&str>) = match &request.tool_choice {
        None | Some(ToolChoice::Auto) => (None, None),
        Some(ToolChoice::None) => (None, Some("NONE")),
        Some(ToolChoice::Any) => (None, Some("REQUIRED")),
        Some(ToolChoice::One(name)) => {
            losses.meet(Feature::ForcedTool, "tool_choice")?;
            (Some(vec![name]), Some("REQUIRED"))
        }
        Some(ToolChoice::Among { names, must }) => {
            losses.meet(Feature::ToolSubset, "tool_choice")?;
            let names = names.iter().map(String::as_str).collect();
            (Some(names), must.then_some("REQUIRED"))
        }
    };
    let (mut tools, mut strict) = (Vec::new(), Vec::new());
    for (n, tool) in request.tools.iter().enumerate() {
        let at = format!("tools[{n}]");
        if tool.cache.is_some() {
            losses.meet(Feature::CacheMark, &format!("{at}.cache"))?;
        }
        if only.as_ref().is_some_and(|only| !only.contains(&tool.name.as_str())) {
            continue;
        }
        match &tool.kind {
            ToolKind::Function { schema, strict: asked } => {
                strict.push(asked.unwrap_or(false));
                let mut function = Object::new();
                put(&mut function, "name", Some(tool.name.as_str()));
                put(&mut function, "description", tool.description.as_deref());
                put(&mut function, "parameters", Some(schema.clone()));
                tools.push(json!({"type": "function", "function": function}));
            }
            ToolKind::Custom { .. } => {
                losses.meet(Feature::CustomTool, &at)?;
            }
            ToolKind::Native(_) => {
                losses.meet(Feature::NativeTool, &at)?;
            }
        }
    }
    if tools.is_empty() {
        return Ok(());
    }
    // All of them or none.
    if strict.contains(&true) {
        if strict.contains(&false) {
            losses.meet(Feature::StrictTool, "tools")?;
        } else {
            put(body, "strict_tools", Some(true));
        }
    }
    put(body, "tools", Some(tools));
    put(body, "tool_choice", choice);
    Ok(())
}

/// Thoughts are always shown where there are any.
fn thinking(reasoning: &Reasoning, body: &mut Object, losses: &mut Losses) -> Result<(), Invalid> {
    let effort = reasoning.effort.map(Effort::tokens);
    let thinking = match reasoning.tokens_max.or(effort) {
        Some(0) => json!({"type": "disabled"}),
        Some(tokens) => json!({"type": "enabled", "token_budget": tokens}),
        None => json!({"type": "enabled"}),
    };
    put(body, "thinking", Some(thinking));
    if reasoning.show == Some(false) {
        losses.meet(Feature::Reasoning, "reasoning.show")?;
    }
    Ok(())
}
