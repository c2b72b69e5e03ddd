//! Writes the small pieces of an answer with one plain `send`: for the few hundred bytes of a
//! head or a chunk, copying them together is cheaper than what the kernel does for a vectored
//! write.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::AsyncWrite as _;
use tokio::net::TcpStream;

/// More than this is not copied.
const COPIED_MAX: usize = 8 * 1024;

thread_local! {
    static SCRATCH: RefCell<Vec<u8>> = RefCell::new(Vec::with_capacity(COPIED_MAX));
}

/// Writes `pieces`, or a beginning of them.
pub fn write_together(
    stream: &mut TcpStream,
    cx: &mut Context<'_>,
    pieces: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    let stream = Pin::new(stream);
    if let [one] = pieces {
        return stream.poll_write(cx, one);
    }
    if pieces.iter().map(|piece| piece.len()).sum::<usize>() > COPIED_MAX {
        return stream.poll_write_vectored(cx, pieces);
    }
    SCRATCH.with_borrow_mut(|scratch| {
        scratch.clear();
        for piece in pieces {
            scratch.extend_from_slice(piece);
        }
        stream.poll_write(cx, scratch)
    })
}
