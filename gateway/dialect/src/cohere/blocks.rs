//! Reads the messages of a request, and the blocks that they are made of. A block that is not
//! known here is kept whole; a field of a known one is told by its path.

use super::read::keep;
use super::{WIRE, answer, documents, sign};
use crate::Invalid;
use crate::fields::{Fields, Item};
use crate::neutral::{
    CallKind, Content, Detail, Extra, Media, Native, Part, Role, ToolCall, ToolResult, Turn,
};
use serde_json::Value;
use std::collections::HashMap;

/// Reads messages; remembers what the tools called so far are named.
#[derive(Debug, Default)]
pub(super) struct Reader {
    turns: Vec<Turn>,
    left: Vec<Extra>,
    calls: HashMap<String, String>,
    /// The last turn is made of results of tools only.
    in_results: bool,
}

impl Reader {
    /// The conversation, and what of it has no place in the neutral form.
    pub(super) fn done(self) -> Result<(Vec<Turn>, Vec<Extra>), Invalid> {
        if self.turns.is_empty() {
            let detail = "`messages` is empty. Send at least one message.";
            return Err(Invalid::at("messages", detail));
        }
        Ok((self.turns, self.left))
    }

    /// Results of tools that follow each other are one turn.
    pub(super) fn message(&mut self, item: Item) -> Result<(), Invalid> {
        let mut message = item.fields()?;
        let role = message.need_string("role")?;
        let in_results = std::mem::take(&mut self.in_results);
        let (role, parts) = match role.as_str() {
            "system" => (Role::System, self.needed(&mut message)?),
            "user" => (Role::User, self.needed(&mut message)?),
            "assistant" => (Role::Assistant, self.assistant(&mut message)?),
            "tool" => {
                let result = self.result(&mut message)?;
                self.in_results = true;
                keep(&mut self.left, message);
                match self.turns.last_mut().filter(|_| in_results) {
                    Some(turn) => turn.parts.push(result),
                    None => self.turns.push(Turn::new(Role::User, vec![result])),
                }
                return Ok(());
            }
            _ => {
                let roles = "`system`, `user`, `assistant` or `tool`";
                return Err(message.wrong("role", roles));
            }
        };
        keep(&mut self.left, message);
        self.turns.push(Turn::new(role, parts));
        Ok(())
    }

    fn needed(&mut self, message: &mut Fields) -> Result<Vec<Part>, Invalid> {
        self.content(message)?
            .ok_or_else(|| message.missing("content", "a string or an array of content blocks"))
    }

    fn content(&mut self, message: &mut Fields) -> Result<Option<Vec<Part>>, Invalid> {
        let Some(item) = message.item("content") else { return Ok(None) };
        let parts = match item.value {
            Value::String(text) => vec![Part::text(text)],
            Value::Array(values) => Item::each(&item.at, values)
                .into_iter()
                .map(|block| self.block(block))
                .collect::<Result<_, _>>()?,
            _ => return Err(item.wrong("a string or an array of content blocks")),
        };
        Ok(Some(parts))
    }

    /// A plan, what is said, calls: the order in which the vendor tells them.
    fn assistant(&mut self, message: &mut Fields) -> Result<Vec<Part>, Invalid> {
        let plan = message.string("tool_plan")?.filter(|plan| !plan.is_empty());
        let mut said = self.content(message)?.unwrap_or_default();
        for citation in message.list("citations")?.unwrap_or_default() {
            answer::cite(&mut said, citation.value);
        }
        let mut parts = sign::planned(plan, said);
        for item in message.list("tool_calls")?.unwrap_or_default() {
            parts.push(self.call(item.fields()?)?);
        }
        Ok(parts)
    }

    fn call(&mut self, mut call: Fields) -> Result<Part, Invalid> {
        let id = call.need_string("id")?;
        call.word("type", &[("function", ())])?;
        let mut function = call.need_object("function")?;
        let name = function.need_string("name")?;
        let input = function.string("arguments")?.unwrap_or_default();
        let signature = sign::take(&mut call, sign::SIGNATURE)?;
        self.calls.insert(id.clone(), name.clone());
        keep(&mut self.left, function);
        keep(&mut self.left, call);
        let call = ToolCall { id, name, input, kind: CallKind::Function };
        Ok(Part { signature, ..Part::new(Content::ToolCall(call)) })
    }

    fn result(&mut self, message: &mut Fields) -> Result<Part, Invalid> {
        let call_id = message.need_string("tool_call_id")?;
        let mut parts = self.needed(message)?;
        // A document without a name is only the vendor's way to put the result.
        for part in &mut parts {
            if let Content::File(file) = &part.content
                && let (None, crate::neutral::Source::Text(text)) = (&file.name, &file.source)
            {
                *part = Part::text(text.clone());
            }
        }
        let name = self.calls.get(&call_id).cloned().unwrap_or_default();
        Ok(Part::new(Content::ToolResult(ToolResult { call_id, name, parts, is_error: false })))
    }

    fn block(&mut self, item: Item) -> Result<Part, Invalid> {
        let Some(kind) = item.value.get("type").and_then(Value::as_str) else {
            return Err(untyped(item));
        };
        match kind {
            "text" | "thinking" | "image_url" | "document" => {}
            _ => return Ok(Part::new(Content::Native(Native { wire: WIRE, value: item.value }))),
        }
        let mut block = item.fields()?;
        let part = match block.need_string("type")?.as_str() {
            "text" => {
                let text = block.need_string("text")?;
                let signature = sign::take(&mut block, sign::SIGNATURE)?;
                Part { signature, ..Part::text(text) }
            }
            "thinking" => thinking(&mut block)?,
            "image_url" => Part::new(Content::Image(self.image(&mut block)?)),
            _ => {
                let document = block
                    .item("document")
                    .ok_or_else(|| block.missing("document", "an object with `data`"))?;
                Part::new(Content::File(documents::read(document, &mut self.left)?))
            }
        };
        keep(&mut self.left, block);
        Ok(part)
    }

    fn image(&mut self, block: &mut Fields) -> Result<Media, Invalid> {
        let mut image = block.need_object("image_url")?;
        let details = [("auto", Detail::Auto), ("low", Detail::Low), ("high", Detail::High)];
        let detail = image.word("detail", &details)?;
        let at = image.path("url");
        let media = Media::at_url(image.need_string("url")?, &at)?;
        keep(&mut self.left, image);
        Ok(Media { detail, ..media })
    }
}

fn thinking(block: &mut Fields) -> Result<Part, Invalid> {
    let text = block.string("thinking")?.unwrap_or_default();
    if let Some(signature) = sign::take(block, sign::HIDDEN)? {
        return Ok(Part { signature: Some(signature), ..Part::new(Content::HiddenThinking) });
    }
    let signature = sign::take(block, sign::SIGNATURE)?;
    Ok(Part { signature, ..Part::new(Content::Thinking(text)) })
}

fn untyped(item: Item) -> Invalid {
    match item.fields() {
        Ok(fields) if fields.has("type") => fields.wrong("type", "a string"),
        Ok(fields) => fields.missing("type", "the kind of the block, such as `text`"),
        Err(wrong) => wrong,
    }
}
