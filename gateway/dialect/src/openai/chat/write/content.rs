//! Content parts: text and media, as far as the provider takes them.

use super::tool::cache_control;
use super::{Quirk, Writer};
use crate::loss::Feature;
use crate::neutral::{Content, Detail, Media, Part, Source};
use crate::{Invalid, Wire};
use serde::Serialize;
use serde_json::Value;
use std::borrow::Cow;

/// A message's content.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Said<'a> {
    Text(Cow<'a, str>),
    Parts(Vec<Piece<'a>>),
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(crate) enum Piece<'a> {
    Text {
        text: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<Value>,
    },
    ImageUrl {
        image_url: Link<'a>,
    },
    VideoUrl {
        video_url: Link<'a>,
    },
    InputAudio {
        input_audio: Audio<'a>,
    },
    File {
        file: File<'a>,
    },
    DocumentUrl {
        document_url: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        document_name: Option<&'a str>,
    },
    /// Something of this dialect that only its own words can say.
    #[serde(untagged)]
    Native(Cow<'a, Value>),
}

#[derive(Debug, Serialize)]
pub(crate) struct Link<'a> {
    url: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

#[derive(Debug, Serialize)]
pub(crate) struct Audio<'a> {
    data: &'a str,
    format: &'a str,
}

#[derive(Debug, Default, Serialize)]
pub(crate) struct File<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    filename: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_data: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    file_id: Option<&'a str>,
}

impl<'a> Piece<'a> {
    pub(super) fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Self::Text { text: text.into(), cache_control: None }
    }
}

/// One text as a string; several as parts, or joined where parts are not taken.
pub(super) fn said(mut pieces: Vec<Piece<'_>>, join: bool) -> Said<'_> {
    let plain = |piece: &Piece<'_>| matches!(piece, Piece::Text { cache_control: None, .. });
    if pieces.len() == 1
        && pieces.iter().all(plain)
        && let Some(Piece::Text { text, .. }) = pieces.pop()
    {
        return Said::Text(text);
    }
    let texts: Option<Vec<&str>> = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text { text, .. } => Some(text.as_ref()),
            _ => None,
        })
        .collect();
    match texts {
        Some(texts) if join || texts.is_empty() => Said::Text(texts.join("\n\n").into()),
        _ => Said::Parts(pieces),
    }
}

