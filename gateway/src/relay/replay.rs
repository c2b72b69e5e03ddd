//! An answer that another call made, as a stream to this call's caller: told as it comes, or at once
//! where all of it is there. It is metered before its end, like any.

use super::list::List;
use crate::admit::Shape;
use crate::answer::Broken;
use crate::attempt::stream_writer;
use crate::fault::Fault;
use crate::meter::{End, Heard, Measure, Meter, Room};
use crate::recall::{Kept, Source, Step};
use crate::render;
use bytes::{Bytes, BytesMut};
use contract::error::ErrorCode;
use contract::usage::Outcome;
use dialect::convert::WriteStream;
use dialect::count::{Counter, Family};
use dialect::neutral::{Delta, Event};
use dialect::replay::events_of;
use std::task::{Context, Poll, ready};

/// A text that is there is told in pieces of so many characters.
const PIECE: usize = 4_096;

/// A stream being told again.
#[derive(Debug)]
pub struct Replay {
    meter: Box<Meter>,
    /// Gone once the stream has ended.
    source: Option<Source>,
    /// What all of it used, once all of it is in `out`.
    landed: Option<Measure>,
    writer: Box<dyn WriteStream>,
    /// For a caller that gets no events.
    list: Option<List>,
    out: BytesMut,
    /// The end mark, or the error of a stream that broke.
    last_words: Option<Bytes>,
    whole: bool,
    tells_cost: bool,
    deltas: u64,
    counter: Counter,
}

impl Replay {
    /// # Errors
    /// The call cannot be read, so nothing can be told to it.
    pub fn new(mut meter: Box<Meter>, source: Source) -> Result<Self, Fault> {
        let writer = match stream_writer(&meter) {
            Ok(writer) => writer,
            Err(fault) => return Err(meter.fail(fault)),
        };
        let principal = &meter.permit.call.principal;
        let list = principal.stamp.shape == Shape::GeminiList;
        let tells_cost = principal.passed_on.include_cost;
        Ok(Self {
            source: Some(source),
            landed: None,
            writer,
            list: list.then(List::new),
            out: BytesMut::new(),
            last_words: None,
            whole: false,
            tells_cost,
            deltas: 0,
            counter: Counter::default(),
            meter,
        })
    }

    /// The next bytes for the caller; `None` at the end.
    pub fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        loop {
            if self.source.is_some() {
                let seen = self.output_seen();
                match ready!(self.meter.poll_room(cx, seen)) {
                    Room::Enough => {}
                    Room::Grown => continue,
                    Room::None => self.run_out(),
                }
            }
            if !self.out.is_empty() {
                let bytes = self.out.split().freeze();
                let Some(list) = &mut self.list else { return Poll::Ready(Some(Ok(bytes))) };
                let bytes = list.tell(bytes);
                if !bytes.is_empty() {
                    return Poll::Ready(Some(Ok(bytes)));
                }
            }
            if let Some(measure) = self.landed.filter(|_| self.source.is_some()) {
                self.settle_whole(measure);
            }
            match &mut self.source {
                None => return Poll::Ready(self.last().map(Ok)),
                Some(Source::Whole(kept)) => {
                    let kept = std::sync::Arc::clone(kept);
                    self.tell_whole(&kept);
                }
                Some(Source::Live(seat)) => {
                    let told = seat.has_events();
                    match ready!(seat.poll_step(cx)) {
                        Step::Events(events) => events.iter().for_each(|event| self.tell(event)),
                        Step::Whole(kept) if told => self.landed = Some(kept.measure),
                        Step::Whole(kept) => self.tell_whole(&kept),
                        Step::Failed(_) => self.break_off(),
                    }
                }
            }
        }
    }

    /// Whether nothing more will come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.source.is_none() && self.last_words.is_none() && self.out.is_empty()
    }

    fn tell_whole(&mut self, kept: &Kept) {
        events_of(&kept.answer, PIECE).iter().for_each(|event| self.tell(event));
        self.landed = Some(kept.measure);
    }

    fn tell(&mut self, event: &Event) {
        match event {
            // Told once the call is settled.
            Event::End | Event::Error { .. } => return,
            Event::Delta { delta: Delta::Text(text) | Delta::Input(text), .. } => {
                self.deltas += 1;
                self.counter.add(text);
            }
            _ => {}
        }
        self.writer.write(event, &mut self.out);
    }

    /// Tokens of output that the caller is about to have.
    fn output_seen(&self) -> u64 {
        match self.landed {
            Some(measure) => measure.used.tokens.output_total(),
            None => {
                let family = Family::of(&self.meter.permit.model.record.name);
                self.deltas.max(self.counter.tokens_of(family))
            }
        }
    }

    fn settle_whole(&mut self, measure: Measure) {
        self.source = None;
        let cost = self.settle(End { outcome: Outcome::Ok, status: 200, code: None, measure });
        self.whole = true;
        let mut last = BytesMut::from(&*cost);
        self.writer.write(&Event::End, &mut last);
        self.last_words = Some(last.freeze());
    }

    /// The call that this one followed broke: so does this one, with its dialect's error.
    fn break_off(&mut self) {
        self.source = None;
        let code = ErrorCode::UpstreamCut;
        let cost = self.settle(self.end(Outcome::UpstreamCut, Some(code)));
        self.say(&cost, &Fault::upstream(code, code.title()));
    }

    /// No limit of this call admits more of it.
    fn run_out(&mut self) {
        self.source = None;
        self.out.clear();
        let fault = self.meter.out_of_room();
        let cost = self.settle(self.end(Outcome::BudgetExhausted, Some(fault.code)));
        self.say(&cost, &fault);
    }

    fn end(&self, outcome: Outcome, code: Option<ErrorCode>) -> End {
        let seen = self.output_seen();
        let measure = self.landed.unwrap_or_else(|| self.meter.measure(Heard::NOTHING, || seen));
        End { outcome, status: 200, code, measure }
    }

    /// What the caller is told of the cost, where it wants to know.
    fn settle(&mut self, end: End) -> Vec<u8> {
        let used = end.measure.used;
        let cost = self.meter.end(end);
        let shape = self.meter.permit.call.principal.stamp.shape;
        if self.tells_cost { render::cost::event(shape, cost, &used.tokens) } else { Vec::new() }
    }

    fn say(&mut self, cost: &[u8], fault: &Fault) {
        let stamp = &self.meter.permit.call.principal.stamp;
        let id = stamp.id_text.to_str().unwrap_or_default();
        let event = render::error_event(stamp.shape, &fault.problem(id));
        self.last_words = Some([cost, &event].concat().into());
    }

    fn last(&mut self) -> Option<Bytes> {
        let words = self.last_words.take()?;
        let Some(list) = &mut self.list else { return Some(words) };
        Some(if self.whole { list.end(words) } else { list.tell(words) })
    }
}

impl Drop for Replay {
    /// The caller left in the middle: what it got is owed.
    fn drop(&mut self) {
        if self.source.take().is_some() {
            let end = self.end(Outcome::ClientGone, None);
            self.meter.end(End { status: 499, ..end });
        }
    }
}
