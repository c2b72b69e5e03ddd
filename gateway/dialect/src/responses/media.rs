//! Images and files in this dialect: `data:` addresses, addresses, and names of uploaded files.

use super::WIRE;
use crate::fields::Fields;
use crate::inline::{self, proved};
use crate::neutral::{CacheMark, Content, Detail, Media, Source};
use crate::{Invalid, Wire};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

/// `original` asks for even more than `high`; no other dialect knows it.
const DETAILS: [(&str, Detail); 4] = [
    ("low", Detail::Low),
    ("high", Detail::High),
    ("original", Detail::High),
    ("auto", Detail::Auto),
];

/// Reads an `input_image`.
pub(super) fn read_image(part: &mut Fields) -> Result<Content, Invalid> {
    // Some callers nest the address, as chat does.
    let url = match part.peek("image_url") {
        Some(Value::Object(_)) => part.need_object("image_url")?.string("url")?,
        _ => part.string("image_url")?,
    };
    let (source, media_type) = match (url, part.string("file_id")?) {
        (Some(url), _) => address(url, &part.path("image_url"))?,
        (None, Some(id)) => (Source::Uploaded(WIRE, id), String::new()),
        (None, None) => {
            return Err(part.missing("image_url", "an address, or `data:image/png;base64,…`"));
        }
    };
    let detail = part.word("detail", &DETAILS)?;
    Ok(Content::Image(Media { source, media_type, name: None, detail }))
}

/// Reads an `input_file`.
pub(super) fn read_file(part: &mut Fields) -> Result<Content, Invalid> {
    let name = part.string("filename")?;
    let path = part.path("file_data");
    let (source, media_type) = match (part.string("file_data")?, part.string("file_url")?) {
        (Some(data), _) if data.starts_with("data:") => address(data, &path)?,
        (Some(data), _) => (Source::Inline(proved(data, &path)?), String::new()),
        (None, Some(url)) => (Source::Url(url), String::new()),
        (None, None) => match part.string("file_id")? {
            Some(id) => (Source::Uploaded(WIRE, id), String::new()),
            None => {
                let what = "`data:application/pdf;base64,…`, or a `file_url`";
                return Err(part.missing("file_data", what));
            }
        },
    };
    Ok(Content::File(Media { source, media_type, name, detail: None }))
}

/// Reads an `input_audio`.
pub(super) fn read_audio(part: &mut Fields) -> Result<Content, Invalid> {
    let mut audio = part.need_object("input_audio")?;
    let path = audio.path("data");
    let data = proved(audio.need_string("data")?, &path)?;
    let media_type = match audio.need_string("format")?.as_str() {
        "mp3" => "audio/mpeg".to_owned(),
        other => inline::media_type(format!("audio/{other}"), &audio.path("format"))?,
    };
    let source = Source::Inline(data);
    Ok(Content::Audio(Media { source, media_type, name: None, detail: None }))
}

/// The mark after which a prefix is to be kept.
pub(super) fn read_cache(part: &mut Fields) -> Result<Option<CacheMark>, Invalid> {
    let Some(mut mark) = part.object("prompt_cache_breakpoint")? else { return Ok(None) };
    let long = mark.string("ttl")?.is_some_and(|ttl| ttl != "30m");
    Ok(Some(if long { CacheMark::Hour } else { CacheMark::Short }))
}

/// An address: what it holds, if it is a `data:` one, and of what type.
fn address(url: String, path: &str) -> Result<(Source, String), Invalid> {
    let Some(rest) = url.strip_prefix("data:") else {
        return Ok((Source::Url(url), String::new()));
    };
    let Some((media_type, data)) =
        rest.split_once(',').and_then(|(head, data)| Some((head.strip_suffix(";base64")?, data)))
    else {
        let detail = format!("`{path}` must be an address, or `data:<media type>;base64,<data>`.");
        return Err(Invalid::at(path.to_owned(), detail));
    };
    let media_type = media_type.split(';').next().unwrap_or_default().to_owned();
    Ok((Source::Inline(proved(data.to_owned(), path)?), media_type))
}

