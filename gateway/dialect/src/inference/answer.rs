//! Reads what a model server answers: that it is an answer, what it says of a model, and why it
//! refuses.

use super::{BINARY_SIZE, Form};
use crate::Problem;
use crate::convert::{Malformed, ProviderError};
use crate::json::{self, Kind};
use serde::Deserialize;
use serde_json::{Map, Value};

#[derive(Deserialize)]
struct Answer {
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
struct Output {
    #[serde(default)]
    parameters: Option<Map<String, Value>>,
}

/// That a body is an answer: outputs, and behind the JSON as many bytes as they say.
///
/// # Errors
/// [`Malformed`]: it is none.
pub fn check_answer(body: &[u8], form: Form) -> Result<(), Malformed> {
    let (text, raw) = form
        .split(body)
        .ok_or(Malformed("Inference-Header-Content-Length is more than the body has".into()))?;
    if form == Form::Json {
        // Proved without building anything: it may be large.
        let mut found = false;
        json::walk_object(text, |member| {
            found |= member.kind == Kind::Array && member.name(text).as_deref() == Some(b"outputs");
        })
        .map_err(|error| Malformed(error.to_string().into()))?;
        return if found { Ok(()) } else { Err(Malformed("it has no outputs".into())) };
    }
    let answer: Answer = serde_json::from_slice(text)?;
    let size = |output: &Output| {
        let size = output.parameters.as_ref().and_then(|all| all.get(BINARY_SIZE));
        size.map_or(Some(0), |size| usize::try_from(size.as_u64()?).ok())
    };
    let told = answer.outputs.iter().try_fold(0_usize, |sum, one| sum.checked_add(size(one)?));
    if told == Some(raw.len()) {
        return Ok(());
    }
    let detail = format!("{} raw bytes, and its outputs tell of others", raw.len());
    Err(Malformed(detail.into()))
}

/// What a server says of a model, under the name that callers know.
///
/// # Errors
/// [`Malformed`]: it is no JSON object.
pub fn model_body(body: &[u8], name: &str) -> Result<Vec<u8>, Malformed> {
    let mut said: Map<String, Value> = serde_json::from_slice(body)?;
    said.insert("name".to_owned(), name.into());
    Ok(Value::Object(said).to_string().into_bytes())
}

/// An error in the protocol's shape: one sentence, in which the code must find its place.
#[must_use]
pub fn problem_body(problem: &Problem<'_>) -> Vec<u8> {
    let Problem { message, param, code, request_id, .. } = problem;
    let param = param.map(|param| format!("{param}, ")).unwrap_or_default();
    let error = format!("{message} ({param}{code}, {request_id})");
    serde_json::json!({ "error": error }).to_string().into_bytes()
}

/// The last event of a stream that broke.
#[must_use]
pub fn problem_event(problem: &Problem<'_>) -> Vec<u8> {
    [b"data: ", problem_body(problem).as_slice(), b"\n\n"].concat()
}

/// What a server says is wrong: `error`, or `detail` where the framework under it refuses first.
#[must_use]
pub fn read_error(body: &[u8]) -> ProviderError {
    let said: Value = serde_json::from_slice(body).unwrap_or_default();
    let sentence = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(error) => error.get("message")?.as_str().map(str::to_owned),
        Value::Array(all) => {
            let each = all.iter().filter_map(|one| {
                let text = one.get("msg")?.as_str()?;
                let at: Vec<String> = one.get("loc")?.as_array()?.iter().map(word).collect();
                Some(format!("{}: {text}", at.join(".")))
            });
            Some(each.collect::<Vec<_>>().join("; ")).filter(|text| !text.is_empty())
        }
        _ => None,
    };
    let message = ["error", "detail", "message"].iter().find_map(|name| sentence(said.get(name)?));
    ProviderError { message, ..ProviderError::default() }
}

fn word(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
