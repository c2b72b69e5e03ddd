//! A request, whole: everything but the conversation itself.

use super::body::{
    Body, Inference, InputSchema, OutputConfig, Structure, TextFormat, Tool, ToolChoice as Choice,
    ToolConfig, ToolSpec, Typed,
};
use super::model::{Family, Told};
use super::turns::{self, Conversation};
use super::{JSON_TOOL, turns::cache_point};
use crate::convert::Provider;
use crate::loss::{Feature, Losses};
use crate::neutral::{Format, Request, ToolChoice, ToolKind};
use crate::{Invalid, Wire};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Tokens of an answer where neither the caller nor the model's record bounds them and a bound
/// must be told.
const OUTPUT_TOKENS: u64 = 4_096;

pub(super) fn request(
    request: &Request,
    to: &Provider<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Invalid> {
    let family = Family::of(to.model);
    unsayable(request, losses)?;
    let mut talk = turns::write(request, family, losses)?;
    let by_tool = match &request.format {
        Format::Text => false,
        Format::Json => true,
        Format::Schema(_) => !family.takes_schema(),
    };
    let tool_config = tools(request, &mut talk, by_tool, family, losses)?;
    let forced = tool_config
        .as_ref()
        .is_some_and(|c| matches!(c.tool_choice, Some(Choice::Any {} | Choice::Tool { .. })));
    let told = reasoning(request, &talk, forced, family, losses)?;
    let (max_tokens, mut fields) = bounded(request, told.budget, told.fields, to);
    let thinks = fields.get("thinking").is_some_and(|told| told["type"] != "disabled");
    let (temperature, top_p) = sampling(request, thinks, family, &mut fields, losses)?;
    let extra = extra(request, &mut fields, losses)?;
    let claude = matches!(family, Family::Claude(..));
    let stops = &request.sampling.stop;
    let body = Body {
        messages: talk.messages,
        system: talk.system,
        inference_config: Inference { max_tokens, temperature, top_p, stop_sequences: stops },
        tool_config,
        output_config: OutputConfig {
            text_format: if by_tool { None } else { text_format(&request.format) },
            effort: told.effort,
        },
        service_tier: service_tier(request, losses)?,
        request_metadata: metadata(request, losses)?,
        additional_model_request_fields: fields,
        // Which of the sequences it was, it tells when asked.
        additional_model_response_field_paths: if claude && !stops.is_empty() {
            vec!["/stop_sequence"]
        } else {
            Vec::new()
        },
        extra,
    };
    serde_json::to_vec(&body)
        .map_err(|error| Invalid::at("", format!("The request cannot be written: {error}.")))
}

/// What no model behind this shape is told.
fn unsayable(request: &Request, losses: &mut Losses) -> Result<(), Invalid> {
    let sampling = &request.sampling;
    for (there, feature, field) in [
        (sampling.candidates.is_some_and(|n| n != 1), Feature::Candidates, "sampling.candidates"),
        (request.logprobs.is_some(), Feature::Logprobs, "logprobs"),
        (sampling.frequency_penalty.is_some(), Feature::Penalties, "sampling.frequency_penalty"),
        (sampling.presence_penalty.is_some(), Feature::Penalties, "sampling.presence_penalty"),
        (sampling.seed.is_some(), Feature::Seed, "sampling.seed"),
        (!sampling.logit_bias.is_empty(), Feature::LogitBias, "sampling.logit_bias"),
        // True is what the models do of themselves.
        (
            request.parallel_tool_calls == Some(false),
            Feature::ParallelToolCalls,
            "parallel_tool_calls",
        ),
        (request.end_user.is_some(), Feature::EndUser, "end_user"),
        (request.cache_key.is_some(), Feature::CacheKey, "cache_key"),
    ] {
        if there {
            losses.meet(feature, field)?;
        }
    }
    Ok(())
}

fn tools<'a>(
    request: &'a Request,
    talk: &mut Conversation<'a>,
    by_tool: bool,
    family: Family,
    losses: &mut Losses,
) -> Result<Option<ToolConfig<'a>>, Invalid> {
    let among = match &request.tool_choice {
        Some(ToolChoice::Among { names, .. }) => {
            losses.meet(Feature::ToolSubset, "tool_choice")?;
            Some(names)
        }
        _ => None,
    };
    let banned = request.tool_choice == Some(ToolChoice::None);
    let mut tools = Vec::new();
    // Tools that may not be called are told only where the history holds calls of them.
    if !banned || !talk.called.is_empty() {
        for (n, tool) in request.tools.iter().enumerate() {
            if among.is_none_or(|names| names.contains(&tool.name)) {
                self::tool(n, tool, &mut tools, family, losses)?;
            }
        }
    }
    // The service wants every tool that the history calls to be declared.
    if tools.is_empty() {
        tools.extend(talk.called.iter().map(|name| Tool::ToolSpec(undeclared(name))));
    }
    if banned && !tools.is_empty() {
        losses.meet(Feature::ToolSubset, "tool_choice")?;
        let plea = "Answer without calling any tool.";
        talk.system.push(super::body::Block::Text(plea.into()));
    }
    let wanted = tools.len();
    if by_tool {
        tools.push(json_tool(&request.format, losses)?);
    }
    if tools.is_empty() {
        return Ok(None);
    }
    let tool_choice = match &request.tool_choice {
        Some(ToolChoice::One(name)) => Some(Choice::Tool { name }),
        Some(ToolChoice::Any | ToolChoice::Among { must: true, .. }) => Some(Choice::Any {}),
        _ if by_tool && (wanted == 0 || banned) => Some(Choice::Tool { name: JSON_TOOL }),
        _ if by_tool => Some(Choice::Any {}),
        Some(ToolChoice::Auto | ToolChoice::Among { must: false, .. }) => Some(Choice::Auto {}),
        Some(ToolChoice::None) | None => None,
    };
    Ok(Some(ToolConfig { tools, tool_choice }))
}

