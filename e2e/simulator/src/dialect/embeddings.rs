//! The calls that answer no text: embeddings and rerank in each vendor's form, and the counting of
//! a prompt's tokens.

use super::watsonx::check_place;
use super::{Operation, Target, Wire, set};
use crate::node::{Invalid, Node};
use crate::tokens;
use crate::vectors::{INPUTS_MAX, dimensions, ranked, vector};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use serde_json::{Value, json};

/// An answer without text, and what it used.
#[derive(Debug)]
pub(crate) struct Flat {
    pub model: String,
    pub input: u64,
    pub body: Value,
    /// Whether the answer tells what was used.
    pub reported: bool,
}

/// Answers `target`; `usage`: tells what was used, where the vendor does.
pub(crate) fn flat(
    target: &Target,
    headers: &HeaderMap,
    body: &Node<'_>,
    usage: bool,
) -> Result<Flat, Invalid> {
    match (target.operation, target.wire) {
        (Operation::Count, wire) => {
            let ask = wire.dialect().ask(target, headers, body)?;
            let counted = match wire {
                Wire::Gemini => json!({"totalTokens": ask.prompt}),
                _ => json!({"input_tokens": ask.prompt}),
            };
            Ok(Flat { model: ask.model, input: 0, body: counted, reported: false })
        }
        (Operation::Rerank, Wire::Watsonx) => watsonx_rerank(body, usage),
        (Operation::Rerank, _) => cohere_rerank(body, usage),
        (_, Wire::Gemini) => gemini(target, body),
        (_, Wire::Converse) => bedrock(target, body, usage),
        (_, Wire::Cohere) => cohere(body, usage),
        (_, Wire::Watsonx) => watsonx(body, usage),
        (_, Wire::Ollama) => ollama(body, usage),
        _ => openai(target, body, usage),
    }
}

struct Input {
    bytes: Vec<u8>,
    tokens: u64,
}

impl Input {
    fn text(text: &str) -> Self {
        Self { bytes: text.as_bytes().to_vec(), tokens: tokens::count(text) }
    }

    fn of(node: &Node<'_>) -> Result<Self, Invalid> {
        match node.value {
            Value::String(text) if !text.is_empty() => Ok(Self::text(text)),
            Value::Array(numbers) if !numbers.is_empty() && numbers.iter().all(Value::is_u64) => {
                let tokens = u64::try_from(numbers.len()).unwrap_or(u64::MAX);
                Ok(Self { bytes: node.value.to_string().into_bytes(), tokens })
            }
            _ => Err(node.wrong("a text or a list of token numbers, and not empty")),
        }
    }
}

fn sum(inputs: &[Input]) -> u64 {
    inputs.iter().map(|input| input.tokens).sum()
}

fn vectors(inputs: &[Input], dimensions: usize) -> Vec<Vec<f32>> {
    inputs.iter().map(|input| vector(&input.bytes, dimensions)).collect()
}

/// The texts of a list that must hold some.
fn texts(body: &Node<'_>, key: &str) -> Result<Vec<Input>, Invalid> {
    let nodes = body.some(key)?;
    if nodes.len() > INPUTS_MAX {
        return Err(body.need(key)?.wrong(&format!("a list of at most {INPUTS_MAX}")));
    }
    nodes.iter().map(|node| Ok(Input::text(node.text()?))).collect()
}

