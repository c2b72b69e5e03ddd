//! What a turn or an answer is made of.

use crate::inline::proved;
use crate::{Invalid, Wire};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One piece of a turn, of an answer or of a tool's result.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Part {
    pub content: Content,
    /// The caller asks the provider to keep everything up to here in its prompt cache.
    #[serde(skip)]
    pub cache: Option<CacheMark>,
    /// What the provider wants back with this piece in later turns.
    pub signature: Option<Signature>,
}

impl Part {
    #[must_use]
    pub const fn new(content: Content) -> Self {
        Self { content, cache: None, signature: None }
    }

    #[must_use]
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Content::Text { text: text.into(), citations: Vec::new() })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    Text {
        text: String,
        citations: Vec<Citation>,
    },
    /// Said instead of an answer, by a dialect that keeps the two apart.
    Refusal(String),
    Image(Media),
    Audio(Media),
    Video(Media),
    /// A document: PDF, plain text.
    File(Media),
    ToolCall(ToolCall),
    ToolResult(ToolResult),
    /// Reasoning that may be read. What proves it is the part's signature.
    Thinking(String),
    /// Reasoning that only its provider can read: the signature is all there is of it.
    HiddenThinking,
    /// Something only one dialect knows: a server-side tool and its result, and whatever is newer
    /// than this program.
    Native(Native),
}

/// Bytes of an image, a sound or a document, or where they are.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Media {
    pub source: Source,
    /// `image/png`; empty where the caller does not say.
    pub media_type: String,
    /// The file's name or title.
    pub name: Option<String>,
    pub detail: Option<Detail>,
}

impl Media {
    /// What is at a URL, which may hold the bytes itself: `data:<media type>;base64,<bytes>`.
    ///
    /// # Errors
    /// [`Invalid`] at `at`: it is empty, or data of another form.
    pub fn at_url(url: String, at: &str) -> Result<Self, Invalid> {
        let Some(data) = url.strip_prefix("data:") else {
            if url.is_empty() {
                return Err(Invalid::at(at.to_owned(), format!("`{at}` is empty. Give a URL.")));
            }
            return Ok(Self { source: Source::Url(url), ..Self::default() });
        };
        let (head, bytes) = data.split_once(',').unwrap_or_default();
        let Some(media_type) = head.strip_suffix(";base64") else {
            let detail =
                format!("`{at}` must be a URL, or data as `data:<media type>;base64,<bytes>`.");
            return Err(Invalid::at(at.to_owned(), detail));
        };
        let media_type = media_type.split(';').next().unwrap_or_default().to_ascii_lowercase();
        let source = Source::Inline(proved(bytes.to_owned(), at)?);
        Ok(Self { source, media_type, ..Self::default() })
    }

    /// A document of plain text, within a text: for a target that takes no files.
    #[must_use]
    pub fn within_text(&self) -> Option<String> {
        let Source::Text(text) = &self.source else { return None };
        let title = self.name.as_deref().unwrap_or("document");
        Some(format!("<document title=\"{title}\">\n{text}\n</document>"))
    }

    /// The media type as it is said, else as the first bytes tell; empty where neither does.
    #[must_use]
    pub fn media_type(&self) -> &str {
        // The usual first bytes, in base64.
        const STARTS: [(&str, &str); 6] = [
            ("iVBORw0KGgo", "image/png"),
            ("/9j/", "image/jpeg"),
            ("R0lGOD", "image/gif"),
            ("UklGR", "image/webp"),
            ("JVBERi", "application/pdf"),
            ("SUQz", "audio/mpeg"),
        ];
        match &self.source {
            _ if !self.media_type.is_empty() => &self.media_type,
            Source::Text(_) => "text/plain",
            Source::Inline(bytes) => STARTS
                .iter()
                .find(|(start, _)| bytes.starts_with(start))
                .map_or("", |(_, media_type)| media_type),
            Source::Url(_) | Source::Uploaded(..) => "",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Base64, as it came.
    Inline(String),
    /// Plain text in place of a file.
    Text(String),
    Url(String),
    /// A file that the caller once uploaded to this dialect's vendor.
    Uploaded(Wire, String),
}

impl Default for Source {
    fn default() -> Self {
        Self::Inline(String::new())
    }
}

/// How closely an image is to be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    Low,
    High,
    Auto,
}

/// A call of one of the caller's tools.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToolCall {
    /// The provider's; made up in a stable way where a dialect has none.
    pub id: String,
    pub name: String,
    /// Functions: JSON text, as the model wrote it, possibly empty or cut off by the token bound.
    /// Custom tools: any text.
    pub input: String,
    pub kind: CallKind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallKind {
    #[default]
    Function,
    /// Input is text of a grammar, not JSON.
    Custom,
}

/// What a tool answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ToolResult {
    pub call_id: String,
    /// The tool's name, where the caller's dialect tells it. Readers fill it from the call of the
    /// same id where that is in the conversation: some targets know only names.
    pub name: String,
    /// Text, images and files.
    pub parts: Vec<Part>,
    pub is_error: bool,
}

/// Where a piece of an answer comes from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Citation {
    pub url: Option<String>,
    pub title: Option<String>,
    /// The words that are cited.
    pub quote: Option<String>,
    /// The piece of the answer that rests on it, in bytes of that part's text.
    pub span: Option<(usize, usize)>,
    /// As the provider told it, with all of its own fields.
    pub native: Native,
}

/// Value and the dialect it belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Native {
    pub wire: Wire,
    pub value: Value,
}

/// A provider's proof of what it said before, to be handed back untouched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    pub wire: Wire,
    pub value: String,
}

impl Signature {
    /// As one string for a dialect that is not its own and has one opaque field to carry it:
    /// `tollgate.<wire>.<value>`. In its own dialect a signature is written bare.
    #[must_use]
    pub fn packed(&self, carrier: Wire) -> String {
        if carrier == self.wire {
            return self.value.clone();
        }
        format!("tollgate.{}.{}", self.wire.as_str(), self.value)
    }

    /// Whether a body carries a packed signature. Its own vendor would refuse it, so such a body
    /// does not pass as it is. A text that only looks like it costs a translation, nothing else.
    #[must_use]
    pub fn is_packed_in(body: &[u8]) -> bool {
        ["\"tollgate.", "\"of_last."]
            .iter()
            .any(|mark| memchr::memmem::find(body, mark.as_bytes()).is_some())
    }

    /// What [`Signature::packed`] gave to `carrier`.
    #[must_use]
    pub fn unpacked(text: &str, carrier: Wire) -> Self {
        let packed = text.strip_prefix("tollgate.").and_then(|rest| {
            let (wire, value) = rest.split_once('.')?;
            Some(Self { wire: Wire::parse(wire)?, value: value.to_owned() })
        });
        packed.unwrap_or_else(|| Self { wire: carrier, value: text.to_owned() })
    }
}

/// How long a provider is asked to keep a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CacheMark {
    /// The provider's own default, some minutes.
    #[default]
    Short,
    Hour,
}
