//! A stream on its way to the caller: whole events pass as they come, and however it ends, it is
//! metered first.

use super::list::List;
use crate::admit::Shape;
use crate::answer::Broken;
use crate::attempt::{Flow, Stream, WatchError};
use crate::fault::Fault;
use crate::meter::{End, Meter, Room};
use crate::provider::Lease;
use crate::render;
use bytes::Bytes;
use contract::error::ErrorCode;
use contract::usage::Outcome;
use hyper::body::{Body as _, Incoming};
use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep};

/// How long a provider may take to close an answer after its `[DONE]`.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// A stream being relayed.
#[derive(Debug)]
pub struct Relay {
    meter: Box<Meter>,
    flow: Flow,
    /// For a caller that gets no events.
    list: Option<List>,
    /// Gone once the stream has ended.
    source: Option<(Incoming, Lease)>,
    /// The end mark, or the error of a stream that broke.
    last_words: Option<Result<Bytes, Broken>>,
    /// It came to its end.
    whole: bool,
    /// The caller asked to be told the cost, and gets events that it can be told in.
    tells_cost: bool,
    silence_max: Duration,
    heard: Instant,
    alarm: Pin<Box<Sleep>>,
}

impl Relay {
    #[must_use]
    pub fn new(meter: Box<Meter>, stream: Stream) -> Self {
        let Stream { flow, body, lease } = stream;
        let silence_max = meter.worker().gateway.bounds.stream_idle_timeout;
        let principal = &meter.permit.call.principal;
        let shape = principal.stamp.shape;
        let list = shape == Shape::GeminiList;
        let tells_cost = principal.passed_on.include_cost && flow.can_tell_errors();
        let mut relay = Self {
            meter,
            flow,
            list: list.then(List::new),
            source: Some((body, lease)),
            last_words: None,
            whole: false,
            tells_cost,
            silence_max,
            heard: Instant::now(),
            alarm: Box::pin(tokio::time::sleep(silence_max)),
        };
        // A short answer may have come whole with its first read.
        relay.end_if_done();
        relay
    }

