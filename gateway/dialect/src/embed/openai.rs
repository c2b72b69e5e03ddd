//! OpenAI's shape, which callers and most providers speak. Callers may say `input_type` or
//! `task_type`, `title` and `truncate` besides, as several providers of this shape understand them.

use super::vector::Written;
use super::{Answer, Encoding, Input, Request, Target, Task, Truncate};
use crate::Invalid;
use crate::convert::Malformed;
use crate::fields::{Fields, Item};
use crate::loss::Losses;
use contract::usage::Tokens;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// The most inputs that the vendor takes in one call.
const INPUTS_MAX: usize = 2_048;

/// Every vendor's words for what vectors are for.
pub(super) const TASKS: [(&str, Task); 22] = [
    ("RETRIEVAL_QUERY", Task::Query),
    ("RETRIEVAL_DOCUMENT", Task::Document),
    ("SEMANTIC_SIMILARITY", Task::Similarity),
    ("CLASSIFICATION", Task::Classification),
    ("CLUSTERING", Task::Clustering),
    ("QUESTION_ANSWERING", Task::QuestionAnswering),
    ("FACT_VERIFICATION", Task::FactVerification),
    ("CODE_RETRIEVAL_QUERY", Task::CodeQuery),
    ("search_query", Task::Query),
    ("search_document", Task::Document),
    ("classification", Task::Classification),
    ("clustering", Task::Clustering),
    ("image", Task::Image),
    ("query", Task::Query),
    ("document", Task::Document),
    ("passage", Task::Document),
    ("retrieval.query", Task::Query),
    ("retrieval.passage", Task::Document),
    ("text-matching", Task::Similarity),
    ("separation", Task::Clustering),
    ("code.query", Task::CodeQuery),
    ("nl2code.query", Task::CodeQuery),
];

pub(super) fn read_request(body: &[u8]) -> Result<Request, Invalid> {
    let mut body = Fields::of_body(body)?;
    let model = body.need_string("model")?;
    let input = body
        .item("input")
        .ok_or_else(|| body.missing("input", "a text, tokens, or an array of either"))?;
    let encoding =
        body.word("encoding_format", &[("float", Encoding::Float), ("base64", Encoding::Base64)])?;
    let dimensions = body.count("dimensions")?;
    if dimensions == Some(0) {
        return Err(body.wrong("dimensions", "at least 1"));
    }
    let task = body.word("task_type", &TASKS)?;
    let input_type = body.word("input_type", &TASKS)?;
    let cut = body.word("truncate", &truncations())?;
    let auto = body.boolean("auto_truncate")?;
    let auto = auto.map(|auto| if auto { Truncate::End } else { Truncate::None });
    Ok(Request {
        model,
        inputs: inputs(input)?,
        dimensions,
        task: task.or(input_type),
        title: body.string("title")?,
        truncate: cut.or(auto),
        encodings: encoding.into_iter().collect(),
        end_user: body.string("user")?,
        unknown: body.rest().into_iter().map(|(name, _)| name).collect(),
    })
}

pub(super) const fn truncations() -> [(&'static str, Truncate); 3] {
    [("NONE", Truncate::None), ("START", Truncate::Start), ("END", Truncate::End)]
}

/// A text, texts, tokens, or arrays of tokens; not texts among tokens.
fn inputs(input: Item) -> Result<Vec<Input>, Invalid> {
    let at = input.at.clone();
    let items = match input.value {
        Value::String(text) => return Ok(vec![Input::Text(text)]),
        Value::Array(items) if items.is_empty() => {
            return Err(Invalid::at(
                at.clone(),
                format!("`{at}` is empty. Send at least one text."),
            ));
        }
        Value::Array(items) => items,
        _ => return Err(input.wrong("a text, tokens, or an array of either")),
    };
    if items.first().is_some_and(Value::is_number) {
        return Ok(vec![Input::Tokens(tokens(&at, items)?)]);
    }
    if items.len() > INPUTS_MAX {
        let detail = format!(
            "`{at}` has {} inputs, and one call may have {INPUTS_MAX}. Make several calls.",
            items.len()
        );
        return Err(Invalid::at(at, detail));
    }
    let items = Item::each(&at, items).into_iter();
    items
        .map(|item| match item.value {
            Value::String(text) => Ok(Input::Text(text)),
            Value::Array(items) if !items.is_empty() => Ok(Input::Tokens(tokens(&item.at, items)?)),
            _ => Err(item.wrong("a text or an array of tokens")),
        })
        .collect()
}

fn tokens(at: &str, items: Vec<Value>) -> Result<Vec<u32>, Invalid> {
    let token = |item: Item| {
        let token = item.value.as_u64().and_then(|token| u32::try_from(token).ok());
        token.ok_or_else(|| item.wrong("a token: a whole number that is not negative"))
    };
    Item::each(at, items).into_iter().map(token).collect()
}

#[derive(Serialize)]
struct List<'a> {
    object: &'static str,
    data: Vec<Embedding<'a>>,
    model: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    usage: Option<Usage>,
}

