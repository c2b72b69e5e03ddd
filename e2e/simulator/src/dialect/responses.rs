//! OpenAI responses.

use super::{CREATED, Dialect, Refusal, Target, chat, set, text_of};
use crate::ask::{Ask, Choice, Item, Shape};
use crate::node::{Invalid, Node};
use crate::reply::{Block, Finish, Kind, Piece, Reply};
use crate::stream::{Writer, sse};
use http::HeaderMap;
use serde_json::{Value, json};

pub(crate) struct Responses;

impl Dialect for Responses {
    fn ask(&self, _: &Target, _: &HeaderMap, body: &Node<'_>) -> Result<Ask, Invalid> {
        let mut ask = Ask::new(body.need("model")?.text()?)?;
        let input = body.need("input")?;
        let said = std::slice::from_ref(&input).to_vec();
        let given = if input.value.is_string() { said } else { body.some("input")? };
        for item in &given {
            read(item, &mut ask)?;
        }
        for tool in body.list("tools")? {
            if tool.need("type")?.text()? == "function" {
                ask.tool(tool.need("name")?.text()?, tool.get("parameters"));
            }
        }
        ask.weigh(&given, &[body.get("instructions"), body.get("tools")]);
        ask.choice = body.opt("tool_choice", choice)?.unwrap_or_default();
        let format = body.get("text").and_then(|text| text.get("format"));
        ask.shape = format.as_ref().map(shape).transpose()?.unwrap_or_default();
        ask.cap = body.opt("max_output_tokens", Node::number)?;
        ask.stream = body.opt("stream", Node::flag)?.unwrap_or(false);
        let reasoning = body.get("reasoning");
        ask.thinks = reasoning.is_some_and(|node| node.get("effort").is_some());
        ask.shows_thoughts = true;
        let sealed = json!("reasoning.encrypted_content");
        ask.seals_thoughts = body.list("include")?.iter().any(|node| *node.value == sealed);
        Ok(ask)
    }

    fn whole(&self, reply: &Reply) -> Value {
        let items = reply.blocks.iter().enumerate();
        let items = items.map(|(nth, block)| item(reply, nth, block, true)).collect();
        response(reply, status(reply), items)
    }

    fn writer(&self, _: &Reply) -> Box<dyn Writer> {
        Box::new(Events { sent: 0 })
    }

    fn refusal(&self, refusal: &Refusal<'_>) -> (Value, Option<(&'static str, String)>) {
        (chat::error(refusal), None)
    }
}

fn read(item: &Node<'_>, ask: &mut Ask) -> Result<(), Invalid> {
    match item.opt("type", Node::text)?.unwrap_or("message") {
        "message" => {
            if !item.value.is_string() {
                let content = item.need("content")?;
                for part in content.value.as_array().into_iter().flatten() {
                    let medium =
                        matches!(part["type"].as_str(), Some("input_image" | "input_file"));
                    ask.items.push(if medium { Item::Medium } else { Item::Said });
                }
            }
            ask.items.push(Item::Said);
        }
        "function_call" => {
            ask.items.push(Item::Called(item.need("call_id")?.text()?.to_owned()));
        }
        "function_call_output" => {
            let id = item.need("call_id")?.text()?.to_owned();
            ask.items.push(Item::Result(id, text_of(item.need("output")?.value)));
        }
        "reasoning" => {
            if let Some(sealed) = item.opt("encrypted_content", Node::text)? {
                let (signature, text) = (sealed.to_owned(), String::new());
                ask.items.push(Item::Signed { signature, text });
            }
        }
        _ => {}
    }
    Ok(())
}

fn choice(node: &Node<'_>) -> Result<Choice, Invalid> {
    match node.value.as_str() {
        Some("none") => Ok(Choice::Never),
        Some("auto") => Ok(Choice::Auto),
        Some("required") => Ok(Choice::Any),
        Some(_) => Err(node.wrong("none, auto, required or a tool")),
        None => Ok(match node.opt("name", Node::text)? {
            Some(name) => Choice::Named(name.to_owned()),
            None => Choice::Auto,
        }),
    }
}

fn shape(node: &Node<'_>) -> Result<Shape, Invalid> {
    match node.need("type")?.text()? {
        "text" => Ok(Shape::Text),
        "json_object" => Ok(Shape::Object),
        "json_schema" => {
            node.need("name")?.text()?;
            Ok(Shape::Fitting(node.need("schema")?.object()?.clone()))
        }
        _ => Err(node.wrong("text, json_object or json_schema")),
    }
}

fn status(reply: &Reply) -> &'static str {
    if reply.finish == Finish::Length { "incomplete" } else { "completed" }
}

fn response(reply: &Reply, status: &str, output: Vec<Value>) -> Value {
    let mut response = json!({
        "id": format!("resp_sim_{}", reply.id),
        "object": "response",
        "created_at": CREATED,
        "status": status,
        "background": false,
        "error": null,
        "incomplete_details": null,
        "instructions": null,
        "max_output_tokens": null,
        "metadata": {},
        "model": reply.model,
        "output": output,
        "parallel_tool_calls": true,
        "previous_response_id": null,
        "reasoning": {"effort": null, "summary": null},
        "service_tier": "default",
        "store": false,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": null,
    });
    if status == "incomplete" {
        set(&mut response, "incomplete_details", json!({"reason": "max_output_tokens"}));
    }
    if reply.usage && status != "in_progress" {
        set(
            &mut response,
            "usage",
            json!({
                "input_tokens": reply.prompt,
                "input_tokens_details": {"cached_tokens": reply.cached},
                "output_tokens": reply.output(),
                "output_tokens_details": {"reasoning_tokens": reply.reasoning},
                "total_tokens": reply.prompt + reply.output(),
            }),
        );
    }
    response
}

