//! Reads JSON from its beginning, value by value, without recursion; counts the text in it.

use super::{DEPTH_MAX, Kind, Syntax};
use std::ops::Range;

/// Text that one inlined file (`data:…`) counts as, whatever its size.
pub(super) const FILE_TEXT: u64 = 3 * 1_024;

/// Whether a long string is a file: a `data:` URL, or base64 of a kind of file that models read.
fn begins_as_file(text: &[u8]) -> bool {
    const STARTS: [&[u8]; 10] = [
        b"data:",
        b"iVBORw0KGgo",
        b"/9j/",
        b"R0lGOD",
        b"UklGR",
        b"JVBERi0",
        b"SUQz",
        b"//uQ",
        b"T2dnUw",
        b"ZkxhQw",
    ];
    STARTS.iter().any(|start| text.starts_with(start))
}

/// A place in a text that is read from its beginning.
pub(super) struct Cursor<'a> {
    text: &'a [u8],
    pub at: usize,
    /// As [`super::Walked::text_bytes`], so far.
    pub text_bytes: u64,
}

/// One bit a level: set for an object.
#[derive(Default)]
struct Stack {
    bits: [u64; DEPTH_MAX / 64],
    depth: usize,
}

impl Stack {
    fn push(&mut self, object: bool) -> bool {
        let Some(word) = self.bits.get_mut(self.depth / 64) else { return false };
        let bit = 1_u64 << (self.depth % 64);
        *word = if object { *word | bit } else { *word & !bit };
        self.depth += 1;
        true
    }

    /// Leaves a container; tells whether the one around it is an object, `None` at the top.
    fn pop(&mut self) -> Option<bool> {
        self.depth = self.depth.saturating_sub(1);
        let above = self.depth.checked_sub(1)?;
        self.bits.get(above / 64).map(|word| word >> (above % 64) & 1 == 1)
    }
}

impl<'a> Cursor<'a> {
    pub const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0, text_bytes: 0 }
    }

    pub fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    pub fn expected(&self, what: &'static str) -> Syntax {
        let what = if self.at >= self.text.len() { "the text ends too early" } else { what };
        Syntax { at: self.at, what }
    }

    pub fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// A name and its colon, and the space around them.
    pub fn key(&mut self) -> Result<(Range<usize>, bool), Syntax> {
        if self.peek() != Some(b'"') {
            return Err(self.expected("expected a name in double quotes"));
        }
        let name = self.string()?;
        self.space();
        if self.peek() != Some(b':') {
            return Err(self.expected("expected `:`"));
        }
        self.at += 1;
        self.space();
        Ok(name)
    }

    pub fn value(&mut self) -> Result<Kind, Syntax> {
        match self.peek() {
            Some(b'{') => self.container(true).map(|()| Kind::Object),
            Some(b'[') => self.container(false).map(|()| Kind::Array),
            _ => self.scalar(),
        }
    }

    fn scalar(&mut self) -> Result<Kind, Syntax> {
        match self.peek() {
            Some(b'"') => self.string().map(|_| Kind::String),
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| Kind::Number),
            Some(b't') => self.word(b"true", Kind::True),
            Some(b'f') => self.word(b"false", Kind::False),
            Some(b'n') => self.word(b"null", Kind::Null),
            _ => Err(self.expected("expected a value")),
        }
    }

    fn word(&mut self, word: &[u8], kind: Kind) -> Result<Kind, Syntax> {
        let found = self.text.get(self.at..).is_some_and(|rest| rest.starts_with(word));
        if !found {
            return Err(self.expected("expected a value"));
        }
        self.at += word.len();
        Ok(kind)
    }

    /// An object or an array with all that is in it.
    fn container(&mut self, object: bool) -> Result<(), Syntax> {
        let mut stack = Stack::default();
        let mut in_object = object;
        stack.push(object);
        self.at += 1;
        let mut fresh = true;
        loop {
            self.space();
            let close = if in_object { b'}' } else { b']' };
            let mut value_due = fresh;
            match self.peek() {
                Some(c) if c == close => {
                    self.at += 1;
                    fresh = false;
                    match stack.pop() {
                        Some(outer) => in_object = outer,
                        None => return Ok(()),
                    }
                    continue;
                }
                Some(b',') if !fresh => {
                    self.at += 1;
                    self.space();
                    value_due = true;
                }
                _ => {}
            }
            if !value_due {
                return Err(self.expected(if in_object {
                    "expected `,` or `}`"
                } else {
                    "expected `,` or `]`"
                }));
            }
            if in_object {
                self.key()?;
            }
            fresh = match self.peek() {
                Some(open @ (b'{' | b'[')) => {
                    in_object = open == b'{';
                    if !stack.push(in_object) {
                        return Err(self.expected("nested deeper than 512 levels"));
                    }
                    self.at += 1;
                    true
                }
                _ => {
                    self.scalar()?;
                    false
                }
            };
        }
    }

    /// A string at its opening quote: the span of its content, and whether it has escapes.
    fn string(&mut self) -> Result<(Range<usize>, bool), Syntax> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.plain();
            match self.peek() {
                Some(b'"') => {
                    let span = start..self.at;
                    self.at += 1;
                    self.count(&span);
                    return Ok((span, escaped));
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                _ => return Err(self.expected("unescaped control character in a string")),
            }
        }
    }

    /// Skips to the next byte of a string that is not plain: quote, backslash or control.
    fn plain(&mut self) {
        const ONES: u64 = 0x0101_0101_0101_0101;
        const HIGHS: u64 = 0x8080_8080_8080_8080;
        // Exact for the lowest byte that matches, which is the one asked for.
        let below = |word: u64, n: u64| word.wrapping_sub(ONES * n) & !word & HIGHS;
        while let Some(word) = self.text.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
            let word = u64::from_le_bytes(*word);
            let hit = below(word, 0x20)
                | below(word ^ (ONES * u64::from(b'"')), 1)
                | below(word ^ (ONES * u64::from(b'\\')), 1);
            if hit != 0 {
                self.at += (hit.trailing_zeros() / 8) as usize;
                return;
            }
            self.at += 8;
        }
        while self.peek().is_some_and(|b| b >= 0x20 && b != b'"' && b != b'\\') {
            self.at += 1;
        }
    }

    fn escape(&mut self) -> Result<(), Syntax> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'u') => {
                self.at += 1;
                for _ in 0..4 {
                    if !self.peek().is_some_and(|b| b.is_ascii_hexdigit()) {
                        return Err(self.expected("expected four hexadecimal digits after `\\u`"));
                    }
                    self.at += 1;
                }
                Ok(())
            }
            _ => Err(self.expected("unknown escape in a string")),
        }
    }

    fn count(&mut self, span: &Range<usize>) {
        let mut len = u64::try_from(span.len()).unwrap_or(u64::MAX);
        if len > FILE_TEXT && self.text.get(span.clone()).is_some_and(begins_as_file) {
            len = FILE_TEXT;
        }
        self.text_bytes = self.text_bytes.saturating_add(len);
    }

    fn number(&mut self) -> Result<(), Syntax> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        match self.peek() {
            Some(b'0') => self.at += 1,
            _ => self.digits()?,
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        self.text_bytes = self.text_bytes.saturating_add(3);
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Syntax> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.expected("expected a digit")) } else { Ok(()) }
    }
}
