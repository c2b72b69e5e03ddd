//! AWS Bedrock Converse and ConverseStream.

use super::event_stream::frame;
use super::{Dialect, Refusal, Target, Tells, set};
use crate::ask::{Ask, Choice, Item, Shape};
use crate::node::{Invalid, Node};
use crate::reply::{Block, Finish, Kind, Piece, Reply};
use crate::stream::Writer;
use http::HeaderMap;
use serde_json::{Value, json};

pub(crate) struct Converse;

impl Dialect for Converse {
    fn ask(&self, target: &Target, _: &HeaderMap, body: &Node<'_>) -> Result<Ask, Invalid> {
        body.only(&[
            "messages",
            "system",
            "inferenceConfig",
            "toolConfig",
            "guardrailConfig",
            "additionalModelRequestFields",
            "additionalModelResponseFieldPaths",
            "promptVariables",
            "requestMetadata",
            "performanceConfig",
            "serviceTier",
            "outputConfig",
        ])?;
        let mut ask = Ask::new(target.model.as_deref().unwrap_or_default())?;
        let messages = body.some("messages")?;
        for message in &messages {
            read(message, &mut ask)?;
        }
        ask.weigh(&messages, &[body.get("system"), body.get("toolConfig")]);
        if let Some(config) = body.get("toolConfig") {
            for tool in config.some("tools")? {
                if let Some(spec) = tool.get("toolSpec") {
                    let schema = spec.need("inputSchema")?.need("json")?;
                    ask.tool(spec.need("name")?.text()?, Some(schema));
                }
            }
            ask.choice = config.opt("toolChoice", choice)?.unwrap_or_default();
        } else if ask.items.iter().any(|item| matches!(item, Item::Called(_))) {
            let why = "The toolConfig field must be defined when using toolUse and toolResult.";
            return Err(Invalid::at("toolConfig", why));
        }
        let inference = body.get("inferenceConfig");
        let cap = inference.map(|node| node.opt("maxTokens", Node::number)).transpose()?;
        ask.cap = cap.flatten();
        ask.shape = body.opt("outputConfig", shape)?.unwrap_or_default();
        let more = body.get("additionalModelRequestFields");
        let thinking = more.and_then(|more| more.get("thinking").or(more.get("reasoning_config")));
        let kind = thinking.map(|node| node.need("type")?.text()).transpose()?;
        ask.thinks = matches!(kind, Some("enabled" | "adaptive"));
        ask.shows_thoughts = true;
        ask.stream = target.stream;
        Ok(ask)
    }

    fn whole(&self, reply: &Reply) -> Value {
        let content: Vec<_> = reply.blocks.iter().map(content).collect();
        let mut answer = json!({
            "output": {"message": {"role": "assistant", "content": content}},
            "stopReason": stop_reason(reply),
            "metrics": {"latencyMs": 1},
        });
        if reply.usage {
            set(&mut answer, "usage", usage(reply));
        }
        answer
    }

    fn writer(&self, _: &Reply) -> Box<dyn Writer> {
        Box::new(Frames)
    }

    fn refusal(&self, refusal: &Refusal<'_>) -> (Value, Option<(&'static str, String)>) {
        let mut message = refusal.message;
        let mut kind = refusal.code.unwrap_or(match refusal.status {
            401 => "UnrecognizedClientException",
            403 => "AccessDeniedException",
            404 => "ResourceNotFoundException",
            408 => "ModelTimeoutException",
            424 => "ModelErrorException",
            429 => "ThrottlingException",
            503 => "ServiceUnavailableException",
            400..=499 => "ValidationException",
            _ => "InternalServerException",
        });
        if kind == "context_length_exceeded" {
            kind = "ValidationException";
            message = "Input is too long for requested model.";
        }
        (json!({"message": message}), Some(("x-amzn-errortype", kind.to_owned())))
    }

    fn tells(&self) -> Tells {
        Tells { cached: true, cache_write: true, reasoning: false }
    }

    fn stream_type(&self) -> &'static str {
        "application/vnd.amazon.eventstream"
    }
}

fn read(message: &Node<'_>, ask: &mut Ask) -> Result<(), Invalid> {
    let role = message.need("role")?;
    if !matches!(role.text()?, "user" | "assistant") {
        return Err(role.wrong("user or assistant"));
    }
    for block in message.some("content")? {
        let members = block.object()?.as_object().map_or(0, serde_json::Map::len);
        if members != 1 {
            return Err(block.wrong("one kind of content"));
        }
        if let Some(call) = block.get("toolUse") {
            call.need("input")?.object()?;
            call.need("name")?.text()?;
            ask.items.push(Item::Called(call.need("toolUseId")?.text()?.to_owned()));
        } else if let Some(result) = block.get("toolResult") {
            let id = result.need("toolUseId")?.text()?.to_owned();
            let said = |part: &Node<'_>| match part.get("json") {
                Some(json) => json.value.to_string(),
                None => super::text_of(&json!([part.value])),
            };
            let text = result.need("content")?.items()?.iter().map(said).collect();
            ask.items.push(Item::Result(id, text));
        } else if let Some(thought) = block.get("reasoningContent") {
            if let Some(thought) = thought.get("reasoningText")
                && let Some(signature) = thought.opt("signature", Node::text)?
            {
                let text = thought.need("text")?.text()?.to_owned();
                ask.items.push(Item::Signed { signature: signature.to_owned(), text });
            }
        } else if let Some(medium) = block.get("image").or(block.get("document")) {
            medium.need("format")?.text()?;
            medium.need("source")?.object()?;
            ask.items.push(Item::Medium);
        } else {
            ask.items.push(Item::Said);
        }
    }
    Ok(())
}