fn item_id(reply: &Reply, nth: usize, block: &Block) -> String {
    let kind = match block.kind {
        Kind::Thought => "rs",
        Kind::Text => "msg",
        Kind::Call { .. } => "fc",
    };
    format!("{kind}_sim_{}_{nth}", reply.id)
}

fn text_part(text: &str) -> Value {
    json!({"type": "output_text", "text": text, "annotations": [], "logprobs": []})
}

/// A block as an item of the output: as it starts, or whole.
fn item(reply: &Reply, nth: usize, block: &Block, whole: bool) -> Value {
    let id = item_id(reply, nth, block);
    let status = if whole { "completed" } else { "in_progress" };
    let text = if whole { block.text.as_str() } else { "" };
    match &block.kind {
        Kind::Thought => {
            let summary = json!([{"type": "summary_text", "text": text}]);
            let summary = if whole { summary } else { json!([]) };
            let mut item = json!({"id": id, "type": "reasoning", "summary": summary});
            if reply.sealed {
                set(&mut item, "encrypted_content", json!(block.signature));
            }
            item
        }
        Kind::Text => {
            let content = if whole { json!([text_part(text)]) } else { json!([]) };
            json!({
                "id": id, "type": "message", "status": status, "role": "assistant",
                "content": content,
            })
        }
        Kind::Call { id: call_id, name } => json!({
            "id": id, "type": "function_call", "status": status, "call_id": call_id,
            "name": name, "arguments": text,
        }),
    }
}

struct Events {
    sent: u64,
}

impl Events {
    fn event(&mut self, kind: &str, mut data: Value) -> Vec<u8> {
        set(&mut data, "type", kind);
        set(&mut data, "sequence_number", self.sent);
        self.sent += 1;
        sse(Some(kind), &data)
    }

    /// What stands around a block's text: its item, and the part within it.
    fn around(&mut self, reply: &Reply, block: &Block, nth: usize, ends: bool) -> Vec<u8> {
        let id = item_id(reply, nth, block);
        let text = if ends { block.text.as_str() } else { "" };
        let item = json!({"output_index": nth, "item": item(reply, nth, block, ends)});
        let place = |more: Value| {
            let mut place = json!({"item_id": id, "output_index": nth});
            if let (Some(place), Value::Object(more)) = (place.as_object_mut(), more) {
                place.extend(more);
            }
            place
        };
        let (part, done) = match &block.kind {
            Kind::Text => (
                Some(("response.content_part", "content_index", text_part(text))),
                (
                    "response.output_text.done",
                    json!({"content_index": 0, "text": text, "logprobs": []}),
                ),
            ),
            Kind::Thought => (
                Some((
                    "response.reasoning_summary_part",
                    "summary_index",
                    json!({"type": "summary_text", "text": text}),
                )),
                ("response.reasoning_summary_text.done", json!({"summary_index": 0, "text": text})),
            ),
            Kind::Call { name, .. } => (
                None,
                ("response.function_call_arguments.done", json!({"arguments": text, "name": name})),
            ),
        };
        let part = part.map(|(kind, index, part)| {
            let kind = format!("{kind}.{}", if ends { "done" } else { "added" });
            (kind, place(json!({index: 0, "part": part})))
        });
        let mut out = Vec::new();
        if !ends {
            out.extend(self.event("response.output_item.added", item));
            out.extend(part.map(|(kind, part)| self.event(&kind, part)).unwrap_or_default());
        } else {
            out.extend(self.event(done.0, place(done.1)));
            out.extend(part.map(|(kind, part)| self.event(&kind, part)).unwrap_or_default());
            out.extend(self.event("response.output_item.done", item));
        }
        out
    }
}

impl Writer for Events {
    fn open(&mut self, reply: &Reply) -> Vec<u8> {
        let response = response(reply, "in_progress", Vec::new());
        let mut out = self.event("response.created", json!({"response": response}));
        out.extend(self.event("response.in_progress", json!({"response": response})));
        out
    }

    fn piece(&mut self, reply: &Reply, block: &Block, piece: &Piece) -> Vec<u8> {
        let mut out = Vec::new();
        if piece.first {
            out.extend(self.around(reply, block, piece.block, false));
        }
        let (kind, index) = match block.kind {
            Kind::Text => ("response.output_text.delta", Some("content_index")),
            Kind::Thought => ("response.reasoning_summary_text.delta", Some("summary_index")),
            Kind::Call { .. } => ("response.function_call_arguments.delta", None),
        };
        let mut delta = json!({
            "item_id": item_id(reply, piece.block, block), "output_index": piece.block,
            "delta": piece.text,
        });
        if let Some(index) = index {
            set(&mut delta, index, 0);
        }
        if block.kind == Kind::Text {
            set(&mut delta, "logprobs", json!([]));
        }
        out.extend(self.event(kind, delta));
        if piece.last {
            out.extend(self.around(reply, block, piece.block, true));
        }
        out
    }

    fn end(&mut self, reply: &Reply, done: bool) -> Vec<u8> {
        if !done {
            return Vec::new();
        }
        let kind = format!("response.{}", status(reply));
        self.event(&kind, json!({"response": Responses.whole(reply)}))
    }

    fn error(&mut self, code: Option<&str>, message: &str) -> Vec<u8> {
        let code = code.unwrap_or("server_error");
        self.event("error", json!({"code": code, "message": message, "param": null}))
    }
}
