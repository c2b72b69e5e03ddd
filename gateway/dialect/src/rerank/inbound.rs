//! What callers send and get. Both shapes are read alike: each field means the same in either.

use super::{Answer, Document, Request, Surface};
use crate::Invalid;
use crate::fields::Fields;
use serde_json::{Map, Value, json};

/// The most documents that one call may have, as Cohere has it.
const DOCUMENTS_MAX: usize = 10_000;

pub(super) fn read_request(body: &[u8]) -> Result<Request, Invalid> {
    let mut body = Fields::of_body(body)?;
    let model = body.need_string("model")?;
    let query = body.need_string("query")?;
    if query.trim().is_empty() {
        return Err(body.wrong("query", "a text that says something"));
    }
    let items = body.need_list("documents")?;
    if items.is_empty() || items.len() > DOCUMENTS_MAX {
        return Err(body.wrong("documents", format_args!("1 to {DOCUMENTS_MAX} documents")));
    }
    let mut documents = Vec::with_capacity(items.len());
    for item in items {
        documents.push(match item.value {
            Value::String(text) => Document::Text(text),
            Value::Object(fields) => Document::Fields(fields),
            _ => return Err(item.wrong("a text, or an object with one")),
        });
    }
    let top_n = body.count("top_n")?;
    if top_n == Some(0) {
        return Err(body.wrong("top_n", "at least 1"));
    }
    let mut rank_fields = Vec::new();
    for item in body.list("rank_fields")?.unwrap_or_default() {
        rank_fields.push(item.string()?);
    }
    Ok(Request {
        model,
        query,
        documents,
        top_n,
        return_documents: body.boolean("return_documents")?.unwrap_or(false),
        rank_fields,
        document_tokens_max: body.count("max_tokens_per_doc")?,
        unknown: body.rest().into_iter().map(|(name, _)| name).collect(),
    })
}

pub(super) fn write_answer(
    surface: Surface,
    answer: &Answer,
    asked: &Request,
    id: &str,
) -> Vec<u8> {
    let results: Vec<Value> = answer
        .results
        .iter()
        .map(|ranked| {
            let mut out = Map::new();
            out.insert("index".to_owned(), ranked.index.into());
            out.insert("relevance_score".to_owned(), ranked.score.into());
            if asked.return_documents
                && let Some(document) = asked.documents.get(ranked.index)
            {
                out.insert("document".to_owned(), shown(document));
            }
            out.into()
        })
        .collect();
    let id = if answer.id.is_empty() { id } else { &answer.id };
    let version = if surface == Surface::V1 { "1" } else { "2" };
    let mut billed = Map::new();
    if let Some(units) = answer.search_units {
        billed.insert("search_units".to_owned(), units.into());
    }
    if let Some(tokens) = answer.tokens {
        billed.insert("input_tokens".to_owned(), tokens.input_total().into());
    }
    let mut meta = json!({ "api_version": { "version": version } });
    if let (Some(map), false) = (meta.as_object_mut(), billed.is_empty()) {
        map.insert("billed_units".to_owned(), billed.into());
    }
    let mut body = json!({ "id": id, "results": results, "meta": meta });
    // What Jina's clients read; Cohere's pass it over.
    if let (Surface::V1, Some(map)) = (surface, body.as_object_mut()) {
        let model = if answer.model.is_empty() { &asked.model } else { &answer.model };
        map.insert("object".to_owned(), "list".into());
        map.insert("model".to_owned(), model.as_str().into());
        if let Some(tokens) = answer.tokens {
            let total = tokens.total();
            let usage = json!({ "prompt_tokens": tokens.input_total(), "total_tokens": total });
            map.insert("usage".to_owned(), usage);
        }
    }
    body.to_string().into_bytes()
}

fn shown(document: &Document) -> Value {
    match document {
        Document::Text(text) => json!({ "text": text }),
        Document::Fields(fields) => fields.clone().into(),
    }
}
