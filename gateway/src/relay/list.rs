//! A stream for callers of Gemini that do not ask for events: one JSON list that grows. It is
//! closed only where the stream is whole, so that no parser takes a broken one for an answer.

use bytes::{Bytes, BytesMut};
use dialect::gemini::Array;
use dialect::sse::{Events, Verdict};
use std::collections::VecDeque;

/// What has been told so far.
#[derive(Debug)]
pub struct List {
    array: Array,
    events: Events,
}

impl List {
    pub fn new() -> Self {
        // Whoever made the events has bounded them.
        Self { array: Array::default(), events: Events::new(usize::MAX) }
    }

    /// Whole events as elements; empty where they hold none.
    pub fn tell(&mut self, events: Bytes) -> Bytes {
        let (mut out, mut passed) = (BytesMut::with_capacity(events.len()), VecDeque::new());
        let array = &mut self.array;
        let told = self.events.push(events, &mut passed, |event| {
            array.add(event, &mut out);
            Verdict::Drop
        });
        // Nothing is longer than the bound.
        told.unwrap_or_default();
        out.freeze()
    }

    /// What comes last in a whole stream, and the end of the list.
    pub fn end(&mut self, last: Bytes) -> Bytes {
        let mut out = BytesMut::from(self.tell(last).as_ref());
        self.array.end(&mut out);
        out.freeze()
    }
}
