//! Enough of MIME to read the mail a program writes: the subject and the plain text, with
//! quoted-printable, base64 and multipart undone. Nothing here can fail; what is not understood is
//! shown as it came.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};

/// Parts within parts that are followed.
const DEPTH_MAX: u8 = 8;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Parsed {
    pub subject: String,
    pub text: String,
}

pub(super) fn parse(data: &[u8]) -> Parsed {
    let message = String::from_utf8_lossy(data).replace("\r\n", "\n");
    let part = Part::of(&message);
    let subject = decode_words(part.header("subject").unwrap_or_default().trim());
    Parsed { subject, text: part.text(0).unwrap_or_default() }
}

/// A message or one part of it: unfolded headers and a body.
struct Part<'a> {
    headers: Vec<(String, String)>,
    body: &'a str,
}

impl<'a> Part<'a> {
    fn of(message: &'a str) -> Self {
        // A part without headers starts with the empty line itself.
        let (head, body) = match message.strip_prefix('\n') {
            Some(body) => ("", body),
            None => message.split_once("\n\n").unwrap_or((message, "")),
        };
        let unfolded = head.replace("\n ", " ").replace("\n\t", " ");
        let headers = unfolded.lines().filter_map(|line| line.split_once(':'));
        let headers = headers
            .map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim().to_owned()))
            .collect();
        Self { headers, body }
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// The first plain text in this part, else the first text of any kind.
    fn text(&self, depth: u8) -> Option<String> {
        let kind = self.header("content-type").unwrap_or("text/plain");
        let lower = kind.to_ascii_lowercase();
        if lower.starts_with("multipart/") && depth < DEPTH_MAX {
            let open = format!("--{}", parameter(kind, "boundary")?);
            let parts: Vec<_> = self.body.split(&open).skip(1).collect();
            let parts = parts.iter().take_while(|part| !part.starts_with("--"));
            let parts: Vec<_> =
                parts.map(|part| Part::of(part.strip_prefix('\n').unwrap_or(part))).collect();
            let plain = parts.iter().find(|part| part.is_plain());
            return plain.or_else(|| parts.first()).and_then(|part| part.text(depth + 1));
        }
        lower.starts_with("text/").then(|| self.decoded())
    }

    fn is_plain(&self) -> bool {
        let kind = self.header("content-type").unwrap_or("text/plain").to_ascii_lowercase();
        kind.starts_with("text/plain") || kind.starts_with("multipart/")
    }

    fn decoded(&self) -> String {
        let encoding = self.header("content-transfer-encoding").unwrap_or_default();
        match encoding.to_ascii_lowercase().as_str() {
            "quoted-printable" => text_of(quoted_printable(&self.body.replace("=\n", ""), false)),
            "base64" => {
                let packed: String = self.body.split_whitespace().collect();
                BASE64.decode(packed).map_or_else(|_| self.body.to_owned(), text_of)
            }
            _ => self.body.to_owned(),
        }
    }
}

fn text_of(bytes: Vec<u8>) -> String {
    String::from_utf8_lossy(&bytes).replace("\r\n", "\n")
}

/// A parameter of a header's value, like `boundary` of `multipart/mixed; boundary="x"`.
fn parameter<'a>(value: &'a str, name: &str) -> Option<&'a str> {
    value.split(';').skip(1).find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        key.trim().eq_ignore_ascii_case(name).then(|| value.trim().trim_matches('"'))
    })
}

/// Undoes `=41`; in a header's encoded word `_` is a space.
fn quoted_printable(text: &str, word: bool) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        let digits = bytes.as_slice_of_two();
        match (byte, digits.and_then(hex)) {
            (b'=', Some(value)) => {
                out.push(value);
                bytes.nth(1);
            }
            (b'_', _) if word => out.push(b' '),
            _ => out.push(byte),
        }
    }
    out
}

trait Peek {
    fn as_slice_of_two(&self) -> Option<[u8; 2]>;
}

impl Peek for std::str::Bytes<'_> {
    fn as_slice_of_two(&self) -> Option<[u8; 2]> {
        let mut ahead = self.clone();
        Some([ahead.next()?, ahead.next()?])
    }
}

fn hex(digits: [u8; 2]) -> Option<u8> {
    let text = std::str::from_utf8(&digits).ok()?;
    u8::from_str_radix(text, 16).ok()
}

/// Undoes `=?utf-8?Q?…?=` and `=?utf-8?B?…?=` in a header; white space between two is dropped.
fn decode_words(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    let mut after_word = false;
    while let Some((before, tail)) = rest.split_once("=?") {
        let Some((word, after)) = encoded_word(tail) else {
            out.push_str(before);
            out.push_str("=?");
            (rest, after_word) = (tail, false);
            continue;
        };
        if !(after_word && before.trim().is_empty()) {
            out.push_str(before);
        }
        out.push_str(&word);
        (rest, after_word) = (after, true);
    }
    out.push_str(rest);
    out
}

/// The text of the encoded word that `tail` is in, after its `=?`, and what follows it.
fn encoded_word(tail: &str) -> Option<(String, &str)> {
    let (_charset, tail) = tail.split_once('?')?;
    let (encoding, tail) = tail.split_once('?')?;
    let (body, after) = tail.split_once("?=")?;
    let bytes = match encoding {
        "Q" | "q" => quoted_printable(body, true),
        "B" | "b" => BASE64.decode(body).ok()?,
        _ => return None,
    };
    Some((String::from_utf8_lossy(&bytes).into_owned(), after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable_text_and_an_encoded_subject_are_read() {
        let mail = "Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe_aus?= =?utf-8?B?IEvDtmxu?=\r\n\
            Content-Type: text/plain; charset=utf-8\r\n\
            Content-Transfer-Encoding: quoted-printable\r\n\r\n\
            Open http://x.test/verify?token=3Dabc=\r\ndef now =E2=80=93 it ends soon.\r\n";
        let parsed = parse(mail.as_bytes());
        assert_eq!(parsed.subject, "Grüße aus Köln");
        assert_eq!(parsed.text, "Open http://x.test/verify?token=abcdef now – it ends soon.\n");
    }

    #[test]
    fn the_plain_part_of_a_multipart_mail_is_taken_and_decoded() {
        let mail = "Subject: Hi\r\n there\r\nContent-Type: multipart/alternative;\r\n boundary=\"b1\"\r\n\r\n\
            preamble\r\n--b1\r\nContent-Type: text/html\r\n\r\n<p>html</p>\r\n\
            --b1\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n\
            cGxhaW4g\r\ndGV4dA==\r\n--b1--\r\n";
        let parsed = parse(mail.as_bytes());
        assert_eq!((parsed.subject.as_str(), parsed.text.as_str()), ("Hi there", "plain text"));
    }

    #[test]
    fn what_is_not_understood_is_shown_as_it_came() {
        for mail in ["", "\r\n", "no headers", "Subject: =?x?Q?", "A: b\r\n\r\n=ZZ= %"] {
            parse(mail.as_bytes());
        }
        assert_eq!(parse(b"Subject: a =?b\r\n\r\nbody").subject, "a =?b");
        let damaged = b"Content-Transfer-Encoding: base64\r\n\r\n!!!";
        assert_eq!(parse(damaged).text, "!!!");
    }
}
