//! Chat completions: counting the prompt, the reply's text, the plain answer and the stream.

use super::{CREATED, Invalid, error_value, millis, parse, plain};
use crate::record::Call;
use crate::reply::{Body, Step, play, response};
use crate::switches::{Hang, Switches, TOKENS_MAX};
use crate::{FINGERPRINT, tokens};
use bytes::Bytes;
use http::{Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use std::fmt::Write as _;

/// What the simulator says, over and over until the reply is long enough.
const SAYS: &str = " This answer comes from the Tollgate simulator; no model wrote it.";
/// Tokens of a reply when nothing else is asked for.
const REPLY_TOKENS: u64 = 24;
/// Tokens that wrap each message, and that open the reply.
const PER_MESSAGE: u64 = 3;
/// Tokens of a part that is not text.
const PER_OTHER_PART: u64 = 85;
const CHOICES_MAX: u64 = 8;

#[derive(Debug, Deserialize)]
struct Request {
    model: String,
    messages: Vec<Message>,
    #[serde(default)]
    stream: Option<bool>,
    #[serde(default)]
    stream_options: Option<StreamOptions>,
    #[serde(default)]
    max_tokens: Option<u64>,
    #[serde(default)]
    max_completion_tokens: Option<u64>,
    #[serde(default)]
    n: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: Option<bool>,
}

#[derive(Debug, Deserialize)]
struct Message {
    role: String,
    #[serde(default)]
    content: Value,
}

impl Message {
    fn tokens(&self) -> u64 {
        let content = match &self.content {
            Value::String(text) => tokens::count(text),
            Value::Array(parts) => parts.iter().map(part_tokens).sum(),
            _ => 0,
        };
        PER_MESSAGE + tokens::count(&self.role) + content
    }
}

fn part_tokens(part: &Value) -> u64 {
    part.get("text").and_then(Value::as_str).map_or(PER_OTHER_PART, tokens::count)
}

/// What an answer will hold, before any of it is sent.
#[derive(Debug, Clone)]
struct Reply {
    id: String,
    model: String,
    choices: u64,
    /// Visible tokens of each choice.
    visible: u64,
    reasoning: u64,
    prompt: u64,
    cached: u64,
    finish: &'static str,
}

impl Reply {
    fn new(call: &Call, switches: &Switches, request: &Request) -> Self {
        let asked = switches.tokens.or(switches.chunks).unwrap_or(REPLY_TOKENS);
        let cap = request.max_completion_tokens.or(request.max_tokens).unwrap_or(TOKENS_MAX);
        let reasoning = switches.reasoning_tokens.min(cap);
        let visible = asked.min(cap.saturating_sub(reasoning));
        let prompt = PER_MESSAGE + request.messages.iter().map(Message::tokens).sum::<u64>();
        Self {
            id: format!("chatcmpl-sim-{}", call.id()),
            model: request.model.clone(),
            choices: request.n.unwrap_or(1),
            visible,
            reasoning,
            prompt,
            cached: switches.cached_tokens.min(prompt),
            finish: if visible < asked { "length" } else { "stop" },
        }
    }

    /// Usage in the vendor's form: cached inside prompt, reasoning inside completion.
    fn usage(&self) -> Value {
        let completion = self.visible * self.choices + self.reasoning;
        json!({
            "prompt_tokens": self.prompt,
            "completion_tokens": completion,
            "total_tokens": self.prompt + completion,
            "prompt_tokens_details": {"cached_tokens": self.cached, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": self.reasoning, "audio_tokens": 0},
        })
    }
}

/// The reply's tokens from the `from`th to before the `to`th.
fn text(from: u64, to: u64) -> String {
    let all = tokens::split(SAYS).collect::<Vec<_>>();
    let skip = usize::try_from(from).unwrap_or(usize::MAX) % all.len().max(1);
    let take = usize::try_from(to.saturating_sub(from)).unwrap_or(0);
    let out: String = all.iter().copied().cycle().skip(skip).take(take).collect();
    // The very first token opens the reply, without the space that joins the later ones.
    if from == 0 { out.trim_start().to_owned() } else { out }
}

pub(super) fn answer(
    call: Call,
    switches: &Switches,
    body: &Bytes,
) -> Result<Response<Body>, (Call, Invalid)> {
    let request = match parse::<Request>(body).and_then(check) {
        Ok(request) => request,
        Err(invalid) => return Err((call, invalid)),
    };
    let reply = Reply::new(&call, switches, &request);
    let stream = request.stream == Some(true);
    let include = request.stream_options.and_then(|options| options.include_usage) == Some(true);
    let reported = !switches.no_usage && (!stream || include);
    call.note(|served| {
        served.model.clone_from(&reply.model);
        served.stream = stream;
        served.input = reply.prompt - reply.cached;
        served.cached_input = reply.cached;
        served.reasoning = reply.reasoning;
        served.usage_reported = reported;
    });
    Ok(if stream {
        let steps = Stream::new(reply, switches.clone(), reported);
        let body = play(call, switches, steps.flatten());
        response(StatusCode::OK, "text/event-stream; charset=utf-8", body)
    } else {
        let tokens = reply.visible * reply.choices;
        plain(call, switches, whole(&reply, reported), tokens)
    })
}

fn check(request: Request) -> Result<Request, Invalid> {
    if request.model.is_empty() {
        return Err(Invalid::new("model", "model must not be empty."));
    }
    if request.messages.is_empty() {
        return Err(Invalid::new("messages", "messages must hold at least one message."));
    }
    if !(1..=CHOICES_MAX).contains(&request.n.unwrap_or(1)) {
        return Err(Invalid::new("n", format!("n must be from 1 to {CHOICES_MAX}.")));
    }
    Ok(request)
}

fn whole(reply: &Reply, usage: bool) -> String {
    let said = text(0, reply.visible);
    let choices: Vec<_> = (0..reply.choices)
        .map(|index| {
            json!({
                "index": index,
                "message": {"role": "assistant", "content": said, "refusal": null},
                "logprobs": null,
                "finish_reason": reply.finish,
            })
        })
        .collect();
    let mut answer = json!({
        "id": reply.id,
        "object": "chat.completion",
        "created": CREATED,
        "model": reply.model,
        "choices": choices,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    });
    if usage && let Some(object) = answer.as_object_mut() {
        object.insert("usage".to_owned(), reply.usage());
    }
    answer.to_string()
}

/// The steps of a streamed answer, made as they are asked for: a chunk with the role, the content
/// chunks, then the end in one piece.
struct Stream {
    reply: Reply,
    switches: Switches,
    usage: bool,
    /// Everything of a chunk before its choices.
    head: String,
    /// Content chunks of each choice.
    chunks: u64,
    /// 0 is the role's chunk, `chunks + 1` the end.
    at: u64,
    over: bool,
}

impl Stream {
    fn new(reply: Reply, switches: Switches, usage: bool) -> Self {
        let chunks = switches.chunks.unwrap_or(reply.visible).min(reply.visible);
        let head = format!(
            "data: {{\"id\":{},\"object\":\"chat.completion.chunk\",\"created\":{CREATED},\
             \"model\":{},\"system_fingerprint\":\"{FINGERPRINT}\",",
            json!(reply.id),
            json!(reply.model),
        );
        Self { reply, switches, usage, head, chunks, at: 0, over: false }
    }

    /// One chunk for each choice. Where usage was asked for, all chunks but the last say null.
    fn chunk(&self, delta: &Value, finish: Option<&str>) -> String {
        let usage = if self.usage { ",\"usage\":null" } else { "" };
        let mut out = String::with_capacity(self.head.len() + 160);
        for index in 0..self.reply.choices {
            // Writing to a String cannot fail.
            let _ = write!(
                out,
                "{}\"choices\":[{{\"index\":{index},\"delta\":{delta},\"logprobs\":null,\
                 \"finish_reason\":{}}}]{usage}}}\n\n",
                self.head,
                json!(finish),
            );
        }
        out
    }

    fn content(&self, nth: u64) -> Step {
        let bound = |k: u64| self.reply.visible * k / self.chunks.max(1);
        let (from, to) = (bound(nth - 1), bound(nth));
        let mut bytes = self.chunk(&json!({"content": text(from, to)}), None);
        if self.switches.malformed && nth == 1 {
            bytes.push_str("data: {\"this line\": is not JSON\n\n");
        }
        Step::Send { bytes: bytes.into(), tokens: (to - from) * self.reply.choices }
    }

    fn end(&self) -> String {
        let mut out = self.chunk(&json!({}), Some(self.reply.finish));
        if self.usage {
            let usage = self.reply.usage();
            let _ = write!(out, "{}\"choices\":[],\"usage\":{usage}}}\n\n", self.head);
        }
        if !self.switches.no_done {
            out.push_str("data: [DONE]\n\n");
        }
        out
    }

    /// The fault that comes instead of the chunk at `at`.
    fn fault(&self) -> Option<Vec<Step>> {
        let sent = self.at.checked_sub(1)?;
        if self.switches.cut_after.is_some_and(|after| sent >= after) {
            return Some(vec![Step::Cut]);
        }
        if self.switches.error_after.is_some_and(|after| sent >= after) {
            let message = "The simulator breaks this stream off, as a switch asks.";
            let code = self.switches.error_code.as_deref().unwrap_or("server_error");
            let event = format!("data: {}\n\n", error_value(500, code, message, None));
            return Some(vec![Step::Send { bytes: event.into(), tokens: 0 }, Step::EndCut]);
        }
        let hangs = match self.switches.hang {
            Some(Hang::FirstToken) => sent == 0,
            Some(Hang::End) => sent == self.chunks,
            _ => false,
        };
        hangs.then(|| vec![Step::Hang])
    }
}

impl Iterator for Stream {
    type Item = Vec<Step>;

    fn next(&mut self) -> Option<Vec<Step>> {
        if self.over {
            return None;
        }
        if let Some(fault) = self.fault() {
            self.over = true;
            return Some(fault);
        }
        let nth = self.at;
        self.at += 1;
        if nth == 0 {
            let bytes = self.chunk(&json!({"role": "assistant", "content": ""}), None);
            return Some(vec![Step::Send { bytes: bytes.into(), tokens: 0 }]);
        }
        if nth <= self.chunks {
            let wait = (nth > 1 && self.switches.chunk_delay_ms > 0)
                .then(|| Step::Wait(millis(self.switches.chunk_delay_ms)));
            return Some(wait.into_iter().chain([self.content(nth)]).collect());
        }
        self.over = true;
        let bytes = Bytes::from(self.end());
        Some(if self.switches.no_done {
            vec![Step::Send { bytes, tokens: 0 }, Step::EndCut]
        } else {
            vec![Step::Last { bytes, tokens: 0 }]
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reply_counts_as_many_tokens_as_it_says() {
        for n in [0, 1, 2, 16, 24, 100] {
            assert_eq!(tokens::count(&text(0, n)), n);
        }
    }

    #[test]
    fn the_pieces_of_a_reply_make_the_whole() {
        let pieces: String = (0..7).map(|k| text(50 * k / 7, 50 * (k + 1) / 7)).collect();
        assert_eq!(pieces, text(0, 50));
    }
}