fn choice(node: &Node<'_>) -> Result<Choice, Invalid> {
    if let Some(tool) = node.get("tool") {
        return Ok(Choice::Named(tool.need("name")?.text()?.to_owned()));
    }
    match (node.get("auto"), node.get("any")) {
        (Some(_), None) => Ok(Choice::Auto),
        (None, Some(_)) => Ok(Choice::Any),
        _ => Err(node.wrong("one of auto, any and tool")),
    }
}

/// The schema stands as a text, not as an object.
fn shape(node: &Node<'_>) -> Result<Shape, Invalid> {
    let Some(format) = node.get("textFormat") else { return Ok(Shape::Text) };
    let schema = format.need("structure")?.need("jsonSchema")?.need("schema")?;
    let parsed = serde_json::from_str(schema.text()?);
    parsed.map(Shape::Fitting).map_err(|_| schema.wrong("a JSON Schema as a text"))
}

fn stop_reason(reply: &Reply) -> &'static str {
    match reply.finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::Calls => "tool_use",
    }
}

/// The vendor's ids begin so.
fn tool_use_id(id: &str) -> String {
    id.replace("call_", "tooluse_")
}

fn content(block: &Block) -> Value {
    match &block.kind {
        Kind::Text => json!({"text": block.text}),
        Kind::Thought => {
            let thought = json!({"text": block.text, "signature": block.signature});
            json!({"reasoningContent": {"reasoningText": thought}})
        }
        Kind::Call { id, name } => {
            let id = tool_use_id(id);
            json!({"toolUse": {"toolUseId": id, "name": name, "input": block.arguments()}})
        }
    }
}

fn usage(reply: &Reply) -> Value {
    json!({
        "inputTokens": reply.uncached(),
        "outputTokens": reply.output(),
        "totalTokens": reply.prompt + reply.output(),
        "cacheReadInputTokens": reply.cached,
        "cacheWriteInputTokens": reply.cache_write,
    })
}

struct Frames;

/// `p` pads each event, as the vendor does against guessing texts from lengths.
fn event(kind: &str, mut payload: Value) -> Vec<u8> {
    set(&mut payload, "p", "abcdefgh");
    let headers =
        [(":event-type", kind), (":content-type", "application/json"), (":message-type", "event")];
    frame(&headers, payload.to_string().as_bytes())
}

impl Writer for Frames {
    fn open(&mut self, _: &Reply) -> Vec<u8> {
        event("messageStart", json!({"role": "assistant"}))
    }

    fn piece(&mut self, _: &Reply, block: &Block, piece: &Piece) -> Vec<u8> {
        let (mut out, index) = (Vec::new(), piece.block);
        if piece.first
            && let Kind::Call { id, name } = &block.kind
        {
            let start = json!({"toolUse": {"toolUseId": tool_use_id(id), "name": name}});
            let start = json!({"start": start, "contentBlockIndex": index});
            out.extend(event("contentBlockStart", start));
        }
        let delta = |delta: Value| {
            event("contentBlockDelta", json!({"delta": delta, "contentBlockIndex": index}))
        };
        out.extend(delta(match block.kind {
            Kind::Text => json!({"text": piece.text}),
            Kind::Thought => json!({"reasoningContent": {"text": piece.text}}),
            Kind::Call { .. } => json!({"toolUse": {"input": piece.text}}),
        }));
        if piece.last {
            if block.kind == Kind::Thought {
                out.extend(delta(json!({"reasoningContent": {"signature": block.signature}})));
            }
            out.extend(event("contentBlockStop", json!({"contentBlockIndex": index})));
        }
        out
    }

    fn end(&mut self, reply: &Reply, done: bool) -> Vec<u8> {
        if !done {
            return Vec::new();
        }
        let mut out = event("messageStop", json!({"stopReason": stop_reason(reply)}));
        let mut metadata = json!({"metrics": {"latencyMs": 1}});
        if reply.usage {
            set(&mut metadata, "usage", usage(reply));
        }
        out.extend(event("metadata", metadata));
        out
    }

    fn error(&mut self, code: Option<&str>, message: &str) -> Vec<u8> {
        let headers = [
            (":exception-type", code.unwrap_or("modelStreamErrorException")),
            (":content-type", "application/json"),
            (":message-type", "exception"),
        ];
        frame(&headers, json!({"message": message}).to_string().as_bytes())
    }

    fn garbage(&mut self) -> Vec<u8> {
        let headers = [
            (":event-type", "contentBlockDelta"),
            (":content-type", "application/json"),
            (":message-type", "event"),
        ];
        frame(&headers, b"{\"this payload\": is not JSON")
    }
}
