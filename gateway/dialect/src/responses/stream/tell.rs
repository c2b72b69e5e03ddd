//! Tells events: what all of them share, and those of the response and of its items. Events are
//! numbered from 0; a piece says where it belongs.

use super::super::answer::{Envelope, Ids, State};
use bytes::{BufMut as _, BytesMut};
use contract::usage::Tokens;
use serde_json::Value;

/// Tells events.
#[derive(Debug)]
pub(super) struct Teller {
    pub(super) envelope: Envelope,
    pub(super) ids: Ids,
    /// Of the next event.
    pub(super) number: u64,
    /// Items that are done: JSON texts separated by commas, and how many.
    output: String,
    pub(super) items: usize,
    /// Where pieces of the open part belong: JSON members, each with a comma before it.
    pub(super) place: String,
    pub(super) tokens: Option<Tokens>,
}

impl Teller {
    pub(super) const fn new(envelope: Envelope, ids: Ids) -> Self {
        Self {
            envelope,
            ids,
            number: 0,
            output: String::new(),
            items: 0,
            place: String::new(),
            tokens: None,
        }
    }

    /// Writes an event up to its number; `close_event` ends it.
    fn open_event(&mut self, kind: &str, out: &mut BytesMut) {
        out.put_slice(b"event: ");
        out.put_slice(kind.as_bytes());
        out.put_slice(b"\ndata: {\"type\":\"");
        out.put_slice(kind.as_bytes());
        out.put_slice(b"\",\"sequence_number\":");
        out.put_slice(itoa::Buffer::new().format(self.number).as_bytes());
        self.number += 1;
    }

    fn close_event(out: &mut BytesMut) {
        out.put_slice(b"}\n\n");
    }

    /// An event about the open part, or the open item: where it is, and one more member.
    pub(super) fn event(&mut self, kind: &str, member: &str, value: &Value, out: &mut BytesMut) {
        self.open_event(kind, out);
        out.put_slice(self.place.as_bytes());
        out.put_slice(format!(",\"{member}\":{value}").as_bytes());
        Self::close_event(out);
    }

    /// A piece of the open part.
    pub(super) fn piece(&mut self, kind: &str, text: &str, more: &[u8], out: &mut BytesMut) {
        self.open_event(kind, out);
        out.put_slice(self.place.as_bytes());
        out.put_slice(b",\"delta\":");
        // Memory takes whatever is written.
        serde_json::to_writer(out.writer(), text).unwrap_or_default();
        out.put_slice(more);
        Self::close_event(out);
    }

    /// One more member of where what follows belongs, for one event.
    pub(super) fn event_at(
        &mut self,
        place: &str,
        (kind, member): (&str, &str),
        value: &Value,
        out: &mut BytesMut,
    ) {
        let end = self.place.len();
        self.place += place;
        self.event(kind, member, value, out);
        self.place.truncate(end);
    }

    /// An event of the response's own life.
    pub(super) fn life(&mut self, kind: &str, state: State<'_>, out: &mut BytesMut) {
        let response = self.envelope.write(state, &self.output, self.tokens.as_ref(), None);
        self.open_event(kind, out);
        out.put_slice(b",\"response\":");
        out.put_slice(response.as_bytes());
        Self::close_event(out);
    }

    /// An item is there.
    pub(super) fn item_added(&mut self, item: &Value, out: &mut BytesMut) {
        self.place = format!(",\"output_index\":{}", self.items);
        self.event("response.output_item.added", "item", item, out);
    }

    /// An item is complete.
    pub(super) fn item_done(&mut self, item: &Value, out: &mut BytesMut) {
        self.place = format!(",\"output_index\":{}", self.items);
        self.event("response.output_item.done", "item", item, out);
        if self.items > 0 {
            self.output.push(',');
        }
        self.output += &item.to_string();
        self.items += 1;
    }

    /// Where what follows belongs; `index` names the part of the item.
    pub(super) fn at(&mut self, id: &str, index: Option<(&str, usize)>) {
        self.place = format!(",\"item_id\":{},\"output_index\":{}", Value::from(id), self.items);
        if let Some((name, index)) = index {
            self.place += &format!(",\"{name}\":{index}");
        }
    }
}
