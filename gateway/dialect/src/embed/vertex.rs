//! Vertex AI's `predict` of its text embedding models.

use super::gemini::task_word;
use super::{Answer, Request, Truncate};
use crate::Invalid;
use crate::convert::Malformed;
use crate::loss::Losses;
use contract::usage::Tokens;
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub(super) fn write_request(request: &Request, losses: &mut Losses) -> Result<Value, Invalid> {
    let task = request.task.map(task_word);
    if task == Some(None) || request.truncate == Some(Truncate::Start) {
        losses.adapt(if task == Some(None) { "task_type" } else { "truncate" });
    }
    let instances: Vec<Value> = request
        .texts()?
        .into_iter()
        .map(|text| {
            let mut instance = Map::new();
            instance.insert("content".to_owned(), text.into());
            if let Some(word) = task.flatten() {
                instance.insert("task_type".to_owned(), word.into());
            }
            if let Some(title) = &request.title {
                instance.insert("title".to_owned(), title.as_str().into());
            }
            instance.into()
        })
        .collect();
    let mut parameters = Map::new();
    if let Some(dimensions) = request.dimensions {
        parameters.insert("outputDimensionality".to_owned(), dimensions.into());
    }
    if let Some(cut) = request.truncate {
        parameters.insert("autoTruncate".to_owned(), (cut != Truncate::None).into());
    }
    Ok(json!({ "instances": instances, "parameters": parameters }))
}

#[derive(Deserialize)]
struct Told {
    predictions: Vec<Prediction>,
}

#[derive(Deserialize)]
struct Prediction {
    embeddings: Embeddings,
}

#[derive(Deserialize)]
struct Embeddings {
    values: Vec<f64>,
    statistics: Option<Statistics>,
}

#[derive(Deserialize)]
struct Statistics {
    /// The service writes it as `4.0` at times.
    token_count: Option<f64>,
}

pub(super) fn read_answer(body: &[u8]) -> Result<Answer, Malformed> {
    let told: Told = serde_json::from_slice(body)?;
    let mut input = Some(0_u64);
    let mut vectors = Vec::with_capacity(told.predictions.len());
    for prediction in told.predictions {
        let used = prediction.embeddings.statistics.and_then(|s| count(s.token_count?));
        input = input.zip(used).map(|(sum, used)| sum.saturating_add(used));
        vectors.push(prediction.embeddings.values.into());
    }
    let tokens = input.map(|input| Tokens { input, ..Tokens::default() });
    Ok(Answer { model: String::new(), vectors, tokens })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a whole number within the range, as proved before"
)]
fn count(number: f64) -> Option<u64> {
    let whole = number.fract().abs() < f64::EPSILON && (0.0..1e15).contains(&number);
    whole.then_some(number as u64)
}
