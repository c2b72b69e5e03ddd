//! The models that a caller may call, as each dialect lists them.

use crate::{Wire, openai};
use contract::snapshot::{Lifecycle, Modality, ModelRecord};
use serde_json::{Value, json};

/// The list. It comes whole, on one page.
#[must_use]
pub fn list_body<'a>(wire: Wire, models: impl Iterator<Item = &'a ModelRecord>) -> Vec<u8> {
    match wire {
        Wire::Messages => {
            let data: Vec<Value> = models.map(anthropic).collect();
            let id = |model: Option<&Value>| model.map(|model| model["id"].clone());
            let (first, last) = (id(data.first()), id(data.last()));
            json!({"data": data, "has_more": false, "first_id": first, "last_id": last})
                .to_string()
                .into_bytes()
        }
        Wire::Gemini => {
            json!({"models": models.map(gemini).collect::<Vec<_>>()}).to_string().into_bytes()
        }
        Wire::Cohere => {
            json!({"models": models.map(cohere).collect::<Vec<_>>()}).to_string().into_bytes()
        }
        _ => openai::models_body(models),
    }
}

/// One of them.
#[must_use]
pub fn model_body(wire: Wire, model: &ModelRecord) -> Vec<u8> {
    match wire {
        Wire::Messages => anthropic(model).to_string().into_bytes(),
        Wire::Gemini => gemini(model).to_string().into_bytes(),
        Wire::Cohere => cohere(model).to_string().into_bytes(),
        _ => openai::model_body(model),
    }
}

fn anthropic(model: &ModelRecord) -> Value {
    json!({
        "type": "model", "id": model.name, "display_name": model.name,
        "created_at": model.created_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
    })
}

fn gemini(model: &ModelRecord) -> Value {
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
    json!({
        "name": format!("models/{}", model.name), "displayName": model.name, "version": "1",
        "inputTokenLimit": model.context_tokens_max, "outputTokenLimit": model.output_tokens_max,
        "supportedGenerationMethods": methods,
    })
}

fn cohere(model: &ModelRecord) -> Value {
    let endpoints: &[&str] = match model.modality {
        Modality::Chat => &["chat"],
        Modality::Embedding => &["embed"],
        Modality::Rerank => &["rerank"],
        _ => &[],
    };
    json!({
        "name": model.name, "endpoints": endpoints, "default_endpoints": [], "finetuned": false,
        "is_deprecated": model.state == Lifecycle::Deprecated,
        "context_length": model.context_tokens_max,
    })
}
