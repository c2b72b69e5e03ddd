//! A stream that is also read into the neutral form on its way, for those who get the same answer.
//! What cannot be read is missed there, and changes nothing for the call's own caller.

use super::flow::Flow;
use super::frames::Frames;
use super::watch::WatchError;
use crate::meter::Heard;
use bytes::Bytes;
use dialect::convert::{Outbound, ReadStream};
use dialect::neutral::Event;

#[derive(Debug)]
pub struct Taped {
    flow: Flow,
    frames: Frames,
    reader: Box<dyn ReadStream>,
    events: Vec<Event>,
    is_over: bool,
}

impl Taped {
    /// `from`: the dialect that the provider speaks.
    pub fn new(flow: Flow, from: &dyn Outbound, event_bytes_max: usize) -> Self {
        Self {
            flow,
            frames: Frames::new(from.framing(), event_bytes_max),
            reader: from.stream_reader(),
            events: Vec::new(),
            is_over: false,
        }
    }

    /// What was read since this was last asked.
    pub fn take_events(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.events)
    }

    pub fn take(&mut self, read: Bytes) -> Result<(), WatchError> {
        if !self.is_over {
            let Self { frames, reader, events, is_over, .. } = self;
            let framed = frames.push(read.clone(), |frame| {
                *is_over = read_frame(reader.as_mut(), frame, events);
                !*is_over
            });
            self.is_over |= framed.is_err();
        }
        self.flow.take(read)
    }

    pub fn close(&mut self) -> bool {
        if !self.is_over {
            let Self { frames, reader, events, is_over, .. } = self;
            let framed = frames.finish(|frame| {
                *is_over = read_frame(reader.as_mut(), frame, events);
                !*is_over
            });
            if framed.is_ok() && !self.is_over {
                self.reader.close(&mut self.events);
            }
            self.is_over = true;
        }
        self.flow.close()
    }

    pub fn take_out(&mut self) -> Option<Bytes> {
        self.flow.take_out()
    }

    pub fn has_next(&self) -> bool {
        self.flow.has_next()
    }

    pub fn has_begun(&self) -> bool {
        self.flow.has_begun()
    }

    pub fn is_done(&self) -> bool {
        self.flow.is_done()
    }

    pub fn end_mark(&mut self) -> Option<Bytes> {
        self.flow.end_mark()
    }

    pub fn heard(&self) -> Heard {
        self.flow.heard()
    }

    pub fn output_tokens(&self) -> u64 {
        self.flow.output_tokens()
    }

    pub fn malformed(&self) -> u32 {
        self.flow.malformed()
    }
}

/// Whether it was the last.
fn read_frame(reader: &mut dyn ReadStream, frame: &[u8], events: &mut Vec<Event>) -> bool {
    // Left out, as in the stream itself.
    let _ = reader.read(frame, events);
    matches!(events.last(), Some(Event::End | Event::Error { .. }))
}
