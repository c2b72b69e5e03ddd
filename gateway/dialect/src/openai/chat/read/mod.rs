//! Reads a caller's request. Fields without a meaning beyond this dialect are kept as extras.

mod content;
mod message;
mod tool;

use crate::convert::Address;
use crate::fields::Fields;
use crate::neutral::{Effort, Extra, Format, Reasoning, Request, Sampling, Schema, ToolChoice};
use crate::{Invalid, Wire};
use serde_json::Value;

/// Reads a request whole.
pub(super) fn request(body: &[u8], at: &Address<'_>) -> Result<Request, Invalid> {
    let mut body = Fields::of_body(body)?;
    let model = match (at.model, body.string("model")?) {
        (Some(model), _) => model.to_owned(),
        (None, Some(model)) => model,
        (None, None) => return Err(body.missing("model", "the name of a model")),
    };
    let (tools, tool_choice) = tool::tools(&mut body)?;
    let request = Request {
        model,
        turns: message::turns(body.need_list("messages")?)?,
        tools,
        tool_choice,
        parallel_tool_calls: body.boolean("parallel_tool_calls")?,
        format: format(&mut body)?,
        sampling: sampling(&mut body)?,
        output_tokens_max: output_tokens_max(&mut body)?,
        reasoning: reasoning(&mut body)?,
        logprobs: logprobs(&mut body)?,
        stream: at.stream.or(body.boolean("stream")?).unwrap_or(false),
        service_tier: body.string("service_tier")?,
        end_user: end_user(&mut body)?,
        metadata: body.map("metadata")?.unwrap_or_default(),
        cache_key: body.string("prompt_cache_key")?,
        extra: Vec::new(),
    };
    Ok(Request { extra: extras(body), ..request })
}

/// The newer name wins.
fn output_tokens_max(body: &mut Fields) -> Result<Option<u64>, Invalid> {
    let older = body.count("max_tokens")?;
    Ok(body.count("max_completion_tokens")?.or(older))
}

fn end_user(body: &mut Fields) -> Result<Option<String>, Invalid> {
    let newer = body.string("safety_identifier")?;
    Ok(body.string("user")?.or(newer))
}

/// What is left, but for what says nothing: an empty modality list, or only text.
fn extras(mut body: Fields) -> Vec<Extra> {
    // Whether usage is told in a stream is between the caller and the gateway.
    body.take("stream_options");
    let plain = serde_json::json!(["text"]);
    let extra = |(name, value)| Extra { wire: Wire::Chat, name, value };
    let says = |(name, value): &(String, Value)| name != "modalities" || *value != plain;
    body.rest().into_iter().filter(says).map(extra).collect()
}

fn sampling(body: &mut Fields) -> Result<Sampling, Invalid> {
    Ok(Sampling {
        temperature: body.number("temperature")?,
        top_p: body.number("top_p")?,
        // Not the vendor's, but understood by most servers of this dialect.
        top_k: top_k(body)?,
        frequency_penalty: body.number("frequency_penalty")?,
        presence_penalty: body.number("presence_penalty")?,
        seed: body.integer("seed")?,
        stop: stop(body)?,
        candidates: body.count("n")?,
        logit_bias: body.map("logit_bias")?.unwrap_or_default(),
    })
}

/// Some servers take a negative one for "all".
fn top_k(body: &mut Fields) -> Result<Option<u64>, Invalid> {
    Ok(body.integer("top_k")?.and_then(|top_k| u64::try_from(top_k).ok()))
}

fn stop(body: &mut Fields) -> Result<Vec<String>, Invalid> {
    let wrong = body.wrong("stop", "a string or an array of strings");
    match body.take("stop") {
        None => Ok(Vec::new()),
        Some(Value::String(one)) => Ok(vec![one]),
        Some(Value::Array(all)) => all
            .into_iter()
            .map(|one| match one {
                Value::String(one) => Ok(one),
                _ => Err(wrong.clone()),
            })
            .collect(),
        Some(_) => Err(wrong),
    }
}

fn logprobs(body: &mut Fields) -> Result<Option<u32>, Invalid> {
    let asked = body.boolean("logprobs")?.unwrap_or(false);
    let top = body.count("top_logprobs")?.unwrap_or(0);
    match u32::try_from(top) {
        Ok(top) => Ok(asked.then_some(top)),
        Err(_) => Err(body.wrong("top_logprobs", "a number of tokens from 0 to 20")),
    }
}

fn format(body: &mut Fields) -> Result<Format, Invalid> {
    let Some(mut format) = body.object("response_format")? else { return Ok(Format::Text) };
    let kind = format.need_string("type")?;
    match kind.as_str() {
        "text" => Ok(Format::Text),
        "json_object" => Ok(Format::Json),
        "json_schema" => {
            let mut schema = format.need_object("json_schema")?;
            Ok(Format::Schema(Schema {
                name: schema.need_string("name")?,
                description: schema.string("description")?,
                strict: schema.boolean("strict")?,
                schema: schema.map("schema")?.unwrap_or_default().into(),
            }))
        }
        _ => Err(format.wrong(
            "type",
            "`text`, `json_object` or `json_schema`: another format cannot be translated to the \
             dialect of the model's provider",
        )),
    }
}

pub(super) const EFFORTS: [(&str, Effort); 7] = [
    ("none", Effort::None),
    ("minimal", Effort::Minimal),
    ("low", Effort::Low),
    ("medium", Effort::Medium),
    ("high", Effort::High),
    ("xhigh", Effort::Highest),
    ("max", Effort::Highest),
];

/// The vendor's field, and those of its kin that say more.
fn reasoning(body: &mut Fields) -> Result<Option<Reasoning>, Invalid> {
    let mut reasoning = Reasoning::default();
    if let Some(mut more) = body.object("reasoning")? {
        reasoning.effort = more.word("effort", &EFFORTS)?;
        reasoning.tokens_max = more.count("max_tokens")?;
        reasoning.show = more.boolean("exclude")?.map(|exclude| !exclude);
        if more.boolean("enabled")? == Some(false) {
            reasoning.effort = Some(Effort::None);
        }
    }
    if let Some(mut thinking) = body.object("thinking")? {
        reasoning.tokens_max = thinking.count("budget_tokens")?.or(reasoning.tokens_max);
        let on =
            thinking.word("type", &[("enabled", true), ("disabled", false), ("adaptive", true)])?;
        if on == Some(false) {
            reasoning.effort = Some(Effort::None);
        }
    }
    if let Some(effort) = body.word("reasoning_effort", &EFFORTS)? {
        reasoning.effort = Some(effort);
    }
    if let Some(show) = body.boolean("include_reasoning")? {
        reasoning.show = Some(show);
    }
    Ok((reasoning != Reasoning::default()).then_some(reasoning))
}

/// A choice among tools is understood even without tools: writers say that there are none.
pub(super) type Tools = (Vec<crate::neutral::Tool>, Option<ToolChoice>);
