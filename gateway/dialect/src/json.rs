//! A JSON scanner for bodies that pass through: proves that a text is JSON and tells where the
//! top-level members lie, without building anything.
//!
//! Nothing here recurses, so nesting chosen by a caller costs no stack: depth is a bit stack of
//! fixed size, and a text nested deeper is refused.

use std::ops::Range;

/// Containers inside each other that a text may have.
pub const DEPTH_MAX: usize = 512;
/// Text that one inlined file (`data:…`) counts as, whatever its size.
const FILE_TEXT: u64 = 3 * 1_024;

/// Where a text stops being JSON, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at}")]
pub struct Syntax {
    pub at: usize,
    pub what: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    String,
    Number,
    True,
    False,
    Null,
    Object,
    Array,
}

/// One member of the top-level object.
#[derive(Debug, Clone)]
pub struct Member {
    /// The name without its quotes, escapes as they are.
    pub key: Range<usize>,
    /// Whether the name contains an escape.
    pub key_escaped: bool,
    /// The whole value, quotes and brackets included.
    pub value: Range<usize>,
    pub kind: Kind,
    /// Text inside the value, counted as [`Walked::text_bytes`].
    pub text_bytes: u64,
}

impl Member {
    /// The name, with escapes resolved. `None` for one that is not text (a lone surrogate).
    #[must_use]
    pub fn name<'a>(&self, text: &'a [u8]) -> Option<std::borrow::Cow<'a, [u8]>> {
        let raw = text.get(self.key.clone())?;
        if !self.key_escaped {
            return Some(raw.into());
        }
        let quoted = text.get(self.key.start.checked_sub(1)?..self.key.end.checked_add(1)?)?;
        let text: String = serde_json::from_slice(quoted).ok()?;
        Some(text.into_bytes().into())
    }

    /// The value, quotes and brackets included.
    #[must_use]
    pub fn raw<'a>(&self, text: &'a [u8]) -> &'a [u8] {
        text.get(self.value.clone()).unwrap_or_default()
    }
}

/// What a walk learned besides the members.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walked {
    /// Where the closing brace of the top-level object is.
    pub close: usize,
    /// Bytes of text a model would read, over-counted: every string's content, three for each
    /// number, a flat sum for each inlined file.
    pub text_bytes: u64,
}

/// Walks a text that must be one JSON object and nothing else, and shows each top-level member.
///
/// # Errors
/// The first place where the text is not a JSON object, or is nested deeper than [`DEPTH_MAX`].
pub fn walk_object(text: &[u8], mut visit: impl FnMut(Member)) -> Result<Walked, Syntax> {
    let mut cursor = Cursor { text, at: 0, text_bytes: 0 };
    cursor.space();
    if cursor.peek() != Some(b'{') {
        return Err(cursor.expected("expected a JSON object"));
    }
    cursor.at += 1;
    cursor.space();
    let close = if cursor.peek() == Some(b'}') {
        cursor.at
    } else {
        loop {
            let (key, key_escaped) = cursor.key()?;
            let (start, before) = (cursor.at, cursor.text_bytes);
            let kind = cursor.value()?;
            let text_bytes = cursor.text_bytes - before;
            visit(Member { key, key_escaped, value: start..cursor.at, kind, text_bytes });
            cursor.space();
            match cursor.peek() {
                Some(b',') => cursor.at += 1,
                Some(b'}') => break cursor.at,
                _ => return Err(cursor.expected("expected `,` or `}`")),
            }
            cursor.space();
        }
    };
    cursor.at += 1;
    cursor.space();
    if cursor.at < text.len() {
        return Err(cursor.expected("unexpected text after the object"));
    }
    Ok(Walked { close, text_bytes: cursor.text_bytes })
}

/// Walks a text that must be one JSON array and nothing else, and shows where each element lies.
///
/// # Errors
/// As [`walk_object`].
pub fn walk_array(text: &[u8], mut visit: impl FnMut(Range<usize>)) -> Result<(), Syntax> {
    let mut cursor = Cursor { text, at: 0, text_bytes: 0 };
    cursor.space();
    if cursor.peek() != Some(b'[') {
        return Err(cursor.expected("expected a JSON array"));
    }
    cursor.at += 1;
    cursor.space();
    if cursor.peek() != Some(b']') {
        loop {
            let start = cursor.at;
            cursor.value()?;
            visit(start..cursor.at);
            cursor.space();
            match cursor.peek() {
                Some(b',') => cursor.at += 1,
                Some(b']') => break,
                _ => return Err(cursor.expected("expected `,` or `]`")),
            }
            cursor.space();
        }
    }
    cursor.at += 1;
    cursor.space();
    if cursor.at < text.len() {
        return Err(cursor.expected("unexpected text after the array"));
    }
    Ok(())
}

/// A value that is a whole number and not negative.
#[must_use]
pub fn whole_number(raw: &[u8]) -> Option<u64> {
    let digit = |byte: &u8| byte.is_ascii_digit().then(|| u64::from(byte - b'0'));
    if raw.is_empty() {
        return None;
    }
    raw.iter().try_fold(0_u64, |number, byte| number.checked_mul(10)?.checked_add(digit(byte)?))
}

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

