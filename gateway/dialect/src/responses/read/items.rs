//! Reads the conversation: items, which messages, calls, results and reasoning are, into turns.
//! What the assistant said between two things of the caller's is one turn.

use super::super::carry::{self, Carried};
use super::super::{WIRE, cite, is_part, media};
use crate::Invalid;
use crate::fields::{Fields, Item};
use crate::neutral::{
    CallKind, Content, Extra, Media, Native, Part, Role, Source, ToolCall, ToolResult, Turn,
};
use serde_json::Value;
use std::collections::HashMap;

const ROLES: [(&str, Role); 4] = [
    ("user", Role::User),
    ("assistant", Role::Assistant),
    ("system", Role::System),
    ("developer", Role::System),
];
/// The types of parts that are read.
const PARTS: [&str; 7] =
    ["input_text", "output_text", "text", "input_image", "input_file", "input_audio", "refusal"];

/// Reads `input`: a text, or items.
pub(super) fn read_input(
    input: Item,
    turns: &mut Vec<Turn>,
    extra: &mut Vec<Extra>,
) -> Result<(), Invalid> {
    let Item { at, value } = input;
    match value {
        Value::String(text) => turns.push(Turn::new(Role::User, vec![Part::text(text)])),
        Value::Array(values) => {
            let mut reader = Items { turns, extra, names: HashMap::new() };
            for item in Item::each(&at, values) {
                reader.item(item)?;
            }
        }
        value => return Err(Item { at, value }.wrong("a string or an array of items")),
    }
    Ok(())
}

struct Items<'a> {
    turns: &'a mut Vec<Turn>,
    extra: &'a mut Vec<Extra>,
    /// Of the tools called so far, by the call's id.
    names: HashMap<String, String>,
}

impl Items<'_> {
    fn item(&mut self, item: Item) -> Result<(), Invalid> {
        let kind = item.value.get("type").and_then(Value::as_str).unwrap_or("message");
        let drawn = item.value.get("result").is_some_and(Value::is_string);
        match kind {
            "message" => self.message(item.fields()?),
            "function_call" => self.call(item.fields()?, CallKind::Function),
            "custom_tool_call" => self.call(item.fields()?, CallKind::Custom),
            "function_call_output" | "custom_tool_call_output" => self.result(item.fields()?),
            "reasoning" => self.reasoning(item.fields()?),
            "image_generation_call" if drawn => {
                let image = read_generated_image(&mut item.fields()?)?;
                self.assistant().push(Part::new(image));
                Ok(())
            }
            _ if is_part(kind) => {
                let detail =
                    format!("`{}` is a part of a message, which stands in its `content`.", item.at);
                Err(Invalid::at(item.at, detail))
            }
            "item_reference" => {
                let detail = format!(
                    "`{}` points at an item that OpenAI stores, and this model's provider does \
                     not. Send the item itself.",
                    item.at
                );
                Err(Invalid::at(item.at, detail))
            }
            _ => {
                let by_caller = kind.ends_with("_output") || kind == "mcp_approval_response";
                let native = Native { wire: WIRE, value: item.value };
                let parts = if by_caller { self.results() } else { self.assistant() };
                parts.push(Part::new(Content::Native(native)));
                Ok(())
            }
        }
    }

    fn message(&mut self, mut item: Fields) -> Result<(), Invalid> {
        let Some(role) = item.word("role", &ROLES)? else {
            return Err(item.missing("role", "one of `user`, `assistant`, `system`, `developer`"));
        };
        if let Some(value) = item.take("phase")
            && !self.extra.iter().any(|known| known.name == "input[].phase")
        {
            self.extra.push(Extra { wire: WIRE, name: "input[].phase".to_owned(), value });
        }
        let parts = match item.item("content") {
            Some(content) => read_parts(content)?,
            None => return Err(item.missing("content", "a text or an array of parts")),
        };
        match role {
            Role::Assistant => self.assistant().extend(parts),
            role => self.turns.push(Turn::new(role, parts)),
        }
        Ok(())
    }

    fn call(&mut self, mut item: Fields, kind: CallKind) -> Result<(), Invalid> {
        let id = item.need_string("call_id")?;
        let name = item.need_string("name")?;
        let input = match kind {
            CallKind::Function => item.need_string("arguments")?,
            CallKind::Custom => item.need_string("input")?,
        };
        self.names.insert(id.clone(), name.clone());
        let call = ToolCall { id, name, input, kind };
        self.assistant().push(Part::new(Content::ToolCall(call)));
        Ok(())
    }

    fn result(&mut self, mut item: Fields) -> Result<(), Invalid> {
        let call_id = item.need_string("call_id")?;
        let parts = match item.item("output") {
            Some(output) => read_parts(output)?,
            None => return Err(item.missing("output", "what the tool answered, possibly empty")),
        };
        let name = self.names.get(&call_id).cloned().unwrap_or_default();
        let result = ToolResult { call_id, name, parts, is_error: false };
        self.results().push(Part::new(Content::ToolResult(result)));
        Ok(())
    }

    fn reasoning(&mut self, mut item: Fields) -> Result<(), Invalid> {
        let id = item.string("id")?;
        // The thoughts themselves, where a model shows them, hold what a summary tells.
        let thoughts = read_texts(&mut item, "content")?;
        let summary = read_texts(&mut item, "summary")?;
        let text = if thoughts.is_empty() { summary } else { thoughts };
        let Some(content) = item.string("encrypted_content")? else {
            if !text.is_empty() {
                self.assistant().push(Part::new(Content::Thinking(text)));
            } else if let Some(id) = id {
                // Only OpenAI knows what is behind the id.
                let name = item.path("id");
                self.extra.push(Extra { wire: WIRE, name, value: id.into() });
            }
            return Ok(());
        };
        let parts = self.assistant();
        match (carry::read(id.as_deref(), &content), parts.last_mut()) {
            (Carried::OfLast(signature), Some(last)) => last.signature = Some(signature),
            (Carried::Own(signature) | Carried::OfLast(signature), _) => {
                let content = match text {
                    empty if empty.is_empty() => Content::HiddenThinking,
                    text => Content::Thinking(text),
                };
                parts.push(Part { signature: Some(signature), ..Part::new(content) });
            }
        }
        Ok(())
    }

    /// The parts of the assistant's turn.
    fn assistant(&mut self) -> &mut Vec<Part> {
        self.open(Role::Assistant, |turn| turn.role == Role::Assistant)
    }

    /// The parts of the turn that brings results.
    fn results(&mut self) -> &mut Vec<Part> {
        let result = |part: &Part| matches!(part.content, Content::ToolResult(_));
        self.open(Role::User, |turn| turn.role == Role::User && turn.parts.iter().all(result))
    }

    /// The last turn, if it may be added to, else a new one.
    fn open(&mut self, role: Role, may: impl Fn(&Turn) -> bool) -> &mut Vec<Part> {
        let open = self.turns.pop_if(|turn| may(turn));
        let turn = open.unwrap_or_else(|| Turn::new(role, Vec::new()));
        // One element: the turn just pushed.
        &mut self.turns.push_mut(turn).parts
    }
}

