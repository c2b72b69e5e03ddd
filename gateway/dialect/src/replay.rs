//! An answer that came once, told again: the events of a whole answer, and the whole of a stream's
//! events. What must stay true: each gives back what the other was given, but for what only whole
//! answers have (a candidate's native remarks, the service tier, why a prompt was blocked).

use crate::neutral::{Answer, Block, Candidate, Content, Delta, Event, Part, Stop, ToolCall};

/// More answers than any dialect lets a caller ask for.
const CANDIDATES_MAX: usize = 1_024;

/// The events of a stream that says what an answer does, its texts in pieces of `size` characters.
#[must_use]
pub fn events_of(answer: &Answer, size: usize) -> Vec<Event> {
    let Answer { id, model, created, .. } = answer.clone();
    let mut events = vec![Event::Start { id, model, created }];
    let mut block = 0;
    for (candidate, said) in answer.candidates.iter().enumerate() {
        let mut logprobs = said.logprobs.clone().map(Delta::Logprobs);
        for part in &said.parts {
            let (what, mut deltas) = block_of(part, size);
            if matches!(what, Block::Text | Block::Refusal) {
                deltas.extend(logprobs.take());
            }
            events.push(Event::Open { block, candidate, what });
            events.extend(deltas.into_iter().map(|delta| Event::Delta { block, delta }));
            events.push(Event::Close { block });
            block += 1;
        }
        events.push(Event::Stop { candidate, stop: said.stop.clone() });
    }
    events.extend(answer.tokens.map(Event::Tokens));
    events.extend((!answer.units.is_zero()).then_some(Event::Units(answer.units)));
    events.push(Event::End);
    events
}

/// A block that says what a part does.
fn block_of(part: &Part, size: usize) -> (Block, Vec<Delta>) {
    let texts = |text| pieces(text, size).map(Delta::Text).collect();
    let (block, mut deltas): (_, Vec<_>) = match &part.content {
        Content::Text { text, citations } => {
            let mut deltas: Vec<_> = texts(text);
            deltas.extend(citations.iter().cloned().map(Delta::Citation));
            (Block::Text, deltas)
        }
        Content::Refusal(text) => (Block::Refusal, texts(text)),
        Content::Thinking(text) => (Block::Thinking, texts(text)),
        Content::ToolCall(ToolCall { id, name, input, kind }) => {
            let (id, name, kind) = (id.clone(), name.clone(), *kind);
            let input = pieces(input, size).map(Delta::Input).collect();
            (Block::ToolCall { id, name, kind }, input)
        }
        _ => return (Block::Whole(part.clone()), Vec::new()),
    };
    deltas.extend(part.signature.clone().map(Delta::Signature));
    (block, deltas)
}

fn pieces(text: &str, size: usize) -> impl Iterator<Item = String> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let end = rest.char_indices().nth(size.max(1)).map_or(rest.len(), |(at, _)| at);
        let (piece, after) = rest.split_at(end);
        rest = after;
        (!piece.is_empty()).then(|| piece.to_owned())
    })
}

/// Events that do not come in the order that [`Event`] promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Disorder(&'static str);

/// A stream, put together event by event.
#[derive(Debug, Default)]
pub struct Assembly {
    answer: Answer,
    /// Blocks that are open: number, candidate, what was said.
    open: Vec<(usize, usize, Part)>,
    blocks: usize,
    started: bool,
    ended: bool,
    broken: bool,
}

impl Assembly {
    /// Adds the next event.
    ///
    /// # Errors
    /// It cannot come now; what was put together is worth nothing.
    pub fn add(&mut self, event: &Event) -> Result<(), Disorder> {
        let added = if self.ended { Err(Disorder("after the end")) } else { self.put(event) };
        self.broken |= added.is_err();
        added
    }

    /// All of it, once it is whole.
    #[must_use]
    pub fn finish(self) -> Option<Answer> {
        (self.ended && !self.broken).then_some(self.answer)
    }

    fn put(&mut self, event: &Event) -> Result<(), Disorder> {
        match event {
            Event::Start { id, model, created } => {
                if std::mem::replace(&mut self.started, true) {
                    return Err(Disorder("started twice"));
                }
                let answer = &mut self.answer;
                (answer.id, answer.model, answer.created) = (id.clone(), model.clone(), *created);
            }
            Event::Open { block, candidate, what } => self.open(*block, *candidate, what)?,
            Event::Delta { block, delta } => self.delta(*block, delta)?,
            Event::Close { block } => {
                let at = self.open.iter().position(|(open, ..)| open == block);
                let (_, candidate, part) =
                    self.open.remove(at.ok_or(Disorder("closed, not open"))?);
                self.candidate(candidate)?.parts.push(part);
            }
            Event::Stop { candidate, stop } => {
                if self.open.iter().any(|(_, of, _)| of == candidate) {
                    return Err(Disorder("stopped with a block open"));
                }
                self.candidate(*candidate)?.stop = stop.clone();
            }
            Event::Tokens(tokens) => self.answer.tokens = Some(*tokens),
            Event::Units(units) => self.answer.units = *units,
            Event::End => {
                if !self.open.is_empty() {
                    return Err(Disorder("ended with a block open"));
                }
                self.ended = true;
            }
            Event::Ping => {}
            Event::Error { .. } => (self.ended, self.broken) = (true, true),
        }
        Ok(())
    }

