//! What one pair of dialects makes of every scene, as text; and what must hold of it.

use crate::gist::{Gist, assemble};
use crate::scene::{self, Scene};
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

/// What one pair makes of one scene.
pub struct Cell {
    pub scene: Scene,
    pub outcome: Outcome,
    /// What is sent and answered whole, and what is streamed.
    whole: String,
    streamed: String,
}

/// What becomes of what a caller asks for.
pub enum Outcome {
    Told,
    /// Told, but for these fields, which the caller hears of.
    Dropped(String),
    /// Refused by the table of losses, at this field.
    Refused(String),
}

/// Every scene of a pair.
pub fn cells(from: Wire, to: Wire) -> Vec<Cell> {
    Scene::ALL.into_iter().map(|scene| cell(scene, from, to)).collect()
}

/// The cells as a page to read.
pub fn page(cells: &[Cell]) -> String {
    let (error, rest): (Vec<_>, Vec<_>) = cells.iter().partition(|cell| cell.scene == Scene::Error);
    let whole = rest.iter().map(|cell| cell.whole.as_str());
    let streamed = rest.iter().map(|cell| cell.streamed.as_str());
    whole.chain(streamed).chain(error.iter().map(|cell| cell.whole.as_str())).collect()
}

fn cell(scene: Scene, from: Wire, to: Wire) -> Cell {
    let (caller, provider) = (from.inbound().expect("callers speak it"), outbound(to));
    let (from, to) = ((from, caller), (to, provider));
    let request = read(caller, &scene.request(from.0), from.0, scene);
    let (outcome, sent) = send(&request, scene, to);
    let mut cell = Cell { scene, outcome, whole: String::new(), streamed: String::new() };
    if let Some(answer) = scene.answer(to.0) {
        write!(cell.whole, "## {}\n\n{sent}", scene.as_str()).unwrap();
        if !matches!(cell.outcome, Outcome::Refused(_)) {
            answered(&mut cell.whole, scene, &answer, &request, from, to);
        }
    }
    if let Some(text) = scene.stream(to.0) {
        stream(&mut cell.streamed, scene, &text, Request { stream: true, ..request }, from, to);
    }
    if scene == Scene::Error {
        error(&mut cell.whole, from, to);
    }
    cell
}

fn outbound(wire: Wire) -> &'static dyn Outbound {
    wire.outbound().expect("providers speak it")
}

type Side<T> = (Wire, &'static T);

fn answered(
    page: &mut String,
    scene: Scene,
    body: &[u8],
    request: &Request,
    (from, caller): Side<dyn Inbound>,
    (to, provider): Side<dyn Outbound>,
) {
    let name = scene.as_str();
    let answer = provider.read_answer(body).unwrap_or_else(|e| panic!("{to} {name}: {e}"));
    let written = caller.write_answer(&answer, &to_caller(request));
    writeln!(page, "answer:\n{}\n", pretty(&written)).unwrap();
    // Read back, it says what the provider said.
    let again = outbound(from).read_answer(&written);
    let again = again.unwrap_or_else(|e| panic!("{name}, read back: {e}"));
    let (told, meant) = (Gist::of(&again), Gist::of(&answer));
    same(&told, &meant, &format!("{to} to {from}, {name}"));
    scene.must_be_understood(&told, &format!("{to} to {from}, {name}"));
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

fn read(caller: &dyn Inbound, body: &[u8], from: Wire, scene: Scene) -> Request {
    let at = Address { model: Some("the-model"), stream: Some(scene == Scene::Stream) };
    let at = if from == Wire::Gemini { at } else { Address::default() };
    caller.read_request(body, &at).unwrap_or_else(|e| panic!("{from} {scene:?}: {e}"))
}

fn to_caller(request: &Request) -> Caller<'_> {
    Caller { asked: request, id: "req_1", now: NOW, stream_usage: true }
}

/// What is sent, or why it is refused; and that as text.
fn send(request: &Request, scene: Scene, (to, provider): Side<dyn Outbound>) -> (Outcome, String) {
    let (mut losses, mut page) = (Losses::new(to), String::new());
    let body = match provider.write_request(request, &PROVIDER, &mut losses) {
        Err(refused) => {
            let param = refused.param.expect("a refusal names the field").into_owned();
            writeln!(page, "refused at {param}: {}\n", refused.detail).unwrap();
            return (Outcome::Refused(param), page);
        }
        Ok(body) => body,
    };
    let path = provider.path(PROVIDER.model, request.stream);
    writeln!(page, "request: POST {path}\n{}", pretty(&body)).unwrap();
    let told = words(&serde_json::from_slice(&body).unwrap());
    for word in scene.words() {
        assert!(told.contains(word), "{to} is not told {word:?}, {scene:?}: {page}");
    }
    let dropped = losses.header();
    if !losses.is_empty() {
        writeln!(page, "dropped: {dropped}").unwrap();
    }
    writeln!(page).unwrap();
    (if losses.is_empty() { Outcome::Told } else { Outcome::Dropped(dropped) }, page)
}

/// Every name, text and number of a body.
fn words(body: &serde_json::Value) -> String {
    match body {
        serde_json::Value::String(text) => text.clone() + "\n",
        serde_json::Value::Array(items) => items.iter().map(words).collect(),
        serde_json::Value::Object(object) => {
            object.iter().map(|(name, value)| format!("{name}\n{}", words(value))).collect()
        }
        other => format!("{other}\n"),
    }
}

fn stream(
    page: &mut String,
    scene: Scene,
    text: &[u8],
    request: Request,
    (from, caller): Side<dyn Inbound>,
    (to, provider): Side<dyn Outbound>,
) {
    let name = scene.as_str();
    writeln!(page, "## {name}, streamed\n").unwrap();
    let events = events(provider, text);
    let (answer, ended) = assemble(&events);
    assert_eq!(ended, scene != Scene::Cut, "{to} {name}: only a whole stream ends");
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
    let whose = format!("{to} to {from}, {name}, streamed");
    if ended {
        same(&told, &meant, &whose);
        scene.must_be_understood(&told, &whose);
    } else {
        assert_eq!(told.text, meant.text, "text, {whose}");
        broken_off(caller, &out, &whose);
    }
}

/// A stream that was cut ends with an error that the caller's SDK raises.
fn broken_off(caller: &dyn Inbound, out: &[u8], whose: &str) {
    let problem = Problem {
        code: ErrorCode::UpstreamCut,
        status: 502,
        message: "The provider broke the stream off.",
        param: None,
        request_id: "req_1",
    };
    let last = caller.error_event(&problem);
    let data = dialect::sse::data(&last).unwrap_or_else(|| panic!("{whose}: no event"));
    assert!(String::from_utf8_lossy(&data).contains(problem.message), "{whose}");
    assert!(!out.windows(6).any(|window| window == b"[DONE]"), "{whose}: an end mark");
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