/// The address of a piece of media: its own, or a `data:` one. `None` for an uploaded file.
fn url(media: &Media) -> Option<String> {
    let media_type = match media.media_type() {
        "" => "application/octet-stream",
        known => known,
    };
    match &media.source {
        Source::Inline(data) => Some(format!("data:{media_type};base64,{data}")),
        Source::Text(text) => Some(format!("data:{media_type};base64,{}", STANDARD.encode(text))),
        Source::Url(url) => Some(url.clone()),
        Source::Uploaded(..) => None,
    }
}

/// The name of a file uploaded to this vendor, whichever of its dialects named it.
fn uploaded(media: &Media) -> Option<&str> {
    match &media.source {
        Source::Uploaded(Wire::Responses | Wire::Chat, id) => Some(id),
        _ => None,
    }
}

/// An `input_image`; `None` for one uploaded elsewhere.
pub(super) fn write_image(image: &Media) -> Option<Value> {
    let detail = match image.detail {
        Some(Detail::Low) => "low",
        Some(Detail::High) => "high",
        Some(Detail::Auto) | None => "auto",
    };
    match (url(image), uploaded(image)) {
        (Some(url), _) => Some(json!({"type": "input_image", "image_url": url, "detail": detail})),
        (None, Some(id)) => Some(json!({"type": "input_image", "file_id": id, "detail": detail})),
        (None, None) => None,
    }
}

/// An `input_file`; `None` for one uploaded elsewhere.
pub(super) fn write_file(file: &Media) -> Option<Value> {
    let (name, place) = match &file.source {
        Source::Url(url) => ("file_url", url.clone()),
        Source::Uploaded(..) => ("file_id", uploaded(file)?.to_owned()),
        Source::Inline(_) | Source::Text(_) => ("file_data", url(file)?),
    };
    let mut part = Map::new();
    part.insert("type".to_owned(), "input_file".into());
    part.insert(name.to_owned(), place.into());
    // A file in the request itself needs a name.
    let unnamed = (name == "file_data").then_some("file");
    if let Some(filename) = file.name.as_deref().or(unnamed) {
        part.insert("filename".to_owned(), filename.into());
    }
    Some(part.into())
}

/// An image that the model made; `None` where its bytes are elsewhere.
pub(super) fn write_generated_image(image: &Media, id: &str) -> Option<Value> {
    let Source::Inline(data) = &image.source else { return None };
    let format = image.media_type.strip_prefix("image/").unwrap_or("png");
    Some(json!({
        "type": "image_generation_call", "id": id, "status": "completed", "result": data,
        "output_format": format,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Item;

    fn image(value: Value) -> Result<Content, Invalid> {
        read_image(&mut Item { at: "p".to_owned(), value }.fields().unwrap())
    }

    #[test]
    fn an_image_is_inline_or_elsewhere_or_uploaded() {
        let media = |source, media_type: &str| {
            let media_type = media_type.to_owned();
            Ok(Content::Image(Media { source, media_type, name: None, detail: None }))
        };
        let data = Source::Inline("iVBORw0KGgo=".to_owned());
        assert_eq!(
            image(json!({"image_url": "data:image/png;charset=x;base64,iVBORw0KGgo="})),
            media(data, "image/png")
        );
        let url = "https://example.com/a.png".to_owned();
        assert_eq!(image(json!({"image_url": url})), media(Source::Url(url.clone()), ""));
        assert_eq!(image(json!({"image_url": {"url": url}})), media(Source::Url(url), ""));
        let id = Source::Uploaded(WIRE, "file-1".to_owned());
        assert_eq!(image(json!({"file_id": "file-1"})), media(id, ""));
    }

    #[test]
    fn data_that_is_no_base64_is_refused_with_its_place() {
        for (url, detail) in [
            (
                "data:image/png;base64,iVB*",
                "`p.image_url` is not base64: character 4 does not belong.",
            ),
            ("data:image/png;base64,iVBOR", "`p.image_url` ends within its base64."),
            ("data:image/png;base64,", "`p.image_url` ends within its base64."),
            (
                "data:image/png,abc",
                "`p.image_url` must be an address, or `data:<media type>;base64,<data>`.",
            ),
        ] {
            assert_eq!(image(json!({"image_url": url})).unwrap_err().detail, detail, "{url}");
        }
    }
}
