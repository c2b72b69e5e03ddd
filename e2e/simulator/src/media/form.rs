//! `multipart/form-data`, cut at its boundary.

use crate::node::Invalid;
use bytes::Bytes;

/// A part: its name, whether it is a file, its value.
pub(super) type Part = (String, bool, Bytes);

pub(super) fn parts(content_type: &str, body: &Bytes) -> Result<Vec<Part>, Invalid> {
    let wrong =
        |why: &str| Invalid { message: format!("The form is not right: {why}."), param: None };
    let boundary = content_type.split("boundary=").nth(1).ok_or_else(|| wrong("no boundary"))?;
    let boundary = boundary.split(';').next().unwrap_or_default().trim().trim_matches('"');
    let mark = format!("\r\n--{boundary}");
    let mut rest = body
        .strip_prefix(mark.trim_start().as_bytes())
        .ok_or_else(|| wrong("it does not begin with its boundary"))?;
    let mut parts = Vec::new();
    loop {
        if rest.starts_with(b"--") {
            return Ok(parts);
        }
        let end = find(rest, mark.as_bytes()).ok_or_else(|| wrong("it ends too early"))?;
        let (part, tail) = rest.split_at(end);
        let split = find(part, b"\r\n\r\n").ok_or_else(|| wrong("a part has no headers"))?;
        let (head, value) = part.split_at(split);
        let head = String::from_utf8_lossy(head).into_owned();
        let name = head
            .split([';', '\r'])
            .find_map(|word| word.trim().strip_prefix("name="))
            .ok_or_else(|| wrong("a part has no name"))?;
        let value = body.slice_ref(value.get(4..).unwrap_or_default());
        parts.push((name.trim_matches('"').to_owned(), head.contains("filename="), value));
        rest = tail.get(mark.len()..).unwrap_or_default();
    }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    let first = *what.first()?;
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.iter().position(|byte| *byte == first)?;
        if text.get(at..)?.starts_with(what) {
            return Some(at);
        }
        from = at + 1;
    }
}
