//! Anthropic messages, and the same on Vertex AI, where path and body name model and version.

use super::{Dialect, Refusal, Target, Tells, set, text_of};
use crate::ask::{Ask, Choice, Item, Shape};
use crate::node::{Invalid, Node};
use crate::reply::{Block, Finish, Kind, Piece, Reply};
use crate::stream::{Writer, sse};
use http::HeaderMap;
use serde_json::{Value, json};

pub(crate) struct Messages;

const KNOWN: [&str; 24] = [
    "model",
    "messages",
    "max_tokens",
    "system",
    "metadata",
    "stop_sequences",
    "stream",
    "temperature",
    "top_k",
    "top_p",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "output_format",
    "cache_control",
    "container",
    "context_management",
    "mcp_servers",
    "service_tier",
    "inference_geo",
    "speed",
    "diagnostics",
    "anthropic_version",
];

impl Dialect for Messages {
    fn ask(&self, target: &Target, headers: &HeaderMap, body: &Node<'_>) -> Result<Ask, Invalid> {
        body.only(&KNOWN)?;
        let model = match &target.model {
            Some(model) => {
                body.need("anthropic_version")?;
                model
            }
            None if headers.contains_key("anthropic-version") => body.need("model")?.text()?,
            None => {
                let why = "anthropic-version: header is required";
                return Err(Invalid::at("anthropic-version", why));
            }
        };
        let mut ask = Ask::new(model)?;
        let messages = body.some("messages")?;
        for message in &messages {
            read(message, &mut ask)?;
        }
        for tool in body.list("tools")? {
            if tool.get("type").is_none_or(|kind| kind.value == "custom") {
                ask.tool(tool.need("name")?.text()?, Some(tool.need("input_schema")?));
            }
        }
        ask.weigh(&messages, &[body.get("system"), body.get("tools")]);
        ask.choice = body.opt("tool_choice", choice)?.unwrap_or_default();
        if target.verb != "count_tokens" {
            ask.cap = Some(body.need("max_tokens")?.number()?);
        }
        ask.stream = target.stream || body.opt("stream", Node::flag)?.unwrap_or(false);
        let format = body.get("output_config").and_then(|config| config.get("format"));
        ask.shape =
            format.or(body.get("output_format")).map(shape).transpose()?.unwrap_or_default();
        let thinking = body.get("thinking");
        ask.thinks = match thinking.map(|node| node.need("type")?.text()).transpose()? {
            Some("enabled" | "adaptive") => true,
            Some("disabled") | None => false,
            Some(_) => {
                let why = "thinking.type must be enabled, adaptive or disabled.";
                return Err(Invalid::at("thinking.type", why));
            }
        };
        if let Some(budget) = body.get("thinking").and_then(|node| node.get("budget_tokens"))
            && ask.cap.is_some_and(|cap| budget.value.as_u64().is_none_or(|budget| budget >= cap))
        {
            return Err(budget.wrong("a whole number below max_tokens"));
        }
        ask.shows_thoughts = true;
        Ok(ask)
    }

    fn whole(&self, reply: &Reply) -> Value {
        let content: Vec<_> = reply.blocks.iter().map(|block| content(block, true)).collect();
        message(reply, &content, Some(stop_reason(reply)))
    }

    fn writer(&self, _: &Reply) -> Box<dyn Writer> {
        Box::new(Events)
    }

    fn refusal(&self, refusal: &Refusal<'_>) -> (Value, Option<(&'static str, String)>) {
        (error(refusal), None)
    }

    fn tells(&self) -> Tells {
        Tells { cached: true, cache_write: true, reasoning: true }
    }
}

fn read(message: &Node<'_>, ask: &mut Ask) -> Result<(), Invalid> {
    let role = message.need("role")?;
    let by_user = match role.text()? {
        "user" => true,
        "assistant" => false,
        _ => return Err(role.wrong("user or assistant")),
    };
    let content = message.need("content")?;
    if content.value.is_string() {
        ask.items.push(Item::Said);
        return Ok(());
    }
    for block in content.items()? {
        match block.need("type")?.text()? {
            "text" => ask.items.push(Item::Said),
            "image" | "document" => {
                block.need("source")?.need("type")?;
                ask.items.push(Item::Medium);
            }
            "tool_use" if !by_user => {
                block.need("input")?.object()?;
                block.need("name")?.text()?;
                ask.items.push(Item::Called(block.need("id")?.text()?.to_owned()));
            }
            "tool_result" if by_user => {
                let id = block.need("tool_use_id")?.text()?.to_owned();
                let text = block.get("content").map(|node| text_of(node.value));
                ask.items.push(Item::Result(id, text.unwrap_or_default()));
            }
            "thinking" if !by_user => {
                let text = block.need("thinking")?.text()?.to_owned();
                let signature = block.need("signature")?.text()?.to_owned();
                ask.items.push(Item::Signed { signature, text });
            }
            "redacted_thinking" | "search_result" => ask.items.push(Item::Said),
            kind => return Err(block.wrong(&format!("a block that may stand here, not {kind}"))),
        }
    }
    Ok(())
}

