//! Tools and the choice among them; also the vendor's older `functions`.

use super::Tools;
use super::content::cache_mark;
use crate::fields::{Fields, Item};
use crate::neutral::{Native, Tool, ToolChoice, ToolKind};
use crate::{Invalid, Wire};
use serde_json::{Map, Value};

pub(super) fn tools(body: &mut Fields) -> Result<Tools, Invalid> {
    let mut tools = Vec::new();
    for item in body.list("tools")?.unwrap_or_default() {
        tools.push(tool(item)?);
    }
    for item in body.list("functions")?.unwrap_or_default() {
        tools.push(function(item.fields()?, None)?);
    }
    let older = function_call(body)?;
    Ok((tools, tool_choice(body)?.or(older)))
}

fn tool(item: Item) -> Result<Tool, Invalid> {
    let whole = item.value.clone();
    let mut tool = item.fields()?;
    let cache = cache_mark(&mut tool)?;
    match tool.need_string("type")?.as_str() {
        "function" => function(tool.need_object("function")?, cache),
        "custom" => {
            let mut custom = tool.need_object("custom")?;
            Ok(Tool {
                name: custom.need_string("name")?,
                description: custom.string("description")?,
                kind: ToolKind::Custom { format: custom.take("format") },
                cache,
            })
        }
        name => Ok(Tool {
            name: name.to_owned(),
            description: None,
            kind: ToolKind::Native(Native { wire: Wire::Chat, value: whole }),
            cache,
        }),
    }
}

fn function(
    mut function: Fields,
    cache: Option<crate::neutral::CacheMark>,
) -> Result<Tool, Invalid> {
    Ok(Tool {
        name: function.need_string("name")?,
        description: function.string("description")?,
        kind: ToolKind::Function {
            strict: function.boolean("strict")?,
            schema: function.map("parameters")?.unwrap_or_else(no_parameters).into(),
        },
        cache,
    })
}

/// The vendor takes a function without parameters for one with none.
fn no_parameters() -> Map<String, Value> {
    let mut schema = Map::new();
    schema.insert("type".to_owned(), "object".into());
    schema.insert("properties".to_owned(), Map::new().into());
    schema
}

fn tool_choice(body: &mut Fields) -> Result<Option<ToolChoice>, Invalid> {
    let Some(item) = body.item("tool_choice") else { return Ok(None) };
    if let Value::String(word) = &item.value {
        return match word.as_str() {
            "auto" => Ok(Some(ToolChoice::Auto)),
            "none" => Ok(Some(ToolChoice::None)),
            "required" | "any" => Ok(Some(ToolChoice::Any)),
            _ => Err(item.wrong("`auto`, `none`, `required` or an object that names a tool")),
        };
    }
    let mut choice = item.fields()?;
    let kind = choice.need_string("type")?;
    match kind.as_str() {
        "function" | "custom" => {
            Ok(Some(ToolChoice::One(choice.need_object(&kind)?.need_string("name")?)))
        }
        "allowed_tools" => {
            let mut allowed = choice.need_object("allowed_tools")?;
            let must = allowed.word("mode", &[("auto", false), ("required", true)])?;
            let names = allowed.need_list("tools")?.into_iter().map(|item| {
                let mut tool = item.fields()?;
                let kind = tool.need_string("type")?;
                tool.need_object(&kind)?.need_string("name")
            });
            let names = names.collect::<Result<_, _>>()?;
            Ok(Some(ToolChoice::Among { names, must: must.unwrap_or(false) }))
        }
        _ => Err(choice.wrong("type", "`function`, `custom` or `allowed_tools`")),
    }
}

fn function_call(body: &mut Fields) -> Result<Option<ToolChoice>, Invalid> {
    let Some(item) = body.item("function_call") else { return Ok(None) };
    match &item.value {
        Value::String(word) if word == "auto" => Ok(Some(ToolChoice::Auto)),
        Value::String(word) if word == "none" => Ok(Some(ToolChoice::None)),
        Value::Object(_) => Ok(Some(ToolChoice::One(item.fields()?.need_string("name")?))),
        _ => Err(item.wrong("`auto`, `none` or an object with a `name`")),
    }
}
