//! Writes a request.

use super::model::Traits;
use super::plan::{Plan, plan};
use super::{Host, WIRE, tools, turns};
use crate::Invalid;
use crate::convert::Provider;
use crate::loss::{Feature, Losses};
use crate::neutral::{Extra, Request};
use serde_json::{Map, Value, json};

/// Writes a request as its host takes it.
pub(super) fn request(
    host: Host,
    request: &Request,
    to: &Provider<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Invalid> {
    let body = body(host, request, to, losses)?;
    serde_json::to_vec(&body).map_err(|error| Invalid::at("body", error.to_string()))
}

/// The body, field by field.
pub(super) fn body(
    host: Host,
    request: &Request,
    to: &Provider<'_>,
    losses: &mut Losses,
) -> Result<Map<String, Value>, Invalid> {
    let traits = Traits::of(to.model, host);
    let plan = plan(request, traits, to, losses)?;
    let mut body = Map::new();
    match host.version() {
        None => body.insert("model".into(), to.model.into()),
        Some(version) => body.insert("anthropic_version".into(), version.into()),
    };
    body.insert("max_tokens".into(), plan.max_tokens.into());
    if request.stream && host != Host::Bedrock {
        body.insert("stream".into(), true.into());
    }
    let conversation = turns::conversation(host, traits, request, losses)?;
    if !conversation.system.is_empty() {
        body.insert("system".into(), conversation.system.into());
    }
    body.insert("messages".into(), conversation.messages.into());
    write_tools(request, &plan, traits, &mut body, losses)?;
    write_settings(request, plan, &mut body, losses)?;
    refuse_or_drop(request, losses)?;
    write_extra(&request.extra, &mut body, losses)?;
    Ok(body)
}

fn write_tools(
    request: &Request,
    plan: &Plan,
    traits: Traits,
    body: &mut Map<String, Value>,
    losses: &mut Losses,
) -> Result<(), Invalid> {
    let (mut declared, servers) = tools::write(request, traits, losses)?;
    declared.extend(plan.answer_tool.clone());
    if !declared.is_empty() {
        body.insert("tools".into(), declared.into());
    }
    if !servers.is_empty() {
        body.insert("mcp_servers".into(), servers.into());
    }
    if let Some(choice) = tools::write_choice(request, plan.answer_tool.is_some()) {
        body.insert("tool_choice".into(), choice);
    }
    Ok(())
}

fn write_settings(
    request: &Request,
    plan: Plan,
    body: &mut Map<String, Value>,
    losses: &mut Losses,
) -> Result<(), Invalid> {
    let mut output = Map::new();
    output.extend(plan.effort.map(|effort| ("effort".to_owned(), effort.into())));
    if let Some(schema) = plan.format {
        output.insert("format".into(), json!({"type": "json_schema", "schema": schema}));
    }
    if !output.is_empty() {
        body.insert("output_config".into(), output.into());
    }
    body.extend(plan.thinking.map(|thinking| ("thinking".to_owned(), thinking)));
    body.extend(plan.temperature.map(|n| ("temperature".to_owned(), n.into())));
    body.extend(plan.top_p.map(|n| ("top_p".to_owned(), n.into())));
    body.extend(plan.top_k.map(|n| ("top_k".to_owned(), n.into())));
    // The vendor refuses a stop sequence of space alone.
    let (stop, blank): (Vec<&String>, Vec<&String>) =
        request.sampling.stop.iter().partition(|stop| !stop.trim().is_empty());
    if !blank.is_empty() {
        losses.meet(Feature::StopSequences, "sampling.stop")?;
    }
    if !stop.is_empty() {
        body.insert("stop_sequences".into(), json!(stop));
    }
    if let Some(user) = &request.end_user {
        body.insert("metadata".into(), json!({"user_id": user}));
    }
    match request.service_tier.as_deref() {
        None => {}
        Some("default" | "standard_only") => {
            body.insert("service_tier".into(), "standard_only".into());
        }
        Some("auto" | "priority") => {
            body.insert("service_tier".into(), "auto".into());
        }
        Some(_) => {
            losses.meet(Feature::ServiceTier, "service_tier")?;
        }
    }
    Ok(())
}

/// What the dialect has no words for.
fn refuse_or_drop(request: &Request, losses: &mut Losses) -> Result<(), Invalid> {
    let sampling = &request.sampling;
    let said = |penalty: Option<f64>| penalty.is_some_and(|n| n.abs() > 0.0);
    for (is_there, feature, field) in [
        (sampling.candidates.is_some_and(|n| n > 1), Feature::Candidates, "sampling.candidates"),
        (request.logprobs.is_some(), Feature::Logprobs, "logprobs"),
        (said(sampling.frequency_penalty), Feature::Penalties, "sampling.frequency_penalty"),
        (said(sampling.presence_penalty), Feature::Penalties, "sampling.presence_penalty"),
        (sampling.seed.is_some(), Feature::Seed, "sampling.seed"),
        (!sampling.logit_bias.is_empty(), Feature::LogitBias, "sampling.logit_bias"),
        (!request.metadata.is_empty(), Feature::Metadata, "metadata"),
        (request.cache_key.is_some(), Feature::CacheKey, "cache_key"),
    ] {
        if is_there {
            losses.meet(feature, field)?;
        }
    }
    Ok(())
}

/// Fields of this dialect at the top of the body are written back; those of others are met, and so
/// are those that were somewhere within.
fn write_extra(
    extra: &[Extra],
    body: &mut Map<String, Value>,
    losses: &mut Losses,
) -> Result<(), Invalid> {
    for Extra { wire, name, value } in extra {
        if let Some(inner) = name.strip_prefix("output_config.").filter(|_| *wire == WIRE) {
            let config = body.entry("output_config").or_insert_with(|| json!({}));
            if let Some(config) = config.as_object_mut() {
                config.insert(inner.to_owned(), value.clone());
            }
        } else if *wire == WIRE && !name.contains(['.', '[']) {
            body.insert(name.clone(), value.clone());
        } else {
            losses.meet(Feature::Extra, name)?;
        }
    }
    Ok(())
}
