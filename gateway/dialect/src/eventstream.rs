//! AWS event streams (`application/vnd.amazon.eventstream`): finds where each message ends,
//! wherever reads cut it, and proves its two checksums. What must stay true: nothing that a
//! checksum contradicts is shown to anyone, and no length is believed before its checksum.
//!
//! A message is: total length, length of headers, checksum of these two (4 bytes each, big
//! endian), headers, payload, checksum of everything before it.

use crate::sse::Verdict;
use bytes::{Buf, BufMut, Bytes, BytesMut};
use std::collections::VecDeque;

/// Both lengths and their checksum.
const PRELUDE: usize = 12;
const CHECKSUM: usize = 4;

/// Why a stream cannot be read on: where the next message begins is no longer known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("a message of the stream is longer than {max} bytes")]
    TooLong { max: usize },
    #[error("a message of the stream is damaged: its checksum differs")]
    Checksum,
    #[error("a message of the stream tells lengths that cannot be")]
    Length,
}

/// The part of a stream that has arrived and is not yet a whole message.
#[derive(Debug)]
pub struct Events {
    tail: BytesMut,
    event_bytes_max: usize,
}

impl Events {
    #[must_use]
    pub fn new(event_bytes_max: usize) -> Self {
        Self { tail: BytesMut::new(), event_bytes_max }
    }

    /// Adds what was read. Shows each message that is now whole to `judge` and puts what is kept
    /// into `out`, in as few pieces as there are.
    ///
    /// # Errors
    /// [`Broken`]; what was whole before is in `out`.
    pub fn push(
        &mut self,
        read: Bytes,
        out: &mut VecDeque<Bytes>,
        mut judge: impl FnMut(&[u8]) -> Verdict,
    ) -> Result<(), Broken> {
        let run = if self.tail.is_empty() {
            read
        } else {
            self.tail.extend_from_slice(&read);
            self.tail.split().freeze()
        };
        let (mut keep_from, mut start) = (0, 0);
        loop {
            let rest = run.get(start..).unwrap_or_default();
            let message = match self.first(rest) {
                Ok(Some(message)) => message,
                Ok(None) => {
                    give(out, &run, keep_from, start);
                    self.tail.extend_from_slice(rest);
                    return Ok(());
                }
                Err(broken) => {
                    give(out, &run, keep_from, start);
                    return Err(broken);
                }
            };
            let end = start + message.len();
            let verdict = judge(message);
            if verdict != Verdict::Keep {
                give(out, &run, keep_from, start);
                keep_from = end;
            }
            start = end;
            if verdict == Verdict::Stop {
                return Ok(());
            }
        }
    }

    /// The first message, if it is whole.
    fn first<'a>(&self, text: &'a [u8]) -> Result<Option<&'a [u8]>, Broken> {
        let Some((lengths, mut sum)) = text.get(..PRELUDE).and_then(|p| p.split_at_checked(8))
        else {
            return Ok(None);
        };
        if crc32fast::hash(lengths) != sum.get_u32() {
            return Err(Broken::Checksum);
        }
        let (mut total, mut headers) = lengths.split_at_checked(4).ok_or(Broken::Length)?;
        let (total, headers) = (total.get_u32() as usize, headers.get_u32() as usize);
        if total > self.event_bytes_max {
            return Err(Broken::TooLong { max: self.event_bytes_max });
        }
        if total < PRELUDE + CHECKSUM || headers > total - PRELUDE - CHECKSUM {
            return Err(Broken::Length);
        }
        let Some(message) = text.get(..total) else { return Ok(None) };
        let (body, mut sum) = message.split_at_checked(total - CHECKSUM).ok_or(Broken::Length)?;
        if crc32fast::hash(body) != sum.get_u32() {
            return Err(Broken::Checksum);
        }
        Ok(Some(message))
    }
}

fn give(out: &mut VecDeque<Bytes>, run: &Bytes, from: usize, to: usize) {
    if from < to {
        out.push_back(run.slice(from..to));
    }
}

/// What a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Event,
    /// An error that the service's model knows, with a payload.
    Exception,
    /// An error that it does not know: [`Message::text`] is all there is.
    Error,
}

/// A message, read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    pub kind: Kind,
    /// The type of event or exception, or the error's code.
    pub name: &'a str,
    /// `:error-message`.
    pub text: &'a str,
    pub payload: &'a [u8],
}

