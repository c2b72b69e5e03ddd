//! OpenAI chat completions.

use super::{CREATED, Dialect, Refusal, Target, set, text_of};
use crate::FINGERPRINT;
use crate::ask::{Ask, Choice, Item, Shape};
use crate::node::{Invalid, Node};
use crate::reply::{Block, Finish, Kind, Piece, Reply};
use crate::stream::{Writer, sse};
use http::HeaderMap;
use serde_json::{Value, json};

const CHOICES_MAX: u64 = 8;

pub(crate) struct Chat;

impl Dialect for Chat {
    fn ask(&self, target: &Target, _: &HeaderMap, body: &Node<'_>) -> Result<Ask, Invalid> {
        let model = match &target.model {
            Some(model) => model,
            None => body.need("model")?.text()?,
        };
        let mut ask = read(model, body)?;
        ask.stream = body.opt("stream", Node::flag)?.unwrap_or(false);
        let options = body.get("stream_options");
        let include = options.map(|node| node.opt("include_usage", Node::flag)).transpose()?;
        ask.usage_in_stream = include.flatten().unwrap_or(false);
        ask.choices = body.opt("n", Node::number)?.unwrap_or(1);
        if !(1..=CHOICES_MAX).contains(&ask.choices) {
            return Err(Invalid::at("n", format!("n must be from 1 to {CHOICES_MAX}.")));
        }
        Ok(ask)
    }

    fn whole(&self, reply: &Reply) -> Value {
        let message = message(reply);
        let choices: Vec<_> = (0..reply.choices)
            .map(|index| {
                json!({
                    "index": index, "message": message, "logprobs": null,
                    "finish_reason": finish(reply.finish),
                })
            })
            .collect();
        let mut answer = json!({
            "id": format!("chatcmpl-sim-{}", reply.id),
            "object": "chat.completion",
            "created": CREATED,
            "model": reply.model,
            "choices": choices,
            "service_tier": "default",
            "system_fingerprint": FINGERPRINT,
        });
        if reply.usage {
            set(&mut answer, "usage", usage(reply, reply.visible));
        }
        answer
    }

    fn writer(&self, reply: &Reply) -> Box<dyn Writer> {
        let head = format!(
            "data: {{\"id\":{},\"object\":\"chat.completion.chunk\",\"created\":{CREATED},\
             \"model\":{},\"system_fingerprint\":\"{FINGERPRINT}\",",
            json!(format!("chatcmpl-sim-{}", reply.id)),
            json!(reply.model),
        );
        Box::new(Chunks { head, visible: 0 })
    }

    fn refusal(&self, refusal: &Refusal<'_>) -> (Value, Option<(&'static str, String)>) {
        (error(refusal), None)
    }
}

/// What the dialects of this family have in common.
pub(super) fn read(model: &str, body: &Node<'_>) -> Result<Ask, Invalid> {
    let mut ask = Ask::new(model)?;
    let messages = body.some("messages")?;
    for message in &messages {
        items(message, &mut ask)?;
    }
    for tool in body.list("tools")? {
        if let Some(function) = tool.get("function") {
            ask.tool(function.need("name")?.text()?, function.get("parameters"));
        }
    }
    ask.weigh(&messages, &[body.get("tools")]);
    ask.choice = body.opt("tool_choice", choice)?.unwrap_or_default();
    ask.shape = body.opt("response_format", shape)?.unwrap_or_default();
    let cap = body.opt("max_completion_tokens", Node::number)?;
    ask.cap = cap.or(body.opt("max_tokens", Node::number)?);
    let effort = body.opt("reasoning_effort", Node::text)?;
    ask.thinks = effort.is_some_and(|effort| effort != "none");
    Ok(ask)
}

fn items(message: &Node<'_>, ask: &mut Ask) -> Result<(), Invalid> {
    let content = message.get("content");
    let content = content.as_ref().map(|node| node.value);
    match message.need("role")?.text()? {
        "tool" => {
            let id = message.need("tool_call_id")?.text()?.to_owned();
            ask.items.push(Item::Result(id, content.map(text_of).unwrap_or_default()));
            return Ok(());
        }
        "system" | "developer" | "user" | "assistant" | "function" => {}
        _ => return Err(message.need("role")?.wrong("a role of this API")),
    }
    for part in content.and_then(Value::as_array).into_iter().flatten() {
        let is_text = matches!(part["type"].as_str(), Some("text" | "refusal"));
        ask.items.push(if is_text { Item::Said } else { Item::Medium });
    }
    ask.items.push(Item::Said);
    for call in message.list("tool_calls")? {
        ask.items.push(Item::Called(call.need("id")?.text()?.to_owned()));
    }
    Ok(())
}

fn choice(node: &Node<'_>) -> Result<Choice, Invalid> {
    match node.value.as_str() {
        Some("none") => Ok(Choice::Never),
        Some("auto") => Ok(Choice::Auto),
        Some("required") => Ok(Choice::Any),
        Some(_) => Err(node.wrong("none, auto, required or a tool")),
        None => match node.get("function") {
            Some(function) => Ok(Choice::Named(function.need("name")?.text()?.to_owned())),
            None => Ok(Choice::Auto),
        },
    }
}

