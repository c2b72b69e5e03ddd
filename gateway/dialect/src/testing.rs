//! What tests of several dialects need.

use crate::convert::ReadStream;
use crate::neutral::{Answer, Block, Candidate, Content, Delta, Event, Part, Stop, ToolCall};
use crate::sse::{Events, Verdict};
use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

/// `value` with some of its inner values, chosen at random, put in place of others, replaced by
/// values of other types, or taken away: nearly right, which is where readers go wrong.
pub(crate) fn mangled(value: Value) -> impl Strategy<Value = Value> {
    let edit = (any::<prop::sample::Index>(), 0..9_usize);
    proptest::collection::vec(edit, 1..4).prop_map(move |edits| {
        let mut value = value.clone();
        for (at, with) in edits {
            let places = count(&value);
            let mut left = at.index(places);
            replace(&mut value, &mut left, with);
        }
        value
    })
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum::<usize>(),
        Value::Object(map) => map.values().map(count).sum(),
        _ => 0,
    }
}

fn replace(value: &mut Value, left: &mut usize, with: usize) -> bool {
    if *left == 0 {
        *value = match with {
            0 => Value::Null,
            1 => true.into(),
            2 => (-1).into(),
            3 => 1e300.into(),
            4 => "".into(),
            5 => "\u{1F980} data:;base64,".into(),
            6 => json!([]),
            7 => json!({}),
            _ => json!([{"type": "text", "text": null}]),
        };
        return true;
    }
    *left -= 1;
    match value {
        Value::Array(items) => items.iter_mut().any(|item| replace(item, left, with)),
        Value::Object(map) => map.values_mut().any(|item| replace(item, left, with)),
        _ => false,
    }
}

/// What a stream says, put together; the order that [`crate::neutral::Event`] promises is proved
/// on the way. `None` for a stream that was cut.
pub(crate) fn assemble(events: &[Event]) -> Option<Answer> {
    let mut answer = Answer::default();
    let mut open: Vec<(usize, usize, Part)> = Vec::new();
    let (mut started, mut ended, mut blocks) = (false, false, 0);
    for event in events {
        assert!(!ended, "{event:?} after the end");
        match event {
            Event::Start { id, model, created } => {
                assert!(!started, "started twice");
                started = true;
                (answer.id, answer.model, answer.created) = (id.clone(), model.clone(), *created);
            }
            Event::Open { block, candidate, what } => {
                assert!(started, "a block before the start");
                assert_eq!(*block, blocks, "numbers count up");
                blocks += 1;
                assert!(open.iter().all(|(_, of, _)| of != candidate), "two blocks at once");
                while answer.candidates.len() <= *candidate {
                    answer.candidates.push(Candidate {
                        parts: Vec::new(),
                        stop: Stop::Other("none".to_owned()),
                        logprobs: None,
                        native: None,
                    });
                }
                open.push((*block, *candidate, begin(what)));
            }
            Event::Delta { block, delta } => {
                let (_, candidate, part) =
                    open.iter_mut().find(|(open, ..)| open == block).expect("a delta of no block");
                match delta {
                    Delta::Logprobs(more) => {
                        answer.candidates[*candidate]
                            .logprobs
                            .get_or_insert_default()
                            .extend(more.clone());
                    }
                    delta => add(part, delta),
                }
            }
            Event::Close { block } => {
                let at =
                    open.iter().position(|(open, ..)| open == block).expect("closed, not open");
                let (_, candidate, part) = open.remove(at);
                answer.candidates[candidate].parts.push(part);
            }
            Event::Stop { candidate, stop } => {
                assert!(open.iter().all(|(_, of, _)| of != candidate), "stopped with a block open");
                while answer.candidates.len() <= *candidate {
                    answer.candidates.push(Candidate {
                        parts: Vec::new(),
                        stop: Stop::End,
                        logprobs: None,
                        native: None,
                    });
                }
                answer.candidates[*candidate].stop = stop.clone();
            }
            Event::Tokens(tokens) => answer.tokens = Some(*tokens),
            Event::End => {
                assert!(open.is_empty(), "ended with a block open");
                ended = true;
            }
            Event::Units(units) => answer.units = *units,
            Event::Ping => {}
            Event::Error { .. } => return None,
        }
    }
    ended.then_some(answer)
}

