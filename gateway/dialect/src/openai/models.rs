//! The model list in the OpenAI shape.

use contract::snapshot::ModelRecord;
use serde::Serialize;

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
}

impl<'a> Model<'a> {
    fn new(record: &'a ModelRecord) -> Self {
        Self {
            id: &record.name,
            object: "model",
            created: record.created_at.timestamp(),
            owned_by: "tollgate",
        }
    }
}

/// The body of `GET /v1/models`.
#[must_use]
pub fn models_body<'a>(models: impl Iterator<Item = &'a ModelRecord>) -> Vec<u8> {
    let list = List { object: "list", data: models.map(Model::new).collect() };
    serde_json::to_vec(&list).unwrap_or_default()
}

/// The body of `GET /v1/models/{model}`.
#[must_use]
pub fn model_body(model: &ModelRecord) -> Vec<u8> {
    serde_json::to_vec(&Model::new(model)).unwrap_or_default()
}
