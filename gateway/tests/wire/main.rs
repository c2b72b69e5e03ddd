//! Real traffic, recorded from providers: what was once on the wire is read right. The recordings
//! are not part of the project; `WIRE_CORPUS` says where they are, and without them nothing here
//! is tested, which is said aloud.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]

use bytes::Bytes;
use contract::usage::Operation;
use dialect::Reported;
use dialect::openai::{self, Event};
use dialect::sse::{Events, Verdict};
use serde_json::Value;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// The folder of recordings, if there is one.
fn corpus(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("WIRE_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/corpus"),
        PathBuf::from,
    );
    let folder = root.join(folder);
    if !folder.is_dir() {
        eprintln!("not tested: {} is not there; set WIRE_CORPUS", folder.display());
        return None;
    }
    Some(folder)
}

fn files(folder: &Path, ending: &str) -> Vec<(String, String)> {
    let mut found: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(ending))
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    assert!(!found.is_empty(), "no {ending} in {}", folder.display());
    found
}

/// Request and answer of each exchange in a recording: its `body` blocks, two by two.
fn exchanges(recording: &str) -> Vec<(String, String)> {
    let mut bodies = Vec::new();
    let mut lines = recording.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(how) = line.trim_start().strip_prefix("body: ") else { continue };
        if !how.starts_with('|') {
            bodies.push(serde_json::from_str(how).unwrap_or_else(|_| how.to_owned()));
            continue;
        }
        let indent = line.len() - line.trim_start().len() + 4;
        let mut body = String::new();
        while let Some(next) =
            lines.next_if(|next| next.trim().is_empty() || next[..indent].trim().is_empty())
        {
            body.push_str(next.get(indent..).unwrap_or_default());
            body.push('\n');
        }
        bodies.push(body);
    }
    bodies.chunks_exact(2).map(|two| (two[0].clone(), two[1].clone())).collect()
}

fn operation(file: &str) -> Operation {
    if file.starts_with("embeddings") { Operation::Embeddings } else { Operation::Chat }
}

/// Reads a request, writes it for another model, and compares all the rest.
fn survives(name: &str, request: &str, operation: Operation) {
    let body = Bytes::from(request.to_owned());
    let ask = openai::read_request(&body, operation).unwrap_or_else(|e| panic!("{name}: {e:?}"));
    let sent = openai::write_request(&body, &ask, "another/model");
    let mut expected: Value = serde_json::from_str(request).unwrap();
    assert_eq!(expected["model"], ask.model.as_str(), "{name}");
    expected["model"] = "another/model".into();
    if ask.stream {
        expected["stream_options"]["include_usage"] = true.into();
    }
    assert_eq!(serde_json::from_slice::<Value>(&sent).unwrap(), expected, "{name}");
}

fn usage_is_read(name: &str, answer: &str) {
    let parsed: Value = serde_json::from_str(answer).unwrap_or_else(|e| panic!("{name}: {e}"));
    let reported = openai::read_answer(answer.as_bytes()).unwrap();
    let usage = &parsed["usage"];
    if usage.is_null() {
        assert_eq!(reported, Reported::NOTHING, "{name}");
        return;
    }
    let Some(tokens) = reported.tokens else { panic!("{name}: usage is not read") };
    let count = |field: &str| usage[field].as_u64().unwrap_or(0);
    assert_eq!(tokens.input_total(), count("prompt_tokens"), "{name}");
    let total = count("total_tokens").max(count("prompt_tokens") + count("completion_tokens"));
    assert_eq!(tokens.total(), total, "{name}");
}

fn stream_passes(name: &str, stream: &str) {
    let mut events = Events::new(1 << 20);
    let (mut out, mut done, mut content) = (VecDeque::new(), false, false);
    for piece in stream.as_bytes().chunks(97) {
        events
            .push(Bytes::copy_from_slice(piece), &mut out, |event| {
                let kind = openai::read_event(event);
                assert!(!matches!(kind, Event::Malformed | Event::Error), "{name}: {kind:?}");
                done |= kind == Event::Done;
                content |= openai::has_content(event);
                Verdict::Keep
            })
            .unwrap();
    }
    let passed: Vec<u8> = out.into_iter().flatten().collect();
    assert!(content && done, "{name}: content {content}, end mark {done}");
    assert!(stream.as_bytes().starts_with(&passed), "{name}");
}

#[test]
fn recorded_requests_survive_and_recorded_answers_are_metered() {
    let Some(folder) = corpus("openai-recorded") else { return };
    let (mut answers, mut streams) = (0, 0);
    for (name, recording) in files(&folder, ".yaml") {
        // The legacy completions are not a surface of ours.
        if name.starts_with("completion-") {
            continue;
        }
        for (request, answer) in exchanges(&recording) {
            survives(&name, &request, operation(&name));
            if answer.starts_with("data:") {
                // A recording ends its block with one newline less than was on the wire.
                stream_passes(&name, &format!("{answer}\n"));
                streams += 1;
            } else {
                usage_is_read(&name, &answer);
                answers += 1;
            }
        }
    }
    assert!(answers >= 15 && streams >= 1, "{answers} answers, {streams} streams");
}

#[test]
fn requests_and_answers_of_other_gateways_are_read_too() {
    let Some(folder) = corpus("gateway-peer") else { return };
    for (name, request) in files(&folder.join("requests/completions"), ".json") {
        survives(&name, &request, Operation::Chat);
    }
    for (name, answer) in files(&folder.join("response/completions"), ".json") {
        if answer.starts_with("data:") {
            stream_passes(&name, &answer);
        } else {
            usage_is_read(&name, &answer);
        }
    }
    let broken = std::fs::read(folder.join("response/detect/broken-sse")).unwrap();
    let (mut events, mut kinds) = (Events::new(1 << 20), Vec::new());
    events
        .push(broken.into(), &mut VecDeque::new(), |event| {
            kinds.push(openai::read_event(event));
            Verdict::Keep
        })
        .unwrap();
    assert_eq!(kinds, [Event::Chunk(Reported::NOTHING), Event::Malformed]);
    let page = std::fs::read(folder.join("response/detect/non-json")).unwrap();
    assert!(openai::read_answer(&page).is_err());
}
