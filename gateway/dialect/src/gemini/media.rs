//! Bytes of images, sounds and documents: base64 in either alphabet, and what kind they are of.

use crate::fields::Item;
use crate::neutral::{Content, Detail, Media, Source};
use crate::{Invalid, Wire};
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Takes text with its padding or without.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What base64 in either alphabet stands for; `None` where it is none.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    LENIENT.decode(standard(text.to_owned())).ok()
}

/// The same bytes in the standard alphabet, with padding. Google's SDKs send the alphabet for URLs,
/// which no other vendor reads.
fn standard(text: String) -> String {
    let mut text =
        if text.contains(['-', '_']) { text.replace('-', "+").replace('_', "/") } else { text };
    while text.len() % 4 != 0 && !text.ends_with("==") {
        text.push('=');
    }
    text
}

/// Checks base64 without decoding it, and puts it into the standard alphabet.
pub(super) fn base64(item: Item) -> Result<String, Invalid> {
    let at = item.at.clone();
    let text = standard(item.string()?);
    let body = text.trim_end_matches('=');
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/');
    match body.bytes().position(|b| !plain(b)) {
        None if body.len() % 4 != 1 => Ok(text),
        None => {
            let detail = format!("`{at}` is not base64: its length is one that base64 never has.");
            Err(Invalid::at(at, detail))
        }
        Some(n) => {
            let detail = format!(
                "`{at}` is not base64: character {} is not of its alphabet. Send the bytes encoded, \
                 without line breaks and without a `data:` prefix.",
                n + 1
            );
            Err(Invalid::at(at, detail))
        }
    }
}

/// The kind of content that bytes of a media type are.
pub(super) fn content(media: Media) -> Content {
    let (kind, _) = media.media_type.split_once('/').unwrap_or_default();
    match kind {
        "image" => Content::Image(media),
        "audio" => Content::Audio(media),
        "video" => Content::Video(media),
        _ if is_youtube(&media.source) => Content::Video(media),
        _ => Content::File(media),
    }
}

fn is_youtube(source: &Source) -> bool {
    let Source::Url(url) = source else { return false };
    ["https://www.youtube.com/", "https://youtube.com/", "https://youtu.be/"]
        .iter()
        .any(|site| url.starts_with(site))
}

/// Where a file lies: in Google's own stores, or at an address that anyone may read.
pub(super) fn source(uri: String) -> Source {
    let own = uri.starts_with("gs://")
        || uri.starts_with("files/")
        || uri.starts_with("https://generativelanguage.googleapis.com/");
    if own { Source::Uploaded(Wire::Gemini, uri) } else { Source::Url(uri) }
}

pub(super) fn detail(level: &str) -> Option<Detail> {
    match level {
        "MEDIA_RESOLUTION_LOW" => Some(Detail::Low),
        "MEDIA_RESOLUTION_MEDIUM" => Some(Detail::Auto),
        "MEDIA_RESOLUTION_HIGH" | "MEDIA_RESOLUTION_ULTRA_HIGH" => Some(Detail::High),
        _ => None,
    }
}

/// The media type, which Gemini demands: as told, else by the first bytes, else by the ending of
/// the address. `None` where nothing tells.
pub(super) fn media_type(media: &Media) -> Option<&str> {
    if !media.media_type.is_empty() {
        return Some(&media.media_type);
    }
    match &media.source {
        Source::Inline(data) => sniffed(data),
        Source::Text(_) => Some("text/plain"),
        Source::Url(url) | Source::Uploaded(_, url) => by_ending(url),
    }
}

/// By the magic numbers of common formats, in base64.
fn sniffed(data: &str) -> Option<&'static str> {
    const MAGIC: [(&str, &str); 9] = [
        ("iVBORw0KGgo", "image/png"),
        ("/9j/", "image/jpeg"),
        ("R0lGOD", "image/gif"),
        ("JVBERi0", "application/pdf"),
        ("SUQz", "audio/mpeg"),
        ("T2dnUw", "audio/ogg"),
        ("ZkxhQw", "audio/flac"),
        ("GkXfo", "video/webm"),
        ("Qk0", "image/bmp"),
    ];
    if data.starts_with("UklGR") {
        return riff(data);
    }
    MAGIC.iter().find(|(magic, _)| data.starts_with(magic)).map(|(_, kind)| *kind)
}

/// RIFF tells its format's name after eight bytes.
fn riff(data: &str) -> Option<&'static str> {
    let head = decode(data.get(..16)?)?;
    match head.get(8..12)? {
        b"WEBP" => Some("image/webp"),
        b"WAVE" => Some("audio/wav"),
        _ => None,
    }
}

fn by_ending(url: &str) -> Option<&'static str> {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let (_, ending) = path.rsplit_once('.')?;
    let kind = match ending.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "heic" => "image/heic",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        "mp3" => "audio/mpeg",
        "wav" => "audio/wav",
        "ogg" => "audio/ogg",
        "flac" => "audio/flac",
        "mp4" => "video/mp4",
        "webm" => "video/webm",
        "mov" => "video/quicktime",
        _ => return None,
    };
    Some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_either_alphabet_becomes_the_standard_one() {
        let read = |text: &str| base64(Item { at: "data".to_owned(), value: text.into() });
        assert_eq!(read("-_8").unwrap(), "+/8=");
        assert_eq!(read("AAAA").unwrap(), "AAAA");
        for bad in ["data:image/png;base64,AA", "AA A", "A", "\u{e9}"] {
            assert_eq!(read(bad).unwrap_err().param.as_deref(), Some("data"), "{bad}");
        }
    }

    #[test]
    fn a_missing_media_type_is_found_in_the_bytes_or_the_address() {
        let of = |source| Media { source, ..Media::default() };
        let inline = |bytes: &[u8]| of(Source::Inline(LENIENT.encode(bytes)));
        assert_eq!(media_type(&inline(b"\x89PNG\r\n\x1a\n....")), Some("image/png"));
        assert_eq!(media_type(&inline(b"RIFF\x10\0\0\0WEBPVP8 ")), Some("image/webp"));
        assert_eq!(media_type(&inline(b"RIFF\x10\0\0\0WAVEfmt ")), Some("audio/wav"));
        assert_eq!(media_type(&inline(b"what is this")), None);
        let url = of(Source::Url("https://a.example/b.PNG?c=d.pdf".to_owned()));
        assert_eq!(media_type(&url), Some("image/png"));
    }
}
