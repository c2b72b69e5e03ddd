//! Cohere chat v2.

use super::{Dialect, Refusal, Target, Tells, set, text_of};
use crate::ask::{Ask, Choice, Item, Shape};
use crate::node::{Invalid, Node};
use crate::reply::{Block, Finish, Kind, Piece, Reply};
use crate::stream::{Writer, sse};
use http::HeaderMap;
use serde_json::{Value, json};

pub(crate) struct Cohere;

impl Dialect for Cohere {
    fn ask(&self, _: &Target, _: &HeaderMap, body: &Node<'_>) -> Result<Ask, Invalid> {
        body.only(&[
            "model",
            "messages",
            "tools",
            "tool_choice",
            "strict_tools",
            "documents",
            "citation_options",
            "response_format",
            "safety_mode",
            "max_tokens",
            "stop_sequences",
            "temperature",
            "seed",
            "frequency_penalty",
            "presence_penalty",
            "k",
            "p",
            "logprobs",
            "thinking",
            "priority",
            "stream",
            "raw_prompting",
        ])?;
        let mut ask = Ask::new(body.need("model")?.text()?)?;
        let messages = body.some("messages")?;
        for message in &messages {
            read(message, &mut ask)?;
        }
        for tool in body.list("tools")? {
            let function = tool.need("function")?;
            ask.tool(function.need("name")?.text()?, Some(function.need("parameters")?));
        }
        ask.weigh(&messages, &[body.get("tools"), body.get("documents")]);
        ask.choice = match body.opt("tool_choice", Node::text)? {
            None => Choice::Auto,
            Some("REQUIRED") => Choice::Any,
            Some("NONE") => Choice::Never,
            Some(_) => return Err(body.need("tool_choice")?.wrong("REQUIRED or NONE")),
        };
        ask.shape = body.opt("response_format", shape)?.unwrap_or_default();
        ask.cap = body.opt("max_tokens", Node::number)?;
        ask.stream = body.opt("stream", Node::flag)?.unwrap_or(false);
        let thinking = body.get("thinking");
        let kind = thinking.map(|node| node.need("type")?.text()).transpose()?;
        ask.thinks = kind == Some("enabled");
        ask.shows_thoughts = true;
        Ok(ask)
    }

    fn whole(&self, reply: &Reply) -> Value {
        let said = reply.blocks.iter().filter_map(|block| match block.kind {
            Kind::Text => Some(json!({"type": "text", "text": block.text})),
            Kind::Thought => Some(json!({"type": "thinking", "thinking": block.text})),
            Kind::Call { .. } => None,
        });
        let said: Vec<_> = said.collect();
        let calls: Vec<_> = reply.calls().map(|(id, name, b)| call(id, name, &b.text)).collect();
        let mut message = json!({"role": "assistant"});
        if !said.is_empty() {
            set(&mut message, "content", said);
        }
        if !calls.is_empty() {
            set(&mut message, "tool_calls", calls);
        }
        let mut answer = json!({
            "id": id(reply), "message": message, "finish_reason": finish(reply.finish),
        });
        if reply.usage {
            set(&mut answer, "usage", usage(reply));
        }
        answer
    }

    fn writer(&self, _: &Reply) -> Box<dyn Writer> {
        Box::new(Events)
    }

    fn refusal(&self, refusal: &Refusal<'_>) -> (Value, Option<(&'static str, String)>) {
        let message = match refusal.code {
            Some("context_length_exceeded") => {
                "too many tokens: total number of tokens in the prompt exceeds the limit of 128000."
            }
            _ => refusal.message,
        };
        (json!({"id": crate::FINGERPRINT, "message": message}), None)
    }

    fn tells(&self) -> Tells {
        Tells { cached: true, cache_write: false, reasoning: false }
    }
}