/// Reads the content of a message or of a tool's result: a text, or parts.
fn read_parts(content: Item) -> Result<Vec<Part>, Invalid> {
    let Item { at, value } = content;
    match value {
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(values) => Item::each(&at, values).into_iter().map(read_part).collect(),
        value => Err(Item { at, value }.wrong("a string or an array of parts")),
    }
}

fn read_part(item: Item) -> Result<Part, Invalid> {
    match item.value.get("type").and_then(Value::as_str) {
        Some(kind) if !PARTS.contains(&kind) => {
            if !is_part(kind) {
                let at = format!("{}.type", item.at);
                let detail = format!("`{at}` must be one of `{}`.", PARTS.join("`, `"));
                return Err(Invalid::at(at, detail));
            }
            return Ok(Part::new(Content::Native(Native { wire: WIRE, value: item.value })));
        }
        _ => {}
    }
    let mut part = item.fields()?;
    let kind = part.need_string("type")?;
    let cache = media::read_cache(&mut part)?;
    let content = match kind.as_str() {
        "input_text" | "output_text" | "text" => {
            let text = part.need_string("text")?;
            let notes = part.list("annotations")?.unwrap_or_default();
            let citations = notes.into_iter().map(|note| cite::read(note.value, &text)).collect();
            Content::Text { text, citations }
        }
        "input_image" => media::read_image(&mut part)?,
        "input_file" => media::read_file(&mut part)?,
        "input_audio" => media::read_audio(&mut part)?,
        // "refusal", the last of the known.
        _ => match part.string("refusal")? {
            Some(text) => Content::Refusal(text),
            None => Content::Refusal(part.need_string("text")?),
        },
    };
    Ok(Part { cache, ..Part::new(content) })
}

/// The texts of a reasoning item, as one.
fn read_texts(item: &mut Fields, name: &str) -> Result<String, Invalid> {
    let mut texts = Vec::new();
    for part in item.list(name)?.unwrap_or_default() {
        texts.push(part.fields()?.need_string("text")?);
    }
    Ok(texts.join("\n\n"))
}

/// An image that the model made.
fn read_generated_image(item: &mut Fields) -> Result<Content, Invalid> {
    let data = item.need_string("result")?;
    let format = item.string("output_format")?.unwrap_or_else(|| "png".to_owned());
    let media_type = format!("image/{format}");
    let source = Source::Inline(data);
    Ok(Content::Image(Media { source, media_type, name: None, detail: None }))
}
