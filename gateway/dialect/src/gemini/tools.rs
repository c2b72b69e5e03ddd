//! Reads `tools` and `toolConfig`.

use super::proto::Proto;
use super::read::extras;
use super::schema;
use crate::fields::Item;
use crate::neutral::{Native, Request, Tool, ToolChoice, ToolKind};
use crate::{Invalid, Wire};
use serde_json::{Map, Value, json};

/// One of `tools`: some functions, and tools that the vendor runs, each a field of its own.
pub(super) fn read_tool(item: Item, request: &mut Request) -> Result<(), Invalid> {
    let mut tool = Proto::of(item)?;
    for item in tool.list("functionDeclarations")? {
        let (function, at, rest) = function(item)?;
        request.tools.push(function);
        extras(request, &at, rest);
    }
    for (name, value) in tool.rest() {
        let mut own = Map::new();
        own.insert(name.clone(), value);
        let kind = ToolKind::Native(Native { wire: Wire::Gemini, value: own.into() });
        request.tools.push(Tool { name, description: None, kind, cache: None });
    }
    Ok(())
}

/// A function, its place, and what of it is not known here.
fn function(item: Item) -> Result<(Tool, String, Map<String, Value>), Invalid> {
    let mut declaration = Proto::of(item)?;
    let at = declaration.at().to_owned();
    let name = declaration.need_string("name")?;
    let description = declaration.string("description")?;
    let own = declaration.map("parameters")?.map(|own| schema::to_json(own.into()));
    let schema = declaration.take("parametersJsonSchema").or(own);
    let schema = schema.unwrap_or_else(|| json!({"type": "object", "properties": {}}));
    let kind = ToolKind::Function { schema, strict: None };
    Ok((Tool { name, description, kind, cache: None }, at, declaration.rest()))
}

pub(super) fn read_config(mut config: Proto, request: &mut Request) -> Result<(), Invalid> {
    if let Some(mut calling) = config.object("functionCallingConfig")? {
        let mut names = calling.strings("allowedFunctionNames")?;
        let mode = calling.string("mode")?.unwrap_or_default().to_ascii_uppercase();
        request.tool_choice = match mode.as_str() {
            "" | "MODE_UNSPECIFIED" if names.is_empty() => None,
            "AUTO" | "VALIDATED" if names.is_empty() => Some(ToolChoice::Auto),
            "" | "MODE_UNSPECIFIED" | "AUTO" | "VALIDATED" => {
                Some(ToolChoice::Among { names, must: false })
            }
            "NONE" => Some(ToolChoice::None),
            "ANY" => Some(match names.len() {
                0 => ToolChoice::Any,
                1 => names.pop().map_or(ToolChoice::Any, ToolChoice::One),
                _ => ToolChoice::Among { names, must: true },
            }),
            _ => return Err(calling.wrong("mode", "one of `AUTO`, `ANY`, `NONE`, `VALIDATED`")),
        };
        extras(request, "toolConfig.functionCallingConfig", calling.rest());
    }
    extras(request, "toolConfig", config.rest());
    Ok(())
}