    fn open(&mut self, block: usize, candidate: usize, what: &Block) -> Result<(), Disorder> {
        if !self.started {
            return Err(Disorder("a block before the start"));
        }
        if block != self.blocks {
            return Err(Disorder("the numbers of blocks do not count up"));
        }
        if self.open.iter().any(|(_, of, _)| *of == candidate) {
            return Err(Disorder("two blocks at once"));
        }
        self.blocks += 1;
        self.candidate(candidate)?;
        self.open.push((block, candidate, what.begun()));
        Ok(())
    }

    fn delta(&mut self, block: usize, delta: &Delta) -> Result<(), Disorder> {
        let open = self.open.iter_mut().find(|(open, ..)| *open == block);
        let (_, candidate, part) = open.ok_or(Disorder("a delta of no block"))?;
        if let Delta::Logprobs(more) = delta {
            let candidate = *candidate;
            let known = self.candidate(candidate)?.logprobs.get_or_insert_default();
            known.extend(more.iter().cloned());
            return Ok(());
        }
        add(part, delta)
    }

    /// The candidate of a number, which is there from when it is first named.
    fn candidate(&mut self, number: usize) -> Result<&mut Candidate, Disorder> {
        const TOO_MANY: Disorder = Disorder("more candidates than anyone asks for");
        if number >= CANDIDATES_MAX {
            return Err(TOO_MANY);
        }
        let candidates = &mut self.answer.candidates;
        if candidates.len() <= number {
            // Why it stopped is yet to be told.
            let stop = Stop::Other(String::new());
            let none = Candidate { parts: Vec::new(), stop, logprobs: None, native: None };
            candidates.resize(number + 1, none);
        }
        candidates.get_mut(number).ok_or(TOO_MANY)
    }
}

fn add(part: &mut Part, delta: &Delta) -> Result<(), Disorder> {
    match (&mut part.content, delta) {
        (_, Delta::Signature(signature)) => part.signature = Some(signature.clone()),
        (
            Content::Text { text, .. } | Content::Refusal(text) | Content::Thinking(text),
            Delta::Text(more),
        ) => text.push_str(more),
        (Content::Text { citations, .. }, Delta::Citation(citation)) => {
            citations.push(citation.clone());
        }
        (Content::ToolCall(call), Delta::Input(more)) => call.input.push_str(more),
        _ => return Err(Disorder("a delta that its block cannot have")),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wire;
    use crate::neutral::{Signature, TokenChance, TopToken};
    use contract::usage::{Tokens, Units};
    use proptest::prelude::*;
    use serde_json::Value;

    fn answer(texts: &[String], tool: &str, searches: u64) -> Answer {
        let token = TopToken { token: "a".into(), logprob: -0.5, bytes: Value::Null };
        let said = |text: &String| Candidate {
            parts: vec![
                Part {
                    signature: Some(Signature { wire: Wire::Messages, value: "proof".into() }),
                    ..Part::new(Content::Thinking(text.clone()))
                },
                Part::text(text.clone()),
                Part::new(Content::ToolCall(ToolCall {
                    id: "call_1".into(),
                    name: "find".into(),
                    input: tool.to_owned(),
                    kind: crate::neutral::CallKind::Function,
                })),
            ],
            stop: Stop::End,
            logprobs: Some(vec![TokenChance { token: token.clone(), top: vec![token.clone()] }]),
            native: None,
        };
        Answer {
            id: "msg_1".into(),
            model: "m".into(),
            created: Some(7),
            candidates: texts.iter().map(said).collect(),
            tokens: Some(Tokens { input: 3, output: 9, ..Tokens::default() }),
            units: Units { searches, ..Units::default() },
            ..Answer::default()
        }
    }

    proptest! {
        #[test]
        fn an_answer_told_as_a_stream_in_any_pieces_and_written_down_as_json_is_the_same_answer(
            texts in proptest::collection::vec(".{0,12}", 1..4), tool in ".{0,9}", size in 0..9_usize,
            searches in 0..3_u64,
        ) {
            let answer = answer(&texts, &tool, searches);
            let mut assembly = Assembly::default();
            for event in events_of(&answer, size) {
                let text = serde_json::to_string(&event).unwrap();
                let read: Event = serde_json::from_str(&text).unwrap();
                prop_assert_eq!(&read, &event);
                assembly.add(&read).unwrap();
            }
            prop_assert_eq!(assembly.finish(), Some(answer.clone()));
            let text = serde_json::to_string(&answer).unwrap();
            prop_assert_eq!(serde_json::from_str::<Answer>(&text).unwrap(), answer);
        }
    }

    #[test]
    fn events_out_of_order_and_streams_without_an_end_make_no_answer() {
        let whole = events_of(&answer(&["text".into()], "{}", 0), 2);
        for left_out in 0..whole.len() {
            let mut assembly = Assembly::default();
            for (nth, event) in whole.iter().enumerate() {
                if nth != left_out {
                    let _ = assembly.add(event);
                }
            }
            let made = assembly.finish();
            let harmless = matches!(
                whole[left_out],
                Event::Delta { .. } | Event::Tokens(_) | Event::Units(_) | Event::Stop { .. }
            );
            assert_eq!(made.is_some(), harmless, "{:?}", whole[left_out]);
            if matches!(whole[left_out], Event::Stop { .. }) {
                assert_eq!(made.unwrap().candidates[0].stop, Stop::Other(String::new()));
            }
        }
        let mut assembly = Assembly::default();
        let far = Event::Stop { candidate: usize::MAX, stop: Stop::End };
        assert!(assembly.add(&far).is_err());
        assert!(assembly.add(&Event::End).is_ok());
        assert_eq!(assembly.finish(), None);
    }
}