fn read(message: &Node<'_>, ask: &mut Ask) -> Result<(), Invalid> {
    let content = message.get("content");
    match message.need("role")?.text()? {
        "tool" => {
            let id = message.need("tool_call_id")?.text()?.to_owned();
            let parts = content.as_ref().map(|node| node.value);
            let documents = parts.and_then(Value::as_array).into_iter().flatten();
            let mut text: String =
                documents.filter_map(|part| part.get("document")).map(Value::to_string).collect();
            text.push_str(&parts.map(text_of).unwrap_or_default());
            ask.items.push(Item::Result(id, text));
            return Ok(());
        }
        "system" | "user" => {
            content.as_ref().ok_or_else(|| message.wrong("a message with content"))?;
        }
        "assistant" => {}
        _ => return Err(message.need("role")?.wrong("system, user, assistant or tool")),
    }
    let parts = content.as_ref().and_then(|node| node.value.as_array());
    for part in parts.into_iter().flatten() {
        let medium = part["type"] == "image_url";
        ask.items.push(if medium { Item::Medium } else { Item::Said });
    }
    ask.items.push(Item::Said);
    for call in message.list("tool_calls")? {
        call.need("function")?.need("arguments")?.text()?;
        ask.items.push(Item::Called(call.need("id")?.text()?.to_owned()));
    }
    Ok(())
}

fn shape(node: &Node<'_>) -> Result<Shape, Invalid> {
    match (node.need("type")?.text()?, node.get("json_schema").or(node.get("schema"))) {
        ("text", _) => Ok(Shape::Text),
        ("json_object", None) => Ok(Shape::Object),
        ("json_object", Some(schema)) => Ok(Shape::Fitting(schema.object()?.clone())),
        _ => Err(node.wrong("text or json_object")),
    }
}

fn id(reply: &Reply) -> String {
    format!("sim-{}", reply.id)
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "COMPLETE",
        Finish::Length => "MAX_TOKENS",
        Finish::Calls => "TOOL_CALL",
    }
}

fn usage(reply: &Reply) -> Value {
    let counts = json!({"input_tokens": reply.prompt, "output_tokens": reply.output()});
    json!({"billed_units": counts, "tokens": counts, "cached_tokens": reply.cached})
}

struct Events;

fn event(kind: &str, mut data: Value) -> Vec<u8> {
    set(&mut data, "type", kind);
    sse(Some(kind), &data)
}

impl Writer for Events {
    fn open(&mut self, reply: &Reply) -> Vec<u8> {
        let message = json!({
            "role": "assistant", "content": [], "tool_plan": "", "tool_calls": [], "citations": [],
        });
        event("message-start", json!({"id": id(reply), "delta": {"message": message}}))
    }

    fn piece(&mut self, _: &Reply, block: &Block, piece: &Piece) -> Vec<u8> {
        let message = |message: Value| json!({"index": piece.block, "delta": {"message": message}});
        let content = |content: Value| message(json!({"content": content}));
        let (kind, start, delta) = match &block.kind {
            Kind::Text => (
                "content",
                content(json!({"type": "text", "text": ""})),
                content(json!({"text": piece.text})),
            ),
            Kind::Thought => (
                "content",
                content(json!({"type": "thinking", "thinking": ""})),
                content(json!({"thinking": piece.text})),
            ),
            Kind::Call { id, name } => (
                "tool-call",
                message(json!({"tool_calls": call(id, name, "")})),
                message(json!({"tool_calls": {"function": {"arguments": piece.text}}})),
            ),
        };
        let mut out = Vec::new();
        if piece.first {
            out.extend(event(&format!("{kind}-start"), start));
        }
        out.extend(event(&format!("{kind}-delta"), delta));
        if piece.last {
            out.extend(event(&format!("{kind}-end"), json!({"index": piece.block})));
        }
        out
    }

    /// There is no end mark beside `message-end`.
    fn end(&mut self, reply: &Reply, done: bool) -> Vec<u8> {
        if !done {
            return Vec::new();
        }
        let mut delta = json!({"finish_reason": finish(reply.finish)});
        if reply.usage {
            set(&mut delta, "usage", usage(reply));
        }
        event("message-end", json!({"delta": delta}))
    }

    fn error(&mut self, _: Option<&str>, message: &str) -> Vec<u8> {
        let delta = json!({"finish_reason": "ERROR", "error": message});
        event("message-end", json!({"delta": delta}))
    }
}
