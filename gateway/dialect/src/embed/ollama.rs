//! Ollama's own `api/embed`.

use super::{Answer, Request, Target, Truncate};
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
    request.leave_out(&["task_type", "title"], losses);
    let mut body = json!({ "model": to.model, "input": request.texts()? });
    if let Some(map) = body.as_object_mut() {
        if let Some(dimensions) = request.dimensions {
            map.insert("dimensions".to_owned(), dimensions.into());
        }
        if let Some(cut) = request.truncate {
            if cut == Truncate::Start {
                losses.adapt("truncate");
            }
            map.insert("truncate".to_owned(), (cut != Truncate::None).into());
        }
    }
    Ok(body)
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    model: String,
    embeddings: Vec<Vec<f64>>,
    prompt_eval_count: Option<u64>,
}

pub(super) fn read_answer(body: &[u8]) -> Result<Answer, Malformed> {
    let told: Told = serde_json::from_slice(body)?;
    Ok(Answer {
        model: told.model,
        vectors: told.embeddings.into_iter().map(Into::into).collect(),
        tokens: told.prompt_eval_count.map(|input| Tokens { input, ..Tokens::default() }),
    })
}