    /// The next bytes for the caller; `None` at the end.
    pub fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        loop {
            if self.source.is_some() {
                let seen = self.flow.output_tokens().max(self.told_output());
                match ready!(self.meter.poll_room(cx, seen)) {
                    Room::Enough => {}
                    // It may be more than that already.
                    Room::Grown => continue,
                    Room::None => self.run_out(),
                }
            }
            if let Some(bytes) = self.flow.take_out() {
                let Some(list) = &mut self.list else { return Poll::Ready(Some(Ok(bytes))) };
                let bytes = list.tell(bytes);
                if bytes.is_empty() {
                    continue;
                }
                return Poll::Ready(Some(Ok(bytes)));
            }
            let Some((body, _)) = self.source.as_mut() else {
                return Poll::Ready(self.last());
            };
            match Pin::new(body).poll_frame(cx) {
                Poll::Pending => {
                    ready!(self.poll_silence(cx));
                    self.break_off(ErrorCode::UpstreamTimeout, "silence");
                }
                Poll::Ready(None) => self.ended(),
                Poll::Ready(Some(Err(error))) => self.break_off(ErrorCode::UpstreamCut, error),
                Poll::Ready(Some(Ok(frame))) => {
                    self.heard = Instant::now();
                    let Ok(bytes) = frame.into_data() else { continue };
                    self.meter.overhear(&bytes);
                    match self.flow.take(bytes) {
                        Ok(()) => self.end_if_done(),
                        Err(error @ WatchError::BrokenOff) => {
                            self.break_off(ErrorCode::UpstreamFailed, error);
                        }
                        Err(error @ WatchError::Unframed(_)) => {
                            self.break_off(ErrorCode::UpstreamMalformed, error);
                        }
                    }
                }
            }
        }
    }

    fn last(&mut self) -> Option<Result<Bytes, Broken>> {
        let words = self.last_words.take()?;
        let Some(list) = &mut self.list else { return Some(words) };
        Some(words.map(|words| if self.whole { list.end(words) } else { list.tell(words) }))
    }

    /// Whether nothing more will come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.source.is_none() && self.last_words.is_none() && !self.flow.has_next()
    }

    /// Ready when the provider has been silent for too long. The timer is moved only when it
    /// fires, not with every chunk.
    fn poll_silence(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        loop {
            ready!(self.alarm.as_mut().poll(cx));
            let due = self.heard + self.silence_max;
            if Instant::now() >= due {
                return Poll::Ready(());
            }
            self.alarm.as_mut().reset(due);
        }
    }

    /// The provider closed the answer.
    fn ended(&mut self) {
        let is_whole = self.flow.close();
        self.publish();
        if is_whole {
            if let Some((_, lease)) = self.source.take() {
                lease.give_back();
            }
            self.settle_whole();
        } else {
            self.break_off(ErrorCode::UpstreamCut, "the stream ended without its end mark");
        }
    }

    /// After `[DONE]` only the framing is left to read; the caller need not wait for that.
    fn end_if_done(&mut self) {
        self.publish();
        if !self.flow.is_done() {
            return;
        }
        if let Some((body, lease)) = self.source.take() {
            close(body, lease);
        }
        self.settle_whole();
    }

    /// Tells what came to those who follow.
    fn publish(&mut self) {
        self.meter.sharing.publish(self.flow.take_events());
    }

    fn settle_whole(&mut self) {
        // Whole, but a place that sends what nobody can read is not well.
        self.meter.judge(Some(self.flow.malformed() == 0));
        let end = self.end(Outcome::Ok, None);
        let cost = self.settle(end);
        self.whole = true;
        // A list ends with more than its last event.
        let mark = self.flow.end_mark().or_else(|| self.list.is_some().then(Bytes::new));
        self.last_words = match (cost, mark) {
            (Some(cost), Some(mark)) => Some(Ok([cost, mark].concat().into())),
            (Some(cost), None) => Some(Ok(cost)),
            (None, mark) => mark.map(Ok),
        };
    }

    /// Ends a stream whose content the caller has seen, with the dialect's error and never with
    /// its end mark.
    fn break_off(&mut self, code: ErrorCode, cause: impl std::fmt::Display) {
        self.source = None;
        let end = self.end(Outcome::UpstreamCut, Some(code));
        let stamp = &self.meter.permit.call.principal.stamp;
        tracing::warn!(request_id = %stamp.request_id, %cause, code = code.as_str(), "a stream broke");
        let cost = self.settle(end);
        self.say(cost, &Fault::upstream(code, code.title()));
    }

    /// Ends a stream that no limit admits more of, as one that broke: nobody takes what there is
    /// for the whole. The provider is told by its connection's end; what it produced is owed.
    fn run_out(&mut self) {
        self.source = None;
        // What was held back.
        while self.flow.take_out().is_some() {}
        if self.meter.is_alone() {
            let end = self.end(Outcome::ClientGone, None);
            self.meter.end(end);
            return;
        }
        let fault = self.meter.out_of_room();
        let end = self.end(Outcome::BudgetExhausted, Some(fault.code));
        let cost = self.settle(end);
        self.say(cost, &fault);
    }

    /// Settles; what the caller is told of the cost, where it wants to know.
    fn settle(&mut self, end: End) -> Option<Bytes> {
        let used = end.measure.used;
        let cost = self.meter.end(end);
        let shape = self.meter.permit.call.principal.stamp.shape;
        self.tells_cost.then(|| render::cost::event(shape, cost, &used.tokens).into())
    }

    fn told_output(&self) -> u64 {
        self.flow.heard().reported.tokens.map_or(0, |tokens| tokens.output_total())
    }

    pub(super) fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Whether nothing is left to be metered.
    pub(super) const fn is_settled(&self) -> bool {
        self.source.is_none()
    }

    /// Whether the provider tells in the stream what was used. Bytes that are no events tell nothing.
    pub(super) fn tells_use(&self) -> bool {
        self.flow.can_tell_errors()
    }

    fn end(&self, outcome: Outcome, code: Option<ErrorCode>) -> End {
        let output = || self.flow.output_tokens();
        let measure = self.meter.measure(self.flow.heard(), output);
        End { outcome, status: 200, code, measure }
    }

    fn say(&mut self, cost: Option<Bytes>, fault: &Fault) {
        let stamp = &self.meter.permit.call.principal.stamp;
        let id = stamp.id_text.to_str().unwrap_or_default();
        self.last_words = Some(if self.flow.can_tell_errors() {
            let event = render::error_event(stamp.shape, &fault.problem(id));
            Ok([&*cost.unwrap_or_default(), &event].concat().into())
        } else {
            Err(Broken)
        });
    }
}

impl Drop for Relay {
    /// The caller left in the middle, and nobody waits for the end: what was produced is owed.
    fn drop(&mut self) {
        if self.source.take().is_some() {
            let end = self.end(Outcome::ClientGone, None);
            self.meter.end(End { status: 499, ..end });
        }
    }
}

/// Reads the end of an answer, so that its connection can serve again.
fn close(mut body: Incoming, lease: Lease) {
    let mut waker = Context::from_waker(std::task::Waker::noop());
    if let Poll::Ready(None) = Pin::new(&mut body).poll_frame(&mut waker) {
        lease.give_back();
        return;
    }
    tokio::task::spawn_local(async move {
        let rest =
            async { while let Some(Ok(_)) = http_body_util::BodyExt::frame(&mut body).await {} };
        if tokio::time::timeout(CLOSE_TIMEOUT, rest).await.is_ok() && body.is_end_stream() {
            lease.give_back();
        }
    });
}
