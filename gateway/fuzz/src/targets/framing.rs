//! Framings: the same events come out wherever reads cut a stream.

use crate::Knobs;
use crate::cut::pieces;
use bytes::{BufMut as _, Bytes};
use dialect::eventstream;
use dialect::lines::Lines;
use dialect::sse::{self, Verdict};
use std::collections::VecDeque;

/// The longest event here: short enough that inputs reach it.
pub const EVENT_MAX: usize = 4_096;

/// What a framing made of a stream: the data of its events, the bytes that pass, and whether it
/// was broken off.
type Framed = (Vec<Vec<u8>>, Vec<u8>, bool);

pub fn sse(knobs: Knobs, text: &[u8]) {
    let (whole, cut) = (sse_of(&pieces(Knobs(0), text)), sse_of(&pieces(knobs, text)));
    // Whether a lone LF after a blank line is an event of its own is not the same for every cut,
    // and it has no data. How far a stream comes that breaks its bound is not the same either.
    if !whole.2 && !cut.2 {
        assert_eq!(whole.0, cut.0, "the data of events");
        assert!(text.starts_with(&cut.1), "what passes is what came");
    }
    assert!(text.starts_with(&whole.1), "what passes is what came");
}

fn sse_of(pieces: &[Bytes]) -> Framed {
    let mut events = sse::Events::new(EVENT_MAX);
    let (mut data, mut out, mut broken) = (Vec::new(), VecDeque::new(), false);
    for piece in pieces {
        let pushed = events.push(piece.clone(), &mut out, |event| {
            data.extend(sse::data(event).map(std::borrow::Cow::into_owned));
            Verdict::Keep
        });
        broken |= pushed.is_err();
        if broken {
            break;
        }
    }
    (data, out.into_iter().flatten().collect(), broken)
}

pub fn lines(knobs: Knobs, text: &[u8]) {
    let (whole, cut) = (lines_of(&pieces(Knobs(0), text)), lines_of(&pieces(knobs, text)));
    assert_eq!(whole, cut, "the same however they are cut");
    assert!(whole.iter().all(|line| !line.is_empty() && !line.contains(&b'\n')));
}

/// All there are before one that is too long.
fn lines_of(pieces: &[Bytes]) -> Vec<Vec<u8>> {
    let mut lines = Lines::new(EVENT_MAX);
    let mut seen = Vec::new();
    for piece in pieces {
        let show = |line: &[u8]| {
            seen.push(line.to_vec());
            true
        };
        if lines.push(piece.clone(), show).is_err() {
            return seen;
        }
    }
    let show = |line: &[u8]| {
        seen.push(line.to_vec());
        true
    };
    // One that is too long is not shown.
    lines.finish(show).unwrap_or_default();
    seen
}

/// Bytes as they are, or, since chance never finds a checksum, made into a message that has one.
pub fn event_stream(knobs: Knobs, text: &[u8]) {
    let sealed = if knobs.0 & 1 == 1 { sealed(knobs, text) } else { text.to_vec() };
    let whole = messages_of(&pieces(Knobs(0), &sealed));
    let cut = messages_of(&pieces(knobs, &sealed));
    assert_eq!(whole, cut, "the same however it is cut");
    assert!(sealed.starts_with(&whole.1), "what passes is what came");
}

fn messages_of(pieces: &[Bytes]) -> Framed {
    let mut events = eventstream::Events::new(EVENT_MAX);
    let (mut data, mut out, mut broken) = (Vec::new(), VecDeque::new(), false);
    for piece in pieces {
        let pushed = events.push(piece.clone(), &mut out, |message| {
            let read = eventstream::read(message);
            data.push(read.map(|read| read.payload.to_vec()).unwrap_or_default());
            Verdict::Keep
        });
        broken |= pushed.is_err();
        if broken {
            break;
        }
    }
    (data, out.into_iter().flatten().collect(), broken)
}

/// The text as one message, its headers as long as the knobs say.
fn sealed(knobs: Knobs, text: &[u8]) -> Vec<u8> {
    let headers = usize::from(knobs.0) / 2 % (text.len() + 1);
    let number = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    let mut out = Vec::with_capacity(text.len() + 16);
    out.put_u32(number(text.len() + 16));
    out.put_u32(number(headers));
    out.put_u32(crc32fast::hash(&out));
    out.put_slice(text);
    out.put_u32(crc32fast::hash(&out));
    out
}

/// The golden form of such a stream, a line `{"type": …, "payload": …}` for each message, framed.
pub fn framed(lines: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in lines.split(|byte| *byte == b'\n') {
        let Ok(line) = serde_json::from_slice::<serde_json::Value>(line) else { continue };
        let name = line.get("type").and_then(|name| name.as_str()).unwrap_or_default();
        let payload = line.get("payload").map(ToString::to_string).unwrap_or_default();
        out.extend(eventstream::write_event(name, payload.as_bytes()));
    }
    out
}
