//! Recorded traffic. It is no part of the project; `WIRE_CORPUS` says where it is, and without it
//! nothing here is tested, which is said aloud.

use super::*;
use crate::neutral::{Content, Stop, ToolKind};
use std::path::{Path, PathBuf};

fn recorded(path: &str) -> Option<Vec<u8>> {
    let root = std::env::var_os("WIRE_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let path = root.join("gateway-peer").join(path);
    let found = std::fs::read(&path).ok();
    if found.is_none() {
        eprintln!("not tested: {} is not there; set WIRE_CORPUS", path.display());
    }
    found
}

#[test]
fn recorded_requests_lose_nothing_but_what_is_told() {
    let names: &[(&str, &str)] = &[
        ("thinking", ""),
        ("tools", "tools[0].functionDeclarations[0].behavior"),
        ("passthrough-fields", "tools[0].functionDeclarations[0].someNewDeclField"),
    ];
    for (name, told) in names {
        let Some(bytes) = recorded(&format!("requests/gemini/{name}.json")) else { return };
        let request = read(&bytes).unwrap();
        let (body, dropped) = write(&request, "gemini-2.5-pro").unwrap();
        assert_eq!(dropped, *told);
        let mut again = read(body.to_string()).unwrap();
        again.extra.sort_by(|a, b| a.name.cmp(&b.name));
        let mut request = request;
        request.extra.retain(|extra| extra.name != *told);
        request.extra.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(again, request, "{name}");
    }
}

#[test]
fn recorded_tools_are_understood() {
    let Some(bytes) = recorded("requests/gemini/tools.json") else { return };
    let request = read(&bytes).unwrap();
    let own = |kind: &ToolKind| matches!(kind, ToolKind::Native(_));
    let natives: Vec<&str> =
        request.tools.iter().filter(|t| own(&t.kind)).map(|t| t.name.as_str()).collect();
    assert_eq!(natives, ["googleSearch", "codeExecution", "urlContext"]);
    let Content::ToolResult(result) = &request.turns[2].parts[0].content else { panic!() };
    assert_eq!((result.call_id.as_str(), result.name.as_str()), ("fc_1", "get_weather"));
}

#[test]
fn recorded_answers_are_read_right() {
    for (name, stop, input, output, reasoning) in [
        ("basic", Stop::End, 8, 6, 0),
        ("tool", Stop::ToolUse, 20, 8, 0),
        ("reasoning", Stop::End, 10, 12, 5),
    ] {
        let Some(bytes) = recorded(&format!("response/vertex-gemini/{name}.json")) else { return };
        let answer = Gemini.read_answer(&bytes).unwrap();
        assert_eq!(answer.candidates[0].stop, stop);
        let tokens = answer.tokens.unwrap();
        assert_eq!((tokens.input, tokens.output, tokens.reasoning), (input, output, reasoning));
        let again = Gemini.read_answer(answer_json(&answer).to_string().as_bytes()).unwrap();
        assert_eq!(again.candidates, answer.candidates);
    }
    let Some(bytes) = recorded("response/vertex-gemini/blocked.json") else { return };
    assert_eq!(Gemini.read_answer(&bytes).unwrap().blocked.as_deref(), Some("SAFETY"));
}

#[test]
fn a_recorded_stream_is_read_right() {
    let Some(bytes) = recorded("response/vertex-gemini/stream_tool.json") else { return };
    let events = read_stream(&[bytes.trim_ascii(), b"\n\n"].concat());
    assert_eq!(events.last(), Some(&Event::End));
    let stop = Event::Stop { candidate: 0, stop: Stop::ToolUse };
    assert!(events.contains(&stop));
}