fn openai(target: &Target, body: &Node<'_>, usage: bool) -> Result<Flat, Invalid> {
    let model = match &target.model {
        Some(model) => model.clone(),
        None => body.need("model")?.text()?.to_owned(),
    };
    let dimensions = dimensions(body.get("dimensions"))?;
    let base64 = match body.opt("encoding_format", Node::text)? {
        None | Some("float") => false,
        Some("base64") => true,
        Some(_) => return Err(body.need("encoding_format")?.wrong("float or base64")),
    };
    let input = body.need("input")?;
    // One text, one list of token numbers, or a list of either.
    let one = input.value.as_array().is_none_or(|items| items.iter().all(Value::is_u64));
    let inputs = if one { vec![input.clone()] } else { input.items()? };
    if inputs.len() > INPUTS_MAX {
        return Err(input.wrong(&format!("a list of at most {INPUTS_MAX}")));
    }
    let inputs = inputs.iter().map(Input::of).collect::<Result<Vec<_>, _>>()?;
    let row = |(index, vector): (usize, Vec<f32>)| {
        let bytes = || vector.iter().flat_map(|x| x.to_le_bytes()).collect::<Vec<u8>>();
        let embedding = if base64 { json!(STANDARD.encode(bytes())) } else { json!(vector) };
        json!({"object": "embedding", "index": index, "embedding": embedding})
    };
    let data: Vec<_> = vectors(&inputs, dimensions).into_iter().enumerate().map(row).collect();
    let mut answer = json!({"object": "list", "data": data, "model": model});
    let input = sum(&inputs);
    if usage {
        set(&mut answer, "usage", json!({"prompt_tokens": input, "total_tokens": input}));
    }
    Ok(Flat { model, input, body: answer, reported: usage })
}

/// Gemini tells no usage with its vectors.
fn gemini(target: &Target, body: &Node<'_>) -> Result<Flat, Invalid> {
    let embed = |request: &Node<'_>| -> Result<(Value, u64), Invalid> {
        let config = request.get("embedContentConfig").unwrap_or_else(|| request.clone());
        let dimensions = dimensions(config.get("outputDimensionality"))?;
        let parts = request.need("content")?.some("parts")?;
        let text: String =
            parts.iter().map(|part| part.text_or_empty("text")).collect::<Result<_, _>>()?;
        let input = Input::text(&text);
        Ok((json!({"values": vector(&input.bytes, dimensions)}), input.tokens))
    };
    let model = target.model.clone().unwrap_or_default();
    let (body, input) = if target.verb == "batchEmbedContents" {
        let all = body.some("requests")?;
        let all = all.iter().map(embed).collect::<Result<Vec<_>, _>>()?;
        let input = all.iter().map(|(_, tokens)| tokens).sum();
        let vectors: Vec<_> = all.into_iter().map(|(vector, _)| vector).collect();
        (json!({"embeddings": vectors}), input)
    } else {
        let (vector, tokens) = embed(body)?;
        (json!({"embedding": vector}), tokens)
    };
    Ok(Flat { model, input, body, reported: false })
}

/// Titan's form, or Cohere's where the body is of that form.
fn bedrock(target: &Target, body: &Node<'_>, usage: bool) -> Result<Flat, Invalid> {
    let model = target.model.clone().unwrap_or_default();
    if body.get("texts").is_some() {
        body.need("input_type")?.text()?;
        let inputs = texts(body, "texts")?;
        let vectors = vectors(&inputs, dimensions(body.get("output_dimension"))?);
        let floats = body.get("embedding_types").is_some();
        let embeddings = if floats { json!({"float": vectors}) } else { json!(vectors) };
        let kind = if floats { "embeddings_by_type" } else { "embeddings_floats" };
        let answer = json!({
            "id": crate::FINGERPRINT, "embeddings": embeddings, "response_type": kind,
            "texts": body.need("texts")?.value,
        });
        return Ok(Flat { model, input: sum(&inputs), body: answer, reported: false });
    }
    let input = Input::text(body.need("inputText")?.text()?);
    let vector = vector(&input.bytes, dimensions(body.get("dimensions"))?);
    let mut answer = json!({"embedding": vector, "embeddingsByType": {"float": vector}});
    if usage {
        set(&mut answer, "inputTextTokenCount", input.tokens);
    }
    Ok(Flat { model, input: input.tokens, body: answer, reported: usage })
}

