//! The dialect as a whole: what is asked in it, and what is understood of its answers and streams.

mod answers;
mod requests;
mod scenes;
mod streams;

use super::*;
use crate::eventstream::{self, Events};
use crate::neutral::{
    Block, CacheMark, CallKind, Content, Delta, Effort, Event, Extra, Format, Media, Part,
    Reasoning, Role, Schema, Signature, Source, Stop, Tool, ToolCall, ToolChoice, ToolKind,
    ToolResult, Turn,
};
use crate::sse::Verdict;
use crate::testing::mangled;
use crate::{Wire, convert};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

const CLAUDE: &str = "anthropic.claude-sonnet-4-5-20250929-v1:0";

const OLD_CLAUDE: &str = "anthropic.claude-3-7-sonnet-20250219-v1:0";

const LLAMA: &str = "meta.llama3-1-70b-instruct-v1:0";

fn write(request: &Request, model: &str) -> Result<(Value, String), Invalid> {
    let mut losses = Losses::new(Wire::Converse);
    let to = Provider { model, output_tokens_max: 0 };
    let body = Converse.write_request(request, &to, &mut losses)?;
    Ok((serde_json::from_slice(&body).unwrap(), losses.header()))
}

fn user(text: &str) -> Turn {
    Turn::new(Role::User, vec![Part::text(text)])
}

fn asked(turns: Vec<Turn>) -> Request {
    Request { turns, ..Request::default() }
}

fn weather() -> Tool {
    let schema = json!({"type": "object", "properties": {"city": {"type": "string"}}});
    Tool {
        name: "get_weather".to_owned(),
        description: Some("Tells the weather.".to_owned()),
        kind: ToolKind::Function { schema, strict: None },
        cache: None,
    }
}

fn call(id: &str, input: &str) -> Part {
    Part::new(Content::ToolCall(ToolCall {
        id: id.to_owned(),
        name: "get_weather".to_owned(),
        input: input.to_owned(),
        kind: CallKind::Function,
    }))
}

fn result(id: &str, parts: Vec<Part>, is_error: bool) -> Part {
    let (call_id, name) = (id.to_owned(), "get_weather".to_owned());
    Part::new(Content::ToolResult(ToolResult { call_id, name, parts, is_error }))
}

fn signed(text: &str, wire: Wire) -> Part {
    let signature = Some(Signature { wire, value: "c2ln".to_owned() });
    Part { signature, ..Part::new(Content::Thinking(text.to_owned())) }
}

fn read_all(bytes: &[u8]) -> Vec<Event> {
    let mut reader = Converse.stream_reader();
    let (mut out, mut told) = (VecDeque::new(), Vec::new());
    let read = Events::new(16 << 20).push(Bytes::copy_from_slice(bytes), &mut out, |event| {
        // A message that is not understood is left out, and the stream goes on.
        drop(reader.read(event, &mut told));
        Verdict::Keep
    });
    if read.is_ok() {
        reader.close(&mut told);
    }
    told
}

/// The order that every reader promises.
fn assert_in_order(events: &[Event]) {
    let (mut open, mut next, mut stopped, mut ended) = (None, 0, false, false);
    for (n, event) in events.iter().enumerate() {
        assert!(!ended, "{event:?} after the end of {events:?}");
        match event {
            Event::Start { .. } => assert_eq!(n, 0, "{events:?}"),
            Event::Open { block, .. } => {
                assert_eq!((open, *block, stopped), (None, next, false), "{events:?}");
                open = Some(*block);
                next += 1;
            }
            Event::Delta { block, .. } => assert_eq!(open, Some(*block), "{events:?}"),
            Event::Close { block } => assert_eq!(open.take(), Some(*block), "{events:?}"),
            Event::Stop { .. } => {
                assert_eq!((open, stopped), (None, false), "{events:?}");
                stopped = true;
            }
            Event::End | Event::Error { .. } => ended = true,
            Event::Tokens(_) | Event::Units(_) | Event::Ping => {}
        }
    }
}
