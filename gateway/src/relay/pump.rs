//! A stream that others follow is read on for them, however slowly its own caller takes it and even
//! when that one leaves. While nobody follows it is as any: its caller sets the pace.

use super::{Attended, Relay};
use crate::answer::Broken;
use bytes::Bytes;
use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

/// Bytes that wait for the caller while nobody follows.
const WAITING_MAX: usize = 256 * 1_024;

/// What the caller of the stream reads from.
#[derive(Debug)]
pub struct Piped(Rc<RefCell<Pipe>>);

#[derive(Debug, Default)]
struct Pipe {
    waiting: VecDeque<Result<Bytes, Broken>>,
    bytes: usize,
    ended: bool,
    /// The caller left.
    gone: bool,
    reader: Option<Waker>,
    pump: Option<Waker>,
}

impl Piped {
    /// Begins to read `relay` on a task of its own, which the worker's drain waits for.
    pub fn start(relay: Relay) -> Self {
        let pipe: Rc<RefCell<Pipe>> = Rc::default();
        let tasks = relay.meter().worker().tasks.clone();
        tokio::task::spawn_local(tasks.track_future(pump(Box::new(relay), Rc::clone(&pipe))));
        Self(pipe)
    }

    /// The next bytes for the caller; `None` at the end.
    pub fn poll_bytes(&mut self, cx: &Context<'_>) -> Poll<Option<Result<Bytes, Broken>>> {
        let mut pipe = self.0.borrow_mut();
        let Some(next) = pipe.waiting.pop_front() else {
            if pipe.ended {
                return Poll::Ready(None);
            }
            pipe.reader = Some(cx.waker().clone());
            return Poll::Pending;
        };
        pipe.bytes -= next.as_ref().map_or(0, Bytes::len);
        if pipe.bytes < WAITING_MAX
            && let Some(pump) = pipe.pump.take()
        {
            pump.wake();
        }
        Poll::Ready(Some(next))
    }

    /// Whether nothing more will come.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let pipe = self.0.borrow();
        pipe.ended && pipe.waiting.is_empty()
    }
}

impl Drop for Piped {
    fn drop(&mut self) {
        let mut pipe = self.0.borrow_mut();
        pipe.gone = true;
        pipe.waiting.clear();
        pipe.bytes = 0;
        if let Some(pump) = pipe.pump.take() {
            pump.wake();
        }
    }
}

async fn pump(mut relay: Box<Relay>, pipe: Rc<RefCell<Pipe>>) {
    loop {
        let next = poll_fn(|cx| {
            let followed = relay.meter().sharing.poll_followed(cx);
            {
                let mut pipe = pipe.borrow_mut();
                if !followed && pipe.gone {
                    return Poll::Ready(Next::Left);
                }
                if pipe.gone {
                    relay.meter().caller_gone().set(true);
                }
                pipe.pump = Some(cx.waker().clone());
                if !followed && pipe.bytes >= WAITING_MAX {
                    return Poll::Pending;
                }
            }
            relay.poll_bytes(cx).map(|bytes| bytes.map_or(Next::End, Next::Bytes))
        })
        .await;
        match next {
            Next::Bytes(bytes) => put(&pipe, Some(bytes)),
            Next::End => return put(&pipe, None),
            // From here on it is a stream that its caller left.
            Next::Left => return drop(Attended::of(relay)),
        }
    }
}

enum Next {
    Bytes(Result<Bytes, Broken>),
    End,
    Left,
}

fn put(pipe: &RefCell<Pipe>, bytes: Option<Result<Bytes, Broken>>) {
    let mut pipe = pipe.borrow_mut();
    match bytes {
        Some(_) if pipe.gone => {}
        Some(bytes) => {
            pipe.bytes += bytes.as_ref().map_or(0, Bytes::len);
            pipe.waiting.push_back(bytes);
        }
        None => pipe.ended = true,
    }
    if let Some(reader) = pipe.reader.take() {
        reader.wake();
    }
}
