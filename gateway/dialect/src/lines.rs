//! A JSON text a line (`application/x-ndjson`): finds where each line ends, wherever reads cut it.
//! Lines end with LF or CR LF; one without anything in it is nothing.

use crate::sse::TooLong;
use bytes::{Bytes, BytesMut};

/// The part of a stream that has arrived and is not yet a whole line.
#[derive(Debug)]
pub struct Lines {
    tail: BytesMut,
    line_bytes_max: usize,
}

impl Lines {
    #[must_use]
    pub fn new(line_bytes_max: usize) -> Self {
        Self { tail: BytesMut::new(), line_bytes_max }
    }

    /// Adds what was read. Shows each line that is now whole, without what ends it, until `show`
    /// has enough; nothing after that counts.
    ///
    /// # Errors
    /// [`TooLong`]; what was whole before has been shown.
    pub fn push(
        &mut self,
        read: Bytes,
        mut show: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), TooLong> {
        // What is left from before holds no end of a line.
        let looked_at = self.tail.len();
        let run = if looked_at == 0 {
            read
        } else {
            self.tail.extend_from_slice(&read);
            self.tail.split().freeze()
        };
        let mut start = 0;
        let ends = memchr::memchr_iter(b'\n', run.get(looked_at..).unwrap_or_default());
        for end in ends.map(|at| at + looked_at) {
            let line = run.get(start..end).unwrap_or_default();
            start = end + 1;
            if !self.show(line, &mut show)? {
                return Ok(());
            }
        }
        let rest = run.get(start..).unwrap_or_default();
        self.tail.extend_from_slice(rest);
        self.bound(rest)
    }

    /// The stream is over: what came last needs no end of a line.
    ///
    /// # Errors
    /// [`TooLong`], as before.
    pub fn finish(&mut self, mut show: impl FnMut(&[u8]) -> bool) -> Result<(), TooLong> {
        let rest = self.tail.split();
        self.show(&rest, &mut show)?;
        Ok(())
    }

    fn show(&self, line: &[u8], show: &mut impl FnMut(&[u8]) -> bool) -> Result<bool, TooLong> {
        self.bound(line)?;
        let line = line.trim_ascii();
        Ok(line.is_empty() || show(line))
    }

    const fn bound(&self, line: &[u8]) -> Result<(), TooLong> {
        if line.len() > self.line_bytes_max {
            return Err(TooLong { max: self.line_bytes_max });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The lines of `text`, read in pieces that end at `cuts`.
    fn lines(text: &[u8], cuts: &[usize]) -> Vec<Vec<u8>> {
        let mut ends: Vec<usize> = cuts.iter().map(|cut| cut % (text.len() + 1)).collect();
        ends.extend([0, text.len()]);
        ends.sort_unstable();
        let mut seen = Vec::new();
        let mut lines = Lines::new(1 << 20);
        for pair in ends.windows(2) {
            let read = Bytes::copy_from_slice(&text[pair[0]..pair[1]]);
            lines
                .push(read, |line| {
                    seen.push(line.to_vec());
                    true
                })
                .unwrap();
        }
        lines
            .finish(|line| {
                seen.push(line.to_vec());
                true
            })
            .unwrap();
        seen
    }

    #[test]
    fn lines_are_found_however_they_end_and_empty_ones_are_nothing() {
        for newline in ["\n", "\r\n"] {
            let text = [" {\"a\":1} ", "", "  ", "{\"b\":2}", "{\"c\":3}"].join(newline);
            let expected: [&[u8]; 3] = [b"{\"a\":1}", b"{\"b\":2}", b"{\"c\":3}"];
            assert_eq!(lines(text.as_bytes(), &[]), expected, "{newline:?}");
        }
    }

    #[test]
    fn nothing_is_shown_after_enough() {
        let mut seen = 0;
        let mut lines = Lines::new(100);
        lines
            .push(Bytes::from_static(b"1\n2\n3\n4"), |line| {
                seen += 1;
                line != b"2"
            })
            .unwrap();
        assert_eq!(seen, 2);
    }

    #[test]
    fn a_line_that_never_ends_is_refused_at_its_bound() {
        let mut lines = Lines::new(10);
        let mut push = |text: &'static [u8]| lines.push(Bytes::from_static(text), |_| true);
        assert_eq!(push(b"123456789"), Ok(()));
        assert_eq!(push(b"0\n12345"), Ok(()));
        assert_eq!(push(b"678901"), Err(TooLong { max: 10 }));
        let whole = Bytes::from_static(b"12345678901\n");
        assert_eq!(Lines::new(10).push(whole, |_| true), Err(TooLong { max: 10 }));
    }

    proptest! {
        #[test]
        fn cutting_a_stream_anywhere_changes_nothing(
            texts in proptest::collection::vec("[a-z{}\u{e9}]{0,8}", 0..20),
            newline in prop_oneof![Just("\n"), Just("\r\n")],
            cuts in proptest::collection::vec(any::<usize>(), 0..30),
        ) {
            let text = texts.join(newline);
            prop_assert_eq!(lines(text.as_bytes(), &cuts), lines(text.as_bytes(), &[]));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), cuts in proptest::collection::vec(any::<usize>(), 0..9)) {
            lines(&bytes, &cuts);
        }
    }
}
