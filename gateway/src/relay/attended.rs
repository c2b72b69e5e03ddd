//! A stream with its caller. When the caller leaves, a server of our own is hung up on, which ends its
//! work. A vendor charges for the whole answer all the same, so its stream is read to the end without
//! a caller, and its own count is billed: within a time, within what is held for it, and only so many
//! at once. What is dropped is billed by what was seen.

use super::Relay;
use crate::answer::Broken;
use crate::telemetry::Count;
use bytes::Bytes;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::time::timeout;

#[derive(Debug)]
pub struct Attended(Option<Box<Relay>>);

impl Attended {
    pub fn new(relay: Relay) -> Self {
        Self::of(Box::new(relay))
    }

    pub(super) const fn of(relay: Box<Relay>) -> Self {
        Self(Some(relay))
    }

    /// The next bytes for the caller; `None` at the end.
    pub fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        self.0.as_mut().map_or(Poll::Ready(None), |relay| relay.poll_bytes(cx))
    }

    /// Whether nothing more will come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.as_ref().is_none_or(|relay| relay.is_over())
    }
}

impl Drop for Attended {
    fn drop(&mut self) {
        let Some(mut relay) = self.0.take().filter(|relay| !relay.is_settled()) else { return };
        if !relay.tells_use() || relay.meter().is_own_server() {
            // It is billed the same, however much of it is read; or to hang up ends what it costs.
            return;
        }
        let worker = Rc::clone(relay.meter().worker());
        relay.meter().caller_gone().set(true);
        let telemetry = &worker.gateway.tools.telemetry;
        let Some(place) = worker.draining() else {
            telemetry.count(Count::StreamCancelled, 1);
            return;
        };
        let within = worker.gateway.bounds.abandoned_stream_timeout;
        let tasks = worker.tasks.clone();
        let drained = async move {
            let end = async { while poll_fn(|cx| relay.poll_bytes(cx)).await.is_some() {} };
            let ended = timeout(within, end).await.is_ok();
            let count = if ended { Count::StreamDrained } else { Count::StreamCancelled };
            worker.gateway.tools.telemetry.count(count, 1);
            drop((relay, place));
        };
        tokio::task::spawn_local(tasks.track_future(drained));
    }
}
