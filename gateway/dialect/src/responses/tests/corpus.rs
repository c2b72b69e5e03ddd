//! Real traffic. The recordings are not part of the project: `WIRE_CORPUS` says where they are,
//! and without them nothing here is tested, which is said aloud.

#![allow(clippy::print_stderr, reason = "says what is not tested")]

use super::super::Responses;
use super::{caller, data, read_stream, write, write_stream};
use crate::convert::{Address, Inbound, Outbound, Pass};
use crate::neutral::{CacheMark, Content, Event, Format, Request, Role, Stop};
use std::path::{Path, PathBuf};

fn file(name: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("WIRE_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let path = root.join("gateway-peer").join(name);
    match std::fs::read(&path) {
        Ok(bytes) => Some(bytes),
        Err(_) => {
            eprintln!("not tested: {} is not there; set WIRE_CORPUS", path.display());
            None
        }
    }
}

/// A recorded request, which can be written for a provider of this dialect, too.
fn request(name: &str) -> Option<Request> {
    let body = file(&format!("requests/responses/{name}.json"))?;
    let request = Responses.read_request(&body, &Address::default()).unwrap();
    let (sent, _) = write(&request).unwrap();
    let again = Responses.read_request(sent.to_string().as_bytes(), &Address::default()).unwrap();
    let roles = |request: &Request| request.turns.iter().map(|turn| turn.role).collect::<Vec<_>>();
    assert_eq!(roles(&again), roles(&request), "{name}");
    Some(request)
}

#[test]
fn recorded_requests_are_read_for_what_they_say() {
    if let Some(request) = request("assistant-history") {
        let parts = &request.turns[0].parts;
        let refused = "I cannot help with that part.".to_owned();
        assert_eq!(parts[1].content, Content::Refusal(refused));
        assert_eq!(request.extra[0].name, "input[].phase");
    }
    if let Some(request) = request("cache_control") {
        let marks: Vec<_> = request.turns.iter().map(|turn| turn.parts[0].cache).collect();
        assert_eq!(marks, [Some(CacheMark::Short), Some(CacheMark::Short)]);
        assert_eq!(request.turns[1].role, Role::System);
    }
    if let Some(request) = request("input-list") {
        assert!(request.stream);
    }
    if let Some(request) = request("instructions") {
        assert_eq!(request.turns[0].role, Role::System);
        assert_eq!(request.output_tokens_max, Some(1_024));
    }
    if let Some(request) = request("parallel-tool-call") {
        let counts: Vec<_> = request.turns.iter().map(|turn| turn.parts.len()).collect();
        assert_eq!(counts, [1, 2, 2]);
        let Content::ToolResult(result) = &request.turns[2].parts[1].content else { panic!() };
        assert_eq!((&*result.name, &*result.call_id), ("get_weather", "call_2"));
    }
    if let Some(request) = request("structured-output") {
        assert!(matches!(&request.format, Format::Schema(schema) if schema.name == "city_schema"));
    }
}

#[test]
fn recorded_answers_are_read_for_what_they_say() {
    if let Some(body) = file("response/responses/tool.json") {
        let answer = Responses.read_answer(&body).unwrap();
        let tokens = answer.tokens.unwrap();
        assert_eq!(Responses.read_usage(&body), Ok(tokens.into()));
        assert_eq!((tokens.input, tokens.cached_input, tokens.cache_write), (20, 4, 6));
        assert_eq!(answer.candidates[0].stop, Stop::ToolUse);
        assert_eq!(answer.candidates[0].parts.len(), 2);
        let written = Responses.write_answer(&answer, &caller(&Request::default()));
        assert_eq!(Responses.read_answer(&written).unwrap(), answer);
    }
    if let Some(body) = file("response/responses/truncated_tool_call.json") {
        let answer = Responses.read_answer(&body).unwrap();
        assert_eq!(answer.candidates[0].stop, Stop::MaxTokens);
        let Content::ToolCall(call) = &answer.candidates[0].parts[0].content else { panic!() };
        assert_eq!(call.input, r#"{"location": "Par"#);
    }
}

#[test]
fn recorded_streams_are_read_to_their_end() {
    for (name, said, stop) in
        [("stream", "Hello", Stop::ToolUse), ("stream-refusal", "I can", Stop::Refusal)]
    {
        let Some(stream) = file(&format!("response/responses/{name}.json")) else { continue };
        let events = read_stream(&stream);
        assert!(format!("{events:?}").contains(said));
        assert_eq!(events.last(), Some(&Event::End));
        assert!(events.contains(&Event::Stop { candidate: 0, stop }), "{events:?}");
        let written = write_stream(&events, &Request::default());
        assert_eq!(read_stream(&written)[1..], events[1..], "{name}");
        assert!(data(&written).len() > events.len());
    }
}

#[test]
fn what_is_broken_is_an_error_and_no_panic() {
    for name in ["response/detect/broken-sse", "response/detect/non-json"] {
        let Some(bytes) = file(name) else { continue };
        assert!(Responses.read_answer(&bytes).is_err(), "{name}");
        let error = Responses.read_error(502, &bytes);
        assert_eq!(error.param, None);
        let mut reader = Responses.stream_reader();
        let mut out = Vec::new();
        drop(reader.read(&bytes, &mut out));
        reader.close(&mut out);
        assert!(!out.contains(&Event::End), "{name}");
    }
}
