//! Embeddings: a unit vector drawn from a hash of each input, so that the same text always gets
//! the same vector and nothing more is meant by it.

use super::{Invalid, parse, plain};
use crate::record::Call;
use crate::reply::Body;
use crate::switches::Switches;
use crate::tokens;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Response;
use serde::Deserialize;
use serde_json::{Value, json};

const DIMENSIONS: usize = 256;
const DIMENSIONS_MAX: usize = 4096;
const INPUTS_MAX: usize = 2048;

#[derive(Debug, Deserialize)]
struct Request {
    model: String,
    input: Value,
    #[serde(default)]
    dimensions: Option<usize>,
    #[serde(default)]
    encoding_format: Option<String>,
}

pub(super) fn answer(
    call: Call,
    switches: &Switches,
    body: &Bytes,
) -> Result<Response<Body>, (Call, Invalid)> {
    let (model, data, prompt) = match parse::<Request>(body).and_then(embed) {
        Ok(embedded) => embedded,
        Err(invalid) => return Err((call, invalid)),
    };
    call.note(|served| {
        served.model.clone_from(&model);
        served.input = prompt;
        served.usage_reported = !switches.no_usage;
    });
    let mut answer = json!({"object": "list", "data": data, "model": model});
    if !switches.no_usage
        && let Some(object) = answer.as_object_mut()
    {
        let usage = json!({"prompt_tokens": prompt, "total_tokens": prompt});
        object.insert("usage".to_owned(), usage);
    }
    Ok(plain(call, switches, answer.to_string(), 0))
}

/// The model's name, the data rows and the tokens of a request.
fn embed(request: Request) -> Result<(String, Vec<Value>, u64), Invalid> {
    let dimensions = request.dimensions.unwrap_or(DIMENSIONS);
    if !(1..=DIMENSIONS_MAX).contains(&dimensions) {
        let why = format!("dimensions must be from 1 to {DIMENSIONS_MAX}.");
        return Err(Invalid::new("dimensions", why));
    }
    let base64 = match request.encoding_format.as_deref() {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => {
            return Err(Invalid::new("encoding_format", "encoding_format is float or base64."));
        }
    };
    let inputs = inputs(&request.input)?;
    let data = inputs.iter().enumerate().map(|(index, input)| {
        let vector = vector(&input.bytes, dimensions);
        let embedding = if base64 {
            let bytes: Vec<u8> = vector.iter().flat_map(|x| x.to_le_bytes()).collect();
            Value::String(STANDARD.encode(bytes))
        } else {
            json!(vector)
        };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    });
    Ok((request.model, data.collect(), inputs.iter().map(|input| input.tokens).sum()))
}

struct Input {
    bytes: Vec<u8>,
    tokens: u64,
}

/// One text, one list of token numbers, or a list of either.
fn inputs(input: &Value) -> Result<Vec<Input>, Invalid> {
    let bad = || {
        Invalid::new("input", "input must be a text, a list of texts, or a list of token numbers.")
    };
    let inputs = match input {
        Value::Array(items) if items.iter().all(Value::is_u64) => vec![one(input).ok_or_else(bad)?],
        Value::Array(items) => {
            items.iter().map(|item| one(item).ok_or_else(bad)).collect::<Result<_, _>>()?
        }
        single => vec![one(single).ok_or_else(bad)?],
    };
    if inputs.len() > INPUTS_MAX {
        let why = format!("input must not hold more than {INPUTS_MAX} texts.");
        return Err(Invalid::new("input", why));
    }
    Ok(inputs)
}

fn one(input: &Value) -> Option<Input> {
    match input {
        Value::String(text) if !text.is_empty() => {
            Some(Input { bytes: text.clone().into_bytes(), tokens: tokens::count(text) })
        }
        Value::Array(numbers) if !numbers.is_empty() && numbers.iter().all(Value::is_u64) => {
            let bytes = input.to_string().into_bytes();
            Some(Input { bytes, tokens: u64::try_from(numbers.len()).unwrap_or(u64::MAX) })
        }
        _ => None,
    }
}

/// A unit vector from FNV-1a of `bytes`, stretched by a linear congruence.
fn vector(bytes: &[u8], dimensions: usize) -> Vec<f32> {
    let mut state = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let raw: Vec<f32> = (0..dimensions)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            let [.., high, low] = (state >> 32).to_be_bytes();
            f32::from(i16::from_be_bytes([high, low])) / 32_768.0
        })
        .collect();
    let length = raw.iter().map(|x| x * x).sum::<f32>().sqrt().max(f32::MIN_POSITIVE);
    raw.into_iter().map(|x| x / length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_vector_has_unit_length_and_depends_on_the_text_alone() {
        let (a, b) = (vector(b"a text", 256), vector(b"another", 256));
        assert_eq!(a, vector(b"a text", 256));
        assert_ne!(a, b);
        assert!((a.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
    }
}