/// Reads a whole message, as [`Events`] shows it. `None`: its headers are none.
#[must_use]
pub fn read(message: &[u8]) -> Option<Message<'_>> {
    let mut headers_len = message.get(4..8)?;
    let headers_end = PRELUDE.checked_add(headers_len.get_u32() as usize)?;
    let mut headers = message.get(PRELUDE..headers_end)?;
    let payload = message.get(headers_end..message.len().checked_sub(CHECKSUM)?)?;
    let mut found = Message { kind: Kind::Event, name: "", text: "", payload };
    while !headers.is_empty() {
        let (name, value, rest) = header(headers)?;
        headers = rest;
        match (name, value) {
            (b":message-type", b"exception") => found.kind = Kind::Exception,
            (b":message-type", b"error") => found.kind = Kind::Error,
            (b":event-type" | b":exception-type" | b":error-code", value) => {
                found.name = std::str::from_utf8(value).ok()?;
            }
            (b":error-message", value) => found.text = std::str::from_utf8(value).ok()?,
            _ => {}
        }
    }
    Some(found)
}

/// Name and value of the first header, and the headers after it. Values that are no text come as
/// their bytes.
fn header(headers: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (&name_len, rest) = headers.split_first()?;
    let (name, rest) = rest.split_at_checked(usize::from(name_len))?;
    let (&kind, mut rest) = rest.split_first()?;
    let len = match kind {
        0 | 1 => 0,
        2 => 1,
        3 => 2,
        4 => 4,
        5 | 8 => 8,
        6 | 7 => usize::from(rest.try_get_u16().ok()?),
        9 => 16,
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(len)?;
    Some((name, value, rest))
}

/// Writes a message with text headers, for whoever speaks as the service. Headers too long for the
/// format (255 bytes of a name, 32 KiB of a value) are cut.
#[must_use]
pub fn write(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut told = Vec::new();
    for (name, value) in headers {
        let name = name.as_bytes().get(..name.len().min(255)).unwrap_or_default();
        let value = value.as_bytes().get(..value.len().min(32_767)).unwrap_or_default();
        told.put_u8(u8::try_from(name.len()).unwrap_or(u8::MAX));
        told.extend_from_slice(name);
        told.put_u8(7);
        told.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
        told.extend_from_slice(value);
    }
    let total = PRELUDE + told.len() + payload.len() + CHECKSUM;
    let mut out = Vec::with_capacity(total);
    out.put_u32(u32::try_from(total).unwrap_or(u32::MAX));
    out.put_u32(u32::try_from(told.len()).unwrap_or(u32::MAX));
    out.put_u32(crc32fast::hash(&out));
    out.extend_from_slice(&told);
    out.extend_from_slice(payload);
    out.put_u32(crc32fast::hash(&out));
    out
}

/// An event with a JSON payload.
#[must_use]
pub fn write_event(name: &str, payload: &[u8]) -> Vec<u8> {
    let headers =
        [(":event-type", name), (":content-type", "application/json"), (":message-type", "event")];
    write(&headers, payload)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn run(
        text: &[u8],
        cuts: &[usize],
        mut judge: impl FnMut(&[u8]) -> Verdict,
    ) -> (Vec<Vec<u8>>, Vec<u8>, Result<(), Broken>) {
        let mut events = Events::new(1 << 20);
        let (mut seen, mut out) = (Vec::new(), VecDeque::new());
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
        at.extend([0, text.len()]);
        at.sort_unstable();
        let mut told = Ok(());
        for pair in at.windows(2) {
            let read = Bytes::copy_from_slice(&text[pair[0]..pair[1]]);
            told = events.push(read, &mut out, |event| {
                seen.push(event.to_vec());
                judge(event)
            });
            if told.is_err() {
                break;
            }
        }
        (seen, out.into_iter().flatten().collect(), told)
    }

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let bytes = write_event("contentBlockDelta", br#"{"a":1}"#);
        let message = read(&bytes).unwrap();
        assert_eq!((message.kind, message.name), (Kind::Event, "contentBlockDelta"));
        assert_eq!(message.payload, br#"{"a":1}"#);
        let bytes = write(
            &[(":message-type", "error"), (":error-code", "X"), (":error-message", "no")],
            b"",
        );
        let message = read(&bytes).unwrap();
        assert_eq!((message.kind, message.name, message.text), (Kind::Error, "X", "no"));
    }

    /// The message of the format's specification with one header of each type.
    #[test]
    fn headers_of_every_type_are_passed_over() {
        let mut headers = Vec::new();
        for (kind, value) in [
            (0_u8, vec![]),
            (1, vec![]),
            (2, vec![1]),
            (3, vec![1; 2]),
            (4, vec![1; 4]),
            (5, vec![1; 8]),
            (6, vec![0, 1, 9]),
            (8, vec![1; 8]),
            (9, vec![1; 16]),
        ] {
            headers.extend_from_slice(&[1, b'h', kind]);
            headers.extend_from_slice(&value);
        }
        headers.extend_from_slice(b"\x0b:event-type\x07\x00\x04stop");
        let mut bytes = Vec::new();
        bytes.put_u32(u32::try_from(PRELUDE + headers.len() + 2 + CHECKSUM).unwrap());
        bytes.put_u32(u32::try_from(headers.len()).unwrap());
        bytes.put_u32(crc32fast::hash(&bytes));
        bytes.extend_from_slice(&headers);
        bytes.extend_from_slice(b"{}");
        bytes.put_u32(crc32fast::hash(&bytes));
        let (seen, _, told) = run(&bytes, &[5, 20], |_| Verdict::Keep);
        assert_eq!((seen.len(), told), (1, Ok(())));
        let message = read(&seen[0]).unwrap();
        assert_eq!((message.name, message.payload), ("stop", b"{}".as_slice()));
        assert_eq!(header(&[1, b'h', 10]), None, "a type that is none");
    }

    #[test]
    fn a_damaged_message_is_not_shown_and_ends_the_stream() {
        let good = write_event("a", b"{}");
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 0x40;
            let (seen, kept, told) = run(&[good.clone(), bad].concat(), &[], |_| Verdict::Keep);
            assert_eq!(seen, std::slice::from_ref(&good), "byte {at}");
            assert_eq!(kept, good);
            assert_eq!(told, Err(Broken::Checksum));
        }
    }

    #[test]
    fn lengths_that_cannot_be_are_refused_at_once() {
        let prelude = |total: u32, headers: u32| {
            let mut bytes = Vec::new();
            bytes.put_u32(total);
            bytes.put_u32(headers);
            bytes.put_u32(crc32fast::hash(&bytes));
            bytes
        };
        for (total, headers, expected) in [
            (u32::MAX, 0, Broken::TooLong { max: 1 << 20 }),
            ((1 << 20) + 1, 0, Broken::TooLong { max: 1 << 20 }),
            (15, 0, Broken::Length),
            (0, 0, Broken::Length),
            (20, 5, Broken::Length),
            (20, u32::MAX, Broken::Length),
        ] {
            assert_eq!(run(&prelude(total, headers), &[], |_| Verdict::Keep).2, Err(expected));
        }
    }

    #[test]
    fn a_dropped_message_leaves_its_neighbours_and_nothing_passes_after_a_stop() {
        let all: Vec<Vec<u8>> = ["a", "b", "c"].iter().map(|n| write_event(n, b"{}")).collect();
        let judge = |verdict: Verdict| {
            move |event: &[u8]| {
                if read(event).is_some_and(|m| m.name == "b") { verdict } else { Verdict::Keep }
            }
        };
        let (_, kept, _) = run(&all.concat(), &[], judge(Verdict::Drop));
        assert_eq!(kept, [all[0].clone(), all[2].clone()].concat());
        let (_, kept, _) = run(&all.concat(), &[], judge(Verdict::Stop));
        assert_eq!(kept, all[0]);
    }

    proptest! {
        #[test]
        fn cutting_a_stream_anywhere_changes_nothing(
            payloads in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..60), 0..9),
            cuts in proptest::collection::vec(any::<usize>(), 0..40),
        ) {
            let messages: Vec<Vec<u8>> = payloads.iter().map(|p| write_event("x", p)).collect();
            let text = messages.concat();
            let (seen, kept, told) = run(&text, &cuts, |_| Verdict::Keep);
            prop_assert_eq!(told, Ok(()));
            prop_assert_eq!(kept, text);
            let read_back: Vec<Vec<u8>> = seen.iter().map(|m| read(m).unwrap().payload.to_vec()).collect();
            prop_assert_eq!(read_back, payloads);
        }

        #[test]
        fn no_bytes_make_it_panic(
            bytes in proptest::collection::vec(any::<u8>(), 0..200), at in any::<usize>(), byte in any::<u8>(),
            cuts in proptest::collection::vec(any::<usize>(), 0..9), sound in any::<bool>(),
        ) {
            let _ = run(&bytes, &cuts, |_| Verdict::Keep);
            let _ = read(&bytes);
            let _ = header(&bytes);
            // Past the checksums: one that is right over headers that are not.
            let mut message = write_event("x", &bytes);
            let end = message.len() - CHECKSUM;
            message[PRELUDE + at % (end - PRELUDE)] = byte;
            if sound {
                let sum = crc32fast::hash(&message[..end]);
                message[end..].copy_from_slice(&sum.to_be_bytes());
            }
            for event in run(&message, &cuts, |_| Verdict::Keep).0 {
                let _ = read(&event);
            }
        }
    }
}
