//! Streams of a dialect: cut anywhere, read, and told to every caller at once.

use super::answers::{asked, caller};
use crate::Knobs;
use crate::cut::pieces;
use crate::order::Order;
use bytes::{Bytes, BytesMut};
use dialect::convert::{Framing, Outbound, ReadStream, WriteStream};
use dialect::gemini::Array;
use dialect::lines::Lines;
use dialect::neutral::Event;
use dialect::sse::{self, Verdict};
use dialect::{Wire, eventstream};
use std::collections::VecDeque;

const EVENT_MAX: usize = 1 << 16;

pub fn run(wire: Wire, knobs: Knobs, text: &[u8]) {
    if let Some(provider) = wire.outbound() {
        translated(provider, knobs, text);
    }
    // Who only watches is much the quicker: seen now and then is often enough.
    if knobs.0 & 7 == 7 {
        watched(wire, knobs, text);
    }
}

fn watched(wire: Wire, knobs: Knobs, text: &[u8]) {
    if let (Some(pass), Some(provider)) = (wire.pass(), wire.outbound()) {
        let mut eye = pass.watch();
        frames(provider.framing(), knobs, text, &mut |event| {
            let _ = eye.see(event);
            true
        });
        let _ = (eye.may_end(), eye.reported().tokens.map(|tokens| tokens.total()));
    }
    let (mut array, mut list) = (Array::default(), BytesMut::new());
    frames(Framing::Sse, knobs, text, &mut |event| {
        array.add(event, &mut list);
        true
    });
    array.end(&mut list);
}

fn translated(provider: &dyn Outbound, knobs: Knobs, text: &[u8]) {
    let asked = asked(knobs);
    let callers = super::callers(knobs).into_iter().map(|(wire, from)| {
        let writer = from.stream_writer(&caller(&asked, knobs));
        To { wire, writer, out: BytesMut::new() }
    });
    let mut stream =
        Stream { order: Order::default(), events: Vec::new(), callers: callers.collect() };
    let mut reader = provider.stream_reader();
    frames(provider.framing(), knobs, text, &mut |frame| {
        // What is malformed is left out.
        let _ = reader.read(frame, &mut stream.events);
        stream.tell()
    });
    stream.close(reader.as_mut());
}

/// A stream on its way to all.
struct Stream {
    order: Order,
    events: Vec<Event>,
    callers: Vec<To>,
}

struct To {
    wire: Wire,
    writer: Box<dyn WriteStream>,
    out: BytesMut,
}

impl Stream {
    /// Whether it goes on.
    fn tell(&mut self) -> bool {
        for event in self.events.drain(..) {
            if self.order.is_over() {
                return false;
            }
            self.order.see(&event);
            // An error is told by whoever relays, in place of the writer.
            if matches!(event, Event::Error { .. }) {
                return false;
            }
            for to in &mut self.callers {
                to.writer.write(&event, &mut to.out);
            }
        }
        !self.order.is_over()
    }

    fn close(mut self, reader: &mut dyn ReadStream) {
        if !self.order.is_over() {
            reader.close(&mut self.events);
            self.tell();
        }
        for to in self.callers {
            readable(to.wire, &to.out);
        }
    }
}

/// What is written is events, whole ones, of JSON objects or an end mark.
fn readable(wire: Wire, out: &[u8]) {
    let mut events = sse::Events::new(usize::MAX);
    let mut passed = VecDeque::new();
    let pushed = events.push(Bytes::copy_from_slice(out), &mut passed, |event| {
        if let Some(data) = sse::data(event).filter(|data| data.as_ref() != b"[DONE]") {
            super::must_be_json(wire.as_str(), &data);
        }
        Verdict::Keep
    });
    let passed: usize = passed.iter().map(Bytes::len).sum();
    assert!(
        pushed.is_ok() && passed == out.len(),
        "{wire} wrote half an event: {}",
        out.escape_ascii()
    );
}

/// Shows each event of a stream until `show` has enough. Messages of AWS are lines here, a name
/// and a payload, since chance never finds a checksum.
fn frames(framing: Framing, knobs: Knobs, text: &[u8], show: &mut dyn FnMut(&[u8]) -> bool) {
    match framing {
        Framing::Sse => {
            let mut events = sse::Events::new(EVENT_MAX);
            for piece in pieces(knobs, text) {
                let judge = |event: &[u8]| if show(event) { Verdict::Drop } else { Verdict::Stop };
                if events.push(piece, &mut VecDeque::new(), judge).is_err() {
                    return;
                }
            }
        }
        Framing::EventStream => {
            let mut events = eventstream::Events::new(EVENT_MAX);
            for piece in pieces(knobs, &framed(text)) {
                let judge = |event: &[u8]| if show(event) { Verdict::Drop } else { Verdict::Stop };
                if events.push(piece, &mut VecDeque::new(), judge).is_err() {
                    return;
                }
            }
        }
        Framing::Lines => {
            let mut lines = Lines::new(EVENT_MAX);
            for piece in pieces(knobs, text) {
                if lines.push(piece, &mut *show).is_err() {
                    return;
                }
            }
            // A line that is too long is left out with the stream.
            lines.finish(&mut *show).unwrap_or_default();
        }
    }
}

/// Lines `{"type":"name","payload":…}`, the payload of any bytes; a line of another form is an
/// exception.
fn framed(text: &[u8]) -> Vec<u8> {
    const NAME: &[u8] = br#"{"type":""#;
    const PAYLOAD: &[u8] = br#"","payload":"#;
    let mut out = Vec::new();
    for line in text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let parts = line.strip_prefix(NAME).and_then(|rest| {
            let at = rest.windows(PAYLOAD.len()).position(|window| window == PAYLOAD)?;
            let name = std::str::from_utf8(rest.get(..at)?).ok()?;
            Some((name, rest.get(at + PAYLOAD.len()..)?.strip_suffix(b"}")?))
        });
        out.extend(match parts {
            Some((name, payload)) => eventstream::write_event(name, payload),
            None => {
                let headers = [(":message-type", "exception"), (":exception-type", "aException")];
                eventstream::write(&headers, line)
            }
        });
    }
    out
}
