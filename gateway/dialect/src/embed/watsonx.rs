//! IBM watsonx.ai text embeddings.

use super::{Answer, Request, Target};
use crate::Invalid;
use crate::convert::Malformed;
use crate::loss::Losses;
use contract::usage::Tokens;
use serde::Deserialize;
use serde_json::{Value, json};

pub(super) fn write_request(
    request: &Request,
    to: &Target<'_>,
    losses: &mut Losses,
) -> Result<Value, Invalid> {
    request.no_dimensions()?;
    // It cuts at a number of tokens only, which nobody says.
    request.leave_out(&["task_type", "title", "truncate"], losses);
    let mut body = json!({ "model_id": to.model, "inputs": request.texts()? });
    if let (Some(map), Some(project)) = (body.as_object_mut(), to.project) {
        map.insert("project_id".to_owned(), project.into());
    }
    Ok(body)
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    model_id: String,
    results: Vec<Embedded>,
    input_token_count: Option<u64>,
}

#[derive(Deserialize)]
struct Embedded {
    embedding: Vec<f64>,
}

pub(super) fn read_answer(body: &[u8]) -> Result<Answer, Malformed> {
    let told: Told = serde_json::from_slice(body)?;
    Ok(Answer {
        model: told.model_id,
        vectors: told.results.into_iter().map(|result| result.embedding.into()).collect(),
        tokens: told.input_token_count.map(|input| Tokens { input, ..Tokens::default() }),
    })
}
