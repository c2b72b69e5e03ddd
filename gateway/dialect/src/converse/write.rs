//! A request, whole: everything but the conversation itself.

use super::body::{
    Body, Inference, InputSchema, OutputConfig, Structure, TextFormat, Tool, ToolChoice as Choice,
    ToolConfig, ToolSpec, Typed,
};
use super::model::Family;
use super::turns::{self, Conversation};
use super::{JSON_TOOL, turns::cache_point};
use crate::convert::Provider;
use crate::loss::{Feature, Losses};
use crate::messages::{self, model::Traits};
use crate::neutral::{Format, Request, ToolChoice, ToolKind};
use crate::{Invalid, Wire};
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// The highest that the service takes.
const TEMPERATURE_MAX: f64 = 1.0;

/// What is written of wishes that touch each other.
struct Plan {
    max_tokens: Option<u64>,
    temperature: Option<f64>,
    top_p: Option<f64>,
    /// The model's own fields.
    fields: Map<String, Value>,
    effort: Option<&'static str>,
    /// The JSON text of a schema that is enforced.
    schema: Option<String>,
    /// The answer is the input of a tool of ours.
    by_tool: bool,
}

pub(super) fn request(
    request: &Request,
    to: &Provider<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Invalid> {
    let family = Family::of(to.model);
    unsayable(request, losses)?;
    let mut talk = turns::write(request, family, losses)?;
    let plan = match family {
        Family::Claude(traits) => claude(request, traits, to, losses)?,
        _ => plan(request, family, losses)?,
    };
    let tool_config = tools(request, &mut talk, plan.by_tool, family, losses)?;
    let mut fields = plan.fields;
    let extra = extra(request, &mut fields, losses)?;
    let claude = matches!(family, Family::Claude(..));
    let stops = &request.sampling.stop;
    let body = Body {
        messages: talk.messages,
        system: talk.system,
        inference_config: Inference {
            max_tokens: plan.max_tokens,
            temperature: plan.temperature,
            top_p: plan.top_p,
            stop_sequences: stops,
        },
        tool_config,
        output_config: OutputConfig {
            text_format: text_format(&request.format, plan.schema),
            effort: plan.effort,
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

fn text_format(format: &Format, schema: Option<String>) -> Option<TextFormat<'_>> {
    let (Format::Schema(named), Some(schema)) = (format, schema) else { return None };
    let (name, description) = (named.name.as_str(), named.description.as_deref());
    let structure = Structure::JsonSchema { schema, name, description };
    Some(TextFormat { r#type: "json_schema", structure })
}

/// What Claude takes is decided as in its own dialect, and said here.
fn claude(
    request: &Request,
    traits: Traits,
    to: &Provider<'_>,
    losses: &mut Losses,
) -> Result<Plan, Invalid> {
    let told = messages::plan::plan(request, traits, to, losses)?;
    let mut fields = Map::new();
    if let Some(thinking) = told.thinking {
        fields.insert("thinking".to_owned(), thinking);
    }
    if let Some(k) = told.top_k {
        fields.insert("top_k".to_owned(), k.into());
    }
    Ok(Plan {
        max_tokens: Some(told.max_tokens),
        temperature: told.temperature,
        top_p: told.top_p,
        fields,
        effort: told.effort,
        schema: told.format.map(|schema| schema.to_string()),
        by_tool: told.answer_tool.is_some(),
    })
}

/// What all others take.
fn plan(request: &Request, family: Family, losses: &mut Losses) -> Result<Plan, Invalid> {
    let sampling = &request.sampling;
    let told = request.reasoning.as_ref().map(|reasoning| family.reason(reasoning));
    if told == Some(None) {
        losses.lack(Feature::Reasoning, "reasoning")?;
    }
    let mut fields = told.flatten().unwrap_or_default();
    if let Some(k) = sampling.top_k {
        match family.top_k(k) {
            Some((name, value)) => drop(fields.insert(name.to_owned(), value)),
            None => drop(losses.meet(Feature::TopK, "sampling.top_k")?),
        }
    }
    if sampling.temperature.is_some_and(|value| value > TEMPERATURE_MAX) {
        losses.lack(Feature::Temperature, "sampling.temperature")?;
    }
    let schema = match &request.format {
        Format::Schema(wanted) if family.takes_schema() => Some(wanted.schema.to_string()),
        _ => None,
    };
    Ok(Plan {
        max_tokens: request.output_tokens_max,
        temperature: sampling.temperature.map(|value| value.min(TEMPERATURE_MAX)),
        top_p: sampling.top_p,
        fields,
        effort: None,
        by_tool: schema.is_none() && request.format != Format::Text,
        schema,
    })
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