struct Cursor<'a> {
    text: &'a [u8],
    at: usize,
    text_bytes: u64,
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

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn expected(&self, what: &'static str) -> Syntax {
        let what = if self.at >= self.text.len() { "the text ends too early" } else { what };
        Syntax { at: self.at, what }
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    /// A name and its colon, and the space around them.
    fn key(&mut self) -> Result<(Range<usize>, bool), Syntax> {
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

    fn value(&mut self) -> Result<Kind, Syntax> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn members(text: &str) -> Result<Vec<(String, String)>, Syntax> {
        let mut out = Vec::new();
        let bytes = text.as_bytes();
        walk_object(bytes, |m| {
            let name = m.name(bytes).map(|n| String::from_utf8_lossy(&n).into_owned());
            out.push((
                name.unwrap_or_default(),
                String::from_utf8_lossy(m.raw(bytes)).into_owned(),
            ));
        })?;
        Ok(out)
    }

    #[test]
    fn top_level_members_are_found_and_nested_ones_are_not() {
        let found =
            members(r#" {"a" : 1, "b":{"a":[2,{"a":3}]} , "\u0063":"x\"y","d":[]} "#).unwrap();
        let expected = [("a", "1"), ("b", r#"{"a":[2,{"a":3}]}"#), ("c", r#""x\"y""#), ("d", "[]")];
        assert_eq!(found, expected.map(|(k, v)| (k.to_owned(), v.to_owned())));
    }

    #[test]
    fn elements_of_an_array_are_found_and_what_is_none_is_refused() {
        let count = |text: &str| {
            let mut count = 0;
            walk_array(text.as_bytes(), |_| count += 1).map(|()| count).ok()
        };
        assert_eq!(count(" [ ]\n"), Some(0));
        assert_eq!(count(r#"[{"a":[1,2]} , "],", [[]],null ]"#), Some(4));
        for bad in ["", "[", "[1", "[1,]", "[,1]", "[1 2]", "{}", "[1] x", "1"] {
            assert_eq!(count(bad), None, "{bad}");
        }
    }

    #[test]
    fn nesting_of_ten_thousand_is_refused_where_it_gets_too_deep() {
        let text = format!(r#"{{"a":{}{}}}"#, "[".repeat(10_000), "]".repeat(10_000));
        let error = members(&text).unwrap_err();
        assert_eq!(error, Syntax { at: 5 + DEPTH_MAX, what: "nested deeper than 512 levels" });
    }

    #[test]
    fn nesting_at_the_limit_is_accepted() {
        let text = format!(r#"{{"a":{}{}}}"#, "[".repeat(DEPTH_MAX), "]".repeat(DEPTH_MAX));
        assert!(members(&text).is_ok());
    }

    #[test]
    fn an_inlined_file_counts_a_flat_sum_of_text() {
        let text = format!(r#"{{"a":"data:image/png;base64,{}"}}"#, "A".repeat(1_000_000));
        assert_eq!(walk_object(text.as_bytes(), |_| {}).unwrap().text_bytes, 1 + FILE_TEXT);
    }

    #[test]
    fn what_is_not_one_object_is_refused_with_its_place() {
        for (text, at) in [
            ("", 0),
            ("[]", 0),
            ("{", 1),
            ("{}x", 2),
            ("{} {}", 3),
            (r#"{"a":1,}"#, 7),
            (r#"{"a" 1}"#, 5),
            (r#"{"a":01}"#, 6),
            (r#"{"a":1."#, 7),
            (r#"{"a":tru}"#, 5),
            (r#"{"a":[1,]}"#, 8),
            (r#"{"a":[,1]}"#, 6),
            (r#"{"a":{"b":1]}"#, 11),
            ("{\"a\":\"\n\"}", 6),
            (r#"{"a":"\x"}"#, 7),
            (r#"{"a":"\u12"}"#, 10),
            (r#"{a:1}"#, 1),
            ("{'a':1}", 1),
        ] {
            assert_eq!(members(text).map_err(|e| e.at), Err(at), "{text}");
        }
    }

    fn any_json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            ".*".prop_map(Into::into),
        ];
        leaf.prop_recursive(5, 40, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                proptest::collection::hash_map(".*", inner, 0..6)
                    .prop_map(|m| serde_json::Value::Object(m.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn every_member_lies_where_the_walk_says(
            map in proptest::collection::hash_map(".*", any_json(), 0..8), pretty in any::<bool>(),
        ) {
            let value = serde_json::Value::Object(map.into_iter().collect());
            let text = if pretty { serde_json::to_string_pretty(&value) } else { serde_json::to_string(&value) }.unwrap();
            let found: serde_json::Map<String, serde_json::Value> = members(&text).unwrap().into_iter()
                .map(|(k, v)| (k, serde_json::from_str(&v).unwrap())).collect();
            // The reference is read back too: a float may lose its last digit on the way.
            let reference: serde_json::Value = serde_json::from_str(&text).unwrap();
            prop_assert_eq!(serde_json::Value::Object(found), reference);
        }

        #[test]
        fn a_text_is_accepted_exactly_when_a_parser_accepts_it(
            value in any_json(), cut in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..3,
        ) {
            let mut text = format!("{{\"a\":{value}}}").into_bytes();
            let at = cut.index(text.len());
            match how { 0 => text[at] = byte, 1 => { text.remove(at); } _ => text.insert(at, byte) }
            prop_assume!(std::str::from_utf8(&text).is_ok());
            // `IgnoredAny` accepts numbers out of range and lone surrogates, as the grammar does.
            let reference = serde_json::from_slice::<&serde_json::value::RawValue>(&text).is_ok()
                && text.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'{');
            prop_assert_eq!(walk_object(&text, |_| {}).is_ok(), reference, "{}", String::from_utf8_lossy(&text));
        }

        #[test]
        fn no_bytes_make_the_walk_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = walk_object(&bytes, |m| { let _ = m.name(&bytes); });
        }
    }
}
