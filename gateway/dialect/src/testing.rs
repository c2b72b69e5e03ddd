//! What tests of several dialects need.

use crate::convert::ReadStream;
use crate::neutral::{Answer, Event};
use crate::replay::Assembly;
pub(crate) use crate::replay::events_of;
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
    let mut assembly = Assembly::default();
    for event in events {
        assembly.add(event).unwrap_or_else(|disorder| panic!("{event:?}: {disorder}"));
    }
    assembly.finish()
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
