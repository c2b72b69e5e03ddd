//! What one pair of dialects makes of every scene, as text; and what must hold of it.

use crate::scene::{self, Gist, assemble};
use bytes::{Bytes, BytesMut};
use contract::error::ErrorCode;
use dialect::convert::{Address, Caller, Framing, Inbound, Outbound, Provider};
use dialect::lines::Lines;
use dialect::loss::Losses;
use dialect::neutral::{Event, Request};
use dialect::sse::{Events, Verdict};
use dialect::{Problem, Wire};
use std::collections::VecDeque;
use std::fmt::Write as _;

const PROVIDER: Provider<'static> = Provider { model: "upstream-model", output_tokens_max: 8_192 };
/// A fixed instant: what is written may hold the time of writing.
const NOW: i64 = 1_760_000_000;

/// Every scene of a pair.
pub fn pair(from: Wire, to: Wire) -> String {
    let (caller, provider) = (from.inbound().expect("callers speak it"), outbound(to));
    let mut page = String::new();
    for name in scene::WHOLE {
        whole(&mut page, name, (from, caller), (to, provider));
    }
    for name in scene::STREAMED {
        stream(&mut page, name, (from, caller), (to, provider));
    }
    error(&mut page, (from, caller), (to, provider));
    page
}

fn outbound(wire: Wire) -> &'static dyn Outbound {
    wire.outbound().expect("providers speak it")
}

type Side<T> = (Wire, &'static T);

fn whole(
    page: &mut String,
    name: &str,
    (from, caller): Side<dyn Inbound>,
    (to, provider): Side<dyn Outbound>,
) {
    writeln!(page, "## {name}\n").unwrap();
    let Some(body) = scene::file(from, &format!("{name}.request.json")) else {
        writeln!(page, "{from} callers cannot ask for this.\n").unwrap();
        return;
    };
    let request = read(caller, &body, from, name);
    if !sent(page, &request, (to, provider)) {
        return;
    }
    let Some(body) = scene::file(to, &format!("{name}.answer.json")) else {
        writeln!(page, "{to} providers cannot answer this.\n").unwrap();
        return;
    };
    let answer = provider.read_answer(&body).unwrap_or_else(|e| panic!("{to} {name}: {e}"));
    let written = caller.write_answer(&answer, &to_caller(&request));
    writeln!(page, "answer:\n{}\n", pretty(&written)).unwrap();
    // Read back, it says what the provider said.
    let again = outbound(from).read_answer(&written);
    let again = again.unwrap_or_else(|e| panic!("{name}, read back: {e}"));
    let (told, meant) = (Gist::of(&again), Gist::of(&answer));
    same(&told, &meant, &format!("{to} to {from}, {name}"));
}

fn same(told: &Gist, meant: &Gist, whose: &str) {
    assert_eq!(told.text, meant.text, "text, {whose}");
    assert_eq!(told.thinking, meant.thinking, "thinking, {whose}");
    assert_eq!(told.calls, meant.calls, "calls, {whose}");
    assert_eq!(told.stop, meant.stop, "stop, {whose}");
    assert_eq!(told.input_total, meant.input_total, "input tokens, {whose}");
    assert_eq!(told.output_total, meant.output_total, "output tokens, {whose}");
    assert_eq!(told.signatures, meant.signatures, "signatures, {whose}");
}

fn read(caller: &dyn Inbound, body: &[u8], from: Wire, name: &str) -> Request {
    let at = Address { model: Some("the-model"), stream: Some(name == "stream") };
    let at = if from == Wire::Gemini { at } else { Address::default() };
    caller.read_request(body, &at).unwrap_or_else(|e| panic!("{from} {name}: {e}"))
}

fn to_caller(request: &Request) -> Caller<'_> {
    Caller { asked: request, id: "req_1", now: NOW, stream_usage: true }
}

/// Writes what is sent, or why it is refused; tells whether it is sent.
fn sent(page: &mut String, request: &Request, (to, provider): Side<dyn Outbound>) -> bool {
    let mut losses = Losses::new(to);
    match provider.write_request(request, &PROVIDER, &mut losses) {
        Err(refused) => {
            let param = refused.param.expect("a refusal names the field");
            writeln!(page, "refused at {param}: {}\n", refused.detail).unwrap();
            false
        }
        Ok(body) => {
            let path = provider.path(PROVIDER.model, request.stream);
            writeln!(page, "request: POST {path}\n{}", pretty(&body)).unwrap();
            if !losses.is_empty() {
                writeln!(page, "dropped: {}", losses.header()).unwrap();
            }
            writeln!(page).unwrap();
            true
        }
    }
}

