//! Recorded traffic. It is no part of the project; `WIRE_CORPUS` says where it is, and without it
//! nothing here is tested, which is said aloud.

use super::*;
use crate::neutral::{Candidate, Content, Stop, ToolKind, Turn};
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
    // A level of thinking is said to a generation that knows levels.
    let names: &[(&str, &str, &str)] = &[
        ("thinking", "gemini-3-pro", ""),
        ("tools", "gemini-2.5-pro", "tools[0].functionDeclarations[0].behavior"),
        (
            "passthrough-fields",
            "gemini-2.5-pro",
            "tools[0].functionDeclarations[0].someNewDeclField",
        ),
    ];
    for (name, model, told) in names {
        let Some(bytes) = recorded(&format!("requests/gemini/{name}.json")) else { return };
        let request = read(&bytes).unwrap();
        let (body, dropped) = write(&request, model).unwrap();
        assert_eq!(dropped, *told);
        let mut again = read(body.to_string()).unwrap();
        again.extra.sort_by(|a, b| a.name.cmp(&b.name));
        let mut request = request;
        // Neighbours of one side are one turn: they say the same.
        request.turns = request.turns.into_iter().fold(Vec::new(), joined);
        request.extra.retain(|extra| extra.name != *told);
        request.extra.sort_by(|a, b| a.name.cmp(&b.name));
        assert_eq!(again, request, "{name}");
    }
}

fn joined(mut turns: Vec<Turn>, turn: Turn) -> Vec<Turn> {
    match turns.last_mut() {
        Some(last) if last.role == turn.role => last.parts.extend(turn.parts),
        _ => turns.push(turn),
    }
    turns
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

/// The candidates, with the arguments of calls as a machine writes them: space means nothing there.
fn without_space(mut answer: Answer) -> Vec<Candidate> {
    for part in answer.candidates.iter_mut().flat_map(|candidate| &mut candidate.parts) {
        if let Content::ToolCall(call) = &mut part.content {
            let value: Value = serde_json::from_str(&call.input).unwrap();
            call.input = value.to_string();
        }
    }
    answer.candidates
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
        assert_eq!(without_space(again), without_space(answer));
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
