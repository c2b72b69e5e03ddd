//! Watches a stream that passes as it is.

use crate::Reported;
use crate::convert::{Seen, WatchStream};
use crate::openai::stream::{Event, has_content, read_event};

#[derive(Debug, Default)]
pub(crate) struct Watcher {
    reported: Reported,
    begun: bool,
    /// It said that it is done, or what was used, which comes last.
    whole: bool,
}

impl WatchStream for Watcher {
    fn see(&mut self, event: &[u8]) -> Seen {
        match read_event(event) {
            Event::Silent => Seen::Silent,
            Event::Chunk(reported) => {
                self.reported = self.reported.and(reported);
                let content = !self.begun && has_content(event);
                self.begun = self.begun || content;
                Seen::Chunk { content: self.begun }
            }
            Event::Usage(reported) => {
                self.reported = self.reported.and(reported);
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

    fn reported(&self) -> Reported {
        self.reported
    }

    fn may_end(&self) -> bool {
        self.whole
    }
}
