//! countTokens: how many tokens a request would take.

use super::proto::Proto;
use super::read::read_fields;
use super::write;
use crate::Invalid;
use crate::convert::{Address, Malformed, Provider};
use crate::loss::Losses;
use crate::neutral::Request;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

/// What a wrapped request lies in: JSON has the first, and the second is read too.
const WRAPPING: [&str; 2] = ["generateContentRequest", "generate_content_request"];

/// How a count is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CountForm {
    /// Gemini's own API: the request lies in `generateContentRequest`.
    Wrapped,
    /// Vertex AI: the request as it is.
    Flat,
}

/// Reads a request to count, in either form.
///
/// # Errors
/// [`Invalid`] with the field.
pub fn read_count_request(body: &[u8], at: &Address<'_>) -> Result<Request, Invalid> {
    let mut body = Proto::of_body(body)?;
    let mut request = match body.object("generateContentRequest")? {
        Some(inner) => read_fields(inner)?,
        None => read_fields(body)?,
    };
    if let Some(model) = at.model {
        model.clone_into(&mut request.model);
    }
    Ok(request)
}

/// A request to count as its host takes it: Vertex AI knows no wrapping, and Gemini's own API wants
/// whatever is more than contents within it. A wrapped one names its model there. What cannot be
/// read passes as it is.
#[must_use]
pub fn pass_count(body: &Bytes, on_vertex: bool, model: &str) -> Bytes {
    let Ok(Value::Object(mut flat)) = serde_json::from_slice(body) else { return body.clone() };
    let wrapped = WRAPPING.iter().find_map(|name| flat.shift_remove(*name));
    let is_wrapped = wrapped.is_some();
    let mut inner = match wrapped {
        Some(Value::Object(inner)) => inner,
        Some(_) => return body.clone(),
        None => flat,
    };
    let only_contents = inner.keys().all(|name| name == "contents");
    if !is_wrapped && (on_vertex || only_contents) {
        return body.clone();
    }
    if on_vertex {
        inner.shift_remove("model");
        return Value::Object(inner).to_string().into();
    }
    let folder = if model.contains('/') { "" } else { "models/" };
    inner.insert("model".to_owned(), format!("{folder}{model}").into());
    json!({"generateContentRequest": inner}).to_string().into()
}

/// Writes a request to count.
///
/// # Errors
/// [`Invalid`], where the table of losses refuses.
pub fn write_count_request(
    request: &Request,
    form: CountForm,
    to: &Provider<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Invalid> {
    let body = write::body(request, to, losses)?;
    let unreadable = |error: serde_json::Error| Invalid::at("body", error.to_string());
    let mut value = serde_json::to_value(&body).map_err(unreadable)?;
    if form == CountForm::Wrapped {
        if let Value::Object(inner) = &mut value {
            inner.insert("model".to_owned(), format!("models/{}", to.model).into());
        }
        value = json!({"generateContentRequest": value});
    }
    serde_json::to_vec(&value).map_err(unreadable)
}

/// Reads the answer: all tokens of the request.
///
/// # Errors
/// [`Malformed`]: it tells no number.
pub fn read_count_answer(body: &[u8]) -> Result<u64, Malformed> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Count {
        total_tokens: Option<u64>,
    }
    let count: Count = serde_json::from_slice(body)?;
    count.total_tokens.ok_or(Malformed("a count without `totalTokens`".into()))
}

/// Writes the answer.
#[must_use]
pub fn write_count_answer(total_tokens: u64) -> Vec<u8> {
    json!({"totalTokens": total_tokens}).to_string().into_bytes()
}
