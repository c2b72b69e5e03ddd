//! Real traffic. The recordings are not part of the project; `WIRE_CORPUS` says where they are, and
//! without them nothing here is tested, which is said aloud.

use super::{DIRECT, caller, read, write_for};
use crate::Wire;
use crate::convert::{Inbound as _, Outbound as _, Pass as _, Provider, Seen};
use crate::loss::Losses;
use crate::neutral::{Answer, Content, Event, Part, Reasoning, Request, Stop};
use bytes::BytesMut;
use serde_json::Value;
use std::path::{Path, PathBuf};

fn files(folder: &str) -> Vec<(String, String)> {
    let root = std::env::var_os("WIRE_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let folder = root.join("gateway-peer").join(folder);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("not tested: {} is not there; set WIRE_CORPUS", folder.display());
        return Vec::new();
    };
    let found = entries.map(|entry| {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        (name, std::fs::read_to_string(&path).unwrap())
    });
    found.collect()
}

fn parts(request: &Request) -> impl Iterator<Item = &Part> {
    request.turns.iter().flat_map(|turn| &turn.parts)
}

#[test]
fn recorded_requests_are_read_and_written_again_with_all_of_their_content() {
    for (name, body) in files("requests/messages") {
        let body: Value = serde_json::from_str(&body).unwrap();
        let request = read(&body).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(request.output_tokens_max, body["max_tokens"].as_u64(), "{name}");
        let calls = parts(&request).filter(|p| matches!(p.content, Content::ToolCall(_))).count();
        assert_eq!(calls, body.to_string().matches(r#""type":"tool_use""#).count(), "{name}");
        let marks = parts(&request).filter(|part| part.cache.is_some()).count();
        let (written, dropped) = write_for("claude-opus-4-6", &request).unwrap();
        let again = read(&written).unwrap();
        let calls_again =
            parts(&again).filter(|p| matches!(p.content, Content::ToolCall(_))).count();
        assert_eq!(calls_again, calls, "{name}");
        assert_eq!(parts(&again).filter(|part| part.cache.is_some()).count(), marks, "{name}");
        assert_eq!(again.format, request.format, "{name}");
        match name.as_str() {
            "reasoning" => {
                assert_eq!(dropped, "messages[0].content[0].cache_control.scope");
                assert_eq!(written["output_format"], "markdown");
                assert_eq!(written["output_config"]["effort"], "high");
            }
            "gpt_adaptive_thinking_with_tools" => {
                assert_eq!(request.reasoning, Some(Reasoning::default()));
            }
            "server_tools" => assert_eq!(written["tools"], body["tools"]),
            "cache_control" => assert!(dropped.contains("turns"), "{dropped}"),
            _ => {}
        }
    }
}

#[test]
fn recorded_answers_are_read_and_written_again() {
    for (name, body) in files("response/anthropic") {
        let Ok(told) = serde_json::from_str::<Value>(&body) else { continue };
        let answer = DIRECT.read_answer(body.as_bytes()).unwrap_or_else(|e| panic!("{name}: {e}"));
        let asked = Request::default();
        let written = DIRECT.write_answer(&answer, &caller(&asked));
        let written: Value = serde_json::from_slice(&written).unwrap();
        for same in ["id", "model", "content", "stop_reason"] {
            assert_eq!(written[same], told[same], "{name}.{same}");
        }
        for (count, value) in told["usage"].as_object().unwrap() {
            if value.is_u64() {
                assert_eq!(&written["usage"][count], value, "{name}.{count}");
            }
        }
        assert_eq!(DIRECT.read_usage(body.as_bytes()), Ok(answer.tokens.into()), "{name}");
    }
}

#[test]
fn recorded_streams_are_read_to_their_end_and_written_again() {
    for (name, stream) in files("response/anthropic") {
        if !name.starts_with("stream") {
            continue;
        }
        let (mut reader, mut watcher) = (DIRECT.stream_reader(), DIRECT.watch());
        let (mut events, mut done) = (Vec::new(), false);
        for frame in stream.split_inclusive("\n\n") {
            reader.read(frame.as_bytes(), &mut events).unwrap_or_else(|e| panic!("{name}: {e}"));
            let seen = watcher.see(frame.as_bytes());
            assert!(!matches!(seen, Seen::Malformed | Seen::Error), "{name}: {frame}");
            done |= seen == Seen::Done;
        }
        assert!(done, "{name}");
        assert_eq!(events.last(), Some(&Event::End), "{name}");
        let told = events.iter().rev().find_map(|event| match event {
            Event::Tokens(tokens) => Some(*tokens),
            _ => None,
        });
        assert_eq!(told, watcher.reported().tokens, "{name}");
        let stop = if name.contains("tool") { Stop::ToolUse } else { Stop::End };
        assert!(events.contains(&Event::Stop { candidate: 0, stop }), "{name}");
        let asked = Request::default();
        let mut writer = DIRECT.stream_writer(&caller(&asked));
        let mut out = BytesMut::new();
        for event in &events {
            writer.write(event, &mut out);
        }
        let written = String::from_utf8(out.to_vec()).unwrap();
        assert!(written.ends_with("data: {\"type\":\"message_stop\"}\n\n"), "{name}");
    }
}

/// The text and the calls of an answer.
fn gist(answer: &Answer) -> (String, Vec<(String, Value)>) {
    let (mut text, mut calls) = (String::new(), Vec::new());
    for part in answer.candidates.iter().flat_map(|candidate| &candidate.parts) {
        match &part.content {
            Content::Text { text: told, .. } => text += told,
            Content::ToolCall(call) => {
                calls.push((call.name.clone(), serde_json::from_str(&call.input).unwrap()));
            }
            _ => {}
        }
    }
    (text, calls)
}

#[test]
fn recorded_requests_go_to_every_provider_or_are_refused_by_field() {
    for (name, body) in files("requests/messages") {
        let request = read(&serde_json::from_str(&body).unwrap()).unwrap();
        for wire in Wire::ALL {
            let Some(provider) = wire.outbound() else { continue };
            let to = Provider { model: "up", output_tokens_max: 0 };
            match provider.write_request(&request, &to, &mut Losses::new(wire)) {
                Ok(written) => {
                    let written: Value = serde_json::from_slice(&written).unwrap();
                    assert!(written.is_object(), "{name} to {wire}");
                }
                Err(refused) => assert!(refused.param.is_some(), "{name} to {wire}: {refused}"),
            }
        }
    }
}

#[test]
fn recorded_answers_and_streams_reach_every_caller_with_their_text_and_calls() {
    for (name, body) in files("response/anthropic") {
        let asked = Request { model: "m".into(), ..Request::default() };
        for wire in Wire::ALL {
            let (Some(caller_speaks), Some(again)) = (wire.inbound(), wire.outbound()) else {
                continue;
            };
            let Ok(answer) = DIRECT.read_answer(body.as_bytes()) else { continue };
            let written = caller_speaks.write_answer(&answer, &caller(&asked));
            let back =
                again.read_answer(&written).unwrap_or_else(|e| panic!("{name}, {wire}: {e}"));
            assert_eq!(gist(&back), gist(&answer), "{name} to {wire}");
            assert_eq!(back.tokens.map(|t| t.total()), answer.tokens.map(|t| t.total()), "{name}");
        }
    }
}
