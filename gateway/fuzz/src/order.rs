//! The order of events that `dialect::neutral::Event` promises, proved event by event.

use dialect::neutral::{Block, Delta, Event};

/// What of a stream has been seen.
#[derive(Debug, Default)]
pub struct Order {
    started: bool,
    over: bool,
    blocks: usize,
    /// Block, its candidate, and whether it came whole.
    open: Vec<(usize, usize, Open)>,
    stopped: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Call,
    Whole,
}

impl Order {
    /// Whether nothing more is read: the stream ended, or was broken off.
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// The next event.
    ///
    /// # Panics
    /// It may not come now.
    pub fn see(&mut self, event: &Event) {
        assert!(!self.over, "{event:?} after the end");
        match event {
            Event::Start { .. } => {
                assert!(!self.started, "started twice");
                self.started = true;
            }
            Event::Open { block, candidate, what } => self.opens(*block, *candidate, what),
            Event::Delta { block, delta } => self.grows(*block, delta),
            Event::Close { block } => {
                let at = self.open.iter().position(|(open, ..)| open == block);
                assert!(at.is_some(), "block {block} is closed and was not open");
                self.open.retain(|(open, ..)| open != block);
            }
            Event::Stop { candidate, .. } => {
                assert!(self.started, "stopped before the start");
                assert!(!self.is_open(*candidate), "candidate {candidate} stops with a block open");
                assert!(!self.stopped.contains(candidate), "candidate {candidate} stops twice");
                self.stopped.push(*candidate);
            }
            Event::End => {
                assert!(self.started, "ended before the start");
                assert!(self.open.is_empty(), "ended with a block open");
                self.over = true;
            }
            Event::Error { .. } => self.over = true,
            Event::Tokens(tokens) => {
                // Sums that would overflow panic here, as this is built.
                let _ = tokens.total();
            }
            Event::Units(_) | Event::Ping => {}
        }
    }

    fn opens(&mut self, block: usize, candidate: usize, what: &Block) {
        assert!(self.started, "a block before the start");
        assert_eq!(block, self.blocks, "blocks count up from 0");
        self.blocks += 1;
        assert!(!self.is_open(candidate), "candidate {candidate} has two blocks open");
        assert!(!self.stopped.contains(&candidate), "candidate {candidate} goes on after its stop");
        let kind = match what {
            Block::Text | Block::Refusal | Block::Thinking => Open::Text,
            Block::ToolCall { .. } => Open::Call,
            Block::Whole(_) => Open::Whole,
        };
        self.open.push((block, candidate, kind));
    }

    fn grows(&self, block: usize, delta: &Delta) {
        let open = self.open.iter().find(|(open, ..)| *open == block).map(|(.., kind)| *kind);
        let fits = match delta {
            Delta::Text(_) | Delta::Citation(_) => open == Some(Open::Text),
            Delta::Input(_) => open == Some(Open::Call),
            Delta::Signature(_) | Delta::Logprobs(_) => open.is_some(),
        };
        assert!(fits, "{delta:?} of block {block}, which is {open:?}");
    }

    fn is_open(&self, candidate: usize) -> bool {
        self.open.iter().any(|(_, of, _)| *of == candidate)
    }
}
