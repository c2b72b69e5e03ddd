//! Bytes within a body, as base64: proved where a caller's request is read, so that what is no
//! base64 is refused by its place whoever is asked, and no provider has to find out.

use crate::Invalid;

/// Data that is proved to be base64, of either alphabet, with or without its padding.
///
/// # Errors
/// [`Invalid`] at `path`.
pub(crate) fn proved(data: String, path: &str) -> Result<String, Invalid> {
    let body = data.trim_end_matches('=').as_bytes();
    let alphabet = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'-' | b'_');
    match body.iter().position(|b| !alphabet(b)) {
        None if !body.is_empty() && body.len() % 4 != 1 => Ok(data),
        None => Err(Invalid::at(path.to_owned(), format!("`{path}` ends within its base64."))),
        Some(at) => {
            let detail = format!("`{path}` is not base64: character {} does not belong.", at + 1);
            Err(Invalid::at(path.to_owned(), detail))
        }
    }
}

/// A media type that can stand before such data: `image/png`, with parameters or without. The
/// empty one is none.
///
/// # Errors
/// [`Invalid`] at `path`.
pub(crate) fn media_type(text: String, path: &str) -> Result<String, Invalid> {
    if text.bytes().all(|b| b.is_ascii_graphic() && b != b',') {
        return Ok(text);
    }
    let detail = format!("`{path}` must be a media type: `image/png`, `application/pdf`.");
    Err(Invalid::at(path.to_owned(), detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_media_type_cannot_break_the_address_that_it_stands_in() {
        for good in ["", "image/png", "audio/pcm;rate=16000"] {
            assert_eq!(media_type(good.to_owned(), "f").as_deref(), Ok(good));
        }
        for bad in ["image/png,", "image png", "im\u{e9}ge/png"] {
            assert!(media_type(bad.to_owned(), "f").is_err(), "{bad}");
        }
    }

    #[test]
    fn base64_is_told_from_what_is_none() {
        for good in ["iVBORw0KGgo=", "iVBORw0KGgo", "-_-_", "AA=="] {
            assert_eq!(proved(good.to_owned(), "f").as_deref(), Ok(good));
        }
        for (bad, detail) in [
            ("", "`f` ends within its base64."),
            ("AAAAA", "`f` ends within its base64."),
            ("AA A", "`f` is not base64: character 3 does not belong."),
            ("data:image/png;base64,AA", "`f` is not base64: character 5 does not belong."),
            ("AA\u{e9}", "`f` is not base64: character 3 does not belong."),
        ] {
            assert_eq!(proved(bad.to_owned(), "f").unwrap_err().detail, detail, "{bad}");
        }
    }
}
