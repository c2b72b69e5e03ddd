//! Images, sounds, videos and documents: formats by their names here, bytes as base64 that the
//! service takes, names of documents that it allows.

use super::body::{Block, Document, Media as Written, Source as Place};
use crate::Invalid;
use crate::loss::{Feature, Losses};
use crate::neutral::{Media, Source};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;
use std::collections::HashSet;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Image,
    Audio,
    Video,
    File,
}

impl What {
    /// Subtypes and name endings → the service's word.
    const fn formats(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Image => &[
                ("png", "png"),
                ("jpeg", "jpeg"),
                ("jpg", "jpeg"),
                ("gif", "gif"),
                ("webp", "webp"),
            ],
            Self::Audio => &[
                ("mp3", "mp3"),
                ("mpeg", "mp3"),
                ("wav", "wav"),
                ("x-wav", "wav"),
                ("wave", "wav"),
                ("opus", "opus"),
                ("aac", "aac"),
                ("x-aac", "x-aac"),
                ("flac", "flac"),
                ("ogg", "ogg"),
                ("mp4", "mp4"),
                ("m4a", "m4a"),
                ("pcm", "pcm"),
                ("l16", "pcm"),
                ("pcm16", "pcm"),
                ("webm", "webm"),
            ],
            Self::Video => &[
                ("mp4", "mp4"),
                ("quicktime", "mov"),
                ("mov", "mov"),
                ("webm", "webm"),
                ("x-matroska", "mkv"),
                ("mkv", "mkv"),
                ("x-flv", "flv"),
                ("flv", "flv"),
                ("mpeg", "mpeg"),
                ("mpg", "mpg"),
                ("x-ms-wmv", "wmv"),
                ("wmv", "wmv"),
                ("3gpp", "three_gp"),
            ],
            Self::File => &[
                ("pdf", "pdf"),
                ("csv", "csv"),
                ("msword", "doc"),
                ("doc", "doc"),
                ("vnd.openxmlformats-officedocument.wordprocessingml.document", "docx"),
                ("docx", "docx"),
                ("vnd.ms-excel", "xls"),
                ("xls", "xls"),
                ("vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx"),
                ("xlsx", "xlsx"),
                ("html", "html"),
                ("markdown", "md"),
                ("md", "md"),
                ("plain", "txt"),
                ("txt", "txt"),
                ("json", "txt"),
                ("xml", "txt"),
            ],
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::File => "document",
        }
    }

    const fn by_url(self) -> Feature {
        match self {
            Self::Image => Feature::ImageUrl,
            Self::Audio => Feature::Audio,
            Self::Video => Feature::Video,
            Self::File => Feature::FileUrl,
        }
    }
}

/// Writes one, and remembers the names that documents have: no two may have the same.
pub(super) fn write<'a>(
    what: What,
    media: &'a Media,
    field: &str,
    names: &mut HashSet<String>,
    losses: &mut Losses,
) -> Result<Block<'a>, Invalid> {
    if media.detail.is_some_and(|detail| detail != crate::neutral::Detail::Auto) {
        losses.meet(Feature::ImageDetail, field)?;
    }
    let source = match &media.source {
        Source::Inline(text) => Place::Bytes(base64(text, field)?),
        Source::Text(text) if what == What::File => Place::Bytes(STANDARD.encode(text).into()),
        Source::Text(_) => {
            let detail = format!("`{field}` is text where {} must be base64.", what.as_str());
            return Err(Invalid::at(field.to_owned(), detail));
        }
        Source::Url(uri) if uri.starts_with("s3://") => Place::S3Location { uri },
        Source::Url(_) => return Err(refused(what, field, losses)?),
        Source::Uploaded(..) => {
            losses.meet(Feature::UploadedFile, field)?;
            return Err(unwritten(field));
        }
    };
    let format = format(what, media, &source).ok_or_else(|| {
        let mut known: Vec<&str> = what.formats().iter().map(|(_, word)| *word).collect();
        known.dedup();
        let detail = format!(
            "`{field}` is of a type (`{}`) that Bedrock does not take as {}. It takes {}; name the \
             media type if it is one of these.",
            media.media_type,
            what.as_str(),
            known.join(", ")
        );
        Invalid::at(field.to_owned(), detail)
    })?;
    Ok(match what {
        What::Image => Block::Image(Written { format, source }),
        What::Audio => Block::Audio(Written { format, source }),
        What::Video => Block::Video(Written { format, source }),
        What::File => {
            let name = unique(allowed(media.name.as_deref().unwrap_or_default()), names);
            Block::Document(Document { format, name, source })
        }
    })
}

