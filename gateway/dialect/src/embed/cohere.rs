//! Cohere's embed v2, and the shape that Bedrock keeps of v1.

use super::{Answer, Input, Request, Task, Truncate};
use crate::Invalid;
use crate::convert::Malformed;
use crate::loss::Losses;
use contract::usage::Tokens;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The most inputs that one call may have.
pub(super) const BATCH_MAX: usize = 96;

/// `model`: where the body names it.
pub(super) fn write_request(
    request: &Request,
    model: Option<&str>,
    losses: &mut Losses,
) -> Result<Value, Invalid> {
    request.leave_out(&["title"], losses);
    let mut body = Map::new();
    if let Some(model) = model {
        body.insert("model".to_owned(), model.into());
    }
    let images = request.inputs.iter().any(|input| matches!(input, Input::Image(_)));
    if images {
        let inputs = request.inputs.iter().enumerate().map(|(n, input)| content(n, input));
        body.insert("inputs".to_owned(), inputs.collect::<Result<Value, _>>()?);
    } else {
        body.insert("texts".to_owned(), json!(request.texts()?));
    }
    let (word, exact) = task_word(request.task, images);
    if !exact {
        losses.adapt("task_type");
    }
    body.insert("input_type".to_owned(), word.into());
    body.insert("embedding_types".to_owned(), json!(["float"]));
    if let Some(dimensions) = request.dimensions {
        body.insert("output_dimension".to_owned(), dimensions.into());
    }
    if let Some(cut) = request.truncate {
        let word = match cut {
            Truncate::None => "NONE",
            // Bedrock's v1 has other words for the same.
            Truncate::Start if model.is_none() => "LEFT",
            Truncate::End if model.is_none() => "RIGHT",
            Truncate::Start => "START",
            Truncate::End => "END",
        };
        body.insert("truncate".to_owned(), word.into());
    }
    Ok(body.into())
}

fn content(n: usize, input: &Input) -> Result<Value, Invalid> {
    let part = match input {
        Input::Text(text) => json!({ "type": "text", "text": text }),
        Input::Image(media) => {
            let url = format!("data:{};base64,{}", media.media_type, super::inline(n, media)?);
            json!({ "type": "image_url", "image_url": { "url": url } })
        }
        Input::Tokens(_) => return Err(super::unsayable(n, input)),
    };
    Ok(json!({ "content": [part] }))
}

/// The vendor's word, which it demands, and whether it means the same. Without one, a vector is
/// taken to be of a document: those are stored, and queries must be made to fit them.
const fn task_word(task: Option<Task>, images: bool) -> (&'static str, bool) {
    match task {
        Some(Task::Image) => ("image", true),
        None if images => ("image", true),
        Some(Task::Query) => ("search_query", true),
        Some(Task::QuestionAnswering | Task::FactVerification | Task::CodeQuery) => {
            ("search_query", false)
        }
        None | Some(Task::Document) => ("search_document", true),
        Some(Task::Classification) => ("classification", true),
        Some(Task::Clustering) => ("clustering", true),
        Some(Task::Similarity) => ("clustering", false),
    }
}

#[derive(Deserialize)]
struct Told {
    embeddings: Embeddings,
    meta: Option<Value>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Embeddings {
    /// v1, where no type was asked for.
    Plain(Vec<Vec<f64>>),
    Typed {
        float: Vec<Vec<f64>>,
    },
}

pub(super) fn read_answer(body: &[u8]) -> Result<Answer, Malformed> {
    let told: Told = serde_json::from_slice(body)?;
    let vectors = match told.embeddings {
        Embeddings::Plain(vectors) | Embeddings::Typed { float: vectors } => vectors,
    };
    let billed = |name: &str| {
        told.meta.as_ref().and_then(|meta| meta.get("billed_units")?.get(name)?.as_u64())
    };
    let (input, images) = (billed("input_tokens"), billed("image_tokens"));
    let tokens = (input.is_some() || images.is_some()).then(|| Tokens {
        input: input.unwrap_or(0),
        image_input: images.unwrap_or(0),
        ..Tokens::default()
    });
    let vectors = vectors.into_iter().map(Into::into).collect();
    Ok(Answer { model: String::new(), vectors, tokens })
}