impl Writer<'_> {
    /// A part of the caller's side; `None` where it is left out.
    pub(super) fn piece<'a>(
        &mut self,
        part: &'a Part,
        at: &str,
    ) -> Result<Option<Piece<'a>>, Invalid> {
        let piece = match &part.content {
            Content::Text { text, citations } => {
                if !citations.is_empty() {
                    self.losses.meet(Feature::Citations, at)?;
                }
                Piece::text(text)
            }
            Content::Image(media) => self.image(media, at)?,
            Content::Audio(media) => self.audio(media, at)?,
            Content::Video(media) => self.video(media, at)?,
            Content::File(media) => self.file(media, at)?,
            Content::Refusal(text) => {
                self.losses.adapt(at);
                Piece::text(text)
            }
            Content::Native(native)
                if native.wire == Wire::Chat && self.losses.to() == Wire::Chat =>
            {
                Piece::Native(Cow::Borrowed(&native.value))
            }
            // The caller's side neither thinks nor calls tools.
            Content::Native(_)
            | Content::ToolCall(_)
            | Content::ToolResult(_)
            | Content::Thinking(_)
            | Content::HiddenThinking => {
                self.losses.lack(Feature::NativePart, at)?;
                return Ok(None);
            }
        };
        Ok(Some(self.marked(piece, part, at)?))
    }

    /// With the part's cache mark and signature, as far as they are taken.
    pub(super) fn marked<'a>(
        &mut self,
        piece: Piece<'a>,
        part: &Part,
        at: &str,
    ) -> Result<Piece<'a>, Invalid> {
        if part.signature.is_some() {
            self.losses.meet(Feature::ForeignSignature, at)?;
        }
        let Some(mark) = part.cache else { return Ok(piece) };
        match piece {
            Piece::Text { text, .. } if self.has(Quirk::CacheMarks) => {
                Ok(Piece::Text { text, cache_control: Some(cache_control(mark)) })
            }
            piece => {
                self.losses.lack(Feature::CacheMark, at)?;
                Ok(piece)
            }
        }
    }

    fn image<'a>(&mut self, media: &'a Media, at: &str) -> Result<Piece<'a>, Invalid> {
        let detail = media.detail.map(|detail| match detail {
            Detail::Low => "low",
            Detail::High => "high",
            Detail::Auto => "auto",
        });
        let url = match &media.source {
            Source::Inline(bytes) => data_url(media, bytes, "image/png"),
            Source::Url(url) => {
                self.lacks(Feature::ImageUrl, || at.to_owned())?;
                Cow::Borrowed(url.as_str())
            }
            Source::Text(_) | Source::Uploaded(..) => {
                self.losses.lack(Feature::UploadedFile, at)?;
                Cow::Borrowed("")
            }
        };
        Ok(Piece::ImageUrl { image_url: Link { url, detail } })
    }

    fn video<'a>(&mut self, media: &'a Media, at: &str) -> Result<Piece<'a>, Invalid> {
        if !self.has(Quirk::Video) {
            self.losses.lack(Feature::Video, at)?;
        }
        let url = match &media.source {
            Source::Inline(bytes) => data_url(media, bytes, "video/mp4"),
            Source::Url(url) => Cow::Borrowed(url.as_str()),
            Source::Text(_) | Source::Uploaded(..) => {
                self.losses.lack(Feature::UploadedFile, at)?;
                Cow::Borrowed("")
            }
        };
        Ok(Piece::VideoUrl { video_url: Link { url, detail: None } })
    }

    fn audio<'a>(&mut self, media: &'a Media, at: &str) -> Result<Piece<'a>, Invalid> {
        self.lacks(Feature::Audio, || at.to_owned())?;
        let Source::Inline(data) = &media.source else {
            // Only bytes are taken.
            self.losses.lack(Feature::UploadedFile, at)?;
            return Ok(Piece::text(""));
        };
        let format = match media.media_type() {
            "audio/mpeg" | "audio/mp3" => "mp3",
            "" | "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
            other => other.rsplit('/').next().unwrap_or(other),
        };
        Ok(Piece::InputAudio { input_audio: Audio { data, format } })
    }

    fn file<'a>(&mut self, media: &'a Media, at: &str) -> Result<Piece<'a>, Invalid> {
        let name = media.name.as_deref();
        let by_url = self.has(Quirk::DocumentUrl);
        match &media.source {
            Source::Text(_) => {
                self.losses.adapt(at);
                Ok(Piece::text(media.within_text().unwrap_or_default()))
            }
            Source::Inline(bytes) if by_url => Ok(Piece::DocumentUrl {
                document_url: data_url(media, bytes, "application/pdf"),
                document_name: name,
            }),
            Source::Inline(bytes) => {
                self.lacks(Feature::File, || at.to_owned())?;
                let file_data = Some(data_url(media, bytes, "application/pdf"));
                // The vendor demands a name.
                let filename = Some(Cow::Borrowed(name.unwrap_or("file.pdf")));
                Ok(Piece::File { file: File { filename, file_data, file_id: None } })
            }
            Source::Url(url) if by_url => {
                Ok(Piece::DocumentUrl { document_url: url.into(), document_name: name })
            }
            Source::Url(url) => {
                if !self.has(Quirk::FileUrl) {
                    self.losses.lack(Feature::FileUrl, at)?;
                }
                let filename = name.map(Cow::Borrowed);
                Ok(Piece::File {
                    file: File { filename, file_data: Some(url.into()), file_id: None },
                })
            }
            Source::Uploaded(wire, id) => {
                if *wire != self.losses.to() {
                    self.losses.lack(Feature::UploadedFile, at)?;
                }
                self.lacks(Feature::File, || at.to_owned())?;
                Ok(Piece::File { file: File { file_id: Some(id), ..File::default() } })
            }
        }
    }
}

fn data_url<'a>(media: &Media, bytes: &str, otherwise: &str) -> Cow<'a, str> {
    let media_type = match media.media_type() {
        "" => otherwise,
        known => known,
    };
    format!("data:{media_type};base64,{bytes}").into()
}
