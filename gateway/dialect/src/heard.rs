//! Watches a stream of a dialect that nobody speaks to us: its reader, whose events are looked at
//! and not told on.

use crate::Reported;
use crate::convert::{Malformed, Outbound, Pass, ReadStream, Seen, WatchStream};
use crate::neutral::{Block, Event};

/// A dialect of providers alone.
pub struct Heard<T>(pub T);

impl<T: Outbound> Pass for Heard<T> {
    fn watch(&self) -> Box<dyn WatchStream> {
        Box::new(Watch {
            reader: self.0.stream_reader(),
            batch: Vec::new(),
            reported: Reported::NOTHING,
        })
    }

    fn read_usage(&self, body: &[u8]) -> Result<Reported, Malformed> {
        let answer = self.0.read_answer(body)?;
        Ok(Reported { tokens: answer.tokens, units: answer.units })
    }
}

#[derive(Debug)]
struct Watch {
    reader: Box<dyn ReadStream>,
    batch: Vec<Event>,
    reported: Reported,
}

impl WatchStream for Watch {
    fn see(&mut self, event: &[u8]) -> Seen {
        if self.reader.read(event, &mut self.batch).is_err() {
            self.batch.clear();
            return Seen::Malformed;
        }
        let mut seen =
            if self.batch.is_empty() { Seen::Silent } else { Seen::Chunk { content: false } };
        for told in self.batch.drain(..) {
            match told {
                Event::Tokens(tokens) => self.reported.tokens = Some(tokens),
                Event::Units(units) => self.reported.units = units,
                Event::Error { .. } => seen = Seen::Error,
                _ if matches!(seen, Seen::Error | Seen::Done) => {}
                Event::End => seen = Seen::Done,
                Event::Delta { .. }
                | Event::Stop { .. }
                | Event::Open { what: Block::Whole(_), .. } => seen = Seen::Chunk { content: true },
                _ => {}
            }
        }
        seen
    }

    fn reported(&self) -> Reported {
        self.reported
    }

    fn may_end(&self) -> bool {
        // A reader tells the end of a stream without an end mark only once, when it is closed.
        self.reported.tokens.is_some()
    }
}
