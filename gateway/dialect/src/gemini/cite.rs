//! Grounding and citations: where an answer comes from. Gemini tells it beside the answer's parts,
//! by their place in the text; the neutral form has it at the text itself.

use crate::Wire;
use crate::neutral::{Citation, Native};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A citation, and the part of the content it is of, where that is said.
#[derive(Debug, PartialEq)]
pub(super) struct Placed {
    pub(super) part: Option<usize>,
    pub(super) citation: Citation,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Grounding {
    grounding_chunks: Vec<Value>,
    grounding_supports: Vec<Value>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Support {
    segment: Segment,
    grounding_chunk_indices: Vec<usize>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Segment {
    part_index: Option<usize>,
    start_index: usize,
    end_index: usize,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Sources {
    #[serde(alias = "citationSources")]
    citations: Vec<Value>,
}

/// Reads `groundingMetadata` and `citationMetadata`. What cannot be read tells nothing: an answer
/// is not refused for it.
pub(super) fn read(grounding: Option<&RawValue>, citations: Option<&RawValue>) -> Vec<Placed> {
    let mut placed = Vec::new();
    if let Some(raw) = grounding {
        ground(serde_json::from_str(raw.get()).unwrap_or_default(), &mut placed);
    }
    if let Some(raw) = citations {
        let sources: Sources = serde_json::from_str(raw.get()).unwrap_or_default();
        for value in sources.citations {
            let number = |name| value.get(name).and_then(Value::as_u64).unwrap_or(0) as usize;
            let span = (number("startIndex"), number("endIndex"));
            placed
                .push(Placed { part: None, citation: citation(&value, Some(span), value.clone()) });
        }
    }
    placed
}

fn ground(grounding: Grounding, placed: &mut Vec<Placed>) {
    for value in &grounding.grounding_supports {
        let support: Support = serde_json::from_value(value.clone()).unwrap_or_default();
        let span = (support.segment.start_index, support.segment.end_index);
        for index in support.grounding_chunk_indices {
            let Some(chunk) = grounding.grounding_chunks.get(index) else { continue };
            let native = json!({"groundingChunk": chunk, "groundingSupport": value});
            let citation = citation(source(chunk), Some(span), native);
            placed.push(Placed { part: support.segment.part_index, citation });
        }
    }
    if grounding.grounding_supports.is_empty() {
        for chunk in &grounding.grounding_chunks {
            let citation = citation(source(chunk), None, json!({"groundingChunk": chunk}));
            placed.push(Placed { part: None, citation });
        }
    }
}

/// A chunk is of one kind: `web`, `retrievedContext`, `maps`.
fn source(chunk: &Value) -> &Value {
    chunk.as_object().and_then(|kinds| kinds.values().next()).unwrap_or(chunk)
}

fn citation(source: &Value, span: Option<(usize, usize)>, native: Value) -> Citation {
    let text = |name: &str| source.get(name).and_then(Value::as_str).map(str::to_owned);
    Citation {
        url: text("uri"),
        title: text("title"),
        quote: text("text"),
        span: span.filter(|(from, to)| from < to),
        native: Native { wire: Wire::Gemini, value: native },
    }
}

/// The `groundingMetadata` of citations, each with the number of its part.
pub(super) fn write<'a>(citations: impl Iterator<Item = (usize, &'a Citation)>) -> Option<Value> {
    let (mut chunks, mut supports): (Vec<Value>, Vec<Value>) = (Vec::new(), Vec::new());
    for (part, citation) in citations {
        let mut web = serde_json::Map::new();
        for (name, value) in [("uri", &citation.url), ("title", &citation.title)] {
            if let Some(value) = value {
                web.insert(name.to_owned(), value.as_str().into());
            }
        }
        let own = (citation.native.wire == Wire::Gemini)
            .then(|| citation.native.value.get("groundingChunk"))
            .flatten();
        let chunk = own.cloned().unwrap_or_else(|| json!({"web": web}));
        let index = chunks.iter().position(|known| *known == chunk).unwrap_or_else(|| {
            chunks.push(chunk);
            chunks.len() - 1
        });
        if let Some((from, to)) = citation.span {
            let segment = json!({"partIndex": part, "startIndex": from, "endIndex": to});
            supports.push(json!({"segment": segment, "groundingChunkIndices": [index]}));
        }
    }
    if chunks.is_empty() {
        return None;
    }
    Some(json!({"groundingChunks": chunks, "groundingSupports": supports}))
}