fn tool<'a>(
    n: usize,
    tool: &'a crate::neutral::Tool,
    out: &mut Vec<Tool<'a>>,
    family: Family,
    losses: &mut Losses,
) -> Result<(), Invalid> {
    let field = format!("tools[{n}]");
    match &tool.kind {
        ToolKind::Function { schema, strict } => {
            named(&tool.name, &field)?;
            if strict.is_some() && !family.takes_schema() {
                losses.lack(Feature::StrictTool, &format!("{field}.strict"))?;
            }
            out.push(Tool::ToolSpec(ToolSpec {
                name: &tool.name,
                description: tool.description.as_deref().filter(|text| !text.is_empty()),
                input_schema: InputSchema { json: object_schema(schema) },
                strict: strict.filter(|_| family.takes_schema()),
            }));
        }
        ToolKind::Custom { .. } => drop(losses.meet(Feature::CustomTool, &field)?),
        ToolKind::Native(native) if native.wire == Wire::Converse => {
            out.push(Tool::Native(&native.value));
        }
        ToolKind::Native(_) => drop(losses.meet(Feature::NativeTool, &field)?),
    }
    if let Some(mark) = tool.cache {
        let point = cache_point(mark, family.caches_tools(), family, &field, losses)?;
        out.extend(point.map(Tool::CachePoint));
    }
    Ok(())
}

/// The service takes 64 letters, digits, hyphens and underscores; and one name is ours.
fn named(name: &str, field: &str) -> Result<(), Invalid> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
    let detail = if turns::is_ours(name) {
        format!("`{field}.name` is a name that the gateway keeps for itself. Choose another.")
    } else if !(1..=64).contains(&name.len()) || !name.bytes().all(plain) {
        format!(
            "`{field}.name` must be 1 to 64 letters, digits, hyphens and underscores: a model on \
             Bedrock takes no other names of tools."
        )
    } else {
        return Ok(());
    };
    Err(Invalid::at(format!("{field}.name"), detail))
}

/// A schema, which the service wants to be one of an object.
fn object_schema(schema: &Value) -> Cow<'_, Value> {
    match schema {
        Value::Object(map) if map.contains_key("type") => Cow::Borrowed(schema),
        Value::Object(map) => {
            let mut map = map.clone();
            map.insert("type".to_owned(), "object".into());
            Cow::Owned(Value::Object(map))
        }
        _ => Cow::Owned(json!({ "type": "object", "properties": {} })),
    }
}

fn undeclared<'a>(name: &&'a str) -> ToolSpec<'a> {
    let json = Cow::Owned(json!({ "type": "object" }));
    ToolSpec { name, description: None, input_schema: InputSchema { json }, strict: None }
}

/// The tool through which a model answers that cannot be held to JSON in another way.
fn json_tool<'a>(format: &'a Format, losses: &mut Losses) -> Result<Tool<'a>, Invalid> {
    let feature = match format {
        Format::Schema(_) => Feature::SchemaFormat,
        Format::Text | Format::Json => Feature::JsonFormat,
    };
    losses.meet(feature, "format")?;
    let (description, json) = match format {
        Format::Schema(schema) => (schema.description.as_deref(), object_schema(&schema.schema)),
        Format::Text | Format::Json => (None, Cow::Owned(json!({ "type": "object" }))),
    };
    Ok(Tool::ToolSpec(ToolSpec {
        name: JSON_TOOL,
        description: description
            .filter(|text| !text.is_empty())
            .or(Some("Gives the answer, as JSON. Call it with the whole answer.")),
        input_schema: InputSchema { json },
        strict: None,
    }))
}

