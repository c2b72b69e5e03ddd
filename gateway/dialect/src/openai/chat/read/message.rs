//! Messages: who says what, calls tools, and answers for them.

use super::content;
use crate::fields::{Fields, Item};
use crate::neutral::{CallKind, Content, Media, Part, Role, Source, ToolCall, ToolResult, Turn};
use crate::openai::chat::{annotation, reasoning};
use crate::{Invalid, Wire};
use serde_json::Value;

/// The conversation. Results of tools that follow each other are one turn.
pub(super) fn turns(items: Vec<Item>) -> Result<Vec<Turn>, Invalid> {
    if items.is_empty() {
        return Err(Invalid::at("messages", "`messages` is empty. Send at least one message."));
    }
    let mut reader = Reader::default();
    for item in items {
        reader.message(item)?;
    }
    Ok(reader.turns)
}

#[derive(Default)]
struct Reader {
    turns: Vec<Turn>,
    /// Ids and names of the calls so far, to name their results.
    calls: Vec<(String, String)>,
    /// The last turn is made of results of tools only.
    in_results: bool,
}

impl Reader {
    fn message(&mut self, item: Item) -> Result<(), Invalid> {
        let mut message = item.fields()?;
        let role = message.need_string("role")?;
        let in_results = std::mem::take(&mut self.in_results);
        let (role, parts) = match role.as_str() {
            "system" | "developer" => (Role::System, content::parts(&mut message)?),
            "user" => (Role::User, content::parts(&mut message)?),
            "assistant" => (Role::Assistant, self.assistant(&mut message)?),
            "tool" | "function" => {
                let result = self.result(&mut message, role == "function")?;
                self.in_results = true;
                match self.turns.last_mut().filter(|_| in_results) {
                    Some(turn) => turn.parts.push(result),
                    None => self.turns.push(Turn::new(Role::User, vec![result])),
                }
                return Ok(());
            }
            _ => {
                let roles = "`system`, `developer`, `user`, `assistant` or `tool`";
                return Err(message.wrong("role", roles));
            }
        };
        self.turns.push(Turn { role, parts, name: message.string("name")? });
        Ok(())
    }

    fn assistant(&mut self, message: &mut Fields) -> Result<Vec<Part>, Invalid> {
        let mut parts = reasoning::of_message(message)?;
        let said = content::parts(message)?;
        let from = parts.len();
        parts.extend(said);
        reasoning::sign_text(&mut parts);
        if let Some(notes) = message.list("annotations")?
            && let Some(Content::Text { text, citations }) = parts
                .iter_mut()
                .skip(from)
                .map(|part| &mut part.content)
                .find(|c| matches!(c, Content::Text { .. }))
        {
            *citations = notes.into_iter().map(|note| annotation::read(note.value, text)).collect();
        }
        if let Some(refusal) = message.string("refusal")? {
            parts.push(Part::new(Content::Refusal(refusal)));
        }
        if let Some(mut audio) = message.object("audio")? {
            let source = Source::Uploaded(Wire::Chat, audio.need_string("id")?);
            parts.push(Part::new(Content::Audio(Media { source, ..Media::default() })));
        }
        if let Some(call) = message.object("function_call")? {
            let id = format!("call_{}", self.calls.len());
            parts.push(self.function(call, id)?);
        }
        for item in message.list("tool_calls")?.unwrap_or_default() {
            parts.push(self.call(item.fields()?)?);
        }
        Ok(parts)
    }

    fn call(&mut self, mut call: Fields) -> Result<Part, Invalid> {
        let id = call.need_string("id")?;
        let kind = call.string("type")?.unwrap_or_else(|| "function".to_owned());
        let signature = reasoning::of_call(&mut call)?;
        let part = match kind.as_str() {
            "function" => self.function(call.need_object("function")?, id)?,
            "custom" => {
                let mut custom = call.need_object("custom")?;
                let (name, input) = (custom.need_string("name")?, custom.need_string("input")?);
                self.calls.push((id.clone(), name.clone()));
                Part::new(Content::ToolCall(ToolCall { id, name, input, kind: CallKind::Custom }))
            }
            _ => return Err(call.wrong("type", "`function` or `custom`")),
        };
        Ok(Part { signature, ..part })
    }

    fn function(&mut self, mut function: Fields, id: String) -> Result<Part, Invalid> {
        let name = function.need_string("name")?;
        // Some clients hand an object back.
        let input = match function.take("arguments") {
            None => String::new(),
            Some(Value::String(text)) => text,
            Some(object @ Value::Object(_)) => object.to_string(),
            Some(_) => return Err(function.wrong("arguments", "a string that holds JSON")),
        };
        self.calls.push((id.clone(), name.clone()));
        Ok(Part::new(Content::ToolCall(ToolCall { id, name, input, kind: CallKind::Function })))
    }

    fn result(&self, message: &mut Fields, older: bool) -> Result<Part, Invalid> {
        let said = message.string("name")?;
        let find = |by: &dyn Fn(&(String, String)) -> bool| {
            self.calls.iter().rev().find(|call| by(call)).cloned()
        };
        let (call_id, name) = if older {
            let name = said.ok_or_else(|| message.missing("name", "the function's name"))?;
            let id = find(&|(_, called)| *called == name).map(|(id, _)| id);
            (id.unwrap_or_else(|| format!("call_{}", self.calls.len())), name)
        } else {
            let id = message.need_string("tool_call_id")?;
            let name = said.or_else(|| find(&|(known, _)| *known == id).map(|(_, name)| name));
            (id, name.unwrap_or_default())
        };
        let parts = content::parts(message)?;
        Ok(Part::new(Content::ToolResult(ToolResult { call_id, name, parts, is_error: false })))
    }
}
