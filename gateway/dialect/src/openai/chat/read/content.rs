//! The content of a message: a text, or parts of several kinds.

use crate::fields::{Fields, Item};
use crate::inline::{self, proved};
use crate::neutral::{CacheMark, Content, Detail, Media, Native, Part, Source};
use crate::{Invalid, Wire};
use serde_json::Value;

/// The parts of a `content` field; none where it is absent.
pub(super) fn parts(message: &mut Fields) -> Result<Vec<Part>, Invalid> {
    let Some(item) = message.item("content") else { return Ok(Vec::new()) };
    match item.value {
        Value::String(text) => Ok(vec![Part::text(text)]),
        Value::Array(values) => Item::each(&item.at, values).into_iter().map(part).collect(),
        _ => Err(item.wrong("a string or an array of content parts")),
    }
}

fn part(item: Item) -> Result<Part, Invalid> {
    // Cloned only where nobody here knows it.
    let kind = item.value.get("type").and_then(Value::as_str).map(str::to_owned);
    let known = matches!(
        kind.as_deref(),
        None | Some(
            "text"
                | "image_url"
                | "input_audio"
                | "audio_url"
                | "video_url"
                | "file"
                | "document_url"
                | "refusal"
                | "thinking"
        )
    );
    if !known {
        return Ok(Part::new(Content::Native(Native { wire: Wire::Chat, value: item.value })));
    }
    let mut part = item.fields()?;
    let cache = cache_mark(&mut part)?;
    let kind = part.need_string("type")?;
    let content = match kind.as_str() {
        "text" => Content::Text { text: part.need_string("text")?, citations: Vec::new() },
        "refusal" => Content::Refusal(part.need_string("refusal")?),
        "image_url" => Content::Image(image(&mut part)?),
        "video_url" => Content::Video(linked(&mut part, "video_url")?),
        "audio_url" => Content::Audio(linked(&mut part, "audio_url")?),
        "input_audio" => Content::Audio(audio(&mut part)?),
        "file" => Content::File(file(&mut part)?),
        "document_url" => {
            let name = part.string("document_name")?;
            Content::File(Media { name, ..linked(&mut part, "document_url")? })
        }
        // "thinking", the last of the list above.
        _ => Content::Thinking(thinking(&mut part)?),
    };
    Ok(Part { cache, ..Part::new(content) })
}

/// `cache_control`, which some providers of this dialect take.
pub(super) fn cache_mark(of: &mut Fields) -> Result<Option<CacheMark>, Invalid> {
    let Some(mut mark) = of.object("cache_control")? else { return Ok(None) };
    let hour = mark.word("ttl", &[("5m", CacheMark::Short), ("1h", CacheMark::Hour)])?;
    Ok(Some(hour.unwrap_or_default()))
}

/// A URL in an object or, as some send it, bare.
fn linked(part: &mut Fields, name: &str) -> Result<Media, Invalid> {
    let Some(item) = part.item(name) else {
        return Err(part.missing(name, "an object with a `url`"));
    };
    if item.value.is_string() {
        let at = item.at.clone();
        return Media::at_url(item.string()?, &at);
    }
    let mut object = item.fields()?;
    let at = object.path("url");
    Media::at_url(object.need_string("url")?, &at)
}

fn image(part: &mut Fields) -> Result<Media, Invalid> {
    let details = [
        ("auto", Detail::Auto),
        ("low", Detail::Low),
        ("high", Detail::High),
        ("original", Detail::High),
    ];
    let mut detail = None;
    if let Some(Value::Object(_)) = part.peek("image_url") {
        let mut object = part.need_object("image_url")?;
        detail = object.word("detail", &details)?;
        let at = object.path("url");
        return Ok(Media { detail, ..Media::at_url(object.need_string("url")?, &at)? });
    }
    Ok(Media { detail, ..linked(part, "image_url")? })
}

fn audio(part: &mut Fields) -> Result<Media, Invalid> {
    if let Some(Value::String(_)) = part.peek("input_audio") {
        let data = part.need_string("input_audio")?;
        if data.contains(':') {
            return Media::at_url(data, &part.path("input_audio"));
        }
        let source = Source::Inline(proved(data, &part.path("input_audio"))?);
        return Ok(Media { source, ..Media::default() });
    }
    let mut audio = part.need_object("input_audio")?;
    let data = proved(audio.need_string("data")?, &audio.path("data"))?;
    let media_type = match audio.need_string("format")?.as_str() {
        "mp3" => "audio/mpeg".to_owned(),
        format => inline::media_type(format!("audio/{format}"), &audio.path("format"))?,
    };
    Ok(Media { source: Source::Inline(data), media_type, ..Media::default() })
}

fn file(part: &mut Fields) -> Result<Media, Invalid> {
    let mut file = part.need_object("file")?;
    let name = file.string("filename")?;
    if let Some(id) = file.string("file_id")? {
        return Ok(Media { source: Source::Uploaded(Wire::Chat, id), name, ..Media::default() });
    }
    let at = file.path("file_data");
    let data = file.string("file_data")?.ok_or_else(|| {
        file.missing(
            "file_data",
            "the file as `data:<media type>;base64,<bytes>`, or send `file_id`",
        )
    })?;
    // Bare base64 is taken, too.
    if !data.contains(':') {
        let source = Source::Inline(proved(data, &at)?);
        return Ok(Media { source, name, ..Media::default() });
    }
    Ok(Media { name, ..Media::at_url(data, &at)? })
}

/// A text, or the texts of its parts.
fn thinking(part: &mut Fields) -> Result<String, Invalid> {
    if let Some(Value::String(_)) = part.peek("thinking") {
        return part.need_string("thinking");
    }
    let mut all = String::new();
    for item in part.need_list("thinking")? {
        if let Some(text) = item.fields()?.string("text")? {
            all.push_str(&text);
        }
    }
    Ok(all)
}
