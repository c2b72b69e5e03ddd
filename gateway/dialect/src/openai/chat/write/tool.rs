//! Tools and the choice among them.

use super::{Quirk, Settings, Writer};
use crate::loss::Feature;
use crate::neutral::{CacheMark, Request, Tool, ToolChoice, ToolKind};
use crate::{Invalid, Wire};
use serde_json::{Map, Value, json};

impl Writer<'_> {
    pub(super) fn tools(&mut self, request: &Request, to: &mut Settings) -> Result<(), Invalid> {
        let choice = self.choice(request)?;
        let mut tools = Vec::new();
        for (n, tool) in request.tools.iter().enumerate() {
            if choice.only.is_none_or(|names| names.contains(&tool.name)) {
                tools.push(self.tool(tool, n)?);
            }
        }
        if tools.is_empty() {
            return Ok(());
        }
        to.set("tools", tools);
        if let Some(word) = choice.written {
            to.set("tool_choice", word);
        }
        if let Some(parallel) = request.parallel_tool_calls {
            let field = || "parallel_tool_calls".to_owned();
            if self.lacks(Feature::ParallelToolCalls, field)?.is_none() {
                to.set("parallel_tool_calls", parallel);
            }
        }
        Ok(())
    }

    fn choice<'r>(&mut self, request: &'r Request) -> Result<Choice<'r>, Invalid> {
        let Some(choice) = &request.tool_choice else { return Ok(Choice::default()) };
        let forced = match choice {
            ToolChoice::Any | ToolChoice::One(_) => true,
            ToolChoice::Among { must, .. } => *must,
            ToolChoice::Auto | ToolChoice::None => false,
        };
        if forced {
            self.lacks(Feature::ForcedTool, || "tool_choice".to_owned())?;
        }
        Ok(match choice {
            ToolChoice::Auto => Choice::of("auto"),
            // Where nothing but `auto` is heard, no tool is called only where there is none.
            ToolChoice::None if self.has(Quirk::NoForcedTool) => {
                self.losses.adapt("tool_choice");
                Choice { only: Some(&[]), written: None }
            }
            ToolChoice::None => Choice::of("none"),
            ToolChoice::Any => Choice::of("required"),
            ToolChoice::One(name) if self.has(Quirk::ChoiceWord) => {
                if request.tools.iter().all(|tool| tool.name != *name) {
                    return Err(Invalid::at("tool_choice", "Name one of the tools."));
                }
                self.losses.adapt("tool_choice");
                Choice { only: Some(std::slice::from_ref(name)), written: Some("required".into()) }
            }
            ToolChoice::One(name) => Choice::of(named(request, name)),
            ToolChoice::Among { names, must } => {
                let mode = if *must { "required" } else { "auto" };
                if self.lacks(Feature::ToolSubset, || "tool_choice".to_owned())?.is_some() {
                    return Ok(Choice { only: Some(names), written: Some(mode.into()) });
                }
                let tools: Vec<Value> = names.iter().map(|name| named(request, name)).collect();
                Choice::of(json!({"type": "allowed_tools",
                    "allowed_tools": {"mode": mode, "tools": tools}}))
            }
        })
    }

    fn tool(&mut self, tool: &Tool, n: usize) -> Result<Value, Invalid> {
        let mut inner = Map::new();
        inner.insert("name".to_owned(), tool.name.as_str().into());
        if let Some(description) = &tool.description {
            inner.insert("description".to_owned(), description.as_str().into());
        }
        let mut written = match &tool.kind {
            ToolKind::Function { schema, strict } => {
                inner.insert("parameters".to_owned(), schema.clone());
                let field = || format!("tools[{n}].strict");
                if let Some(strict) = strict
                    && self.lacks(Feature::StrictTool, field)?.is_none()
                {
                    inner.insert("strict".to_owned(), (*strict).into());
                }
                json!({"type": "function", "function": inner})
            }
            ToolKind::Custom { format } => {
                self.lacks(Feature::CustomTool, || format!("tools[{n}]"))?;
                if let Some(format) = format {
                    inner.insert("format".to_owned(), format.clone());
                }
                json!({"type": "custom", "custom": inner})
            }
            ToolKind::Native(native) => {
                if native.wire != Wire::Chat || self.losses.to() != Wire::Chat {
                    self.without(Feature::NativeTool, &format!("tools[{n}]"))?;
                }
                native.value.clone()
            }
        };
        if let Some(mark) = tool.cache {
            if self.has(Quirk::CacheMarks) {
                if let Some(tool) = written.as_object_mut() {
                    tool.insert("cache_control".to_owned(), cache_control(mark));
                }
            } else {
                self.without(Feature::CacheMark, &format!("tools[{n}].cache"))?;
            }
        }
        Ok(written)
    }
}

/// What `tool_choice` says, and which tools it leaves.
#[derive(Default)]
struct Choice<'r> {
    only: Option<&'r [String]>,
    written: Option<Value>,
}

impl Choice<'_> {
    fn of(written: impl Into<Value>) -> Self {
        Self { only: None, written: Some(written.into()) }
    }
}

fn named(request: &Request, name: &str) -> Value {
    let custom = request
        .tools
        .iter()
        .any(|tool| tool.name == name && matches!(tool.kind, ToolKind::Custom { .. }));
    if custom {
        return json!({"type": "custom", "custom": {"name": name}});
    }
    json!({"type": "function", "function": {"name": name}})
}

pub(super) fn cache_control(mark: CacheMark) -> Value {
    match mark {
        CacheMark::Short => json!({"type": "ephemeral"}),
        CacheMark::Hour => json!({"type": "ephemeral", "ttl": "1h"}),
    }
}
