//! What is common to the tests: the fixtures, and short ways through the dialect.

mod answers;
mod corpus;
mod errors;
mod hostile;
mod requests;
mod streams;

use super::Gemini;
use crate::convert::{Address, Caller, Inbound as _, Outbound as _, Provider};
use crate::loss::Losses;
use crate::neutral::{Answer, Event, Request};
use crate::{Invalid, Wire};
use bytes::BytesMut;
use serde_json::Value;

/// A fixture of the matrix.
fn golden(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/gemini/");
    std::fs::read(format!("{folder}{name}")).unwrap()
}

fn read(body: impl AsRef<[u8]>) -> Result<Request, Invalid> {
    Gemini.read_request(body.as_ref(), &Address { model: Some("m"), stream: None })
}

fn read_json(body: Value) -> Request {
    read(body.to_string()).unwrap()
}

/// What a provider of `model` gets, and what was lost.
fn write(request: &Request, model: &str) -> Result<(Value, String), Invalid> {
    let mut losses = Losses::new(Wire::Gemini);
    let to = Provider { model, output_tokens_max: 0 };
    let body = Gemini.write_request(request, &to, &mut losses)?;
    Ok((serde_json::from_slice(&body).unwrap(), losses.header()))
}

fn caller(asked: &Request) -> Caller<'_> {
    Caller { asked, id: "req_1", now: 0, stream_usage: true }
}

fn answer_json(answer: &Answer) -> Value {
    let asked = Request { model: "m".to_owned(), ..Request::default() };
    serde_json::from_slice(&Gemini.write_answer(answer, &caller(&asked))).unwrap()
}

/// The events of framed bytes, each with its blank line; a rest without one is no event.
fn events_of(stream: &[u8]) -> Vec<Vec<u8>> {
    let mut events = Vec::new();
    let mut rest = stream;
    while let Some(end) = rest.windows(2).position(|two| two == b"\n\n") {
        events.push(rest[..end + 2].to_vec());
        rest = &rest[end + 2..];
    }
    events
}

fn read_stream(stream: &[u8]) -> Vec<Event> {
    let mut reader = Gemini.stream_reader();
    let mut out = Vec::new();
    for event in events_of(stream) {
        reader.read(&event, &mut out).unwrap();
    }
    reader.close(&mut out);
    out
}

/// What a caller gets of events: each event's JSON.
fn write_stream(events: &[Event]) -> Vec<Value> {
    let asked = Request { model: "m".to_owned(), ..Request::default() };
    let mut writer = Gemini.stream_writer(&caller(&asked));
    let mut out = BytesMut::new();
    events.iter().for_each(|event| writer.write(event, &mut out));
    let json = |event: &Vec<u8>| serde_json::from_slice(event.strip_prefix(b"data: ").unwrap());
    events_of(&out).iter().map(|event| json(event).unwrap()).collect()
}
