//! A reply as a stream: what opens it, its pieces one by one, its end, and the faults that come in
//! between. How each is written is the dialect's; when is decided here.

use crate::play::Step;
use crate::reply::{Block, Piece, Reply, pieces};
use crate::switches::{Hang, Switches};
use bytes::Bytes;
use std::time::Duration;

/// Writes a stream in one dialect.
pub(crate) trait Writer: Send {
    /// What comes before any content.
    fn open(&mut self, reply: &Reply) -> Vec<u8>;
    /// One piece of a block; `piece.first` and `piece.last` say where it starts and ends.
    fn piece(&mut self, reply: &Reply, block: &Block, piece: &Piece) -> Vec<u8>;
    /// How it ends and the usage; `done`: and the mark that nothing more comes.
    fn end(&mut self, reply: &Reply, done: bool) -> Vec<u8>;
    /// The error that ends the stream.
    fn error(&mut self, code: Option<&str>, message: &str) -> Vec<u8>;
    /// An event that nobody can read.
    fn garbage(&mut self) -> Vec<u8> {
        b"data: {\"this line\": is not JSON\n\n".to_vec()
    }
}

/// One event of a server-sent stream.
pub(crate) fn sse(event: Option<&str>, data: &serde_json::Value) -> Vec<u8> {
    match event {
        Some(event) => format!("event: {event}\ndata: {data}\n\n").into_bytes(),
        None => format!("data: {data}\n\n").into_bytes(),
    }
}

/// The steps of a streamed answer, made as they are asked for.
pub(crate) struct Stream {
    reply: Reply,
    switches: Switches,
    writer: Box<dyn Writer>,
    pieces: Vec<Piece>,
    /// 0 is the opening, `pieces + 1` the end.
    at: usize,
    over: bool,
}

impl Stream {
    pub fn new(reply: Reply, switches: Switches, writer: Box<dyn Writer>) -> Self {
        let pieces = pieces(&reply, switches.chunks);
        Self { reply, switches, writer, pieces, at: 0, over: false }
    }

    /// The fault that comes instead of what stands at `at`.
    fn fault(&mut self) -> Option<Vec<Step>> {
        let sent = self.at.checked_sub(1)?;
        let reached = |after: Option<u64>| after.is_some_and(|after| sent as u64 >= after);
        if reached(self.switches.cut_after) {
            return Some(vec![Step::Cut]);
        }
        if reached(self.switches.error_after) {
            let message = "The simulator breaks this stream off, as a switch asks.";
            let bytes = self.writer.error(self.switches.error_code.as_deref(), message).into();
            return Some(vec![Step::Send { bytes, tokens: 0 }, Step::EndCut]);
        }
        let hangs = match self.switches.hang {
            Some(Hang::FirstToken) => sent == 0,
            Some(Hang::End) => sent == self.pieces.len(),
            _ => false,
        };
        hangs.then(|| vec![Step::Hang])
    }

    fn piece(&mut self, piece: &Piece) -> Vec<Step> {
        let Some(block) = self.reply.blocks.get(piece.block) else { return Vec::new() };
        let mut bytes = self.writer.piece(&self.reply, block, piece);
        if self.switches.malformed && self.at == 1 {
            bytes.extend(self.writer.garbage());
        }
        // Reasoning is counted beside the output, from the start.
        let thought = block.kind == crate::reply::Kind::Thought;
        let tokens = if thought { 0 } else { piece.tokens * self.reply.choices };
        let send = Step::Send { bytes: bytes.into(), tokens };
        if self.at > 1 && self.switches.chunk_delay_ms > 0 {
            vec![Step::Wait(Duration::from_millis(self.switches.chunk_delay_ms)), send]
        } else {
            vec![send]
        }
    }
}

impl Iterator for Stream {
    type Item = Vec<Step>;

    fn next(&mut self) -> Option<Vec<Step>> {
        if self.over {
            return None;
        }
        if let Some(fault) = self.fault() {
            self.over = true;
            return Some(fault);
        }
        if self.at == 0 {
            self.at = 1;
            let bytes = self.writer.open(&self.reply).into();
            return Some(vec![Step::Send { bytes, tokens: 0 }]);
        }
        if let Some(piece) = self.pieces.get_mut(self.at - 1).map(std::mem::take) {
            let steps = self.piece(&piece);
            self.at += 1;
            return Some(steps);
        }
        self.over = true;
        let bytes = Bytes::from(self.writer.end(&self.reply, !self.switches.no_done));
        Some(if self.switches.no_done {
            vec![Step::Send { bytes, tokens: 0 }, Step::EndCut]
        } else {
            vec![Step::Last { bytes, tokens: 0 }]
        })
    }
}
