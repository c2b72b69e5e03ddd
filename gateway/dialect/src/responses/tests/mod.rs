//! What this dialect promises, told through its public traits alone.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod answers;
mod corpus;
mod requests;
mod streams;

use super::Responses;
use crate::convert::{Address, Caller, Inbound, Outbound, Provider};
use crate::loss::Losses;
use crate::neutral::{Event, Request};
use crate::{Invalid, Wire, sse};
use bytes::{Bytes, BytesMut};
use serde_json::Value;
use std::collections::VecDeque;

fn read(body: &Value) -> Result<Request, Invalid> {
    Responses.read_request(body.to_string().as_bytes(), &Address::default())
}

/// Writes a request; what was lost on the way.
fn write(request: &Request) -> Result<(Value, String), Invalid> {
    let to = Provider { model: "up", output_tokens_max: 0 };
    let mut losses = Losses::new(Wire::Responses);
    let body = Responses.write_request(request, &to, &mut losses)?;
    Ok((serde_json::from_slice(&body).unwrap(), losses.header()))
}

fn caller(asked: &Request) -> Caller<'_> {
    Caller { asked, id: "req_1", now: 7, stream_usage: true }
}

/// Shows each event of a stream.
fn each_event(stream: &[u8], mut show: impl FnMut(&[u8])) {
    let mut events = sse::Events::new(1 << 20);
    let mut out = VecDeque::new();
    let judge = |event: &[u8]| {
        show(event);
        sse::Verdict::Keep
    };
    events.push(Bytes::copy_from_slice(stream), &mut out, judge).unwrap();
}

/// Reads a provider's stream.
fn read_stream(stream: &[u8]) -> Vec<Event> {
    let mut reader = Responses.stream_reader();
    let mut out = Vec::new();
    each_event(stream, |event| reader.read(event, &mut out).unwrap());
    reader.close(&mut out);
    out
}

/// Writes a stream to a caller.
fn write_stream(events: &[Event], asked: &Request) -> Vec<u8> {
    let mut writer = Responses.stream_writer(&caller(asked));
    let mut out = BytesMut::new();
    for event in events {
        writer.write(event, &mut out);
    }
    out.to_vec()
}

/// The data of each event, whose name must be its type.
fn data(stream: &[u8]) -> Vec<Value> {
    let mut all = Vec::new();
    each_event(stream, |event| {
        let Some(data) = sse::data(event).filter(|data| &data[..] != b"[DONE]") else { return };
        let value: Value = serde_json::from_slice(&data).unwrap();
        let name = format!("event: {}\n", value["type"].as_str().unwrap());
        assert!(event.starts_with(name.as_bytes()), "{}", String::from_utf8_lossy(event));
        all.push(value);
    });
    all
}