/// The table of losses refuses what is at an address; should it ever not, so do we: we fetch
/// nothing.
fn refused(what: What, field: &str, losses: &mut Losses) -> Result<Invalid, Invalid> {
    losses.meet(what.by_url(), field)?;
    Ok(unwritten(field))
}

fn unwritten(field: &str) -> Invalid {
    let detail = format!(
        "`{field}` is not inline, and Bedrock takes bytes and s3:// addresses only. Send it inline."
    );
    Invalid::at(field.to_owned(), detail)
}

fn format(what: What, media: &Media, source: &Place<'_>) -> Option<&'static str> {
    let known = |word: &str| {
        let word = word.to_ascii_lowercase();
        what.formats().iter().find(|(name, _)| *name == word).map(|(_, format)| *format)
    };
    let essence = media.media_type.split(';').next().unwrap_or_default().trim();
    let subtype = essence.rsplit('/').next().unwrap_or_default();
    let ending = |name: &str| name.rsplit_once('.').and_then(|(_, ending)| known(ending));
    known(subtype)
        .or_else(|| media.name.as_deref().and_then(ending))
        .or_else(|| match source {
            Place::S3Location { uri } => ending(uri),
            Place::Bytes(text) => magic(what, text),
        })
        .or_else(|| {
            let text = what == What::File
                && (essence.starts_with("text/") || matches!(media.source, Source::Text(_)));
            text.then_some("txt")
        })
}

/// What the first bytes tell, where the caller does not.
fn magic(what: What, base64: &str) -> Option<&'static str> {
    let starts: &[(&str, &'static str)] = match what {
        What::Image => {
            &[("iVBORw0KGgo", "png"), ("/9j/", "jpeg"), ("R0lGOD", "gif"), ("UklGR", "webp")]
        }
        What::File => &[("JVBERi", "pdf")],
        What::Audio => &[("UklGR", "wav"), ("SUQz", "mp3"), ("ZkxhQ", "flac"), ("T2dnU", "ogg")],
        What::Video => &[],
    };
    starts.iter().find(|(start, _)| base64.starts_with(start)).map(|(_, format)| *format)
}

/// Base64 as the service takes it: the standard alphabet, padded. Line breaks, the alphabet of
/// URLs and missing padding are mended; the text is borrowed when nothing had to be.
fn base64<'a>(text: &'a str, field: &str) -> Result<Cow<'a, str>, Invalid> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    let body = text.trim_end_matches('=');
    if body.bytes().all(plain) && text.len().is_multiple_of(4) && text.len() - body.len() < 3 {
        return Ok(text.into());
    }
    let mut mended: String = body
        .chars()
        .filter(|c| !c.is_ascii_whitespace())
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    while mended.ends_with('=') {
        mended.pop();
    }
    if !mended.bytes().all(plain) || mended.len() % 4 == 1 {
        let detail = format!("`{field}` holds data that is not base64. Encode the file's bytes.");
        return Err(Invalid::at(field.to_owned(), detail));
    }
    while !mended.len().is_multiple_of(4) {
        mended.push('=');
    }
    Ok(mended.into())
}

/// A name that the service allows: letters, digits, single spaces, hyphens, brackets; at most 200,
/// with room for a number. Without its ending, which the format tells.
fn allowed(name: &str) -> String {
    let stem = match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && ending.len() <= 5 => stem,
        _ => name,
    };
    let mut out = String::new();
    for c in stem.chars().take(190) {
        let c = match c {
            c if c.is_ascii_alphanumeric() || matches!(c, '-' | '(' | ')' | '[' | ']') => c,
            _ => ' ',
        };
        if c != ' ' || !(out.is_empty() || out.ends_with(' ')) {
            out.push(c);
        }
    }
    let out = out.trim_end();
    if out.is_empty() { "Document".to_owned() } else { out.to_owned() }
}

