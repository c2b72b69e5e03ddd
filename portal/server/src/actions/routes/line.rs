//! In which line of a JSON text something stands that a pointer names.

use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Deserializer;

/// The line, from 1, of what `path` leads to; of the innermost thing around it where it is not
/// written. The text is JSON.
pub fn line_of<'a>(text: &str, path: impl Iterator<Item = &'a str>) -> usize {
    let mut at = space(text, 0);
    for step in path {
        let Some(within) = enter(text, at, step) else { break };
        at = within;
    }
    text.get(..at).unwrap_or(text).bytes().filter(|byte| *byte == b'\n').count() + 1
}

/// Where the member or element `step` of what begins at `at` begins.
fn enter(text: &str, at: usize, step: &str) -> Option<usize> {
    let is_object = match text.as_bytes().get(at)? {
        b'{' => true,
        b'[' => false,
        _ => return None,
    };
    let mut at = space(text, at + 1);
    for nth in 0_usize.. {
        let name = if is_object {
            let (name, end) = read::<String>(text, at)?;
            at = space(text, space(text, end) + 1);
            name
        } else {
            nth.to_string()
        };
        if name == step {
            return Some(at);
        }
        let (_, end) = read::<IgnoredAny>(text, at)?;
        at = space(text, end);
        if text.as_bytes().get(at) != Some(&b',') {
            return None;
        }
        at = space(text, at + 1);
    }
    None
}

/// The value at `at`, and where it ends.
fn read<T: DeserializeOwned>(text: &str, at: usize) -> Option<(T, usize)> {
    let mut values = Deserializer::from_str(text.get(at..)?).into_iter::<T>();
    let value = values.next()?.ok()?;
    Some((value, at + values.byte_offset()))
}

/// The first place from `at` on that is no white space.
fn space(text: &str, at: usize) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    at + rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pointer_leads_to_its_line_or_to_that_around_it() {
        let text = "\n{\n \"a\": 1,\n \"rules\": [\n  {\"name\": \"x, {\"},\n  {\n   \"when\":\n    \"t\" } ]\n}";
        let line = |pointer: &str| line_of(text, pointer.split('/'));
        assert_eq!(line("a"), 3);
        assert_eq!(line("rules"), 4);
        assert_eq!(line("rules/0/name"), 5);
        assert_eq!(line("rules/1"), 6);
        assert_eq!(line("rules/1/when"), 8);
        assert_eq!(line("rules/1/among/3"), 6);
        assert_eq!(line("rules/7"), 4);
        assert_eq!(line("regions/0"), 2);
        assert_eq!(line_of("", "a".split('/')), 1);
    }
}