#[derive(Serialize)]
struct Embedding<'a> {
    object: &'static str,
    index: usize,
    embedding: Shown<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Shown<'a> {
    Numbers(&'a [f64]),
    Packed(String),
}

#[derive(Serialize, Deserialize)]
struct Usage {
    prompt_tokens: u64,
    total_tokens: u64,
}

pub(super) fn write_answer(answer: &Answer, asked: &Request) -> Vec<u8> {
    let data = answer
        .vectors
        .iter()
        .enumerate()
        .map(|(index, vector)| Embedding {
            object: "embedding",
            index,
            embedding: if asked.encodings.contains(&Encoding::Base64) {
                Shown::Packed(vector.packed())
            } else {
                Shown::Numbers(vector.numbers())
            },
        })
        .collect();
    let usage = answer.tokens.map(|tokens| {
        let total = tokens.total();
        Usage { prompt_tokens: total, total_tokens: total }
    });
    let model = if answer.model.is_empty() { &asked.model } else { &answer.model };
    // Numbers that are finite and texts always serialise.
    serde_json::to_vec(&List { object: "list", data, model, usage }).unwrap_or_default()
}

pub(super) fn write_request(
    request: &Request,
    to: &Target<'_>,
    losses: &mut Losses,
) -> Result<Value, Invalid> {
    request.leave_out(&["task_type", "title", "truncate"], losses);
    let mut inputs = Vec::with_capacity(request.inputs.len());
    for (n, input) in request.inputs.iter().enumerate() {
        inputs.push(match input {
            Input::Text(text) => Value::from(text.as_str()),
            Input::Tokens(tokens) => json!(tokens),
            Input::Image(_) => return Err(super::unsayable(n, input)),
        });
    }
    let mut body = json!({ "model": to.model, "input": inputs, "encoding_format": "float" });
    if let Some(map) = body.as_object_mut() {
        if let Some(dimensions) = request.dimensions {
            map.insert("dimensions".to_owned(), dimensions.into());
        }
        if let Some(user) = &request.end_user {
            map.insert("user".to_owned(), user.as_str().into());
        }
    }
    Ok(body)
}

#[derive(Deserialize)]
struct Told {
    #[serde(default)]
    model: String,
    data: Vec<Vectored>,
    usage: Option<Value>,
}

#[derive(Deserialize)]
struct Vectored {
    index: Option<usize>,
    embedding: Written,
}

pub(super) fn read_answer(body: &[u8]) -> Result<Answer, Malformed> {
    let told: Told = serde_json::from_slice(body)?;
    let mut data = told.data;
    // Not every server keeps the order; every one tells the index, or none does.
    data.sort_by_key(|item| item.index);
    if data.iter().enumerate().any(|(n, item)| item.index.is_some_and(|index| index != n)) {
        return Err(Malformed("vectors whose indices are not 0, 1, 2 …".into()));
    }
    let count = |name: &str| told.usage.as_ref().and_then(|usage| usage.get(name)?.as_u64());
    let input = count("prompt_tokens").or_else(|| count("total_tokens"));
    Ok(Answer {
        model: told.model,
        vectors: data
            .into_iter()
            .map(|item| item.embedding.try_into())
            .collect::<Result<_, _>>()?,
        tokens: input.map(|input| Tokens { input, ..Tokens::default() }),
    })
}
