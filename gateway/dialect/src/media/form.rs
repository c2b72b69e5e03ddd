//! A `multipart/form-data` body, read where it lies: what its parts are called, and where their
//! values are. Nothing is copied but names.
//!
//! The provider reads the same bytes with a reader of its own. Wherever two readers could see two
//! different forms (a bare LF before a boundary, a name with escapes, text after the end), the form
//! is refused, so that what is charged for is what is asked for.

use crate::Invalid;
use contract::error::ErrorCode;
use memchr::memmem;
use std::ops::Range;

/// Parts of one form.
const PARTS_MAX: usize = 512;
/// Bytes of one part's headers.
const HEAD_MAX: usize = 16 * 1024;
/// Characters of a boundary, as RFC 2046 has it.
const BOUNDARY_MAX: usize = 70;

/// The parts, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Form {
    parts: Vec<Part>,
}

/// One part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub name: String,
    /// Whether it came as a file.
    pub is_file: bool,
    /// Where its value lies in the body.
    pub value: Range<usize>,
}

impl Part {
    #[must_use]
    pub fn bytes<'a>(&self, body: &'a [u8]) -> &'a [u8] {
        body.get(self.value.clone()).unwrap_or_default()
    }
}

impl Form {
    /// Reads a body that came with this `Content-Type`.
    ///
    /// # Errors
    /// `request.media_type`: no form, or no boundary; `request.malformed` with the part.
    pub fn read(body: &[u8], content_type: &str) -> Result<Self, Invalid> {
        let boundary = boundary(content_type)?;
        let parts = between(body, &marks(body, &boundary)?)
            .map(|(nth, span)| part(body, nth, span))
            .collect::<Result<_, _>>()?;
        Ok(Self { parts })
    }

    /// Every part of that name, or of that name as a list: `image`, `image[]`.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Part> {
        self.parts
            .iter()
            .filter(move |part| part.name.strip_suffix("[]").unwrap_or(&part.name) == name)
    }

    /// The field of that name, which may be given once.
    ///
    /// # Errors
    /// It is given twice, as a file, or is not text.
    pub fn text<'a>(
        &self,
        body: &'a [u8],
        name: &'static str,
    ) -> Result<Option<(&'a str, Range<usize>)>, Invalid> {
        let mut named = self.parts.iter().filter(|part| part.name == name);
        let Some(part) = named.next() else { return Ok(None) };
        if named.next().is_some() {
            return Err(Invalid::at(name, format!("`{name}` is given twice; send it once.")));
        }
        let text = std::str::from_utf8(part.bytes(body)).ok().filter(|_| !part.is_file);
        let text = text.ok_or_else(|| {
            Invalid::at(name, format!("`{name}` must be a field of text, not a file."))
        })?;
        Ok(Some((text, part.value.clone())))
    }
}

/// The boundary that a `Content-Type` names.
fn boundary(content_type: &str) -> Result<String, Invalid> {
    let wrong = |detail: &'static str| Invalid {
        code: ErrorCode::RequestMediaType,
        param: None,
        detail: detail.into(),
    };
    let (kind, rest) = content_type.split_at(content_type.find(';').unwrap_or(content_type.len()));
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return Err(wrong(
            "Send the body as a form, with `Content-Type: multipart/form-data; boundary=…`.",
        ));
    }
    let parameters = parameters(rest).ok_or_else(|| {
        wrong("The `Content-Type` of the form cannot be read after its first word.")
    })?;
    let mut named = parameters.into_iter().filter(|(name, _)| name == "boundary");
    let Some((_, boundary)) = named.next() else {
        return Err(wrong(
            "The `Content-Type` names no boundary. Let your HTTP library set this header: \
             `multipart/form-data; boundary=…`.",
        ));
    };
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"'()+_,-./:=? ".contains(&byte);
    let good = (1..=BOUNDARY_MAX).contains(&boundary.len())
        && boundary.bytes().all(fits)
        && !boundary.ends_with(' ');
    if !good || named.next().is_some() {
        return Err(wrong(
            "The boundary of the `Content-Type` must be one, of 1 to 70 letters, digits and marks.",
        ));
    }
    Ok(boundary)
}

/// `; name=token; name="quoted"`, names in lower case. `None`: it is written in another way, or
/// with a backslash before a quote, which readers take differently.
fn parameters(mut text: &str) -> Option<Vec<(String, String)>> {
    let mut found = Vec::new();
    loop {
        text = text.trim_start_matches([' ', '\t']);
        if text.is_empty() {
            return Some(found);
        }
        text = text.strip_prefix(';')?.trim_start_matches([' ', '\t']);
        if text.is_empty() {
            return Some(found);
        }
        let (name, rest) = text.split_once('=')?;
        if name.is_empty() || !name.bytes().all(is_token) {
            return None;
        }
        let value;
        (value, text) = match rest.strip_prefix('"') {
            Some(quoted) => {
                let (value, rest) = quoted.split_once('"')?;
                if value.ends_with('\\') {
                    return None;
                }
                (value, rest)
            }
            None => {
                let end = rest.find([';', ' ', '\t']).unwrap_or(rest.len());
                let (value, rest) = rest.split_at_checked(end)?;
                if value.contains('"') {
                    return None;
                }
                (value, rest)
            }
        };
        found.push((name.to_ascii_lowercase(), value.to_owned()));
    }
}

const fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(
            byte,
            b'!' | b'#'
                | b'$'
                | b'%'
                | b'&'
                | b'\''
                | b'*'
                | b'+'
                | b'-'
                | b'.'
                | b'^'
                | b'_'
                | b'`'
                | b'|'
                | b'~'
        )
}

/// Where each line of the boundary lies, from the CRLF before it to the CRLF after it. The last
/// one ends the form.
fn marks(body: &[u8], boundary: &str) -> Result<Vec<Range<usize>>, Invalid> {
    let dashed = format!("--{boundary}");
    let mut marks: Vec<Range<usize>> = Vec::new();
    for at in memmem::find_iter(body, dashed.as_bytes()) {
        let before = body.get(..at).unwrap_or_default();
        if !before.is_empty() && !before.ends_with(b"\n") && !before.ends_with(b"\r") {
            continue;
        }
        if !before.is_empty() && !before.ends_with(b"\r\n") {
            return Err(malformed(at, "the line before a boundary must end with CR LF"));
        }
        let start = at.saturating_sub(2);
        let rest = body.get(at + dashed.len()..).unwrap_or_default();
        if marks.is_empty() && start > 0 {
            return Err(malformed(0, "the form must begin with its boundary"));
        }
        if let Some(epilogue) = rest.strip_prefix(b"--") {
            if !epilogue.iter().all(u8::is_ascii_whitespace) {
                return Err(malformed(at, "there is text after the end of the form"));
            }
            marks.push(start..body.len());
            return Ok(marks);
        }
        let padding = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        if !rest.get(padding..).is_some_and(|rest| rest.starts_with(b"\r\n")) {
            let what = "a boundary must be a line of its own, and must not occur within a part";
            return Err(malformed(at, if rest.is_empty() { ENDS_EARLY } else { what }));
        }
        marks.push(start..at + dashed.len() + padding + 2);
        if marks.len() > PARTS_MAX {
            return Err(malformed(at, "there are more than 512 parts"));
        }
    }
    Err(malformed(
        body.len(),
        if marks.is_empty() {
            "the boundary of the `Content-Type` does not occur"
        } else {
            ENDS_EARLY
        },
    ))
}

const ENDS_EARLY: &str = "it ends before its closing boundary";

/// What lies between each mark and the next, with its number from 1.
fn between(body: &[u8], marks: &[Range<usize>]) -> impl Iterator<Item = (usize, Range<usize>)> {
    let len = body.len();
    marks.windows(2).enumerate().map(move |(nth, pair)| match pair {
        [before, after] => (nth + 1, before.end..after.start),
        _ => (nth + 1, len..len),
    })
}

fn part(body: &[u8], nth: usize, span: Range<usize>) -> Result<Part, Invalid> {
    let wrong = |what: &str| malformed(span.start, &format!("part {nth} {what}"));
    let text = body.get(span.clone()).unwrap_or_default();
    let head_end = if text.starts_with(b"\r\n") {
        Some(0)
    } else {
        memmem::find(text, b"\r\n\r\n").map(|at| at + 2)
    };
    let head_end =
        head_end.ok_or_else(|| wrong("has no empty line between its headers and its value"))?;
    if head_end > HEAD_MAX {
        return Err(wrong("has headers of more than 16 KiB"));
    }
    let head = String::from_utf8_lossy(text.get(..head_end).unwrap_or_default());
    let mut disposition = None;
    for line in head.split_terminator("\r\n") {
        let (name, value) = line.split_once(':').unwrap_or((line, ""));
        if name.is_empty() || !name.bytes().all(is_token) || value.contains(['\r', '\n']) {
            return Err(wrong("has a header that cannot be read"));
        }
        if name.eq_ignore_ascii_case("content-disposition") {
            if disposition.replace(value).is_some() {
                return Err(wrong("has two `Content-Disposition` headers"));
            }
        } else if name.eq_ignore_ascii_case("content-transfer-encoding") {
            let plain = ["binary", "8bit", "7bit"];
            if !plain.iter().any(|plain| value.trim().eq_ignore_ascii_case(plain)) {
                return Err(wrong("is encoded; send its bytes as they are"));
            }
        }
    }
    let (name, is_file) = named(disposition).ok_or_else(|| {
        wrong("has no name: each needs `Content-Disposition: form-data; name=\"…\"`")
    })?;
    Ok(Part { name, is_file, value: span.start + head_end + 2..span.end })
}

/// The one name of a part, and whether it is a file.
fn named(disposition: Option<&str>) -> Option<(String, bool)> {
    let disposition = disposition?.trim();
    let (kind, rest) = disposition.split_at(disposition.find(';')?);
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return None;
    }
    let (mut found, mut is_file) = (None, false);
    for (name, value) in parameters(rest)? {
        match name.as_str() {
            "name" if found.is_none() && !value.is_empty() && !value.contains('\\') => {
                found = Some(value);
            }
            "filename" | "filename*" => is_file = true,
            _ if name.starts_with("name") => return None,
            _ => {}
        }
    }
    Some((found?, is_file))
}

fn malformed(at: usize, what: &str) -> Invalid {
    Invalid {
        code: ErrorCode::RequestMalformed,
        param: None,
        detail: format!("The form cannot be read: {what}, at byte {at}.").into(),
    }
}

#[cfg(test)]
mod tests;
