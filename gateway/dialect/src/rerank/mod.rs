//! Reranking: a query and documents in, the documents by how well they answer it out.
//!
//! Callers speak one of two shapes: `/v1/rerank`, which is Cohere's first and Jina's, and
//! `/v2/rerank`, which is Cohere's second. What providers are asked in, and what of a request they
//! cannot be told:
//!
//! | | Cohere | Jina, vLLM, llama.cpp | watsonx | Bedrock | Vertex AI |
//! |---|---|---|---|---|---|
//! | `top_n` | · | · | · | · | · |
//! | documents with fields | one text of them | one text of them | one text of them | one text of them | one text of them |
//! | `max_tokens_per_doc` | · | dropped | dropped | dropped | dropped |
//! | images | refused | · | refused | refused | refused |
//!
//! Documents are given back by us, where the caller wants them: no provider has to send them.
//!
//! What must stay true: every result names a document that was sent, and none twice; the best is
//! first.

mod inbound;
mod outbound;

use crate::convert::Malformed;
use crate::embed::Target;
use crate::loss::Losses;
use crate::{Invalid, Wire, sigv4};
use contract::usage::Tokens;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// What a caller asks for.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Request {
    /// As the caller names it.
    pub model: String,
    pub query: String,
    pub documents: Vec<Document>,
    /// Results wanted; absent: one for each document.
    pub top_n: Option<u64>,
    /// Whether the caller wants its documents back with the results.
    pub return_documents: bool,
    /// Which fields of a document count, and in which order.
    pub rank_fields: Vec<String>,
    /// Where a long document is cut off.
    pub document_tokens_max: Option<u64>,
    /// Fields that nobody here knows, by name: they are dropped, which is told.
    pub unknown: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Document {
    Text(String),
    /// With fields; `text` is the usual one.
    Fields(Map<String, Value>),
}

/// What a model answered.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answer {
    /// The provider's; empty where it tells none.
    pub id: String,
    /// As the provider names it; empty where it does not.
    pub model: String,
    /// The best first.
    pub results: Vec<Ranked>,
    /// `None` where the provider tells nothing, or counts searches only.
    pub tokens: Option<Tokens>,
    /// Searches that the provider bills.
    pub search_units: Option<u64>,
}

/// Searches that a ranking is billed as, where its provider does not say: one for every hundred
/// documents begun, as Cohere, Amazon and Google have it.
#[must_use]
pub fn searches(asked: &Request) -> u64 {
    u64::try_from(asked.documents.len()).unwrap_or(u64::MAX).div_ceil(100)
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// Of the document in the request.
    pub index: usize,
    pub score: f64,
}

/// A shape in which callers ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surface {
    V1,
    V2,
}

impl Surface {
    /// Reads a request.
    ///
    /// # Errors
    /// [`Invalid`] with the field.
    pub fn read_request(self, body: &[u8]) -> Result<Request, Invalid> {
        inbound::read_request(body)
    }

    /// Writes an answer. `id`: unique, where the provider gave none. Usage that is not known is
    /// left out.
    #[must_use]
    pub fn write_answer(self, answer: &Answer, asked: &Request, id: &str) -> Vec<u8> {
        inbound::write_answer(self, answer, asked, id)
    }
}

/// A shape in which providers are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Cohere,
    /// Jina's, which vLLM, llama.cpp, SGLang and others imitate.
    Jina,
    Watsonx,
    /// Cohere's models and Amazon's through InvokeModel.
    Bedrock,
    /// Google's ranking service.
    Vertex,
}

impl Form {
    /// What a provider of a dialect is asked in.
    #[must_use]
    pub const fn of(wire: Wire) -> Option<Self> {
        match wire {
            Wire::Cohere => Some(Self::Cohere),
            Wire::Chat | Wire::Responses => Some(Self::Jina),
            Wire::Watsonx => Some(Self::Watsonx),
            Wire::Converse => Some(Self::Bedrock),
            Wire::Gemini => Some(Self::Vertex),
            Wire::Messages | Wire::Ollama => None,
        }
    }

    /// The path under the provider's base address.
    #[must_use]
    pub fn path(self, model: &str) -> Cow<'static, str> {
        match self {
            Self::Cohere => "/rerank".into(),
            Self::Jina => "/rerank".into(),
            Self::Watsonx => "/ml/v1/text/rerank".into(),
            Self::Bedrock => format!("/model/{}/invoke", sigv4::segment(model)).into(),
            Self::Vertex => "/rankingConfigs/default_ranking_config:rank".into(),
        }
    }

    /// Writes a request.
    ///
    /// # Errors
    /// [`Invalid`] with the field that the target cannot say.
    pub fn write_request(
        self,
        request: &Request,
        to: &Target<'_>,
        losses: &mut Losses,
    ) -> Result<Vec<u8>, Invalid> {
        outbound::write_request(self, request, to, losses)
    }

    /// Reads the answer to a request.
    ///
    /// # Errors
    /// [`Malformed`]: it is none, or ranks what was not sent.
    pub fn read_answer(self, body: &[u8], asked: &Request) -> Result<Answer, Malformed> {
        let mut answer = outbound::read_answer(self, body)?;
        let mut seen = vec![false; asked.documents.len()];
        for ranked in &answer.results {
            match seen.get_mut(ranked.index) {
                Some(seen) if !*seen => *seen = true,
                Some(_) => return Err(Malformed("a document that is ranked twice".into())),
                None => return Err(Malformed("a rank of a document that was not sent".into())),
            }
        }
        answer.results.sort_by(|a, b| b.score.total_cmp(&a.score));
        if let Some(most) = asked.top_n.and_then(|most| usize::try_from(most).ok()) {
            answer.results.truncate(most);
        }
        Ok(answer)
    }
}

#[cfg(test)]
mod tests;
