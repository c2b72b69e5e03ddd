//! Writes the tools of a request, and which of them may be called.

use super::super::WIRE;
use crate::Invalid;
use crate::loss::{Feature, Losses};
use crate::neutral::{Request, Tool, ToolChoice, ToolKind};
use serde_json::{Map, Value, json};

/// `tools`; none where there are none.
pub(super) fn write_tools(
    request: &Request,
    losses: &mut Losses,
) -> Result<Option<Value>, Invalid> {
    let mut tools = Vec::new();
    for (index, tool) in request.tools.iter().enumerate() {
        if tool.cache.is_some() {
            losses.meet(Feature::CacheMark, &format!("tools[{index}].cache"))?;
        }
        match write_tool(tool) {
            Some(tool) => tools.push(tool),
            None => drop(losses.meet(Feature::NativeTool, &format!("tools[{index}]"))?),
        }
    }
    Ok((!tools.is_empty()).then(|| tools.into()))
}

/// A tool; `None` for one of another vendor's own.
pub(in super::super) fn write_tool(tool: &Tool) -> Option<Value> {
    let (kind, members) = match &tool.kind {
        // Without `strict`, this dialect takes a schema to be meant so.
        ToolKind::Function { schema, strict } => (
            "function",
            vec![("parameters", schema.clone()), ("strict", strict.unwrap_or(false).into())],
        ),
        ToolKind::Custom { format } => {
            ("custom", flat(format).map(|format| ("format", format)).into_iter().collect())
        }
        ToolKind::Native(native) if native.wire == WIRE => return Some(native.value.clone()),
        ToolKind::Native(_) => return None,
    };
    let named = [("type", kind.into()), ("name", tool.name.as_str().into())];
    let told = tool.description.as_deref().map(|text| ("description", text.into()));
    let all = named.into_iter().chain(told).chain(members);
    Some(all.map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>().into())
}

/// A custom tool's format, whose grammar chat nests and this dialect does not.
fn flat(format: &Option<Value>) -> Option<Value> {
    let format = format.as_ref()?;
    let Some(grammar) = format.get("grammar").and_then(Value::as_object) else {
        return Some(format.clone());
    };
    let mut flat: Map<String, Value> = grammar.clone();
    flat.insert("type".to_owned(), "grammar".into());
    Some(flat.into())
}

/// `tool_choice`, where the caller made one.
pub(in super::super) fn write_choice(request: &Request) -> Option<Value> {
    let named = |name: &str| {
        let custom = request
            .tools
            .iter()
            .any(|tool| tool.name == name && matches!(tool.kind, ToolKind::Custom { .. }));
        json!({"type": if custom { "custom" } else { "function" }, "name": name})
    };
    Some(match request.tool_choice.as_ref()? {
        ToolChoice::Auto => "auto".into(),
        ToolChoice::None => "none".into(),
        ToolChoice::Any => "required".into(),
        ToolChoice::One(name) => named(name),
        ToolChoice::Among { names, must } => json!({
            "type": "allowed_tools",
            "mode": if *must { "required" } else { "auto" },
            "tools": names.iter().map(|name| named(name)).collect::<Vec<_>>(),
        }),
    })
}
