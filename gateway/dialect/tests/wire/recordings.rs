//! The recordings, which are no part of the project: `WIRE_CORPUS` says where they are. Each file
//! is of one kind, by where it lies; one of no kind fails the test, so that none is overlooked.

use dialect::Wire;
use std::path::{Path, PathBuf};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Request(Wire),
    Answer(Wire),
    Stream(Wire),
    /// Messages of AWS: Converse's own, and the same through invoke.
    Frames,
    /// Answered with an error.
    Failure,
    /// A stream or a message that is broken, and a page that is no answer.
    Broken,
    /// Operations beside conversations, whose tests are their own.
    Beside,
}

pub struct Recording {
    pub name: String,
    pub kind: Kind,
    pub bytes: Vec<u8>,
}

/// All of them; none, which is said aloud, where the folder is not there.
pub fn all() -> Vec<Recording> {
    let root = std::env::var_os("WIRE_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    if !root.is_dir() {
        eprintln!("not tested: {} is not there; set WIRE_CORPUS", root.display());
        return Vec::new();
    }
    let mut all = Vec::new();
    for path in files(&root) {
        let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        if name.ends_with(".yaml") {
            all.extend(recorded(&name, &String::from_utf8(bytes).unwrap()));
        } else if let Some(kind) = kind(&name, &bytes) {
            all.push(Recording { name, kind, bytes });
        }
    }
    all
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let within = |path: PathBuf| if path.is_dir() { files(&path) } else { vec![path] };
    paths.into_iter().flat_map(within).collect()
}

fn kind(name: &str, bytes: &[u8]) -> Option<Kind> {
    let parts: Vec<&str> = name.split('/').collect();
    let said = |wire| {
        let stream = bytes.starts_with(b"event:") || bytes.starts_with(b"data:");
        if stream { Kind::Stream(wire) } else { Kind::Answer(wire) }
    };
    Some(match parts.as_slice() {
        ["README.md"] => return None,
        [_, "requests", "completions", _] => Kind::Request(Wire::Chat),
        [_, "requests", "messages" | "count-tokens", _] => Kind::Request(Wire::Messages),
        [_, "requests", "responses", _] => Kind::Request(Wire::Responses),
        [_, "requests", "gemini", _] => Kind::Request(Wire::Gemini),
        [_, "requests", "embeddings" | "rerank", _]
        | [_, "response", "bedrock-cohere" | "bedrock-titan" | "vertex", _] => Kind::Beside,
        [_, "response", "completions", _] => said(Wire::Chat),
        [_, "response", "anthropic", _] => said(Wire::Messages),
        [_, "response", "responses", _] => said(Wire::Responses),
        [_, "response", "vertex-gemini", _] => said(Wire::Gemini),
        [_, "response", "bedrock", file] if file.ends_with(".json") => Kind::Answer(Wire::Converse),
        [_, "response", "bedrock", _]
        | [_, "response", "detect", "bedrock-basic.bin" | "bedrock-invoke.bin"] => Kind::Frames,
        [_, "response", "detect", _] => Kind::Broken,
        _ => panic!("{name} is of no kind that is tested"),
    })
}

/// Requests and answers of a recording, two by two.
fn recorded(name: &str, text: &str) -> Vec<Recording> {
    let beside = name.contains("/embeddings-") || name.contains("/completion-");
    let mut all = Vec::new();
    for (n, body) in bodies(text).into_iter().enumerate() {
        let kind = match (beside, n % 2) {
            (true, _) => Kind::Beside,
            (_, 0) => Kind::Request(Wire::Chat),
            _ if body.starts_with("data:") => Kind::Stream(Wire::Chat),
            _ if body.contains("\"error\": {") || body.contains("\"error\":{") => Kind::Failure,
            _ => Kind::Answer(Wire::Chat),
        };
        // A recording ends its block with one newline less than was on the wire.
        let bytes = (body + "\n").into_bytes();
        all.push(Recording { name: format!("{name}, {n}"), kind, bytes });
    }
    all
}

fn bodies(recording: &str) -> Vec<String> {
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
    bodies
}
