//! What providers get and send.

use super::{Answer, Document, Form, Ranked, Request};
use crate::Invalid;
use crate::convert::Malformed;
use crate::embed::Target;
use crate::loss::Losses;
use contract::usage::Tokens;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::borrow::Cow;
use std::fmt::Write;

pub(super) fn write_request(
    form: Form,
    request: &Request,
    to: &Target<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Invalid> {
    for name in &request.unknown {
        losses.adapt(name);
    }
    if request.document_tokens_max.is_some() && form != Form::Cohere {
        losses.adapt("max_tokens_per_doc");
    }
    let mut texts = Vec::with_capacity(request.documents.len());
    for (n, document) in request.documents.iter().enumerate() {
        texts.push(written(form, n, document, &request.rank_fields, losses)?);
    }
    let mut body = Map::new();
    let mut tell = |name: &str, value: Value| drop(body.insert(name.to_owned(), value));
    let top_n = request.top_n.map(Value::from);
    match form {
        Form::Cohere | Form::Jina => {
            tell("model", to.model.into());
            tell("query", request.query.as_str().into());
            tell("documents", texts.into());
            top_n.into_iter().for_each(|most| tell("top_n", most));
            if form == Form::Jina {
                tell("return_documents", false.into());
            } else if let Some(most) = request.document_tokens_max {
                tell("max_tokens_per_doc", most.into());
            }
        }
        Form::Bedrock => {
            tell("query", request.query.as_str().into());
            tell("documents", texts.into());
            top_n.into_iter().for_each(|most| tell("top_n", most));
            if to.model.contains("cohere.") {
                tell("api_version", 2.into());
            }
        }
        Form::Watsonx => {
            tell("model_id", to.model.into());
            to.project.into_iter().for_each(|project| tell("project_id", project.into()));
            tell("query", request.query.as_str().into());
            let inputs: Vec<Value> =
                texts.into_iter().map(|text| json!({ "text": text })).collect();
            tell("inputs", inputs.into());
            if let Some(most) = top_n {
                tell("parameters", json!({ "return_options": { "top_n": most } }));
            }
        }
        Form::Vertex => {
            tell("model", to.model.into());
            tell("query", request.query.as_str().into());
            top_n.into_iter().for_each(|most| tell("topN", most));
            tell("ignoreRecordDetailsInResponse", true.into());
            let records = texts.into_iter().enumerate();
            let records: Vec<Value> =
                records.map(|(n, text)| json!({ "id": n.to_string(), "content": text })).collect();
            tell("records", records.into());
        }
    }
    Ok(Value::Object(body).to_string().into_bytes())
}

/// A document as the target takes it.
fn written(
    form: Form,
    n: usize,
    document: &Document,
    rank_fields: &[String],
    losses: &mut Losses,
) -> Result<Value, Invalid> {
    let fields = match document {
        Document::Text(text) => return Ok(text.as_str().into()),
        Document::Fields(fields) => fields,
    };
    if fields.contains_key("image") && form == Form::Jina {
        return Ok(fields.clone().into());
    }
    let text = text_of(fields, rank_fields).ok_or_else(|| {
        let at = format!("documents[{n}]");
        let detail = format!(
            "`{at}` has no text to rank: neither `text` nor what `rank_fields` names. The model's \
             provider ranks texts."
        );
        Invalid::at(at, detail)
    })?;
    if matches!(text, Cow::Owned(_)) {
        losses.adapt("documents");
    }
    Ok(text.into())
}

/// The fields that count, a line each with its name; `text` alone as it is.
fn text_of<'a>(fields: &'a Map<String, Value>, rank_fields: &[String]) -> Option<Cow<'a, str>> {
    if rank_fields.is_empty() || rank_fields == ["text"] {
        return fields.get("text")?.as_str().map(Cow::Borrowed);
    }
    let mut out = String::new();
    for name in rank_fields {
        let Some(value) = fields.get(name).filter(|value| !value.is_null()) else { continue };
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        // Writing to a String does not fail.
        writeln!(out, "{name}: {value}").unwrap_or_default();
    }
    (!out.is_empty()).then_some(Cow::Owned(out))
}

#[derive(Deserialize)]
struct Body {
    #[serde(default)]
    id: String,
    #[serde(default, alias = "model_id")]
    model: String,
    #[serde(alias = "records")]
    results: Vec<Told>,
    meta: Option<Value>,
    usage: Option<Value>,
    input_token_count: Option<u64>,
}

#[derive(Deserialize)]
struct Told {
    index: Option<usize>,
    /// The index again, as text.
    id: Option<String>,
    #[serde(alias = "score")]
    relevance_score: Option<f64>,
}

/// All of them are alike but for names.
pub(super) fn read_answer(form: Form, body: &[u8]) -> Result<Answer, Malformed> {
    let told: Body = serde_json::from_slice(body)?;
    let last = told.results.len();
    let mut results = Vec::with_capacity(last);
    for (n, result) in told.results.into_iter().enumerate() {
        let index = match (form, result.id) {
            (Form::Vertex, Some(id)) => id.parse().ok(),
            _ => result.index,
        };
        let index = index.ok_or(Malformed("a result without an index".into()))?;
        let score = match result.relevance_score {
            Some(score) => score,
            // Google keeps scores to itself at times: the order is all that is told.
            None if form == Form::Vertex => by_place(n, last),
            None => return Err(Malformed("a result without a score".into())),
        };
        results.push(Ranked { index, score });
    }
    let count = |value: &Option<Value>, path: &str| {
        value.as_ref().and_then(|value| value.pointer(path)?.as_u64())
    };
    let input = count(&told.usage, "/prompt_tokens")
        .or_else(|| count(&told.usage, "/total_tokens"))
        .or_else(|| count(&told.meta, "/billed_units/input_tokens"))
        .or_else(|| count(&told.meta, "/tokens/input_tokens"))
        .or(told.input_token_count);
    Ok(Answer {
        id: told.id,
        model: told.model,
        results,
        tokens: input.map(|input| Tokens { input, ..Tokens::default() }),
        search_units: count(&told.meta, "/billed_units/search_units"),
    })
}

/// A score that falls with the place, from 1.
fn by_place(n: usize, last: usize) -> f64 {
    let part = |count: usize| u32::try_from(count).map_or(f64::MAX, f64::from);
    1.0 - part(n) / part(last.max(1))
}
