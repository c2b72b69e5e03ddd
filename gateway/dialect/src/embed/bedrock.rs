//! Bedrock's InvokeModel: Amazon Titan, one input a call, and Cohere in a shape of its own. What
//! Cohere used, Bedrock tells in a header only (`x-amzn-bedrock-input-token-count`).

use super::{Answer, Input, Request, Target, cohere};
use crate::Invalid;
use crate::convert::Malformed;
use crate::loss::Losses;
use contract::usage::Tokens;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(super) fn is_cohere(model: &str) -> bool {
    model.contains("cohere.")
}

pub(super) fn write_request(
    request: &Request,
    to: &Target<'_>,
    losses: &mut Losses,
) -> Result<Value, Invalid> {
    if is_cohere(to.model) {
        return cohere::write_request(request, None, losses);
    }
    request.leave_out(&["task_type", "title", "truncate"], losses);
    let images = to.model.contains("titan-embed-image");
    let mut body = Map::new();
    match request.inputs.as_slice() {
        [Input::Text(text)] => drop(body.insert("inputText".to_owned(), text.as_str().into())),
        [Input::Image(media)] if images => {
            body.insert("inputImage".to_owned(), super::inline(0, media)?.into());
        }
        [input] => return Err(super::unsayable(0, input)),
        _ => return Err(Invalid::at("input", "The model takes one text a call.")),
    }
    match request.dimensions {
        None => {}
        Some(dimensions) if images => {
            let config = json!({ "outputEmbeddingLength": dimensions });
            body.insert("embeddingConfig".to_owned(), config);
        }
        Some(_)
            if to.model.contains("titan-embed-text-v1") || to.model.contains("titan-embed-g1") =>
        {
            request.no_dimensions()?;
        }
        Some(dimensions) => drop(body.insert("dimensions".to_owned(), dimensions.into())),
    }
    Ok(body.into())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    embedding: Option<Vec<f64>>,
    input_text_token_count: Option<u64>,
}

pub(super) fn read_answer(body: &[u8]) -> Result<Answer, Malformed> {
    let told: Told = serde_json::from_slice(body)?;
    let Some(vector) = told.embedding else { return cohere::read_answer(body) };
    Ok(Answer {
        model: String::new(),
        vectors: vec![vector.into()],
        tokens: told.input_text_token_count.map(|input| Tokens { input, ..Tokens::default() }),
    })
}
