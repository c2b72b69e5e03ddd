//! Tools and the choice among them, read and written.

use super::blocks::{Leftovers, cache_mark};
use super::model::Traits;
use super::put::cache_control;
use super::{JSON_TOOL, WIRE};
use crate::Invalid;
use crate::fields::{Fields, Item};
use crate::loss::{Feature, Losses};
use crate::neutral::{Content, Native, Request, Tool, ToolChoice, ToolKind};
use serde_json::{Map, Value, json};

/// Takes `tools`, and `mcp_servers`, which are tools by another name.
pub(super) fn read(body: &mut Fields, left: &mut Leftovers) -> Result<Vec<Tool>, Invalid> {
    let tools = body.list("tools")?.unwrap_or_default();
    let servers = body.list("mcp_servers")?.unwrap_or_default();
    tools
        .into_iter()
        .map(|item| tool(item, left))
        .chain(servers.into_iter().map(|item| Ok(native(item.value))))
        .collect()
}

fn native(value: Value) -> Tool {
    let name = value.get("name").and_then(Value::as_str).unwrap_or_default().to_owned();
    let kind = ToolKind::Native(Native { wire: WIRE, value });
    Tool { name, description: None, kind, cache: None }
}

fn tool(item: Item, left: &mut Leftovers) -> Result<Tool, Invalid> {
    match item.value.get("type") {
        None | Some(Value::Null) => {}
        Some(Value::String(kind)) if kind == "custom" => {}
        Some(Value::String(_)) => return Ok(native(item.value)),
        Some(_) => return Err(item.fields()?.wrong("type", "a string")),
    }
    let mut fields = item.fields()?;
    fields.take("type");
    let name = fields.need_string("name")?;
    let description = fields.string("description")?;
    let schema = fields
        .map("input_schema")?
        .ok_or_else(|| fields.missing("input_schema", "the JSON Schema of the tool's input"))?;
    let kind =
        ToolKind::Function { schema: Value::Object(schema), strict: fields.boolean("strict")? };
    let cache = cache_mark(&mut fields, left)?;
    left.keep(fields);
    Ok(Tool { name, description, kind, cache })
}

/// Takes `tool_choice`: the choice, and whether several calls at once are wanted.
pub(super) fn read_choice(
    body: &mut Fields,
    left: &mut Leftovers,
) -> Result<(Option<ToolChoice>, Option<bool>), Invalid> {
    let Some(mut fields) = body.object("tool_choice")? else { return Ok((None, None)) };
    let choice = match fields.need_string("type")?.as_str() {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Any,
        "none" => ToolChoice::None,
        "tool" => ToolChoice::One(fields.need_string("name")?),
        _ => return Err(fields.wrong("type", "one of `auto`, `any`, `tool`, `none`")),
    };
    let parallel = fields.boolean("disable_parallel_tool_use")?.map(|disable| !disable);
    left.keep(fields);
    Ok((Some(choice), parallel))
}

/// Writes `tools`, and `mcp_servers` where there are any.
pub(super) fn write(
    request: &Request,
    traits: Traits,
    losses: &mut Losses,
) -> Result<(Vec<Value>, Vec<Value>), Invalid> {
    let only = match &request.tool_choice {
        Some(ToolChoice::Among { names, .. }) => {
            losses.meet(Feature::ToolSubset, "tool_choice")?;
            Some(names)
        }
        _ => None,
    };
    let (mut tools, mut servers) = (Vec::new(), Vec::new());
    for (n, tool) in request.tools.iter().enumerate() {
        if only.is_some_and(|names| !names.contains(&tool.name)) {
            continue;
        }
        match &tool.kind {
            ToolKind::Function { schema, strict } => {
                tools.push(function(n, tool, schema, *strict, traits, losses)?);
            }
            ToolKind::Custom { .. } => {
                losses.meet(Feature::CustomTool, &format!("tools[{n}]"))?;
            }
            ToolKind::Native(Native { wire: WIRE, value }) => {
                let server = value.get("type").and_then(Value::as_str) == Some("url");
                if server { &mut servers } else { &mut tools }.push(value.clone());
            }
            ToolKind::Native(_) => {
                losses.meet(Feature::NativeTool, &format!("tools[{n}]"))?;
            }
        }
    }
    if request.tools.is_empty() {
        tools = called(request);
    }
    Ok((tools, servers))
}

