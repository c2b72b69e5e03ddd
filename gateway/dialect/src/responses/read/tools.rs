//! Reads the tools of a request, and which of them may be called.

use super::super::WIRE;
use crate::Invalid;
use crate::fields::{Fields, Item};
use crate::neutral::{Extra, Native, Request, Tool, ToolChoice, ToolKind};
use serde_json::{Map, Value, json};

/// Reads `tools` and `tool_choice`.
pub(super) fn read_tools(body: &mut Fields, request: &mut Request) -> Result<(), Invalid> {
    for item in body.list("tools")?.unwrap_or_default() {
        request.tools.push(read_tool(item)?);
    }
    if let Some(item) = body.item("tool_choice") {
        read_choice(item, request)?;
    }
    Ok(())
}

fn read_tool(item: Item) -> Result<Tool, Invalid> {
    let kind = item.value.get("type").and_then(Value::as_str).map(str::to_owned);
    match kind {
        Some(kind) if kind != "function" && kind != "custom" => {
            let native = ToolKind::Native(Native { wire: WIRE, value: item.value });
            return Ok(Tool { name: kind, description: None, kind: native, cache: None });
        }
        _ => {}
    }
    let mut tool = item.fields()?;
    let kind = tool.need_string("type")?;
    Ok(Tool {
        name: tool.need_string("name")?,
        description: tool.string("description")?,
        kind: if kind == "custom" {
            ToolKind::Custom { format: tool.map("format")?.map(nested) }
        } else {
            ToolKind::Function {
                schema: tool.map("parameters")?.map_or_else(no_arguments, Value::from),
                strict: tool.boolean("strict")?,
            }
        },
        cache: None,
    })
}

/// The schema of a function without arguments.
fn no_arguments() -> Value {
    json!({"type": "object", "properties": {}})
}

/// A custom tool's format in the neutral form, where a grammar is an object of its own.
fn nested(mut format: Map<String, Value>) -> Value {
    match format.shift_remove("type") {
        Some(kind) if kind == "grammar" => json!({"type": kind, "grammar": format}),
        kind => {
            format.extend(kind.map(|kind| ("type".to_owned(), kind)));
            format.into()
        }
    }
}

/// A choice of one of the vendor's own tools stays what it is: the tool itself is refused wherever
/// it is not known.
fn read_choice(item: Item, request: &mut Request) -> Result<(), Invalid> {
    if let Value::String(word) = &item.value {
        request.tool_choice = Some(match word.as_str() {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" => ToolChoice::Any,
            _ => {
                let must = "one of `auto`, `none`, `required`, or an object that names a tool: \
                            {\"type\": \"function\", \"name\": …}";
                return Err(item.wrong(must));
            }
        });
        return Ok(());
    }
    let whole = item.value.clone();
    let mut choice = item.fields()?;
    match choice.need_string("type")?.as_str() {
        "function" | "custom" => {
            request.tool_choice = Some(ToolChoice::One(choice.need_string("name")?));
        }
        "allowed_tools" => {
            let must = choice.word("mode", &[("auto", false), ("required", true)])?;
            let mut names = Vec::new();
            for item in choice.need_list("tools")? {
                let mut tool = item.fields()?;
                let kind = tool.need_string("type")?;
                names.push(tool.string("name")?.unwrap_or(kind));
            }
            let must = must.unwrap_or(false);
            request.tool_choice = Some(ToolChoice::Among { names, must });
        }
        _ => {
            let name = "tool_choice".to_owned();
            request.extra.push(Extra { wire: WIRE, name, value: whole });
        }
    }
    Ok(())
}