fn text_format(format: &Format) -> Option<TextFormat<'_>> {
    let Format::Schema(schema) = format else { return None };
    let structure = Structure::JsonSchema {
        schema: schema.schema.to_string(),
        name: &schema.name,
        description: schema.description.as_deref(),
    };
    Some(TextFormat { r#type: "json_schema", structure })
}

/// How the model is told to reason, where it can do so in this call.
fn reasoning(
    request: &Request,
    talk: &Conversation<'_>,
    forced: bool,
    family: Family,
    losses: &mut Losses,
) -> Result<Told, Invalid> {
    let Some(reasoning) = &request.reasoning else { return Ok(Told::default()) };
    let told = family.reason(reasoning).filter(|told| {
        let off = told.fields.get("thinking").is_none_or(|t| t["type"] == "disabled");
        let unproved = family.needs_reasoning_back() && talk.calls_without_reasoning;
        off || !(forced && family.reasons_unforced() || unproved)
    });
    match told {
        Some(told) => Ok(told),
        None => {
            losses.lack(Feature::Reasoning, "reasoning")?;
            Ok(Told::default())
        }
    }
}

/// The bound of the answer, and the model's own fields: reasoning counts into the bound, which is
/// raised above it, up to what the model gives.
fn bounded(
    request: &Request,
    budget: Option<u64>,
    mut fields: Map<String, Value>,
    to: &Provider<'_>,
) -> (Option<u64>, Map<String, Value>) {
    let Some(budget) = budget else { return (request.output_tokens_max, fields) };
    let most = u64::from(to.output_tokens_max);
    let most = if most == 0 { u64::MAX } else { most };
    let visible = request.output_tokens_max.unwrap_or(OUTPUT_TOKENS);
    let bound = if visible > budget { visible } else { budget.saturating_add(visible).min(most) };
    if budget >= bound
        && let Some(thinking) = fields.get_mut("thinking").and_then(Value::as_object_mut)
    {
        thinking.insert("budget_tokens".to_owned(), bound.saturating_sub(1).into());
    }
    (Some(bound), fields)
}

/// Temperature and `top_p`; `top_k` goes to the model's own fields. The service takes temperatures
/// up to 1, and Claude, while it thinks, none but 1.
fn sampling(
    request: &Request,
    thinks: bool,
    family: Family,
    fields: &mut Map<String, Value>,
    losses: &mut Losses,
) -> Result<(Option<f64>, Option<f64>), Invalid> {
    let wished = &request.sampling;
    let mut temperature = wished.temperature;
    if let Some(value) = temperature
        && (value > 1.0 || (thinks && value < 1.0))
    {
        losses.lack(Feature::Temperature, "sampling.temperature")?;
        temperature = (!thinks).then_some(1.0);
    }
    let mut top_p = wished.top_p;
    if thinks && top_p.is_some_and(|value| value < 0.95) {
        losses.lack(Feature::Temperature, "sampling.top_p")?;
        top_p = None;
    }
    if let Some(k) = wished.top_k {
        match family.top_k(k).filter(|_| !thinks) {
            Some((name, value)) => drop(fields.insert(name.to_owned(), value)),
            None => drop(losses.meet(Feature::TopK, "sampling.top_k")?),
        }
    }
    Ok((temperature, top_p))
}

fn service_tier<'a>(
    request: &'a Request,
    losses: &mut Losses,
) -> Result<Option<Typed<'a>>, Invalid> {
    let tier = match request.service_tier.as_deref() {
        None | Some("auto") => return Ok(None),
        Some("standard" | "standard_only") => "default",
        Some(known @ ("default" | "flex" | "priority" | "reserved")) => known,
        Some(_) => {
            losses.lack(Feature::ServiceTier, "service_tier")?;
            return Ok(None);
        }
    };
    Ok(Some(Typed { r#type: tier }))
}

/// Entries that the service takes: 16, of texts of 256 of its characters.
fn metadata<'a>(
    request: &'a Request,
    losses: &mut Losses,
) -> Result<BTreeMap<&'a str, &'a str>, Invalid> {
    let plain = |text: &str| {
        let fits = |c: char| {
            c.is_ascii_alphanumeric() || c.is_ascii_whitespace() || ":_@$#=/+,-.".contains(c)
        };
        text.len() <= 256 && text.chars().all(fits)
    };
    let mut out = BTreeMap::new();
    for (name, value) in &request.metadata {
        match value.as_str() {
            Some(value) if out.len() < 16 && !name.is_empty() && plain(name) && plain(value) => {
                out.insert(name.as_str(), value);
            }
            _ => drop(losses.lack(Feature::Metadata, &format!("metadata.{name}"))?),
        }
    }
    Ok(out)
}

/// Fields of this dialect that nobody has read; the model's own among them go with ours.
fn extra<'a>(
    request: &'a Request,
    fields: &mut Map<String, Value>,
    losses: &mut Losses,
) -> Result<BTreeMap<&'a str, &'a Value>, Invalid> {
    let mut out = BTreeMap::new();
    for extra in &request.extra {
        match (&extra.value, extra.name.as_str()) {
            _ if extra.wire != Wire::Converse => {
                losses.meet(Feature::Extra, &extra.name)?;
            }
            (Value::Object(map), "additionalModelRequestFields") => {
                fields.extend(map.iter().map(|(name, value)| (name.clone(), value.clone())));
            }
            (value, name) => drop(out.insert(name, value)),
        }
    }
    Ok(out)
}