fn shape(node: &Node<'_>) -> Result<Shape, Invalid> {
    match node.need("type")?.text()? {
        "text" => Ok(Shape::Text),
        "json_object" => Ok(Shape::Object),
        "json_schema" => {
            let schema = node.need("json_schema")?.need("schema")?;
            Ok(Shape::Fitting(schema.object()?.clone()))
        }
        _ => Err(node.wrong("text, json_object or json_schema")),
    }
}

pub(super) fn message(reply: &Reply) -> Value {
    let calls: Vec<_> =
        reply.calls().map(|(id, name, block)| call(id, name, &block.text)).collect();
    let mut message = json!({"role": "assistant", "content": reply.text(), "refusal": null});
    if !calls.is_empty() {
        set(&mut message, "content", Value::Null);
        set(&mut message, "tool_calls", calls);
    }
    let thoughts = reply.thoughts();
    if !thoughts.is_empty() {
        set(&mut message, "reasoning_content", thoughts);
    }
    message
}

fn call(id: &str, name: &str, arguments: &str) -> Value {
    json!({"id": id, "type": "function", "function": {"name": name, "arguments": arguments}})
}

pub(super) fn finish(finish: Finish) -> &'static str {
    match finish {
        Finish::Stop => "stop",
        Finish::Length => "length",
        Finish::Calls => "tool_calls",
    }
}

/// What a piece says, as a delta.
pub(super) fn delta(reply: &Reply, block: &Block, piece: &Piece) -> Value {
    let nth = reply.blocks.iter().take(piece.block);
    let nth = nth.filter(|block| matches!(block.kind, Kind::Call { .. })).count();
    match &block.kind {
        Kind::Text => json!({"content": piece.text}),
        Kind::Thought => json!({"reasoning_content": piece.text}),
        Kind::Call { id, name } if piece.first => {
            let mut opened = call(id, name, &piece.text);
            set(&mut opened, "index", nth);
            json!({"tool_calls": [opened]})
        }
        Kind::Call { .. } => {
            json!({"tool_calls": [{"index": nth, "function": {"arguments": piece.text}}]})
        }
    }
}

/// Usage in the vendor's form: cached inside prompt, reasoning inside completion; so many visible
/// tokens were told.
fn usage(reply: &Reply, visible: u64) -> Value {
    let output = visible + reply.reasoning;
    json!({
        "prompt_tokens": reply.prompt,
        "completion_tokens": output,
        "total_tokens": reply.prompt + output,
        "prompt_tokens_details": {"cached_tokens": reply.cached, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": reply.reasoning, "audio_tokens": 0},
    })
}

pub(super) fn error(refusal: &Refusal<'_>) -> Value {
    let kind = match refusal.status {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        400..=499 => "invalid_request_error",
        _ => "server_error",
    };
    let code = refusal.code.unwrap_or(match refusal.status {
        400 => "invalid_value",
        401 => "invalid_api_key",
        403 => "unsupported_country_region_territory",
        404 => "model_not_found",
        429 => "rate_limit_exceeded",
        _ => "server_error",
    });
    json!({
        "error": {"message": refusal.message, "type": kind, "param": refusal.param, "code": code},
    })
}

struct Chunks {
    /// Everything of a chunk before its choices.
    head: String,
    /// Visible tokens told so far.
    visible: u64,
}

impl Chunks {
    /// One chunk for each choice. Where usage was asked for, all chunks but the last say null, or,
    /// as servers can be told to, what was used so far.
    fn chunk(&self, reply: &Reply, delta: &Value, finish: Option<&str>) -> String {
        let usage = match (reply.usage, reply.usage_each) {
            (false, _) => String::new(),
            (true, false) => ",\"usage\":null".to_owned(),
            (true, true) => format!(",\"usage\":{}", usage(reply, self.visible)),
        };
        let chunk = |index| {
            format!(
                "{}\"choices\":[{{\"index\":{index},\"delta\":{delta},\"logprobs\":null,\
                 \"finish_reason\":{}}}]{usage}}}\n\n",
                self.head,
                json!(finish),
            )
        };
        (0..reply.choices).map(chunk).collect()
    }
}

impl Writer for Chunks {
    fn open(&mut self, reply: &Reply) -> Vec<u8> {
        self.chunk(reply, &json!({"role": "assistant", "content": ""}), None).into_bytes()
    }

    fn piece(&mut self, reply: &Reply, block: &Block, piece: &Piece) -> Vec<u8> {
        if block.kind != Kind::Thought {
            self.visible += piece.tokens * reply.choices;
        }
        self.chunk(reply, &delta(reply, block, piece), None).into_bytes()
    }

    fn end(&mut self, reply: &Reply, done: bool) -> Vec<u8> {
        let mut out = self.chunk(reply, &json!({}), Some(finish(reply.finish)));
        if reply.usage {
            out.push_str(&format!(
                "{}\"choices\":[],\"usage\":{}}}\n\n",
                self.head,
                usage(reply, reply.visible)
            ));
        }
        if done {
            out.push_str("data: [DONE]\n\n");
        }
        out.into_bytes()
    }

    fn error(&mut self, code: Option<&str>, message: &str) -> Vec<u8> {
        sse(None, &error(&Refusal { status: 500, code, message, param: None }))
    }
}
