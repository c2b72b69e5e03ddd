//! The body of an answer: whole, or a stream that is still being relayed.

use crate::relay::{Attended, Piped, Replay};
use bytes::Bytes;
use hyper::body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// A stream of events that breaks ends with the dialect's error event, and bytes that are none with
/// the connection.
#[derive(Debug)]
pub enum Answer {
    Whole(Bytes),
    Stream(Attended),
    /// A stream that others follow.
    Piped(Piped),
    /// A stream that another call made.
    Replay(Box<Replay>),
}

/// The answer broke in the middle, in a form that no error can be told in: the connection is closed,
/// so that nobody takes a part for the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the answer broke in the middle")]
pub struct Broken;

impl Body for Answer {
    type Data = Bytes;
    type Error = Broken;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        let data = match self.get_mut() {
            Self::Whole(bytes) if bytes.is_empty() => None,
            Self::Whole(bytes) => Some(Ok(std::mem::take(bytes))),
            Self::Stream(relay) => ready!(relay.poll_bytes(cx)),
            Self::Piped(pipe) => ready!(pipe.poll_bytes(cx)),
            Self::Replay(replay) => ready!(replay.poll_bytes(cx)),
        };
        Poll::Ready(data.map(|bytes| bytes.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_empty(),
            Self::Stream(relay) => relay.is_over(),
            Self::Piped(pipe) => pipe.is_over(),
            Self::Replay(replay) => replay.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => {
                SizeHint::with_exact(u64::try_from(bytes.len()).unwrap_or(u64::MAX))
            }
            Self::Stream(_) | Self::Piped(_) | Self::Replay(_) => SizeHint::default(),
        }
    }
}
