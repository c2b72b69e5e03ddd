//! Server-sent events: finds where each ends, however lines end and wherever reads cut them, and
//! lets only whole events pass.

use bytes::{Bytes, BytesMut};
use std::collections::VecDeque;

/// What becomes of one event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Keep,
    Drop,
    /// Drop it and everything after it.
    Stop,
}

/// An event longer than any may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is longer than {max} bytes")]
pub struct TooLong {
    pub max: usize,
}

/// The part of a stream that has arrived and is not yet a whole event.
#[derive(Debug)]
pub struct Events {
    tail: BytesMut,
    ends: Ends,
    event_bytes_max: usize,
}

impl Events {
    #[must_use]
    pub fn new(event_bytes_max: usize) -> Self {
        Self { tail: BytesMut::new(), ends: Ends::default(), event_bytes_max }
    }

    /// Adds what was read. Shows each event that is now whole to `judge`, blank line included,
    /// and puts what is kept into `out`, in as few pieces as there are.
    ///
    /// # Errors
    /// [`TooLong`]; what was whole before is in `out`.
    pub fn push(
        &mut self,
        read: Bytes,
        out: &mut VecDeque<Bytes>,
        mut judge: impl FnMut(&[u8]) -> Verdict,
    ) -> Result<(), TooLong> {
        let run = if self.tail.is_empty() {
            read
        } else {
            self.tail.extend_from_slice(&read);
            self.tail.split().freeze()
        };
        let (mut keep_from, mut start) = (0, 0);
        while let Some(end) = self.ends.next(&run) {
            if end - start > self.event_bytes_max {
                give(out, &run, keep_from, start);
                return Err(TooLong { max: self.event_bytes_max });
            }
            let verdict = judge(run.get(start..end).unwrap_or_default());
            if verdict != Verdict::Keep {
                give(out, &run, keep_from, start);
                keep_from = end;
            }
            start = end;
            if verdict == Verdict::Stop {
                return Ok(());
            }
        }
        give(out, &run, keep_from, start);
        self.ends.rebase(start);
        let rest = run.get(start..).unwrap_or_default();
        if rest.len() > self.event_bytes_max {
            return Err(TooLong { max: self.event_bytes_max });
        }
        self.tail.extend_from_slice(rest);
        Ok(())
    }
}

fn give(out: &mut VecDeque<Bytes>, run: &Bytes, from: usize, to: usize) {
    if from < to {
        out.push_back(run.slice(from..to));
    }
}

/// Finds blank lines. Lines end with LF, CR LF or CR.
#[derive(Debug, Default)]
struct Ends {
    /// Looked at so far.
    at: usize,
    line_start: usize,
}

impl Ends {
    /// The end of the next event, its blank line included.
    fn next(&mut self, text: &[u8]) -> Option<usize> {
        loop {
            let rest = text.get(self.at..)?;
            let Some(found) = memchr::memchr2(b'\n', b'\r', rest) else {
                self.at = text.len();
                return None;
            };
            let at = self.at + found;
            let blank = at == self.line_start;
            let mut after = at + 1;
            if text.get(at) == Some(&b'\r') {
                match text.get(after) {
                    Some(b'\n') => after += 1,
                    // Whether an LF belongs to this line is not known yet. It does not matter
                    // after a blank one: a lone LF is an empty event.
                    None if !blank => {
                        self.at = at;
                        return None;
                    }
                    _ => {}
                }
            }
            self.at = after;
            self.line_start = after;
            if blank {
                return Some(after);
            }
        }
    }

    /// Forgets the first `by` bytes.
    fn rebase(&mut self, by: usize) {
        self.at = self.at.saturating_sub(by);
        self.line_start = self.line_start.saturating_sub(by);
    }
}