fn stream(
    page: &mut String,
    name: &str,
    (from, caller): Side<dyn Inbound>,
    (to, provider): Side<dyn Outbound>,
) {
    writeln!(page, "## {name}, streamed\n").unwrap();
    let Some(text) = scene::file(to, &format!("{name}.stream")) else {
        writeln!(page, "{to} providers cannot stream this.\n").unwrap();
        return;
    };
    let asked = if name == "cut" { "tools" } else { name };
    let Some(body) = scene::file(from, &format!("{asked}.request.json")) else {
        writeln!(page, "{from} callers cannot ask for this.\n").unwrap();
        return;
    };
    let mut request = read(caller, &body, from, asked);
    request.stream = true;
    let events = events(provider, &text);
    let (answer, ended) = assemble(&events);
    assert_eq!(ended, name != "cut", "{to} {name}: only a whole stream ends");
    let mut writer = caller.stream_writer(&to_caller(&request));
    let mut out = BytesMut::new();
    for event in &events {
        writer.write(event, &mut out);
    }
    writeln!(page, "{}", String::from_utf8_lossy(&out)).unwrap();
    let back = events_of(outbound(from), &out);
    let (again, ended_again) = assemble(&back);
    assert_eq!(ended_again, ended, "{from} {name}: a cut stream does not look whole");
    let (told, meant) = (Gist::of(&again), Gist::of(&answer));
    if ended {
        same(&told, &meant, &format!("{to} to {from}, {name}, streamed"));
    } else {
        assert_eq!(told.text, meant.text, "text, {to} to {from}, {name}");
    }
}

/// A provider's fixture; event stream messages are written as lines of JSON there.
fn events(provider: &dyn Outbound, text: &[u8]) -> Vec<Event> {
    match provider.framing() {
        Framing::EventStream => eventstream(provider, text),
        Framing::Lines => lines(provider, text),
        Framing::Sse => events_of(provider, text),
    }
}

fn events_of(provider: &dyn Outbound, text: &[u8]) -> Vec<Event> {
    let mut reader = provider.stream_reader();
    let (mut events, mut kept) = (Vec::new(), VecDeque::new());
    let mut frames = Events::new(1 << 20);
    frames
        .push(Bytes::copy_from_slice(text), &mut kept, |event| {
            reader.read(event, &mut events).unwrap();
            Verdict::Keep
        })
        .unwrap();
    reader.close(&mut events);
    events
}

fn lines(provider: &dyn Outbound, text: &[u8]) -> Vec<Event> {
    let mut reader = provider.stream_reader();
    let (mut events, mut lines) = (Vec::new(), Lines::new(1 << 20));
    let read = |line: &[u8]| {
        reader.read(line, &mut events).unwrap();
        true
    };
    lines.push(Bytes::copy_from_slice(text), read).unwrap();
    reader.close(&mut events);
    events
}

fn eventstream(provider: &dyn Outbound, text: &[u8]) -> Vec<Event> {
    let mut reader = provider.stream_reader();
    let mut events = Vec::new();
    for line in std::str::from_utf8(text).unwrap().lines().filter(|line| !line.is_empty()) {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        let kind = line["type"].as_str().unwrap();
        let payload = line["payload"].to_string();
        let message = dialect::eventstream::write_event(kind, payload.as_bytes());
        reader.read(&message, &mut events).unwrap();
    }
    reader.close(&mut events);
    events
}

fn error(page: &mut String, (from, caller): Side<dyn Inbound>, (to, provider): Side<dyn Outbound>) {
    let fixture: serde_json::Value =
        serde_json::from_slice(&scene::must(to, "error.answer.json")).unwrap();
    let status = u16::try_from(fixture["status"].as_u64().unwrap()).unwrap();
    let read = provider.read_error(status, fixture["body"].to_string().as_bytes());
    let message = read.message.expect("the vendor says why");
    let problem = Problem {
        code: ErrorCode::UpstreamRateLimited,
        status,
        message: &message,
        param: read.param.as_deref(),
        request_id: "req_1",
    };
    let body = caller.error_body(&problem);
    let again = outbound(from).read_error(status, &body);
    assert_eq!(again.message.as_deref(), Some(message.as_str()), "{to} to {from}: the sentence");
    writeln!(page, "## error\n\n{status}\n{}\n", pretty(&body)).unwrap();
    let event = caller.error_event(&problem);
    writeln!(page, "in a stream:\n{}", String::from_utf8_lossy(&event)).unwrap();
}

fn pretty(body: &[u8]) -> String {
    let value: serde_json::Value = serde_json::from_slice(body).expect("JSON");
    serde_json::to_string_pretty(&value).unwrap()
}
