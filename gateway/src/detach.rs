//! Letting a call come to its end although its caller left.

use crate::worker::Worker;
use std::cell::Cell;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

/// Set when the caller left.
pub type Gone = Rc<Cell<bool>>;

/// Runs `call`; if it is dropped half-way, the call goes on as a task that the worker's drain
/// waits for, and `gone` is set. One that is answered by a stream goes on as a stream does.
pub fn finish_anyway<F>(
    worker: Rc<Worker>,
    gone: Gone,
    streamed: bool,
    call: Pin<Box<F>>,
) -> FinishAnyway<F>
where
    F: Future + 'static,
{
    FinishAnyway { call: Some(call), worker, gone, streamed }
}

#[must_use = "futures do nothing unless polled"]
pub struct FinishAnyway<F: Future + 'static> {
    call: Option<Pin<Box<F>>>,
    worker: Rc<Worker>,
    gone: Gone,
    streamed: bool,
}

impl<F: Future + 'static> std::fmt::Debug for FinishAnyway<F> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("FinishAnyway")
    }
}

impl<F: Future + 'static> Future for FinishAnyway<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let Some(call) = this.call.as_mut() else { return Poll::Pending };
        let output = call.as_mut().poll(cx);
        if output.is_ready() {
            this.call = None;
        }
        output
    }
}

impl<F: Future + 'static> Drop for FinishAnyway<F> {
    fn drop(&mut self) {
        let Some(call) = self.call.take() else { return };
        self.gone.set(true);
        // Past the drain the call is dropped, and settles as it drops.
        if self.worker.is_over() {
            return;
        }
        let tracked = self.worker.tasks.track_future(call);
        if !self.streamed {
            tokio::task::spawn_local(async move {
                tracked.await;
            });
        } else if let Some(place) = self.worker.draining() {
            let within = self.worker.gateway.bounds.abandoned_stream_timeout;
            tokio::task::spawn_local(async move {
                // A place of its own awaits what it is answered with.
                let answered = tokio::time::timeout(within, tracked).await;
                drop(place);
                drop(answered);
            });
        }
    }
}