fn unique(name: String, names: &mut HashSet<String>) -> String {
    if names.insert(name.clone()) {
        return name;
    }
    let mut number = 2_usize;
    loop {
        let numbered = format!("{name} ({number})");
        if names.insert(numbered.clone()) {
            return numbered;
        }
        number += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wire;
    use proptest::prelude::*;

    fn write_one(what: What, media: &Media) -> Result<serde_json::Value, Invalid> {
        let mut losses = Losses::new(Wire::Converse);
        write(what, media, "turns[0].parts[0]", &mut HashSet::new(), &mut losses)
            .map(|block| serde_json::to_value(block).unwrap())
    }

    fn media(source: Source, media_type: &str, name: Option<&str>) -> Media {
        let (media_type, name) = (media_type.to_owned(), name.map(str::to_owned));
        Media { source, media_type, name, detail: None }
    }

    #[test]
    fn formats_come_from_the_type_the_name_or_the_bytes() {
        let inline = |text: &str| Source::Inline(text.to_owned());
        for (what, given, format) in [
            (What::Image, media(inline("AAAA"), "image/jpg", None), "jpeg"),
            (What::Image, media(inline("iVBORw0KGgoA"), "", None), "png"),
            (What::File, media(inline("AAAA"), "", Some("a.b.DOCX")), "docx"),
            (What::File, media(inline("AAAA"), "text/x-rust; charset=utf-8", None), "txt"),
            (What::File, media(Source::Text("hi".to_owned()), "", None), "txt"),
            (What::Audio, media(inline("AAAA"), "audio/mpeg", None), "mp3"),
            (What::Video, media(Source::Url("s3://b/c.mp4".to_owned()), "", None), "mp4"),
        ] {
            let written = write_one(what, &given).unwrap();
            let (_, block) = written.as_object().unwrap().iter().next().unwrap();
            assert_eq!(block["format"], format, "{given:?}");
        }
    }

    #[test]
    fn what_bedrock_cannot_take_is_refused_with_its_place() {
        for (what, given) in [
            (What::Image, media(Source::Url("https://x/a.png".to_owned()), "image/png", None)),
            (What::File, media(Source::Url("https://x/a.pdf".to_owned()), "", None)),
            (What::Image, media(Source::Inline("AAAA".to_owned()), "image/tiff", None)),
            (What::Image, media(Source::Inline("not base64!".to_owned()), "image/png", None)),
            (What::Image, media(Source::Inline("AAAAA".to_owned()), "image/png", None)),
            (What::File, media(Source::Uploaded(Wire::Chat, "file-1".to_owned()), "", None)),
        ] {
            let invalid = write_one(what, &given).unwrap_err();
            assert_eq!(invalid.param.as_deref(), Some("turns[0].parts[0]"), "{given:?}");
        }
    }

    #[test]
    fn base64_is_mended_where_it_can_be() {
        for (given, sent) in
            [("AA==", "AA=="), ("AA", "AA=="), ("_-8=", "/+8="), ("AA\nAA\r\n", "AAAA"), ("", "")]
        {
            assert_eq!(base64(given, "f").unwrap(), sent, "{given:?}");
        }
        assert!(matches!(base64("AAAA", "f"), Ok(Cow::Borrowed(_))));
        assert!(base64("A===", "f").is_err());
    }

    #[test]
    fn documents_have_names_that_are_allowed_and_their_own() {
        let mut names = HashSet::new();
        let mut name = |text: &str| unique(allowed(text), &mut names);
        assert_eq!(name("Q3  report_v2.pdf"), "Q3 report v2");
        assert_eq!(name("Q3 report v2.pdf"), "Q3 report v2 (2)");
        assert_eq!(name("Ignore: all\nbefore.txt"), "Ignore all before");
        assert_eq!(name("\u{e9}\u{4e2d}.pdf"), "Document");
        assert_eq!(name(""), "Document (2)");
        assert_eq!(name(".env"), "env");
    }

    proptest! {
        #[test]
        fn every_name_becomes_one_that_the_service_allows(text in any::<String>()) {
            let name = allowed(&text);
            prop_assert!(!name.is_empty() && name.len() <= 190 && !name.contains("  "));
            prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || " -()[]".contains(c)));
        }

        #[test]
        fn base64_that_is_sent_can_be_decoded(text in "[A-Za-z0-9+/_=\n-]{0,40}") {
            if let Ok(sent) = base64(&text, "f") {
                let lenient = base64::engine::GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true);
                let engine = base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, lenient);
                prop_assert!(engine.decode(sent.as_bytes()).is_ok(), "{sent}");
            }
        }
    }
}
