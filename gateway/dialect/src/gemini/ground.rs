//! Searches that the model ran, told in `groundingMetadata`, whole or bit by bit.
//!
//! Google bills each query from its third generation on, and one for each grounded answer of the
//! models before; so does what is counted here. Where a model is not known, queries count.

use contract::usage::Units;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeSet;

#[derive(Debug, Default)]
pub(super) struct Searches {
    queries: BTreeSet<String>,
    grounded: bool,
    one_an_answer: bool,
}

/// `groundingMetadata` of a candidate.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grounding<'a> {
    #[serde(borrow)]
    web_search_queries: Option<Vec<Cow<'a, str>>>,
    #[serde(borrow)]
    image_search_queries: Option<Vec<Cow<'a, str>>>,
    grounding_chunks: Option<Vec<IgnoredAny>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Grounded<'a> {
    #[serde(borrow)]
    grounding_metadata: Option<&'a RawValue>,
}

impl Searches {
    /// Notes what a candidate rests on; what cannot be read tells nothing.
    pub(super) fn note(&mut self, grounding: &RawValue) {
        let Ok(told) = serde_json::from_str::<Grounding<'_>>(grounding.get()) else { return };
        let queries = told.web_search_queries.into_iter().chain(told.image_search_queries);
        let queries = queries.flatten().filter(|query| !query.is_empty());
        self.queries.extend(queries.map(Cow::into_owned));
        self.grounded |= told.grounding_chunks.is_some_and(|chunks| !chunks.is_empty());
    }

    /// Notes which model answers: `modelVersion` as it came.
    pub(super) fn model(&mut self, version: &[u8]) {
        self.one_an_answer =
            version.starts_with(b"\"gemini-1") || version.starts_with(b"\"gemini-2");
    }

    /// Notes the candidates of a whole answer.
    pub(super) fn candidates(&mut self, raw: &[u8]) {
        if memchr::memmem::find(raw, b"groundingMetadata").is_none() {
            return;
        }
        let told: Vec<Grounded<'_>> = serde_json::from_slice(raw).unwrap_or_default();
        told.into_iter()
            .filter_map(|told| told.grounding_metadata)
            .for_each(|told| self.note(told));
    }

    pub(super) fn units(&self) -> Units {
        let queries = u64::try_from(self.queries.len()).unwrap_or(u64::MAX);
        let grounded = u64::from(self.grounded);
        let searches = queries.max(grounded);
        let searches = if self.one_an_answer { searches.min(1) } else { searches };
        Units { searches, ..Units::NONE }
    }
}

#[cfg(test)]
mod tests {
    use crate::convert::Pass as _;
    use crate::gemini::Gemini;
    use serde_json::{Value, json};

    fn answer(model: &str, grounding: &Value) -> u64 {
        let body = json!({"modelVersion": model, "usageMetadata": {"promptTokenCount": 1},
            "candidates": [{"groundingMetadata": grounding, "content": {}}, {"content": {}}]});
        Gemini.read_usage(body.to_string().as_bytes()).unwrap().units.searches
    }

    #[test]
    fn searches_are_counted_by_query_or_by_answer_as_the_model_is_billed() {
        let two = json!({"webSearchQueries": ["a", "b", "a", ""], "groundingChunks": [{}]});
        assert_eq!(answer("gemini-3-pro-preview", &two), 2);
        assert_eq!(answer("gemini-2.5-flash", &two), 1);
        assert_eq!(answer("gemini-3-pro-preview", &json!({"groundingChunks": [{"maps": {}}]})), 1);
        assert_eq!(answer("gemini-3-pro-preview", &json!({"webSearchQueries": []})), 0);
        assert_eq!(answer("gemini-3-pro-preview", &json!(7)), 0);
    }

    #[test]
    fn a_stream_counts_each_query_once() {
        let mut watch = Gemini.watch();
        for queries in [json!(["a"]), json!(["a", "b"]), json!(null)] {
            let chunk =
                json!({"candidates": [{"groundingMetadata": {"webSearchQueries": queries}}]});
            watch.see(format!("data: {chunk}\n\n").as_bytes());
        }
        assert_eq!(watch.reported().units.searches, 2);
        assert_eq!(watch.reported().tokens, None);
    }
}
