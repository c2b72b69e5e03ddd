//! The models that a caller may call, as each dialect lists them.

use crate::{Wire, openai};
use contract::Timestamp;
use contract::snapshot::{Modality, ModelRecord};
use serde_json::{Value, json};

/// A name that can be called.
#[derive(Debug, Clone, Copy)]
pub struct Listed<'a> {
    pub name: &'a str,
    /// What answers.
    pub model: &'a ModelRecord,
    pub is_deprecated: bool,
    pub deprecated_at: Option<Timestamp>,
    pub sunset_at: Option<Timestamp>,
    /// What to use instead.
    pub successor: Option<&'a str>,
}

impl Listed<'_> {
    /// What is to be said of its end, beside what the dialect's own list has.
    pub(crate) fn end(&self) -> impl Iterator<Item = (&'static str, String)> {
        [
            ("deprecated_at", self.deprecated_at.map(written)),
            ("sunset_at", self.sunset_at.map(written)),
            ("successor", self.successor.map(str::to_owned)),
        ]
        .into_iter()
        .filter_map(|(name, said)| Some((name, said?)))
    }

    fn with_end(&self, mut entry: Value) -> Value {
        if let Some(entry) = entry.as_object_mut() {
            entry.extend(self.end().map(|(name, said)| (name.to_owned(), said.into())));
        }
        entry
    }

    /// The same as a sentence.
    fn told(&self) -> Option<String> {
        if !self.is_deprecated {
            return None;
        }
        let end = self
            .sunset_at
            .map_or_else(String::new, |at| format!(" It answers until {}.", written(at)));
        let instead = self.successor.map_or_else(String::new, |name| format!(" Use {name}."));
        Some(format!("Deprecated.{end}{instead}"))
    }
}

fn written(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The list. It comes whole, on one page.
#[must_use]
pub fn list_body<'a>(wire: Wire, models: impl Iterator<Item = Listed<'a>>) -> Vec<u8> {
    match wire {
        Wire::Messages => {
            let data: Vec<Value> = models.map(|one| anthropic(&one)).collect();
            let id = |model: Option<&Value>| model.map(|model| model["id"].clone());
            let (first, last) = (id(data.first()), id(data.last()));
            json!({"data": data, "has_more": false, "first_id": first, "last_id": last})
                .to_string()
                .into_bytes()
        }
        Wire::Gemini => json!({"models": models.map(|one| gemini(&one)).collect::<Vec<_>>()})
            .to_string()
            .into_bytes(),
        Wire::Cohere => json!({"models": models.map(|one| cohere(&one)).collect::<Vec<_>>()})
            .to_string()
            .into_bytes(),
        _ => openai::models_body(models),
    }
}

/// One of them.
#[must_use]
pub fn model_body(wire: Wire, model: &Listed<'_>) -> Vec<u8> {
    match wire {
        Wire::Messages => anthropic(model).to_string().into_bytes(),
        Wire::Gemini => gemini(model).to_string().into_bytes(),
        Wire::Cohere => cohere(model).to_string().into_bytes(),
        _ => openai::model_body(model),
    }
}

fn anthropic(listed: &Listed<'_>) -> Value {
    let created = written(listed.model.created_at);
    listed.with_end(json!({
        "type": "model", "id": listed.name, "display_name": listed.name, "created_at": created,
    }))
}

/// Readers of Gemini's list know no members but its own: what is to be said goes into the
/// description.
fn gemini(listed: &Listed<'_>) -> Value {
    let model = listed.model;
    let methods: &[&str] = match model.modality {
        Modality::Chat => &["generateContent", "streamGenerateContent", "countTokens"],
        Modality::Embedding => &["embedContent", "batchEmbedContents"],
        Modality::Rerank
        | Modality::Predict
        | Modality::Image
        | Modality::Speech
        | Modality::Transcription
        | Modality::Moderation => &[],
    };
    let mut entry = json!({
        "name": format!("models/{}", listed.name), "displayName": listed.name, "version": "1",
        "inputTokenLimit": model.context_tokens_max, "outputTokenLimit": model.output_tokens_max,
        "supportedGenerationMethods": methods,
    });
    if let (Some(told), Some(entry)) = (listed.told(), entry.as_object_mut()) {
        entry.insert("description".to_owned(), told.into());
    }
    entry
}

fn cohere(listed: &Listed<'_>) -> Value {
    let model = listed.model;
    let endpoints: &[&str] = match model.modality {
        Modality::Chat => &["chat"],
        Modality::Embedding => &["embed"],
        Modality::Rerank => &["rerank"],
        _ => &[],
    };
    listed.with_end(json!({
        "name": listed.name, "endpoints": endpoints, "default_endpoints": [], "finetuned": false,
        "is_deprecated": listed.is_deprecated, "context_length": model.context_tokens_max,
    }))
}
