//! A JSON scanner for bodies that pass through: proves that a text is JSON and tells where the
//! top-level members lie, without building anything.
//!
//! Nothing here recurses, so nesting chosen by a caller costs no stack: depth is a bit stack of
//! fixed size, and a text nested deeper is refused.

mod cursor;

use cursor::Cursor;
use std::ops::Range;

/// Containers inside each other that a text may have.
pub const DEPTH_MAX: usize = 512;

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
    let mut cursor = Cursor::new(text);
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
    let mut cursor = Cursor::new(text);
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

#[cfg(test)]
mod tests {
    use super::cursor::FILE_TEXT;
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
