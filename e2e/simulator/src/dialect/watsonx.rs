//! IBM watsonx.ai chat: the form of chat completions with names of its own, the version in the
//! query, the project in the body, and whether it streams in the path.

use super::{CREATED, Dialect, Refusal, Target, Tells, chat, set};
use crate::ask::{Ask, Choice};
use crate::node::{Invalid, Node};
use crate::reply::{Block, Piece, Reply};
use crate::stream::{Writer, sse};
use http::HeaderMap;
use serde_json::{Value, json};

const CREATED_AT: &str = "2025-10-09T08:53:20.000Z";

pub(crate) struct Watsonx;

/// Every call names a project or a space.
pub(super) fn check_place(body: &Node<'_>) -> Result<(), Invalid> {
    if body.get("project_id").is_none() && body.get("space_id").is_none() {
        return Err(Invalid::at("project_id", "Either project_id or space_id is required."));
    }
    Ok(())
}

impl Dialect for Watsonx {
    fn ask(&self, target: &Target, _: &HeaderMap, body: &Node<'_>) -> Result<Ask, Invalid> {
        check_place(body)?;
        body.only(&[
            "model_id",
            "project_id",
            "space_id",
            "messages",
            "tools",
            "tool_choice_option",
            "tool_choice",
            "context",
            "crypto",
            "frequency_penalty",
            "presence_penalty",
            "logprobs",
            "top_logprobs",
            "max_tokens",
            "max_completion_tokens",
            "n",
            "response_format",
            "seed",
            "stop",
            "temperature",
            "top_p",
            "time_limit",
            "logit_bias",
            "guided_choice",
            "guided_grammar",
            "guided_json",
            "guided_regex",
            "repetition_penalty",
            "length_penalty",
            "chat_template_kwargs",
            "include_reasoning",
            "reasoning_effort",
        ])?;
        let mut ask = chat::read(body.need("model_id")?.text()?, body)?;
        ask.stream = target.stream;
        ask.shows_thoughts = body.opt("include_reasoning", Node::flag)?.unwrap_or(true);
        match body.opt("tool_choice_option", Node::text)? {
            Some("none") => ask.choice = Choice::Never,
            Some("required") => ask.choice = Choice::Any,
            Some("auto") | None => {}
            Some(_) => {
                let why = "tool_choice_option must be none, auto or required.";
                return Err(Invalid::at("tool_choice_option", why));
            }
        }
        Ok(ask)
    }

    fn whole(&self, reply: &Reply) -> Value {
        let choice = json!({
            "index": 0, "message": chat::message(reply),
            "finish_reason": chat::finish(reply.finish),
        });
        let mut answer = head(reply, "chat.completion", &json!([choice]));
        if reply.usage {
            set(&mut answer, "usage", usage(reply));
        }
        answer
    }

    fn writer(&self, _: &Reply) -> Box<dyn Writer> {
        Box::new(Chunks { sent: 0 })
    }

    fn refusal(&self, refusal: &Refusal<'_>) -> (Value, Option<(&'static str, String)>) {
        (error(refusal), None)
    }

    fn tells(&self) -> Tells {
        Tells { cached: false, cache_write: false, reasoning: false }
    }
}

fn head(reply: &Reply, object: &str, choices: &Value) -> Value {
    json!({
        "id": format!("chatcmpl-sim-{}", reply.id),
        "object": object,
        "model_id": reply.model,
        "model": reply.model,
        "choices": choices,
        "created": CREATED,
        "model_version": "1.0.0",
        "created_at": CREATED_AT,
        "system": {"warnings": [{"message": "Simulated: no model runs.", "id": "simulator"}]},
    })
}

fn usage(reply: &Reply) -> Value {
    json!({
        "completion_tokens": reply.output(),
        "prompt_tokens": reply.prompt,
        "total_tokens": reply.prompt + reply.output(),
    })
}

pub(super) fn error(refusal: &Refusal<'_>) -> Value {
    let code = refusal.code.unwrap_or(match refusal.status {
        400 => "invalid_request_entity",
        401 => "authentication_token_not_valid",
        403 => "token_quota_reached",
        404 => "model_not_supported",
        429 => "consumption_limit_reached",
        _ => "downstream_request_failed",
    });
    json!({
        "errors": [{"code": code, "message": refusal.message}],
        "trace": crate::FINGERPRINT,
        "status_code": refusal.status,
    })
}

struct Chunks {
    sent: u64,
}

impl Chunks {
    fn chunk(&mut self, data: &Value) -> Vec<u8> {
        self.sent += 1;
        format!("id: {}\nevent: message\ndata: {data}\n\n", self.sent).into_bytes()
    }

    fn choice(&mut self, reply: &Reply, delta: &Value, finish: Option<&str>) -> Vec<u8> {
        let choice = json!([{"index": 0, "finish_reason": finish, "delta": delta}]);
        self.chunk(&head(reply, "chat.completion.chunk", &choice))
    }
}

impl Writer for Chunks {
    fn open(&mut self, reply: &Reply) -> Vec<u8> {
        self.choice(reply, &json!({"role": "assistant", "content": ""}), None)
    }

    fn piece(&mut self, reply: &Reply, block: &Block, piece: &Piece) -> Vec<u8> {
        self.choice(reply, &chat::delta(reply, block, piece), None)
    }

    /// There is no end mark beside the finish reason.
    fn end(&mut self, reply: &Reply, done: bool) -> Vec<u8> {
        if !done {
            return Vec::new();
        }
        let mut out = self.choice(reply, &json!({"content": ""}), Some(chat::finish(reply.finish)));
        if reply.usage {
            let mut last = head(reply, "chat.completion.chunk", &json!([]));
            set(&mut last, "usage", usage(reply));
            out.extend(self.chunk(&last));
        }
        out
    }

    fn error(&mut self, code: Option<&str>, message: &str) -> Vec<u8> {
        sse(Some("error"), &error(&Refusal { status: 500, code, message, param: None }))
    }
}