fn begin(what: &Block) -> Part {
    Part::new(match what {
        Block::Text => return Part::text(""),
        Block::Refusal => Content::Refusal(String::new()),
        Block::Thinking => Content::Thinking(String::new()),
        Block::ToolCall { id, name, kind } => Content::ToolCall(ToolCall {
            id: id.clone(),
            name: name.clone(),
            input: String::new(),
            kind: *kind,
        }),
        Block::Whole(part) => return part.clone(),
    })
}

fn add(part: &mut Part, delta: &Delta) {
    match (&mut part.content, delta) {
        (_, Delta::Signature(signature)) => part.signature = Some(signature.clone()),
        (Content::Text { text, .. }, Delta::Text(more))
        | (Content::Refusal(text) | Content::Thinking(text), Delta::Text(more)) => {
            text.push_str(more)
        }
        (Content::Text { citations, .. }, Delta::Citation(citation)) => {
            citations.push(citation.clone())
        }
        (Content::ToolCall(call), Delta::Input(more)) => call.input.push_str(more),
        (content, delta) => panic!("{delta:?} of {content:?}"),
    }
}

/// A stream that says what an answer does, its texts in pieces of `size` characters.
pub(crate) fn events_of(answer: &Answer, size: usize) -> Vec<Event> {
    let mut events = vec![Event::Start {
        id: answer.id.clone(),
        model: answer.model.clone(),
        created: answer.created,
    }];
    let pieces = |text: &str| -> Vec<String> {
        let all: Vec<char> = text.chars().collect();
        all.chunks(size.max(1)).map(|piece| piece.iter().collect()).collect()
    };
    let mut block = 0;
    for (candidate, said) in answer.candidates.iter().enumerate() {
        for part in &said.parts {
            let (what, deltas) = match &part.content {
                Content::Text { text, citations } => {
                    let text = pieces(text).into_iter().map(Delta::Text);
                    let notes = citations.iter().cloned().map(Delta::Citation);
                    (Block::Text, text.chain(notes).collect())
                }
                Content::Refusal(text) => {
                    (Block::Refusal, pieces(text).into_iter().map(Delta::Text).collect())
                }
                Content::Thinking(text) => {
                    (Block::Thinking, pieces(text).into_iter().map(Delta::Text).collect())
                }
                Content::ToolCall(ToolCall { id, name, input, kind }) => {
                    let (id, name, kind) = (id.clone(), name.clone(), *kind);
                    let input = pieces(input).into_iter().map(Delta::Input).collect();
                    (Block::ToolCall { id, name, kind }, input)
                }
                _ => (Block::Whole(part.clone()), Vec::new()),
            };
            let whole = matches!(what, Block::Whole(_));
            events.push(Event::Open { block, candidate, what });
            events.extend(deltas.into_iter().map(|delta| Event::Delta { block, delta }));
            if let Some(signature) = part.signature.clone().filter(|_| !whole) {
                events.push(Event::Delta { block, delta: Delta::Signature(signature) });
            }
            events.push(Event::Close { block });
            block += 1;
        }
        events.push(Event::Stop { candidate, stop: said.stop.clone() });
    }
    events.extend(answer.tokens.map(Event::Tokens));
    events.push(Event::End);
    events
}

/// Shows a reader a stream of server-sent events, whole ones at a time, and then its end.
pub(crate) fn read_stream(reader: &mut dyn ReadStream, stream: &[u8]) -> Vec<Event> {
    let mut framing = Events::new(1 << 24);
    let (mut kept, mut events) = (VecDeque::new(), Vec::new());
    let read = Bytes::copy_from_slice(stream);
    framing
        .push(read, &mut kept, |event| {
            let _ = reader.read(event, &mut events);
            Verdict::Keep
        })
        .unwrap();
    if !events.contains(&Event::End) {
        reader.close(&mut events);
    }
    events
}

/// Recordings of real traffic, which are not part of the project: name and text of each file.
/// `WIRE_CORPUS` says where they are; without them nothing is tested, which is said aloud.
pub(crate) fn corpus(folder: &str, ending: &str) -> Vec<(String, String)> {
    let root = std::env::var_os("WIRE_CORPUS").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus"),
        PathBuf::from,
    );
    let folder = root.join(folder);
    let Ok(entries) = std::fs::read_dir(&folder) else {
        eprintln!("not tested: {} is not there; set WIRE_CORPUS", folder.display());
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut found: Vec<_> = paths
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .map(|path| {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect();
    found.sort();
    found
}

/// Request and answer of each exchange in a recording: its `body` blocks, two by two.
pub(crate) fn exchanges(recording: &str) -> Vec<(String, String)> {
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