fn choice(node: &Node<'_>) -> Result<Choice, Invalid> {
    match node.need("type")?.text()? {
        "auto" => Ok(Choice::Auto),
        "any" => Ok(Choice::Any),
        "none" => Ok(Choice::Never),
        "tool" => Ok(Choice::Named(node.need("name")?.text()?.to_owned())),
        _ => Err(node.wrong("of type auto, any, none or tool")),
    }
}

fn shape(node: Node<'_>) -> Result<Shape, Invalid> {
    match node.need("type")?.text()? {
        "json_schema" => Ok(Shape::Fitting(node.need("schema")?.object()?.clone())),
        _ => Err(node.wrong("of type json_schema")),
    }
}

fn stop_reason(reply: &Reply) -> &'static str {
    match reply.finish {
        Finish::Stop => "end_turn",
        Finish::Length => "max_tokens",
        Finish::Calls => "tool_use",
    }
}

/// A block of content: as it starts, or whole.
fn content(block: &Block, whole: bool) -> Value {
    let text = if whole { block.text.as_str() } else { "" };
    match &block.kind {
        Kind::Text => json!({"type": "text", "text": text}),
        Kind::Thought => {
            let signature = block.signature.as_deref().filter(|_| whole).unwrap_or("");
            json!({"type": "thinking", "thinking": text, "signature": signature})
        }
        Kind::Call { id, name } => {
            let input = if whole { block.arguments() } else { json!({}) };
            // The vendor's ids begin so, and hold nothing but letters, digits, `_` and `-`.
            let id = id.replace("call_", "toolu_");
            json!({"type": "tool_use", "id": id, "name": name, "input": input})
        }
    }
}

fn message(reply: &Reply, content: &[Value], stop_reason: Option<&str>) -> Value {
    let mut message = json!({
        "id": format!("msg_sim_{}", reply.id),
        "type": "message",
        "role": "assistant",
        "model": reply.model,
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": null,
    });
    if reply.usage {
        set(&mut message, "usage", usage(reply, stop_reason.is_some()));
    }
    message
}

/// A stream's first event tells one token of output, as the vendor's does.
fn usage(reply: &Reply, ends: bool) -> Value {
    let mut usage = json!({
        "input_tokens": reply.uncached(),
        "cache_creation_input_tokens": reply.cache_write,
        "cache_read_input_tokens": reply.cached,
        "output_tokens": if ends { reply.output() } else { reply.output().min(1) },
    });
    if ends && reply.reasoning > 0 {
        let details = json!({"thinking_tokens": reply.reasoning});
        set(&mut usage, "output_tokens_details", details);
    }
    usage
}

fn error(refusal: &Refusal<'_>) -> Value {
    let mut message = refusal.message;
    let mut kind = refusal.code.unwrap_or(match refusal.status {
        401 => "authentication_error",
        403 => "permission_error",
        404 => "not_found_error",
        413 => "request_too_large",
        429 => "rate_limit_error",
        504 => "timeout_error",
        529 => "overloaded_error",
        400..=499 => "invalid_request_error",
        _ => "api_error",
    });
    if kind == "context_length_exceeded" {
        kind = "invalid_request_error";
        message = "prompt is too long: 200001 tokens > 200000 maximum";
    }
    json!({"type": "error", "error": {"type": kind, "message": message}})
}

struct Events;

fn event(kind: &str, mut data: Value) -> Vec<u8> {
    set(&mut data, "type", kind);
    sse(Some(kind), &data)
}

impl Writer for Events {
    fn open(&mut self, reply: &Reply) -> Vec<u8> {
        let mut out = event("message_start", json!({"message": message(reply, &[], None)}));
        out.extend(event("ping", json!({})));
        out
    }

    fn piece(&mut self, _: &Reply, block: &Block, piece: &Piece) -> Vec<u8> {
        let (mut out, index) = (Vec::new(), piece.block);
        if piece.first {
            let start = json!({"index": index, "content_block": content(block, false)});
            out.extend(event("content_block_start", start));
        }
        let delta =
            |delta: Value| event("content_block_delta", json!({"index": index, "delta": delta}));
        out.extend(delta(match block.kind {
            Kind::Text => json!({"type": "text_delta", "text": piece.text}),
            Kind::Thought => json!({"type": "thinking_delta", "thinking": piece.text}),
            Kind::Call { .. } => json!({"type": "input_json_delta", "partial_json": piece.text}),
        }));
        if piece.last {
            if block.kind == Kind::Thought {
                out.extend(delta(json!({"type": "signature_delta", "signature": block.signature})));
            }
            out.extend(event("content_block_stop", json!({"index": index})));
        }
        out
    }

    fn end(&mut self, reply: &Reply, done: bool) -> Vec<u8> {
        let mut last = json!({
            "delta": {"stop_reason": stop_reason(reply), "stop_sequence": null},
        });
        if reply.usage {
            set(&mut last, "usage", usage(reply, true));
        }
        let mut out = event("message_delta", last);
        if done {
            out.extend(event("message_stop", json!({})));
        }
        out
    }

    fn error(&mut self, code: Option<&str>, message: &str) -> Vec<u8> {
        sse(Some("error"), &error(&Refusal { status: 529, code, message, param: None }))
    }
}
