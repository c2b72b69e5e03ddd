//! Images and documents of a request, written.

use super::{WIRE, put};
use crate::Invalid;
use crate::loss::{Feature, Losses};
use crate::neutral::{Detail, Media, Source};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

/// An image, in base64 or at an address.
pub(super) fn image(at: &str, media: &Media, losses: &mut Losses) -> Result<Value, Invalid> {
    if matches!(media.detail, Some(Detail::Low | Detail::High)) {
        losses.meet(Feature::ImageDetail, &format!("{at}.detail"))?;
    }
    let mut media = Media { name: None, detail: None, ..media.clone() };
    match &media.source {
        Source::Uploaded(wire, _) if *wire != WIRE => {
            losses.meet(Feature::UploadedFile, at)?;
        }
        Source::Text(_) => {
            let detail = format!("`{at}` must be an image in base64 or at an address, not a text.");
            return Err(Invalid::at(at.to_owned(), detail));
        }
        Source::Inline(data) if media.media_type.is_empty() => {
            media.media_type = image_type(data).map(str::to_owned).ok_or_else(|| {
                let detail = format!(
                    "`{at}` is an image of a kind that cannot be told. Name its media type."
                );
                Invalid::at(at.to_owned(), detail)
            })?;
        }
        _ => {}
    }
    Ok(put::media("image", &media))
}

/// PDF as it is; any text as text.
pub(super) fn document(at: &str, media: &Media, losses: &mut Losses) -> Result<Value, Invalid> {
    let pdf = matches!(media.media_type.as_str(), "application/pdf" | "");
    match &media.source {
        Source::Uploaded(wire, _) if *wire != WIRE => {
            losses.meet(Feature::UploadedFile, at)?;
        }
        Source::Inline(data) if !pdf => {
            let bytes = STANDARD.decode(data.as_bytes()).ok();
            let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| {
                let detail = format!(
                    "`{at}` is a document of the type {}. The model reads PDF and plain text.",
                    media.media_type
                );
                Invalid::at(at.to_owned(), detail)
            })?;
            let media = Media { source: Source::Text(text), ..media.clone() };
            return Ok(put::media("document", &media));
        }
        Source::Inline(_) => {
            let media = Media { media_type: "application/pdf".into(), ..media.clone() };
            return Ok(put::media("document", &media));
        }
        _ => {}
    }
    Ok(put::media("document", media))
}

/// What an image is, by how it begins.
fn image_type(base64: &str) -> Option<&'static str> {
    const KINDS: [(&str, &str); 4] = [
        ("iVBORw0KGgo", "image/png"),
        ("/9j/", "image/jpeg"),
        ("R0lGOD", "image/gif"),
        ("UklGR", "image/webp"),
    ];
    KINDS.into_iter().find(|(start, _)| base64.starts_with(start)).map(|(_, kind)| kind)
}
