//! Writes all of a request but its turns: tools, the choice among them, generationConfig.

use super::model::Model;
use super::schema;
use super::words;
use crate::loss::{Feature, Losses};
use crate::neutral::{Effort, Format, Native, Reasoning, Request, Tool, ToolChoice, ToolKind};
use crate::{Invalid, Wire};
use serde_json::{Map, Value, json};

type Object = Map<String, Value>;

pub(super) fn write(
    request: &Request,
    model: Model<'_>,
    body: &mut Object,
    losses: &mut Losses,
) -> Result<(), Invalid> {
    tools(request, model, body, losses)?;
    let mut config = Object::new();
    sampling(request, &mut config, losses)?;
    format(request, model, &mut config, losses)?;
    if let Some(reasoning) = &request.reasoning {
        let thinking = thinking(reasoning, model, losses)?;
        put(&mut config, "thinkingConfig", (!thinking.is_empty()).then_some(thinking));
    }
    put(body, "generationConfig", (!config.is_empty()).then_some(config));
    if let Some(tier) = &request.service_tier {
        match words::tier_word(tier) {
            Some(word) => put(body, "serviceTier", Some(word)),
            None if tier == "auto" => {}
            None => {
                losses.meet(Feature::ServiceTier, "service_tier")?;
            }
        }
    }
    for (feature, field, is_there) in [
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
        if extra.wire != Wire::Gemini || !place(body, &extra.name, &extra.value) {
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

/// Objects that are read member by member.
const NESTED: [&str; 2] = ["generationConfig", "toolConfig"];

/// Puts an extra where its path says. `false`: that is inside a list, which is written otherwise.
fn place(body: &mut Object, path: &str, value: &Value) -> bool {
    // A caller may call a field of its own by a name with a dot: that is no path.
    let is_path = path.split_once('.').is_none_or(|(at, _)| NESTED.contains(&at));
    if path.contains('[') || !is_path {
        return false;
    }
    let mut at = body;
    let mut names = path.split('.').peekable();
    while let Some(name) = names.next() {
        if names.peek().is_none() {
            at.insert(name.to_owned(), value.clone());
            return true;
        }
        let inner = at.entry(name).or_insert_with(|| Value::Object(Object::new()));
        let Value::Object(inner) = inner else { return false };
        at = inner;
    }
    false
}

fn tools(
    request: &Request,
    model: Model<'_>,
    body: &mut Object,
    losses: &mut Losses,
) -> Result<(), Invalid> {
    let (mut functions, mut tools) = (Vec::new(), Vec::new());
    for (n, tool) in request.tools.iter().enumerate() {
        let at = format!("tools[{n}]");
        if tool.cache.is_some() {
            losses.meet(Feature::CacheMark, &format!("{at}.cache"))?;
        }
        match &tool.kind {
            ToolKind::Function { schema, strict } => {
                if *strict == Some(true) {
                    losses.meet(Feature::StrictTool, &format!("{at}.strict"))?;
                }
                functions.push(function(tool, schema, model, &at, losses)?);
            }
            ToolKind::Custom { .. } => {
                losses.meet(Feature::CustomTool, &at)?;
            }
            ToolKind::Native(Native { wire: Wire::Gemini, value }) => tools.push(value.clone()),
            ToolKind::Native(_) => {
                losses.meet(Feature::NativeTool, &at)?;
            }
        }
    }
    if !functions.is_empty() {
        tools.insert(0, json!({"functionDeclarations": functions}));
    }
    let calls_any = !tools.is_empty();
    put(body, "tools", calls_any.then_some(tools));
    let Some(choice) = &request.tool_choice else { return Ok(()) };
    let calling = match choice {
        ToolChoice::Auto => json!({"mode": "AUTO"}),
        ToolChoice::None => json!({"mode": "NONE"}),
        ToolChoice::Any => json!({"mode": "ANY"}),
        ToolChoice::One(name) => json!({"mode": "ANY", "allowedFunctionNames": [name]}),
        ToolChoice::Among { names, must } => {
            let mode = if *must { "ANY" } else { "VALIDATED" };
            json!({"mode": mode, "allowedFunctionNames": names})
        }
    };
    if calls_any {
        put(body, "toolConfig", Some(json!({"functionCallingConfig": calling})));
    }
    Ok(())
}

fn function(
    tool: &Tool,
    schema: &Value,
    model: Model<'_>,
    at: &str,
    losses: &mut Losses,
) -> Result<Value, Invalid> {
    let mut function = Object::new();
    put(&mut function, "name", Some(tool.name.as_str()));
    put(&mut function, "description", tool.description.as_deref());
    // Older models refuse a function whose object has no properties; none at all is right there.
    let is_empty = schema.get("properties").is_none_or(|p| p.as_object().is_none_or(Map::is_empty));
    if model.takes_json_schema() {
        put(&mut function, "parametersJsonSchema", Some(schema.clone()));
    } else if !is_empty || schema.get("$ref").is_some() {
        put(&mut function, "parameters", Some(own_schema(schema, at, losses)?));
    }
    Ok(function.into())
}

/// The schema in Gemini's own form. One that becomes looser is said to.
fn own_schema(schema: &Value, at: &str, losses: &mut Losses) -> Result<Value, Invalid> {
    let (own, looser) = schema::from_json(schema);
    if looser {
        losses.meet(Feature::StrictTool, &format!("{at}.schema"))?;
    }
    Ok(own)
}

fn sampling(request: &Request, config: &mut Object, losses: &mut Losses) -> Result<(), Invalid> {
    let sampling = &request.sampling;
    put(config, "temperature", sampling.temperature);
    put(config, "topP", sampling.top_p);
    put(config, "topK", sampling.top_k);
    put(config, "frequencyPenalty", sampling.frequency_penalty);
    put(config, "presencePenalty", sampling.presence_penalty);
    put(config, "candidateCount", sampling.candidates);
    put(config, "maxOutputTokens", request.output_tokens_max);
    put(config, "stopSequences", (!sampling.stop.is_empty()).then(|| sampling.stop.clone()));
    if let Some(seed) = sampling.seed {
        // Seeds have 32 bits here; a longer one is folded, always to the same.
        let folded = i32::try_from(seed).unwrap_or((seed ^ (seed >> 32)) as i32);
        if i64::from(folded) != seed {
            losses.meet(Feature::Seed, "sampling.seed")?;
        }
        put(config, "seed", Some(folded));
    }
    if !sampling.logit_bias.is_empty() {
        losses.meet(Feature::LogitBias, "sampling.logit_bias")?;
    }
    if let Some(others) = request.logprobs {
        put(config, "responseLogprobs", Some(true));
        put(config, "logprobs", (others > 0).then_some(others));
    }
    Ok(())
}

fn format(
    request: &Request,
    model: Model<'_>,
    config: &mut Object,
    losses: &mut Losses,
) -> Result<(), Invalid> {
    match &request.format {
        Format::Text => {}
        Format::Json => put(config, "responseMimeType", Some("application/json")),
        Format::Schema(format) => {
            put(config, "responseMimeType", Some("application/json"));
            let mut schema = format.schema.clone();
            if let (Value::Object(schema), Some(description)) = (&mut schema, &format.description) {
                schema.entry("description").or_insert_with(|| description.as_str().into());
            }
            if model.takes_json_schema() {
                put(config, "responseJsonSchema", Some(schema));
            } else {
                let own = own_schema(&schema, "format", losses)?;
                put(config, "responseSchema", Some(own));
            }
        }
    }
    Ok(())
}

/// How hard to think: in steps or in tokens, as the model takes it.
fn thinking(
    reasoning: &Reasoning,
    model: Model<'_>,
    losses: &mut Losses,
) -> Result<Object, Invalid> {
    let mut thinking = Object::new();
    match (reasoning.effort, reasoning.tokens_max) {
        (Some(effort), _) if model.thinks_in_levels() => {
            put(&mut thinking, "thinkingLevel", Some(model.level(effort)));
            if effort == Effort::None {
                losses.meet(Feature::Reasoning, "reasoning.effort")?;
            }
        }
        (None, Some(0)) if model.thinks_in_levels() => {
            put(&mut thinking, "thinkingLevel", Some(model.level(Effort::None)));
            losses.meet(Feature::Reasoning, "reasoning.tokens_max")?;
        }
        (_, Some(tokens)) => {
            let budget = model.budget(tokens);
            if budget != tokens {
                losses.meet(Feature::Reasoning, "reasoning.tokens_max")?;
            }
            put(&mut thinking, "thinkingBudget", Some(budget));
        }
        (Some(effort), None) => {
            let budget = model.budget(effort.tokens());
            if effort == Effort::None && budget > 0 {
                losses.meet(Feature::Reasoning, "reasoning.effort")?;
            }
            put(&mut thinking, "thinkingBudget", Some(budget));
        }
        (None, None) => {}
    }
    put(&mut thinking, "includeThoughts", reasoning.show);
    Ok(thinking)
}
