//! Reads answers.

use super::{JSON_TOOL, usage};
use crate::Wire;
use crate::convert::Malformed;
use crate::neutral::{
    Answer, CallKind, Candidate, Citation, Content, Media, Native, Part, Signature, Source, Stop,
    ToolCall,
};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    #[serde(borrow)]
    output: Option<Output<'a>>,
    stop_reason: Option<String>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
    additional_model_response_fields: Option<Value>,
    service_tier: Option<Value>,
    trace: Option<Value>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    message: Option<Message<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow, default)]
    content: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block<'a> {
    text: Option<String>,
    #[serde(borrow)]
    tool_use: Option<ToolUse<'a>>,
    reasoning_content: Option<Reasoning>,
    citations_content: Option<CitationsContent>,
    image: Option<Image>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ToolUse<'a> {
    tool_use_id: String,
    name: String,
    #[serde(borrow)]
    input: Option<&'a RawValue>,
    r#type: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reasoning {
    reasoning_text: Option<ReasoningText>,
    redacted_content: Option<String>,
}

#[derive(Deserialize)]
struct ReasoningText {
    #[serde(default)]
    text: String,
    signature: Option<String>,
}

#[derive(Deserialize)]
struct CitationsContent {
    #[serde(default)]
    content: Vec<Said>,
    #[serde(default)]
    citations: Vec<Value>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(default)]
    text: String,
}

#[derive(Deserialize)]
struct Image {
    #[serde(default)]
    format: String,
    source: Option<ImageSource>,
}

#[derive(Deserialize)]
struct ImageSource {
    bytes: Option<String>,
}

pub(super) fn read(body: &[u8]) -> Result<Answer, Malformed> {
    let body: Body<'_> = serde_json::from_slice(body)?;
    let message = body
        .output
        .and_then(|output| output.message)
        .ok_or(Malformed("an answer without `output.message`".into()))?;
    let mut parts = Vec::with_capacity(message.content.len());
    for block in message.content {
        parts.push(part(block)?);
    }
    let sequence = sequence(body.additional_model_response_fields.as_ref());
    let calls = parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    let stop = stop(body.stop_reason.as_deref().unwrap_or_default(), sequence, calls);
    let text_at = |value: &Option<Value>, path: &str| {
        value.as_ref().and_then(|v| v.pointer(path)).and_then(Value::as_str).map(str::to_owned)
    };
    Ok(Answer {
        // The id of the call is in a header only. Of a router's models, it tells which answered.
        id: String::new(),
        model: text_at(&body.trace, "/promptRouter/invokedModelId").unwrap_or_default(),
        candidates: vec![Candidate { parts, stop, logprobs: None, native: None }],
        tokens: body.usage.and_then(|raw| usage::read(raw.get().as_bytes())),
        service_tier: text_at(&body.service_tier, "/type"),
        ..Answer::default()
    })
}

fn part(raw: &RawValue) -> Result<Part, Malformed> {
    let block: Block<'_> = serde_json::from_str(raw.get())?;
    if let Some(text) = block.text {
        return Ok(Part::text(text));
    }
    match block.tool_use {
        Some(call) if call.r#type.is_none() => {
            let input = call.input.map_or("", RawValue::get).to_owned();
            if call.name == JSON_TOOL {
                return Ok(Part::text(input));
            }
            let (id, name) = (call.tool_use_id, call.name);
            let call = ToolCall { id, name, input, kind: CallKind::Function };
            return Ok(Part::new(Content::ToolCall(call)));
        }
        _ => {}
    }
    match block.reasoning_content {
        Some(Reasoning { reasoning_text: Some(told), .. }) => {
            return Ok(Part {
                signature: told.signature.filter(|value| !value.is_empty()).map(signature),
                ..Part::new(Content::Thinking(told.text))
            });
        }
        Some(Reasoning { redacted_content: Some(data), .. }) => return Ok(hidden(data)),
        _ => {}
    }
    if let Some(cited) = block.citations_content {
        let text: String = cited.content.into_iter().map(|said| said.text).collect();
        let span = Some((0, text.len()));
        let citations = cited.citations.into_iter().map(|value| citation(value, span)).collect();
        return Ok(Part::new(Content::Text { text, citations }));
    }
    if let Some(Image { format, source: Some(ImageSource { bytes: Some(bytes) }) }) = block.image {
        return Ok(image(&format, bytes));
    }
    Ok(native(serde_json::from_str(raw.get())?))
}

pub(super) const fn signature(value: String) -> Signature {
    Signature { wire: Wire::Converse, value }
}

pub(super) fn hidden(data: String) -> Part {
    Part { signature: Some(signature(data)), ..Part::new(Content::HiddenThinking) }
}

pub(super) fn image(format: &str, bytes: String) -> Part {
    let media_type = format!("image/{format}");
    let source = Source::Inline(bytes);
    Part::new(Content::Image(Media { source, media_type, ..Media::default() }))
}

pub(super) const fn native(value: Value) -> Part {
    Part::new(Content::Native(Native { wire: Wire::Converse, value }))
}

pub(super) fn citation(value: Value, span: Option<(usize, usize)>) -> Citation {
    let text = |path: &str| value.pointer(path).and_then(Value::as_str).map(str::to_owned);
    let source = text("/source").filter(|source| source.contains("://"));
    let quotes: Vec<&str> = value
        .get("sourceContent")
        .and_then(Value::as_array)
        .map(|all| all.iter().filter_map(|said| said.get("text")?.as_str()).collect())
        .unwrap_or_default();
    Citation {
        url: text("/location/web/url").or(source),
        title: text("/title"),
        quote: (!quotes.is_empty()).then(|| quotes.concat()),
        span,
        native: Native { wire: Wire::Converse, value },
    }
}

/// Which stop sequence it was: asked for of models that tell.
pub(super) fn sequence(fields: Option<&Value>) -> Option<String> {
    fields.and_then(|fields| fields.get("stop_sequence")?.as_str()).map(str::to_owned)
}

/// `calls`: tools of the caller's are called.
pub(super) fn stop(reason: &str, sequence: Option<String>, calls: bool) -> Stop {
    match reason {
        "end_turn" => Stop::End,
        // Our own tool is no tool to the caller.
        "tool_use" if !calls => Stop::End,
        "tool_use" => Stop::ToolUse,
        "max_tokens" => Stop::MaxTokens,
        "model_context_window_exceeded" => Stop::ContextFull,
        "stop_sequence" => Stop::Sequence(sequence),
        "guardrail_intervened" | "content_filtered" => Stop::Filtered,
        other => Stop::Other(other.to_owned()),
    }
}
