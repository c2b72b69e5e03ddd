//! Texts of headers, cut from one buffer a thread: an answer carries about ten, and each would
//! otherwise be two allocations.

use bytes::BytesMut;
use http::HeaderValue;
use std::cell::RefCell;

/// Small, because a text that is kept keeps the whole buffer.
const BUFFER: usize = 4 * 1024;

thread_local! {
    static TEXTS: RefCell<BytesMut> = RefCell::default();
}

/// A header's value of `pieces`, which hold nothing that a header cannot carry; empty otherwise.
#[must_use]
pub fn header(pieces: &[&[u8]]) -> HeaderValue {
    let length = pieces.iter().map(|piece| piece.len()).sum();
    let text = TEXTS.with_borrow_mut(|texts| {
        if texts.capacity() < length {
            texts.reserve(length.max(BUFFER));
        }
        for piece in pieces {
            texts.extend_from_slice(piece);
        }
        texts.split().freeze()
    });
    HeaderValue::from_maybe_shared(text).unwrap_or(HeaderValue::from_static(""))
}

/// A header's value of what `write` appends, which is nothing that a header cannot carry; empty
/// otherwise.
#[must_use]
pub fn written(write: impl FnOnce(&mut BytesMut)) -> HeaderValue {
    let text = TEXTS.with_borrow_mut(|texts| {
        write(texts);
        texts.split().freeze()
    });
    HeaderValue::from_maybe_shared(text).unwrap_or(HeaderValue::from_static(""))
}

/// A number as a header's value.
#[must_use]
pub fn number(number: impl itoa::Integer) -> HeaderValue {
    header(&[itoa::Buffer::new().format(number).as_bytes()])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_as_it_is_while_thousands_follow_it() {
        let first = header(&[b"wait ", b"7s"]);
        let all: Vec<_> = (0..5_000_i64).map(|n| (n, number(-n))).collect();
        assert_eq!(first, "wait 7s");
        assert!(all.iter().all(|(n, value)| *value == (-n).to_string()));
        assert_eq!(header(&[&[b'x'; 2 * BUFFER]]).len(), 2 * BUFFER);
    }

    #[test]
    fn what_a_header_cannot_carry_becomes_empty() {
        assert_eq!(header(&[b"a\r\nb: c"]), "");
    }
}
