//! Reads what a turn, an answer or a tool's result is made of. A block or a source that is not
//! known here is kept whole; a field of a known one is told to [`Leftovers`].

use super::{WIRE, proof};
use crate::Invalid;
use crate::fields::{Fields, Item};
use crate::inline::{self, proved};
use crate::neutral::{
    CacheMark, CallKind, Citation, Content, Extra, Media, Native, Part, Signature, Source,
    ToolCall, ToolResult,
};
use serde_json::Value;
use std::collections::HashMap;

/// What the neutral form has no place for, by its path, for the table of losses.
#[derive(Debug, Default)]
pub(super) struct Leftovers(pub Vec<Extra>);

impl Leftovers {
    /// Keeps what is left of an object.
    pub(super) fn keep(&mut self, fields: Fields) {
        let at = fields.at().to_owned();
        for (name, value) in fields.rest() {
            let name = if at.is_empty() { name } else { format!("{at}.{name}") };
            self.0.push(Extra { wire: WIRE, name, value });
        }
    }
}

/// Reads blocks; remembers what the tools called so far are named.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    pub left: Leftovers,
    calls: HashMap<String, String>,
}

impl Blocks {
    /// A content: a text or a list of blocks.
    pub(super) fn content(&mut self, item: Item) -> Result<Vec<Part>, Invalid> {
        let parts = match item.value {
            Value::String(text) => vec![Part::text(text)],
            Value::Array(values) => Item::each(&item.at, values)
                .into_iter()
                .map(|block| self.block(block))
                .collect::<Result<_, _>>()?,
            _ => return Err(item.wrong("a string or an array of content blocks")),
        };
        Ok(proof::settle(parts))
    }

    fn block(&mut self, item: Item) -> Result<Part, Invalid> {
        let Some(kind) = item.value.get("type").and_then(Value::as_str) else {
            return Err(untyped(item));
        };
        match kind {
            "text" => self.text(item.fields()?),
            "image" | "document" => self.media(item),
            "thinking" => self.thinking(item.fields()?),
            "redacted_thinking" => {
                let mut fields = item.fields()?;
                let mut part = Part::new(Content::HiddenThinking);
                part.signature = Some(Signature::unpacked(&fields.need_string("data")?, WIRE));
                self.finish(fields, part)
            }
            "tool_use" => self.tool_use(item.fields()?),
            "tool_result" => self.tool_result(item.fields()?),
            _ => Ok(native(item.value)),
        }
    }

    /// The rest of every block: its mark for the cache, and what is not known.
    fn finish(&mut self, mut fields: Fields, mut part: Part) -> Result<Part, Invalid> {
        fields.take("type");
        part.cache = cache_mark(&mut fields, &mut self.left)?;
        self.left.keep(fields);
        Ok(part)
    }

    fn text(&mut self, mut fields: Fields) -> Result<Part, Invalid> {
        let text = fields.need_string("text")?;
        let citations = fields.list("citations")?.unwrap_or_default();
        let citations = citations.into_iter().map(|item| citation(item.value)).collect();
        self.finish(fields, Part::new(Content::Text { text, citations }))
    }

    fn thinking(&mut self, mut fields: Fields) -> Result<Part, Invalid> {
        let text = fields.string("thinking")?.unwrap_or_default();
        let signature = fields.string("signature")?.filter(|signature| !signature.is_empty());
        let mut part = Part::new(Content::Thinking(text));
        part.signature = signature.map(|signature| Signature::unpacked(&signature, WIRE));
        self.finish(fields, part)
    }

    fn tool_use(&mut self, mut fields: Fields) -> Result<Part, Invalid> {
        let id = fields.need_string("id")?;
        let name = fields.need_string("name")?;
        let input = fields.map("input")?.unwrap_or_default();
        self.calls.insert(id.clone(), name.clone());
        let input = Value::Object(input).to_string();
        let call = ToolCall { id, name, input, kind: CallKind::Function };
        // Who called it: the model itself, unless it says otherwise.
        if fields.has("caller") {
            let caller = fields.take("caller").unwrap_or_default();
            if caller.get("type").and_then(Value::as_str) != Some("direct") {
                let name = fields.path("caller");
                self.left.0.push(Extra { wire: WIRE, name, value: caller });
            }
        }
        self.finish(fields, Part::new(Content::ToolCall(call)))
    }

