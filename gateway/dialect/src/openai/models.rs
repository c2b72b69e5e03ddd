//! The model list in the OpenAI shape.

use crate::listing::Listed;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Model<'a>>,
}

#[derive(Serialize)]
struct Model<'a> {
    id: &'a str,
    object: &'static str,
    created: i64,
    owned_by: &'static str,
    /// What there is to say of its end.
    #[serde(flatten)]
    end: BTreeMap<&'static str, String>,
}

impl<'a> Model<'a> {
    fn new(listed: &Listed<'a>) -> Self {
        Self {
            id: listed.name,
            object: "model",
            created: listed.model.created_at.timestamp(),
            owned_by: "tollgate",
            end: listed.end().collect(),
        }
    }
}

/// The body of `GET /v1/models`.
#[must_use]
pub fn models_body<'a>(models: impl Iterator<Item = Listed<'a>>) -> Vec<u8> {
    let data = models.map(|one| Model::new(&one)).collect();
    serde_json::to_vec(&List { object: "list", data }).unwrap_or_default()
}

/// The body of `GET /v1/models/{model}`.
#[must_use]
pub fn model_body(listed: &Listed<'_>) -> Vec<u8> {
    serde_json::to_vec(&Model::new(listed)).unwrap_or_default()
}
