//! Ollama's own chat. It streams unless told otherwise, a JSON text a line; fields that it does not
//! know it leaves aside.

use super::{Dialect, Refusal, Target, Tells, set};
use crate::ask::{Ask, Item, Shape};
use crate::node::{Invalid, Node};
use crate::reply::{Block, Finish, Kind, Piece, Reply};
use crate::stream::Writer;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::{Value, json};

/// [`super::CREATED`], as this vendor writes it.
const CREATED_AT: &str = "2025-10-09T08:53:20.000000000Z";

pub(crate) struct Ollama;

impl Dialect for Ollama {
    fn ask(&self, _: &Target, _: &HeaderMap, body: &Node<'_>) -> Result<Ask, Invalid> {
        let mut ask = Ask::new(body.need("model")?.text()?)?;
        let messages = body.some("messages")?;
        for message in &messages {
            read(message, &mut ask)?;
        }
        for tool in body.list("tools")? {
            let function = tool.need("function")?;
            ask.tool(function.need("name")?.text()?, Some(function.need("parameters")?));
        }
        let shown: Vec<Value> = messages.iter().map(shown).collect();
        let shown: Vec<Node<'_>> = shown.iter().map(Node::root).collect();
        ask.weigh(&shown, &[body.get("tools")]);
        ask.shape = body.opt("format", shape)?.unwrap_or_default();
        if let Some(options) = body.get("options") {
            ask.cap = options.opt("num_predict", Node::number)?;
            options
                .opt("seed", |seed| seed.value.as_i64().ok_or_else(|| seed.wrong("an integer")))?;
        }
        ask.stream = body.opt("stream", Node::flag)?.unwrap_or(true);
        ask.thinks = body.opt("think", thinks)?.unwrap_or(false);
        ask.shows_thoughts = true;
        Ok(ask)
    }

    fn whole(&self, reply: &Reply) -> Value {
        let calls: Vec<_> = reply.calls().enumerate().map(called).collect();
        let mut message = json!({"role": "assistant", "content": reply.text()});
        if !reply.thoughts().is_empty() {
            set(&mut message, "thinking", reply.thoughts());
        }
        if !calls.is_empty() {
            set(&mut message, "tool_calls", calls);
        }
        last(reply, message)
    }

    fn writer(&self, _: &Reply) -> Box<dyn Writer> {
        Box::new(Lines { calls: 0 })
    }

    fn refusal(&self, refusal: &Refusal<'_>) -> (Value, Option<(&'static str, String)>) {
        let message = match refusal.code {
            Some("context_length_exceeded") => "the input length exceeds the context length",
            _ => refusal.message,
        };
        (json!({"error": message}), None)
    }

    fn tells(&self) -> Tells {
        Tells { cached: true, cache_write: false, reasoning: false }
    }

    fn stream_type(&self) -> &'static str {
        "application/x-ndjson"
    }
}

fn read(message: &Node<'_>, ask: &mut Ask) -> Result<(), Invalid> {
    let content = message.opt("content", Node::text)?.unwrap_or_default();
    match message.need("role")?.text()? {
        "tool" => {
            let named =
                message.get("tool_call_id").map_or_else(|| message.need("tool_name"), Ok)?;
            ask.items.push(Item::Result(named.text()?.to_owned(), content.to_owned()));
            return Ok(());
        }
        "system" | "user" | "assistant" => {}
        _ => return Err(message.need("role")?.wrong("system, user, assistant or tool")),
    }
    for image in message.list("images")? {
        if STANDARD.decode(image.text()?).is_err() {
            return Err(image.wrong("base64"));
        }
        ask.items.push(Item::Medium);
    }
    ask.items.push(Item::Said);
    for call in message.list("tool_calls")? {
        let function = call.need("function")?;
        function.need("arguments")?.object()?;
        // A result may name either.
        ask.items.push(Item::Called(function.need("name")?.text()?.to_owned()));
        if let Some(id) = call.opt("id", Node::text)? {
            ask.items.push(Item::Called(id.to_owned()));
        }
    }
    Ok(())
}

/// A message as the model reads it: an image weighs the same whatever its size.
fn shown(message: &Node<'_>) -> Value {
    let mut shown = message.value.clone();
    if let Some(images) = shown.get_mut("images").and_then(Value::as_array_mut) {
        images.iter_mut().for_each(|image| *image = json!({"image": null}));
    }
    shown
}

fn shape(node: &Node<'_>) -> Result<Shape, Invalid> {
    match node.value {
        Value::String(word) if word == "json" => Ok(Shape::Object),
        Value::String(word) if word.is_empty() => Ok(Shape::Text),
        Value::Object(_) => Ok(Shape::Fitting(node.value.clone())),
        _ => Err(node.wrong("`json` or a JSON schema")),
    }
}

fn thinks(node: &Node<'_>) -> Result<bool, Invalid> {
    match node.value {
        Value::Bool(on) => Ok(*on),
        Value::String(word) if ["low", "medium", "high"].contains(&word.as_str()) => Ok(true),
        _ => Err(node.wrong("true, false, `low`, `medium` or `high`")),
    }
}

fn called((index, (id, name, block)): (usize, (&str, &str, &Block))) -> Value {
    let function = json!({"index": index, "name": name, "arguments": block.arguments()});
    json!({"id": id, "function": function})
}

fn line(reply: &Reply, message: Value, done: bool) -> Value {
    json!({"model": reply.model, "created_at": CREATED_AT, "message": message, "done": done})
}

/// An answer, or the line that ends it.
fn last(reply: &Reply, message: Value) -> Value {
    let mut told = line(reply, message, true);
    let reason = if reply.finish == Finish::Length { "length" } else { "stop" };
    set(&mut told, "done_reason", reason);
    if reply.usage {
        set(&mut told, "prompt_eval_count", reply.prompt);
        set(&mut told, "prompt_eval_cached_count", reply.cached);
        set(&mut told, "eval_count", reply.output());
    }
    told
}

struct Lines {
    calls: usize,
}

fn written(value: &Value) -> Vec<u8> {
    format!("{value}\n").into_bytes()
}

impl Writer for Lines {
    fn open(&mut self, _: &Reply) -> Vec<u8> {
        Vec::new()
    }

    /// A call comes whole, with the last of its pieces.
    fn piece(&mut self, reply: &Reply, block: &Block, piece: &Piece) -> Vec<u8> {
        let said = match &block.kind {
            Kind::Text => json!({"content": piece.text}),
            Kind::Thought => json!({"content": "", "thinking": piece.text}),
            Kind::Call { .. } if !piece.last => return Vec::new(),
            Kind::Call { id, name } => {
                let call = called((self.calls, (id, name, block)));
                self.calls += 1;
                json!({"content": "", "tool_calls": [call]})
            }
        };
        let mut message = json!({"role": "assistant"});
        for (key, value) in said.as_object().into_iter().flatten() {
            set(&mut message, key, value.clone());
        }
        written(&line(reply, message, false))
    }

    fn end(&mut self, reply: &Reply, done: bool) -> Vec<u8> {
        if !done {
            return Vec::new();
        }
        written(&last(reply, json!({"role": "assistant", "content": ""})))
    }

    fn error(&mut self, _: Option<&str>, message: &str) -> Vec<u8> {
        written(&json!({"error": message}))
    }

    fn garbage(&mut self) -> Vec<u8> {
        b"{\"this line\": is not JSON\n".to_vec()
    }
}