    fn tool_result(&mut self, mut fields: Fields) -> Result<Part, Invalid> {
        let call_id = fields.need_string("tool_use_id")?;
        let is_error = fields.boolean("is_error")?.unwrap_or(false);
        let parts = match fields.item("content") {
            None => Vec::new(),
            // Results inside of results would let a caller choose how deep this goes.
            Some(item) => match item.value {
                Value::Array(values) => Item::each(&item.at, values)
                    .into_iter()
                    .map(|block| match block.value.get("type").and_then(Value::as_str) {
                        Some("tool_result") => Err(block.wrong("text, an image or a document")),
                        _ => self.block(block),
                    })
                    .collect::<Result<_, _>>()?,
                _ => self.content(item)?,
            },
        };
        let name = self.calls.get(&call_id).cloned().unwrap_or_default();
        let result = ToolResult { call_id, name, parts, is_error };
        self.finish(fields, Part::new(Content::ToolResult(result)))
    }

    fn media(&mut self, item: Item) -> Result<Part, Invalid> {
        let kind = item.value.pointer("/source/type").and_then(Value::as_str);
        let known = matches!(kind, None | Some("base64" | "text" | "url" | "file"))
            || (kind == Some("content")
                && item.value.pointer("/source/content").is_some_and(Value::is_string));
        if !known {
            return Ok(native(item.value));
        }
        let image = item.value.get("type").and_then(Value::as_str) == Some("image");
        let mut fields = item.fields()?;
        let mut source = fields.need_object("source")?;
        let (from, of) = match source.need_string("type")?.as_str() {
            "base64" => {
                (Source::Inline(proved(source.need_string("data")?, &source.path("data"))?), "")
            }
            "text" => (Source::Text(source.need_string("data")?), "text/plain"),
            "content" => (Source::Text(source.need_string("content")?), "text/plain"),
            "url" if image => (Source::Url(source.need_string("url")?), ""),
            "url" => (Source::Url(source.need_string("url")?), "application/pdf"),
            "file" => (Source::Uploaded(WIRE, source.need_string("file_id")?), ""),
            _ => return Err(source.wrong("type", "one of `base64`, `text`, `url`, `file`")),
        };
        let path = source.path("media_type");
        let said = source.string("media_type")?.unwrap_or_else(|| of.to_owned());
        let media = Media {
            source: from,
            media_type: inline::media_type(said, &path)?,
            name: if image { None } else { fields.string("title")? },
            detail: None,
        };
        self.left.keep(source);
        let content = if image { Content::Image(media) } else { Content::File(media) };
        self.finish(fields, Part::new(content))
    }
}

fn untyped(item: Item) -> Invalid {
    match item.fields() {
        Ok(fields) if fields.has("type") => fields.wrong("type", "a string"),
        Ok(fields) => fields.missing("type", "the kind of the block, such as `text`"),
        Err(wrong) => wrong,
    }
}

pub(super) fn native(value: Value) -> Part {
    Part::new(Content::Native(Native { wire: WIRE, value }))
}

/// Takes `cache_control`.
pub(super) fn cache_mark(
    fields: &mut Fields,
    left: &mut Leftovers,
) -> Result<Option<CacheMark>, Invalid> {
    let Some(mut mark) = fields.object("cache_control")? else { return Ok(None) };
    mark.take("type");
    let ttl = mark.word("ttl", &[("5m", CacheMark::Short), ("1h", CacheMark::Hour)])?;
    left.keep(mark);
    Ok(Some(ttl.unwrap_or_default()))
}

/// What a citation says that other dialects know, and all of it.
pub(super) fn citation(value: Value) -> Citation {
    let text = |names: [&str; 2]| {
        let mut found = names.iter().filter_map(|name| value.get(name).and_then(Value::as_str));
        found.next().map(str::to_owned)
    };
    Citation {
        url: text(["url", "url"]),
        title: text(["title", "document_title"]),
        quote: text(["cited_text", "cited_text"]),
        span: None,
        native: Native { wire: WIRE, value },
    }
}
