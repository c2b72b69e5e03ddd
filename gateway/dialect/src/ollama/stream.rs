//! Reads a stream. A line holds pieces of thinking, of text, or calls, which come whole; blocks are
//! told when they begin.

use super::answer::{Message, Told};
use crate::convert::{Malformed, ReadStream};
use crate::neutral::{Block, CallKind, Delta, Event, TokenChance};

#[derive(Debug, Default)]
pub(super) struct Reader {
    started: bool,
    /// In the ids of calls that have none.
    mark: String,
    blocks: usize,
    calls: usize,
    open: Option<Open>,
    ended: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
}

impl ReadStream for Reader {
    fn read(&mut self, line: &[u8], out: &mut Vec<Event>) -> Result<(), Malformed> {
        let line = line.trim_ascii();
        if line.is_empty() || self.ended {
            return Ok(());
        }
        let mut told = Told::read(line)?;
        if let Some(message) = told.error() {
            out.push(Event::Error { kind: String::new(), message });
            return Ok(());
        }
        if !self.started {
            self.started = true;
            self.mark = told.mark();
            let (model, created) = (told.model(), told.created());
            out.push(Event::Start { id: String::new(), model, created });
        }
        let chances = told.logprobs();
        if let Some(message) = told.message.take() {
            self.message(message, chances, out)?;
        }
        if told.done {
            self.shut(out);
            out.extend(told.usage().tokens().map(Event::Tokens));
            out.push(Event::Stop { candidate: 0, stop: told.stop(self.calls > 0) });
            out.push(Event::End);
            self.ended = true;
        }
        Ok(())
    }

    /// A whole stream has said that it is done.
    fn close(&mut self, _: &mut Vec<Event>) {}
}

impl Reader {
    fn message(
        &mut self,
        mut message: Message<'_>,
        chances: Option<Vec<TokenChance>>,
        out: &mut Vec<Event>,
    ) -> Result<(), Malformed> {
        // What cannot be read is left out whole.
        let calls = message.calls(&self.mark, self.calls)?;
        for (what, text) in [(Open::Thinking, &message.thinking), (Open::Text, &message.content)] {
            let Some(text) = text.as_ref().filter(|text| !text.0.is_empty()) else { continue };
            let block = self.block(what, out);
            out.push(Event::Delta { block, delta: Delta::Text(text.0.clone().into_owned()) });
        }
        if let Some(chances) = chances
            && self.open == Some(Open::Text)
        {
            let block = self.blocks - 1;
            out.push(Event::Delta { block, delta: Delta::Logprobs(chances) });
        }
        for image in message.images() {
            self.begin(Block::Whole(image), out);
            out.push(Event::Close { block: self.blocks - 1 });
        }
        for call in calls {
            let kind = CallKind::Function;
            self.begin(Block::ToolCall { id: call.id, name: call.name, kind }, out);
            let block = self.blocks - 1;
            out.push(Event::Delta { block, delta: Delta::Input(call.input) });
            out.push(Event::Close { block });
            self.calls += 1;
        }
        Ok(())
    }

    /// The open block of this kind; opens one if there is none.
    fn block(&mut self, what: Open, out: &mut Vec<Event>) -> usize {
        if self.open != Some(what) {
            let block = if what == Open::Text { Block::Text } else { Block::Thinking };
            self.begin(block, out);
            self.open = Some(what);
        }
        self.blocks - 1
    }

    fn begin(&mut self, what: Block, out: &mut Vec<Event>) {
        self.shut(out);
        out.push(Event::Open { block: self.blocks, candidate: 0, what });
        self.blocks += 1;
    }

    fn shut(&mut self, out: &mut Vec<Event>) {
        if self.open.take().is_some() {
            out.push(Event::Close { block: self.blocks - 1 });
        }
    }
}
