//! Watches a stream that passes as it is.

use crate::convert::{Seen, WatchStream};
use crate::openai::stream::{Event, has_content, read_event};
use contract::usage::Tokens;

#[derive(Debug, Default)]
pub(crate) struct Watcher {
    tokens: Option<Tokens>,
    begun: bool,
    /// It said that it is done, or what was used, which comes last.
    whole: bool,
}

impl WatchStream for Watcher {
    fn see(&mut self, event: &[u8]) -> Seen {
        match read_event(event) {
            Event::Silent => Seen::Silent,
            Event::Chunk(tokens) => {
                self.tokens = tokens.or(self.tokens);
                let content = !self.begun && has_content(event);
                self.begun = self.begun || content;
                Seen::Chunk { content: self.begun }
            }
            Event::Usage(tokens) => {
                self.tokens = Some(tokens);
                self.whole = true;
                Seen::Usage
            }
            Event::Done => {
                self.whole = true;
                Seen::Done
            }
            Event::Error => Seen::Error,
            Event::Malformed => Seen::Malformed,
        }
    }

    fn tokens(&self) -> Option<Tokens> {
        self.tokens
    }

    fn may_end(&self) -> bool {
        self.whole
    }
}
