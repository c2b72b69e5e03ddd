//! Reads a request into the neutral form.

use super::blocks::{Blocks, Leftovers};
use super::{WIRE, tools};
use crate::Invalid;
use crate::convert::Address;
use crate::fields::{Fields, Item};
use crate::neutral::{
    CacheMark, Effort, Extra, Format, Part, Reasoning, Request, Role, Sampling, Schema, Turn,
};
use serde_json::Value;

/// Reads a request's body.
pub(super) fn request(body: &[u8], at: &Address<'_>) -> Result<Request, Invalid> {
    let mut body = Fields::of_body(body)?;
    let mut blocks = Blocks::default();
    let model = match at.model {
        Some(model) => {
            body.take("model");
            model.to_owned()
        }
        None => body.need_string("model")?,
    };
    let stream = body.boolean("stream")?;
    let mut turns = turns(&mut body, &mut blocks)?;
    mark_last(&mut body, &mut blocks.left, &mut turns)?;
    let mut left = blocks.left;
    let declared = tools::read(&mut body, &mut left)?;
    let (tool_choice, parallel_tool_calls) = tools::read_choice(&mut body, &mut left)?;
    let (effort, format) = output_config(&mut body, &mut left)?;
    let request = Request {
        model,
        turns,
        tools: declared,
        tool_choice,
        parallel_tool_calls,
        format,
        sampling: sampling(&mut body)?,
        output_tokens_max: body.count("max_tokens")?,
        reasoning: reasoning(&mut body, &mut left, effort)?,
        stream: at.stream.or(stream).unwrap_or(false),
        service_tier: body.string("service_tier")?.map(|tier| match tier.as_str() {
            "standard_only" => "default".to_owned(),
            _ => tier,
        }),
        end_user: end_user(&mut body, &mut left)?,
        ..Request::default()
    };
    left.keep(body);
    Ok(Request { extra: left.0, ..request })
}

fn turns(body: &mut Fields, blocks: &mut Blocks) -> Result<Vec<Turn>, Invalid> {
    let mut turns = Vec::new();
    if let Some(system) = body.item("system") {
        turns.push(Turn::new(Role::System, blocks.content(system)?));
    }
    for item in body.need_list("messages")? {
        let mut message = item.fields()?;
        let role = message
            .word(
                "role",
                &[("user", Role::User), ("assistant", Role::Assistant), ("system", Role::System)],
            )?
            .ok_or_else(|| message.missing("role", "`user` or `assistant`"))?;
        let content = message
            .item("content")
            .ok_or_else(|| message.missing("content", "a string or an array of content blocks"))?;
        turns.push(Turn::new(role, blocks.content(content)?));
        blocks.left.keep(message);
    }
    Ok(turns)
}

/// A mark for the whole request is one on its last piece.
fn mark_last(body: &mut Fields, left: &mut Leftovers, turns: &mut [Turn]) -> Result<(), Invalid> {
    let mark = super::blocks::cache_mark(body, left)?;
    let last: Option<&mut Part> = turns.last_mut().and_then(|turn| turn.parts.last_mut());
    if let (Some(mark), Some(last)) = (mark, last) {
        last.cache = Some(if last.cache == Some(CacheMark::Hour) { CacheMark::Hour } else { mark });
    }
    Ok(())
}

fn sampling(body: &mut Fields) -> Result<Sampling, Invalid> {
    let stop = body.list("stop_sequences")?.unwrap_or_default();
    Ok(Sampling {
        temperature: body.number("temperature")?,
        top_p: body.number("top_p")?,
        top_k: body.count("top_k")?,
        stop: stop.into_iter().map(Item::string).collect::<Result<_, _>>()?,
        ..Sampling::default()
    })
}

fn end_user(body: &mut Fields, left: &mut Leftovers) -> Result<Option<String>, Invalid> {
    let Some(mut metadata) = body.object("metadata")? else { return Ok(None) };
    let user = metadata.string("user_id")?;
    left.keep(metadata);
    Ok(user)
}

/// How hard to think, and what the answer has to be.
fn output_config(
    body: &mut Fields,
    left: &mut Leftovers,
) -> Result<(Option<Effort>, Format), Invalid> {
    const EFFORTS: [(&str, Effort); 5] = [
        ("low", Effort::Low),
        ("medium", Effort::Medium),
        ("high", Effort::High),
        ("xhigh", Effort::Highest),
        ("max", Effort::Highest),
    ];
    let mut format = Format::Text;
    // Where the format was in the first version, with other words than an object before that.
    match body.take("output_format") {
        None => {}
        Some(value @ Value::Object(_)) => {
            format = schema(Item { at: "output_format".into(), value }.fields()?, left)?;
        }
        Some(value) => left.0.push(Extra { wire: WIRE, name: "output_format".into(), value }),
    }
    let Some(mut config) = body.object("output_config")? else { return Ok((None, format)) };
    let effort = config.word("effort", &EFFORTS)?;
    if let Some(wanted) = config.object("format")? {
        format = schema(wanted, left)?;
    }
    left.keep(config);
    Ok((effort, format))
}

fn schema(mut wanted: Fields, left: &mut Leftovers) -> Result<Format, Invalid> {
    wanted.word("type", &[("json_schema", ())])?;
    let schema = wanted
        .map("schema")?
        .ok_or_else(|| wanted.missing("schema", "the JSON Schema of the answer"))?;
    // The dialect has no name for it; others demand one.
    let name = wanted.string("name")?.unwrap_or_else(|| "answer".to_owned());
    left.keep(wanted);
    let schema = Value::Object(schema);
    Ok(Format::Schema(Schema { name, description: None, schema, strict: Some(true) }))
}

fn reasoning(
    body: &mut Fields,
    left: &mut Leftovers,
    effort: Option<Effort>,
) -> Result<Option<Reasoning>, Invalid> {
    let plain = Reasoning { effort, tokens_max: None, show: None };
    let Some(mut thinking) = body.object("thinking")? else {
        return Ok(effort.map(|_| plain));
    };
    let kind = thinking.need_string("type")?;
    let show = thinking.word("display", &[("summarized", true), ("omitted", false)])?;
    let reasoning = match kind.as_str() {
        "disabled" => {
            // Effort without thinking is about the answer's length: only this dialect has it.
            if let Some(effort) = effort {
                let name = "output_config.effort".to_owned();
                let value = super::plan::effort_word(effort).into();
                left.0.push(Extra { wire: WIRE, name, value });
            }
            Reasoning { effort: Some(Effort::None), tokens_max: Some(0), show }
        }
        "enabled" => {
            let budget = thinking.count("budget_tokens")?;
            let budget = budget.ok_or_else(|| {
                thinking.missing("budget_tokens", "the number of tokens that thinking may take")
            })?;
            Reasoning { tokens_max: Some(budget), show: show.or(Some(true)), ..plain }
        }
        "adaptive" => Reasoning { show, ..plain },
        _ => {
            let (name, value) = (thinking.path("type"), kind.into());
            left.0.push(Extra { wire: WIRE, name, value });
            Reasoning { show, ..plain }
        }
    };
    left.keep(thinking);
    Ok(Some(reasoning))
}
