//! What a provider sends, an answer or a piece of one, as far as it is understood. Borrowed from the
//! bytes; the parts are looked into one at a time.

use super::media;
use super::sign;
use crate::Wire;
use crate::convert::Malformed;
use crate::neutral::{Content, Media, Native, Signature, Source, TokenChance, ToolCall, TopToken};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Chunk<'a> {
    #[serde(borrow)]
    pub(super) candidates: Option<Vec<&'a RawValue>>,
    #[serde(borrow)]
    pub(super) usage_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) model_version: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) response_id: Option<&'a RawValue>,
    pub(super) prompt_feedback: Option<Feedback>,
    #[serde(borrow)]
    pub(super) error: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Feedback {
    pub(super) block_reason: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ChunkCandidate<'a> {
    #[serde(borrow)]
    pub(super) content: Option<ChunkContent<'a>>,
    pub(super) finish_reason: Option<String>,
    pub(super) index: Option<usize>,
    #[serde(borrow)]
    pub(super) grounding_metadata: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) citation_metadata: Option<&'a RawValue>,
    pub(super) logprobs_result: Option<Logprobs>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ChunkContent<'a> {
    #[serde(borrow)]
    pub(super) parts: Option<Vec<&'a RawValue>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChunkPart<'a> {
    text: Option<String>,
    #[serde(default)]
    thought: Option<bool>,
    thought_signature: Option<String>,
    #[serde(borrow)]
    function_call: Option<ChunkCall<'a>>,
    inline_data: Option<ChunkBlob>,
    file_data: Option<ChunkFile>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChunkCall<'a> {
    id: Option<String>,
    name: Option<String>,
    #[serde(borrow)]
    args: Option<&'a RawValue>,
    #[serde(borrow)]
    partial_args: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChunkBlob {
    #[serde(default)]
    mime_type: String,
    data: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ChunkFile {
    mime_type: Option<String>,
    file_uri: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
pub(super) struct Logprobs {
    chosen_candidates: Option<Vec<Chance>>,
    top_candidates: Option<Vec<Top>>,
}

#[derive(Debug, Deserialize)]
struct Top {
    candidates: Option<Vec<Chance>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct Chance {
    token: String,
    log_probability: f64,
}

/// A text of a chunk, such as its model's name.
pub(super) fn text(raw: Option<&RawValue>) -> String {
    raw.and_then(|raw| serde_json::from_str(raw.get()).ok()).unwrap_or_default()
}

/// A part of an answer.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) content: Content,
    pub(super) signature: Option<Signature>,
}

/// Makes up the ids of calls that have none: the same for the same answer, others for others.
#[derive(Debug, Default)]
pub(super) struct CallIds {
    answer: String,
    made: usize,
}

impl CallIds {
    pub(super) fn of(response_id: &str) -> Self {
        let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        Self { answer: response_id.chars().filter(plain).take(24).collect(), made: 0 }
    }

    fn next(&mut self) -> String {
        let n = self.made;
        self.made += 1;
        if self.answer.is_empty() {
            format!("call_{n}")
        } else {
            format!("call_{}_{n}", self.answer)
        }
    }
}

/// Reads a part.
///
/// # Errors
/// It is none, or a call whose arguments come in pieces, which is only sent where asked for.
pub(super) fn part(raw: &RawValue, ids: &mut CallIds) -> Result<Read, Malformed> {
    let part: ChunkPart<'_> = serde_json::from_str(raw.get())?;
    let signature = part.thought_signature.map(sign::read);
    let thought = part.thought == Some(true);
    let content = if let Some(call) = part.function_call {
        if call.partial_args.is_some() {
            return Err(Malformed("a call's arguments come in pieces".into()));
        }
        let name = call.name.ok_or(Malformed("a call has no name".into()))?;
        let id = call.id.filter(|id| !id.is_empty()).unwrap_or_else(|| ids.next());
        let input = call.args.map_or("{}", RawValue::get).to_owned();
        Content::ToolCall(ToolCall { id, name, input, kind: Default::default() })
    } else if let Some(blob) = part.inline_data {
        let source = Source::Inline(blob.data);
        media::content(Media { source, media_type: blob.mime_type, name: None, detail: None })
    } else if let Some(file) = part.file_data {
        let (source, media_type) =
            (media::source(file.file_uri), file.mime_type.unwrap_or_default());
        media::content(Media { source, media_type, name: None, detail: None })
    } else if let Some(text) = part.text {
        if !thought {
            Content::Text { text, citations: Vec::new() }
        } else if text.is_empty() && signature.is_some() {
            Content::HiddenThinking
        } else {
            Content::Thinking(text)
        }
    } else {
        let value: Value = serde_json::from_str(raw.get())?;
        let only_signed = value.as_object().is_some_and(|map| {
            map.keys().all(|name| name == "thoughtSignature" || name == "thought")
        });
        match (only_signed, thought) {
            (true, true) => Content::HiddenThinking,
            (true, false) => Content::Text { text: String::new(), citations: Vec::new() },
            (false, _) => {
                let content = Content::Native(Native { wire: Wire::Gemini, value });
                return Ok(Read { content, signature: None });
            }
        }
    };
    Ok(Read { content, signature })
}

impl Logprobs {
    pub(super) fn chances(self) -> Vec<TokenChance> {
        let top = |chance: Chance| TopToken {
            token: chance.token,
            logprob: chance.log_probability,
            bytes: Value::Null,
        };
        let mut tops = self.top_candidates.unwrap_or_default().into_iter();
        let chosen = self.chosen_candidates.unwrap_or_default().into_iter();
        chosen
            .map(|chance| {
                let others = tops.next().and_then(|tops| tops.candidates).unwrap_or_default();
                TokenChance { token: top(chance), top: others.into_iter().map(top).collect() }
            })
            .collect()
    }
}
