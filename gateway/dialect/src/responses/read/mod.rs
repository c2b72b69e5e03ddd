//! Reads a request: the settings of the call; `items` reads the conversation, `tools` the tools.

mod items;
mod tools;

use super::{INCLUDE_LOGPROBS, INCLUDE_REASONING, WIRE};
use crate::Invalid;
use crate::convert::Address;
use crate::fields::Fields;
use crate::neutral::{Effort, Extra, Format, Part, Reasoning, Request, Role, Schema, Turn};
use serde_json::{Value, json};

/// Fields that point at something the provider keeps.
const STATEFUL: [&str; 4] = ["previous_response_id", "conversation", "prompt", "background"];
/// Of `stream_options`: whether events are padded to hide their length.
const PADDED: &str = "include_obfuscation";

/// Reads a request whole.
///
/// # Errors
/// [`Invalid`] with the field; also for a field that only a provider which stores answers can
/// follow.
pub(super) fn read_request(body: &[u8], at: &Address<'_>) -> Result<Request, Invalid> {
    let mut body = Fields::of_body(body)?;
    refuse_state(&mut body)?;
    let mut request = Request::default();
    let named = body.string("model")?;
    request.model = at
        .model
        .map(str::to_owned)
        .or(named)
        .ok_or_else(|| body.missing("model", "the name of a model, as /v1/models lists it"))?;
    let mut extra = Vec::new();
    if let Some(instructions) = body.string("instructions")? {
        request.turns.push(Turn::new(Role::System, vec![Part::text(instructions)]));
    }
    match body.item("input") {
        Some(input) => items::read_input(input, &mut request.turns, &mut extra)?,
        None if !request.turns.is_empty() => {}
        None => return Err(body.missing("input", "the conversation: a text or an array of items")),
    }
    tools::read_tools(&mut body, &mut request)?;
    request.format = read_text(&mut body, &mut extra)?;
    request.reasoning = read_reasoning(&mut body, &mut extra)?;
    request.sampling.temperature = body.number("temperature")?;
    request.sampling.top_p = body.number("top_p")?;
    request.output_tokens_max = body.count("max_output_tokens")?;
    request.parallel_tool_calls = body.boolean("parallel_tool_calls")?;
    request.logprobs = read_logprobs(&mut body, &mut extra)?;
    request.stream = at.stream.or(body.boolean("stream")?).unwrap_or(false);
    request.service_tier = body.string("service_tier")?;
    request.cache_key = body.string("prompt_cache_key")?;
    let user = body.string("user")?;
    request.end_user = body.string("safety_identifier")?.or(user);
    request.metadata = body.map("metadata")?.unwrap_or_default();
    // Nothing is stored here, and no stream is padded: who asks for that has it.
    for (name, asked) in [("store", json!(false)), ("stream_options", json!({PADDED: false}))] {
        if body.peek(name) == Some(&asked) {
            body.take(name);
        }
    }
    extra.extend(body.rest().into_iter().map(|(name, value)| Extra { wire: WIRE, name, value }));
    request.extra.append(&mut extra);
    Ok(request)
}

fn refuse_state(body: &mut Fields) -> Result<(), Invalid> {
    for name in STATEFUL {
        match body.take(name) {
            None | Some(Value::Bool(false)) => {}
            Some(_) => {
                let detail = format!(
                    "`{name}` needs a provider that stores answers, and this model's does not. \
                     Send the whole conversation in `input` instead."
                );
                return Err(Invalid::at(name, detail));
            }
        }
    }
    Ok(())
}

/// `text`: what the answer's text has to be.
fn read_text(body: &mut Fields, extra: &mut Vec<Extra>) -> Result<Format, Invalid> {
    let Some(mut text) = body.object("text")? else { return Ok(Format::Text) };
    let format = match text.object("format")? {
        None => Format::Text,
        Some(mut format) => match format.need_string("type")?.as_str() {
            "text" => Format::Text,
            "json_object" => Format::Json,
            "json_schema" => Format::Schema(Schema {
                name: format.need_string("name")?,
                description: format.string("description")?,
                schema: match format.map("schema")? {
                    Some(schema) => schema.into(),
                    None => return Err(format.missing("schema", "a JSON Schema")),
                },
                strict: format.boolean("strict")?,
            }),
            _ => return Err(format.wrong("type", "one of `text`, `json_object`, `json_schema`")),
        },
    };
    extra.extend(nested("text", text));
    Ok(format)
}

fn read_reasoning(body: &mut Fields, extra: &mut Vec<Extra>) -> Result<Option<Reasoning>, Invalid> {
    const EFFORTS: [(&str, Effort); 7] = [
        ("none", Effort::None),
        ("minimal", Effort::Minimal),
        ("low", Effort::Low),
        ("medium", Effort::Medium),
        ("high", Effort::High),
        ("xhigh", Effort::Highest),
        ("max", Effort::Highest),
    ];
    let Some(mut reasoning) = body.object("reasoning")? else { return Ok(None) };
    let effort = reasoning.word("effort", &EFFORTS)?;
    let older = reasoning.string("generate_summary")?;
    let summary = reasoning.string("summary")?.or(older);
    extra.extend(nested("reasoning", reasoning));
    Ok(Some(Reasoning { effort, tokens_max: None, show: summary.map(|_| true) }))
}

/// `include` asks for log-probabilities, `top_logprobs` says of how many others.
fn read_logprobs(body: &mut Fields, extra: &mut Vec<Extra>) -> Result<Option<u32>, Invalid> {
    let top = body.count("top_logprobs")?;
    let mut wanted = top.is_some_and(|top| top > 0);
    let mut others: Vec<Value> = Vec::new();
    for item in body.list("include")?.unwrap_or_default() {
        let name = item.string()?;
        match name.as_str() {
            INCLUDE_LOGPROBS => wanted = true,
            // Given wherever there is some.
            INCLUDE_REASONING => {}
            _ => others.push(name.into()),
        }
    }
    if !others.is_empty() {
        extra.push(Extra { wire: WIRE, name: "include".to_owned(), value: others.into() });
    }
    let top = top.map(u32::try_from).transpose();
    let top = top.map_err(|_| body.wrong("top_logprobs", "a number from 0 to 20"))?;
    Ok(wanted.then(|| top.unwrap_or(0)))
}

/// Members of a known object that are not known: `text.verbosity`.
fn nested(name: &'static str, object: Fields) -> impl Iterator<Item = Extra> {
    object.rest().into_iter().map(move |(member, value)| Extra {
        wire: WIRE,
        name: format!("{name}.{member}"),
        value,
    })
}
