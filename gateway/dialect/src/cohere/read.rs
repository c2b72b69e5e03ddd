//! Reads a caller's request into the neutral form.

use super::blocks::Reader;
use super::{WIRE, documents};
use crate::Invalid;
use crate::convert::Address;
use crate::fields::{Fields, Item};
use crate::neutral::{
    Effort, Extra, Format, Reasoning, Request, Sampling, Schema, Tool, ToolChoice, ToolKind,
};
use serde_json::Value;

pub(super) fn request(body: &[u8], at: &Address<'_>) -> Result<Request, Invalid> {
    let mut body = Fields::of_body(body)?;
    let model = match at.model {
        Some(model) => {
            body.take("model");
            model.to_owned()
        }
        None => body.need_string("model")?,
    };
    let mut reader = Reader::default();
    for item in body.need_list("messages")? {
        reader.message(item)?;
    }
    let (mut turns, mut left) = reader.done()?;
    documents::attach(body.list("documents")?.unwrap_or_default(), &mut turns, &mut left)?;
    let strict = body.boolean("strict_tools")?.filter(|strict| *strict);
    let stream = body.boolean("stream")?;
    let request = Request {
        model,
        turns,
        tools: tools(&mut body, strict, &mut left)?,
        tool_choice: body
            .word(
                "tool_choice",
                &[("REQUIRED", ToolChoiceWord::Any), ("NONE", ToolChoiceWord::None)],
            )?
            .map(ToolChoiceWord::choice),
        format: format(&mut body, &mut left)?,
        sampling: sampling(&mut body)?,
        output_tokens_max: body.count("max_tokens")?,
        reasoning: reasoning(&mut body, &mut left)?,
        logprobs: body.boolean("logprobs")?.and_then(|asked| asked.then_some(0)),
        stream: at.stream.or(stream).unwrap_or(false),
        ..Request::default()
    };
    keep(&mut left, body);
    Ok(Request { extra: left, ..request })
}

/// Keeps what a reader did not know of an object, by its path.
pub(super) fn keep(left: &mut Vec<Extra>, fields: Fields) {
    let at = fields.at().to_owned();
    for (name, value) in fields.rest() {
        let name = if at.is_empty() { name } else { format!("{at}.{name}") };
        left.push(Extra { wire: WIRE, name, value });
    }
}

#[derive(Clone, Copy)]
enum ToolChoiceWord {
    Any,
    None,
}

impl ToolChoiceWord {
    const fn choice(self) -> ToolChoice {
        match self {
            Self::Any => ToolChoice::Any,
            Self::None => ToolChoice::None,
        }
    }
}

/// Functions; this dialect has no other tools.
fn tools(
    body: &mut Fields,
    strict: Option<bool>,
    left: &mut Vec<Extra>,
) -> Result<Vec<Tool>, Invalid> {
    let mut tools = Vec::new();
    for item in body.list("tools")?.unwrap_or_default() {
        let mut tool = item.fields()?;
        tool.word("type", &[("function", ())])?;
        let mut function = tool.need_object("function")?;
        let name = function.need_string("name")?;
        let description = function.string("description")?;
        let schema = Value::Object(function.map("parameters")?.unwrap_or_default());
        keep(left, function);
        keep(left, tool);
        let kind = ToolKind::Function { schema, strict };
        tools.push(Tool { name, description, kind, cache: None });
    }
    Ok(tools)
}

/// A schema has no name in this dialect; others demand one.
fn format(body: &mut Fields, left: &mut Vec<Extra>) -> Result<Format, Invalid> {
    let Some(mut format) = body.object("response_format")? else { return Ok(Format::Text) };
    let kind = format.word("type", &[("text", false), ("json_object", true)])?;
    // What the field was first called.
    let older = format.map("schema")?;
    let schema = format.map("json_schema")?.or(older);
    let format_of = match (kind, schema) {
        (None, _) => return Err(format.missing("type", "`text` or `json_object`")),
        (Some(false), None) => Format::Text,
        (Some(false), Some(_)) => {
            let detail = "a schema of `json_object` only. Leave it out, or change `type`";
            return Err(format.wrong("json_schema", detail));
        }
        (Some(true), None) => Format::Json,
        (Some(true), Some(schema)) => Format::Schema(Schema {
            name: "answer".to_owned(),
            description: None,
            schema: schema.into(),
            strict: None,
        }),
    };
    keep(left, format);
    Ok(format_of)
}

fn sampling(body: &mut Fields) -> Result<Sampling, Invalid> {
    let stop = body.list("stop_sequences")?.unwrap_or_default();
    let seed = body.count("seed")?;
    let seed = seed.map(|seed| {
        i64::try_from(seed).map_err(|_| body.wrong("seed", "a whole number below 2^63"))
    });
    Ok(Sampling {
        temperature: body.number("temperature")?,
        top_p: body.number("p")?,
        // Zero switches it off.
        top_k: body.count("k")?.filter(|k| *k > 0),
        frequency_penalty: body.number("frequency_penalty")?,
        presence_penalty: body.number("presence_penalty")?,
        seed: seed.transpose()?,
        stop: stop.into_iter().map(Item::string).collect::<Result<_, _>>()?,
        ..Sampling::default()
    })
}

/// Who asks for thoughts sees them.
fn reasoning(body: &mut Fields, left: &mut Vec<Extra>) -> Result<Option<Reasoning>, Invalid> {
    let Some(mut thinking) = body.object("thinking")? else { return Ok(None) };
    let on = thinking
        .word("type", &[("enabled", true), ("disabled", false)])?
        .ok_or_else(|| thinking.missing("type", "`enabled` or `disabled`"))?;
    let budget = thinking.count("token_budget")?;
    keep(left, thinking);
    Ok(Some(if on {
        Reasoning { effort: None, tokens_max: budget, show: Some(true) }
    } else {
        Reasoning { effort: Some(Effort::None), tokens_max: Some(0), show: None }
    }))
}