/// The data of an event: of one line borrowed, of several joined with LF. `None`: it has none,
/// as comments and keep-alives.
#[must_use]
pub fn data(event: &[u8]) -> Option<std::borrow::Cow<'_, [u8]>> {
    let mut found: Option<std::borrow::Cow<'_, [u8]>> = None;
    // A stream may begin with a byte order mark.
    let mut rest = event.strip_prefix(b"\xef\xbb\xbf").unwrap_or(event);
    while !rest.is_empty() {
        let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let (line, tail) = rest.split_at_checked(end)?;
        rest = tail.get(1..).unwrap_or_default();
        let value = match line.strip_prefix(b"data") {
            Some([]) => line.get(4..).unwrap_or_default(),
            Some([b':', b' ', value @ ..] | [b':', value @ ..]) => value,
            _ => continue,
        };
        match &mut found {
            None => found = Some(value.into()),
            Some(all) => {
                let all = all.to_mut();
                all.push(b'\n');
                all.extend_from_slice(value);
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Pushes `text` cut at `cuts`; the events seen and the bytes kept.
    fn run(
        text: &[u8],
        cuts: &[usize],
        mut judge: impl FnMut(&[u8]) -> Verdict,
    ) -> (Vec<Vec<u8>>, Vec<u8>) {
        let mut events = Events::new(1 << 20);
        let (mut seen, mut out) = (Vec::new(), VecDeque::new());
        let mut at: Vec<usize> = cuts.iter().map(|c| c % (text.len() + 1)).collect();
        at.extend([0, text.len()]);
        at.sort_unstable();
        for pair in at.windows(2) {
            let read = Bytes::copy_from_slice(&text[pair[0]..pair[1]]);
            events
                .push(read, &mut out, |event| {
                    seen.push(event.to_vec());
                    judge(event)
                })
                .unwrap();
        }
        (seen, out.into_iter().flatten().collect())
    }

    fn payloads(events: &[Vec<u8>]) -> Vec<String> {
        let text = |e: &Vec<u8>| data(e).map(|d| String::from_utf8_lossy(&d).into_owned());
        events.iter().filter_map(text).collect()
    }

    #[test]
    fn events_are_found_whatever_ends_their_lines() {
        for newline in ["\n", "\r\n", "\r"] {
            let text = ["data: a", "", ": note", "", "event: x", "data:b", "data:  c", "", ""]
                .join(newline);
            let (seen, kept) = run(text.as_bytes(), &[], |_| Verdict::Keep);
            assert_eq!(payloads(&seen), ["a", "b\n c"], "{newline:?}");
            assert_eq!(kept, text.as_bytes());
        }
    }

    #[test]
    fn what_is_not_a_whole_event_does_not_pass() {
        let (seen, kept) = run(b"data: a\n\ndata: b\n", &[], |_| Verdict::Keep);
        assert_eq!((payloads(&seen), kept), (vec!["a".to_owned()], b"data: a\n\n".to_vec()));
    }

    #[test]
    fn a_dropped_event_leaves_its_neighbours_as_they_were() {
        let judge =
            |e: &[u8]| if e.starts_with(b"data: b") { Verdict::Drop } else { Verdict::Keep };
        let (_, kept) = run(b"data: a\n\ndata: b\n\ndata: c\n\n", &[], judge);
        assert_eq!(kept, b"data: a\n\ndata: c\n\n");
    }

    #[test]
    fn nothing_passes_after_a_stop() {
        let text = b"data: a\n\ndata: b\n\ndata: c\n\n";
        let judge =
            |e: &[u8]| if e.starts_with(b"data: b") { Verdict::Stop } else { Verdict::Keep };
        assert_eq!(run(text, &[], judge).1, b"data: a\n\n");
    }

    #[test]
    fn an_event_that_never_ends_is_refused_at_its_bound() {
        let mut events = Events::new(100);
        let mut out = VecDeque::new();
        let mut push = |n| events.push(Bytes::from(vec![b'x'; n]), &mut out, |_| Verdict::Keep);
        assert_eq!(push(100), Ok(()));
        assert_eq!(push(1), Err(TooLong { max: 100 }));
        let mut events = Events::new(100);
        let whole = Bytes::from([&[b'x'; 99], b"\n\n".as_slice()].concat());
        assert_eq!(events.push(whole, &mut out, |_| Verdict::Keep), Err(TooLong { max: 100 }));
    }

    proptest! {
        #[test]
        fn cutting_a_stream_anywhere_changes_nothing(
            lines in proptest::collection::vec("(data: ?[a-z{}]{0,8}|event: x|: c|id: 1|)", 0..30),
            newline in prop_oneof![Just("\n"), Just("\r\n"), Just("\r")],
            cuts in proptest::collection::vec(any::<usize>(), 0..40),
        ) {
            let text = lines.join(newline) + newline + newline;
            let (whole, kept_whole) = run(text.as_bytes(), &[], |_| Verdict::Keep);
            let (cut, kept_cut) = run(text.as_bytes(), &cuts, |_| Verdict::Keep);
            prop_assert_eq!(payloads(&whole), payloads(&cut));
            prop_assert_eq!(&kept_whole, text.as_bytes());
            prop_assert_eq!(kept_cut, kept_whole);
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), cuts in proptest::collection::vec(any::<usize>(), 0..9)) {
            let (seen, _) = run(&bytes, &cuts, |_| Verdict::Keep);
            payloads(&seen);
        }
    }
}