fn function(
    n: usize,
    tool: &Tool,
    schema: &Value,
    strict: Option<bool>,
    traits: Traits,
    losses: &mut Losses,
) -> Result<Value, Invalid> {
    let mut out = Map::new();
    out.insert("name".into(), tool.name.as_str().into());
    if let Some(description) = &tool.description {
        out.insert("description".into(), description.as_str().into());
    }
    out.insert("input_schema".into(), object_schema(schema));
    if strict == Some(true) {
        if traits.structured {
            out.insert("strict".into(), true.into());
        } else {
            losses.meet(Feature::StrictTool, &format!("tools[{n}].strict"))?;
        }
    }
    if let Some(mark) = tool.cache {
        out.insert("cache_control".into(), cache_control(mark));
    }
    Ok(out.into())
}

/// A schema of arguments says that they are an object.
fn object_schema(schema: &Value) -> Value {
    let mut schema = schema.as_object().cloned().unwrap_or_default();
    if !schema.contains_key("type") {
        let mut typed = Map::new();
        typed.insert("type".into(), "object".into());
        typed.extend(schema);
        schema = typed;
    }
    schema.into()
}

/// The tools that a conversation without declarations calls: the dialect wants them declared.
fn called(request: &Request) -> Vec<Value> {
    let mut names: Vec<&str> = Vec::new();
    for part in request.turns.iter().flat_map(|turn| &turn.parts) {
        match &part.content {
            Content::ToolCall(call) if !names.contains(&call.name.as_str()) => {
                names.push(&call.name);
            }
            _ => {}
        }
    }
    names
        .into_iter()
        .map(|name| json!({"name": name, "input_schema": {"type": "object"}}))
        .collect()
}

/// Whether the caller insists on a tool.
pub(super) const fn is_forced(choice: Option<&ToolChoice>) -> bool {
    matches!(
        choice,
        Some(ToolChoice::Any | ToolChoice::One(_) | ToolChoice::Among { must: true, .. })
    )
}

/// Writes `tool_choice`. `answer_tool`: the answer itself is a tool, to be forced or only offered.
pub(super) fn write_choice(request: &Request, answer_tool: bool) -> Option<Value> {
    let callable = !request.tools.is_empty();
    let none = matches!(request.tool_choice, Some(ToolChoice::None)) || !callable;
    let mut choice = match &request.tool_choice {
        _ if answer_tool && none => json!({"type": "tool", "name": JSON_TOOL}),
        Some(ToolChoice::One(name)) => json!({"type": "tool", "name": name}),
        _ if answer_tool => json!({"type": "any"}),
        _ if !callable => return called_only(request),
        None | Some(ToolChoice::Auto | ToolChoice::Among { must: false, .. }) => {
            json!({"type": "auto"})
        }
        Some(ToolChoice::None) => return Some(json!({"type": "none"})),
        Some(ToolChoice::Any | ToolChoice::Among { must: true, .. }) => json!({"type": "any"}),
    };
    match (request.parallel_tool_calls, choice.as_object_mut()) {
        (Some(false), Some(choice)) => {
            choice.insert("disable_parallel_tool_use".into(), true.into());
        }
        _ if request.tool_choice.is_none() && !answer_tool => return None,
        _ => {}
    }
    Some(choice)
}

/// Tools that are declared for the history's sake are not to be called.
fn called_only(request: &Request) -> Option<Value> {
    (!called(request).is_empty()).then(|| json!({"type": "none"}))
}
