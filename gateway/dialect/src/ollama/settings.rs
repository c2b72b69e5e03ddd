//! Writes all of a request but its turns.

use crate::loss::{Feature, Losses};
use crate::neutral::{Effort, Extra, Format, Reasoning, Request, Sampling, ToolChoice, ToolKind};
use crate::{Invalid, Wire};
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

/// The most others beside a token whose chances are told.
const TOP_LOGPROBS_MAX: u32 = 20;

/// Sampling that only servers of open models have, under the names that callers of OpenAI's form
/// give it. What would change how the server keeps the model in memory (`keep_alive`, `num_ctx`,
/// …) is not among it: tenants share the server.
const OPTIONS: [(&str, &str); 9] = [
    ("min_p", "min_p"),
    ("typical_p", "typical_p"),
    ("repeat_penalty", "repeat_penalty"),
    ("repetition_penalty", "repeat_penalty"),
    ("repeat_last_n", "repeat_last_n"),
    ("tfs_z", "tfs_z"),
    ("mirostat", "mirostat"),
    ("mirostat_tau", "mirostat_tau"),
    ("mirostat_eta", "mirostat_eta"),
];

pub(super) fn write(
    request: &Request,
    model: &str,
    body: &mut Object,
    losses: &mut Losses,
) -> Result<(), Invalid> {
    tools(request, body, losses)?;
    match &request.format {
        Format::Text => {}
        Format::Json => put(body, "format", Some("json")),
        Format::Schema(format) => put(body, "format", Some(format.schema.clone())),
    }
    if let Some(reasoning) = &request.reasoning {
        thinking(reasoning, model, body, losses)?;
    }
    if let Some(others) = request.logprobs {
        put(body, "logprobs", Some(true));
        if others > TOP_LOGPROBS_MAX {
            losses.meet(Feature::Logprobs, "logprobs")?;
        }
        put(body, "top_logprobs", (others > 0).then(|| others.min(TOP_LOGPROBS_MAX)));
    }
    // It streams unless told otherwise.
    put(body, "stream", Some(request.stream));
    // A conversation longer than the window is refused, not cut.
    put(body, "truncate", Some(false));
    put(body, "shift", Some(false));
    let mut options = sampling(&request.sampling, losses)?;
    put(&mut options, "num_predict", request.output_tokens_max);
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
        option(extra, &mut options, losses)?;
    }
    put(body, "options", (!options.is_empty()).then_some(options));
    Ok(())
}

fn put(object: &mut Object, name: &str, value: Option<impl Into<Value>>) {
    if let Some(value) = value {
        object.insert(name.to_owned(), value.into());
    }
}

fn sampling(sampling: &Sampling, losses: &mut Losses) -> Result<Object, Invalid> {
    let mut options = Object::new();
    for (name, number) in [
        ("temperature", sampling.temperature),
        ("top_p", sampling.top_p),
        ("frequency_penalty", sampling.frequency_penalty),
        ("presence_penalty", sampling.presence_penalty),
    ] {
        put(&mut options, name, number);
    }
    put(&mut options, "top_k", sampling.top_k);
    put(&mut options, "seed", sampling.seed);
    put(&mut options, "stop", (!sampling.stop.is_empty()).then(|| sampling.stop.clone()));
    if sampling.candidates.is_some_and(|n| n > 1) {
        losses.meet(Feature::Candidates, "sampling.candidates")?;
    }
    if !sampling.logit_bias.is_empty() {
        losses.meet(Feature::LogitBias, "sampling.logit_bias")?;
    }
    Ok(options)
}

fn option(extra: &Extra, options: &mut Object, losses: &mut Losses) -> Result<(), Invalid> {
    let known = OPTIONS.iter().find(|(name, _)| *name == extra.name);
    match known.filter(|_| extra.wire == Wire::Chat && extra.value.is_number()) {
        Some((_, name)) => put(options, name, Some(extra.value.clone())),
        None => {
            losses.meet(Feature::Extra, &extra.name)?;
        }
    }
    Ok(())
}

/// Tools. Which of them is called is the model's alone to say: those that may not be called are
/// left out.
fn tools(request: &Request, body: &mut Object, losses: &mut Losses) -> Result<(), Invalid> {
    let only: Option<Vec<&str>> = match &request.tool_choice {
        None | Some(ToolChoice::Auto) => None,
        Some(ToolChoice::None) => {
            if !request.tools.is_empty() {
                losses.adapt("tool_choice");
            }
            Some(Vec::new())
        }
        Some(ToolChoice::Any | ToolChoice::One(_) | ToolChoice::Among { must: true, .. }) => {
            losses.meet(Feature::ForcedTool, "tool_choice")?;
            None
        }
        Some(ToolChoice::Among { names, must: false }) => {
            losses.meet(Feature::ToolSubset, "tool_choice")?;
            Some(names.iter().map(String::as_str).collect())
        }
    };
    let mut tools = Vec::new();
    for (n, tool) in request.tools.iter().enumerate() {
        let at = format!("tools[{n}]");
        if tool.cache.is_some() {
            losses.meet(Feature::CacheMark, &format!("{at}.cache"))?;
        }
        if only.as_ref().is_some_and(|only| !only.contains(&tool.name.as_str())) {
            continue;
        }
        match &tool.kind {
            ToolKind::Function { schema, strict } => {
                if *strict == Some(true) {
                    losses.meet(Feature::StrictTool, &format!("{at}.strict"))?;
                }
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
    put(body, "tools", (!tools.is_empty()).then_some(tools));
    Ok(())
}

/// Most models think or do not; one family has three steps and cannot leave it. Thoughts are always
/// shown where there are any.
fn thinking(
    reasoning: &Reasoning,
    model: &str,
    body: &mut Object,
    losses: &mut Losses,
) -> Result<(), Invalid> {
    let effort = reasoning.effort.or(reasoning.tokens_max.map(Effort::of_tokens));
    let on = effort.map(|effort| effort != Effort::None).or(reasoning.show.filter(|show| *show));
    let Some(on) = on else { return Ok(()) };
    if model.contains("gpt-oss") {
        let (word, said) = match effort {
            Some(Effort::None | Effort::Minimal | Effort::Low) => ("low", Effort::Low),
            None | Some(Effort::Medium) => ("medium", Effort::Medium),
            Some(Effort::High | Effort::Highest) => ("high", Effort::High),
        };
        put(body, "think", Some(word));
        if effort.is_some_and(|effort| effort != said) {
            losses.adapt("reasoning.effort");
        }
    } else {
        put(body, "think", Some(on));
        if on && reasoning.effort.is_some() {
            losses.adapt("reasoning.effort");
        }
    }
    if reasoning.tokens_max.is_some_and(|tokens| tokens > 0) {
        losses.adapt("reasoning.tokens_max");
    }
    if on && reasoning.show == Some(false) {
        losses.meet(Feature::Reasoning, "reasoning.show")?;
    }
    Ok(())
}