fn cohere(body: &Node<'_>, usage: bool) -> Result<Flat, Invalid> {
    let model = body.need("model")?.text()?.to_owned();
    body.need("input_type")?.text()?;
    let inputs = texts(body, "texts")?;
    let vectors = vectors(&inputs, dimensions(body.get("output_dimension"))?);
    let input = sum(&inputs);
    let mut meta = json!({"api_version": {"version": "2"}});
    if usage {
        set(&mut meta, "billed_units", json!({"input_tokens": input}));
    }
    let answer = json!({
        "id": crate::FINGERPRINT, "embeddings": {"float": vectors},
        "texts": body.need("texts")?.value, "meta": meta, "response_type": "embeddings_by_type",
    });
    Ok(Flat { model, input, body: answer, reported: usage })
}

fn watsonx(body: &Node<'_>, usage: bool) -> Result<Flat, Invalid> {
    check_place(body)?;
    let model = body.need("model_id")?.text()?.to_owned();
    let inputs = texts(body, "inputs")?;
    let results: Vec<_> = vectors(&inputs, dimensions(None)?)
        .into_iter()
        .map(|vector| json!({"embedding": vector}))
        .collect();
    let input = sum(&inputs);
    let mut answer = json!({"model_id": model, "results": results});
    if usage {
        set(&mut answer, "input_token_count", input);
    }
    Ok(Flat { model, input, body: answer, reported: usage })
}

fn ollama(body: &Node<'_>, usage: bool) -> Result<Flat, Invalid> {
    let model = body.need("model")?.text()?.to_owned();
    let inputs = match body.need("input")? {
        one if one.value.is_string() => vec![Input::text(one.text()?)],
        _ => texts(body, "input")?,
    };
    let vectors = vectors(&inputs, dimensions(body.get("dimensions"))?);
    let input = sum(&inputs);
    let mut answer = json!({"model": model, "embeddings": vectors});
    if usage {
        set(&mut answer, "prompt_eval_count", input);
    }
    Ok(Flat { model, input, body: answer, reported: usage })
}

/// Counts search units, not tokens.
fn cohere_rerank(body: &Node<'_>, usage: bool) -> Result<Flat, Invalid> {
    let model = body.need("model")?.text()?.to_owned();
    let query = body.need("query")?.text()?;
    let documents = body.some("documents")?;
    let text = |node: &Node<'_>| match node.get("text") {
        Some(text) => text.text().map(str::to_owned),
        None => node.text().map(str::to_owned),
    };
    let texts = documents.iter().map(text).collect::<Result<Vec<_>, _>>()?;
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let result = |(index, score)| json!({"index": index, "relevance_score": score});
    let ranked = ranked(query, &texts, body.opt("top_n", Node::number)?);
    let results: Vec<_> = ranked.into_iter().map(result).collect();
    let mut meta = json!({"api_version": {"version": "2"}});
    if usage {
        // One unit is a query with up to a hundred documents.
        set(&mut meta, "billed_units", json!({"search_units": documents.len().div_ceil(100)}));
    }
    let answer = json!({"id": crate::FINGERPRINT, "results": results, "meta": meta});
    Ok(Flat { model, input: 0, body: answer, reported: usage })
}

fn watsonx_rerank(body: &Node<'_>, usage: bool) -> Result<Flat, Invalid> {
    check_place(body)?;
    let model = body.need("model_id")?.text()?.to_owned();
    let query = body.need("query")?.text()?;
    let inputs = body.some("inputs")?;
    let texts: Vec<_> =
        inputs.iter().map(|node| node.need("text")?.text()).collect::<Result<_, _>>()?;
    let options = body.get("parameters").and_then(|node| node.get("return_options"));
    let most = options.map(|node| node.opt("top_n", Node::number)).transpose()?.flatten();
    let result = |(index, score)| json!({"index": index, "score": score});
    let results: Vec<_> = ranked(query, &texts, most).into_iter().map(result).collect();
    let input = texts.iter().map(|text| tokens::count(text) + tokens::count(query)).sum();
    let mut answer = json!({"model_id": model, "results": results});
    if usage {
        set(&mut answer, "input_token_count", Value::from(input));
    }
    Ok(Flat { model, input, body: answer, reported: usage })
}
