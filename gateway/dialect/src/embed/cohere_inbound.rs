//! Cohere's embed, as callers speak it: texts, images or contents, and vectors in several
//! encodings at once. Version 1 is the same but for an answer of plain numbers to whoever names no
//! encoding.

use super::{Answer, Encoding, Input, Request, Task};
use crate::Invalid;
use crate::fields::{Fields, Item};
use crate::neutral::Media;
use serde_json::{Map, Value, json};

/// The most inputs that one call may have, as the vendor has it.
const INPUTS_MAX: usize = super::cohere::BATCH_MAX;

const TASKS: [(&str, Task); 5] = [
    ("search_document", Task::Document),
    ("search_query", Task::Query),
    ("classification", Task::Classification),
    ("clustering", Task::Clustering),
    ("image", Task::Image),
];

pub(super) fn read_request(body: &[u8]) -> Result<Request, Invalid> {
    let mut body = Fields::of_body(body)?;
    let model = body.need_string("model")?;
    let task = body.word("input_type", &TASKS)?;
    let dimensions = body.count("output_dimension")?;
    if dimensions == Some(0) {
        return Err(body.wrong("output_dimension", "at least 1"));
    }
    let truncate = body.word("truncate", &super::openai::truncations())?;
    let inputs = inputs(&mut body)?;
    let encodings = encodings(&mut body)?;
    Ok(Request {
        model,
        inputs,
        dimensions,
        task,
        truncate,
        encodings,
        unknown: body.rest().into_iter().map(|(name, _)| name).collect(),
        ..Request::default()
    })
}

/// One of three fields.
fn inputs(body: &mut Fields) -> Result<Vec<Input>, Invalid> {
    const WAYS: [&str; 3] = ["texts", "images", "inputs"];
    let given: Vec<&str> = WAYS.into_iter().filter(|name| body.has(name)).collect();
    let [name] = given.as_slice() else {
        let at = given.get(1).copied().unwrap_or("texts");
        let found = if given.is_empty() { "is missing" } else { "is one too many" };
        let detail = format!("`{at}` {found}: send one of `texts`, `images` and `inputs`.");
        return Err(Invalid::at(at, detail));
    };
    let items = body.need_list(name)?;
    if items.is_empty() || items.len() > INPUTS_MAX {
        return Err(body.wrong(name, format_args!("an array of 1 to {INPUTS_MAX}")));
    }
    let read: fn(Item) -> Result<Input, Invalid> = match *name {
        "texts" => |item| item.string().map(Input::Text),
        "images" => |item| image(item.at.clone(), item.string()?),
        _ => content,
    };
    items.into_iter().map(read).collect()
}

/// Pieces that are one input with one vector: texts together, or an image.
fn content(item: Item) -> Result<Input, Invalid> {
    let mut input = item.fields()?;
    let pieces = input.need_list("content")?;
    let count = pieces.len();
    let mut texts = Vec::with_capacity(count);
    for piece in pieces {
        let at = piece.at.clone();
        let mut piece = piece.fields()?;
        let kind = piece.word("type", &[("text", true), ("image_url", false)])?;
        match kind {
            None => return Err(piece.missing("type", "`text` or `image_url`")),
            Some(true) => texts.push(piece.need_string("text")?),
            Some(false) if count == 1 => {
                let mut url = piece.need_object("image_url")?;
                return image(url.path("url"), url.need_string("url")?);
            }
            Some(false) => {
                let detail = format!(
                    "`{at}` is an image among other pieces of one input, which the model's \
                     provider does not embed together. Send each as an input of its own."
                );
                return Err(Invalid::at(at, detail));
            }
        }
    }
    if texts.is_empty() {
        return Err(input.wrong("content", "an array with at least one text or image"));
    }
    Ok(Input::Text(texts.join("\n")))
}

fn image(at: String, url: String) -> Result<Input, Invalid> {
    Media::at_url(url, &at).map(Input::Image)
}

/// What can be made of numbers. The vendor's `int8` and `uint8` cannot: they are scaled by what
/// its models usually give.
fn encodings(body: &mut Fields) -> Result<Vec<Encoding>, Invalid> {
    let mut encodings = Vec::new();
    for item in body.list("embedding_types")?.unwrap_or_default() {
        let at = item.at.clone();
        let encoding = match item.string()?.as_str() {
            "float" => Encoding::Float,
            "base64" => Encoding::Base64,
            "binary" => Encoding::Bits,
            "ubinary" => Encoding::UnsignedBits,
            "int8" | "uint8" => {
                let detail = format!(
                    "`{at}` asks for vectors in an encoding of Cohere's own, and the model is \
                     served by another provider. Ask for `float`, `base64`, `binary` or `ubinary`."
                );
                return Err(Invalid::at(at, detail));
            }
            _ => {
                let detail = format!(
                    "`{at}` must be one of `float`, `base64`, `binary`, `ubinary`, `int8`, `uint8`."
                );
                return Err(Invalid::at(at, detail));
            }
        };
        if !encodings.contains(&encoding) {
            encodings.push(encoding);
        }
    }
    Ok(encodings)
}

pub(super) fn write_answer(answer: &Answer, asked: &Request, id: &str, version: u8) -> Vec<u8> {
    let mut body = Map::new();
    body.insert("id".to_owned(), id.into());
    let plain = version == 1 && asked.encodings.is_empty();
    let kind = if plain { "embeddings_floats" } else { "embeddings_by_type" };
    body.insert("response_type".to_owned(), kind.into());
    let embeddings = if plain {
        vectors(answer, Encoding::Float)
    } else {
        let all = if asked.encodings.is_empty() { &[Encoding::Float] } else { &*asked.encodings };
        let typed = all.iter().map(|way| (word(*way).to_owned(), vectors(answer, *way)));
        Value::Object(typed.collect())
    };
    body.insert("embeddings".to_owned(), embeddings);
    let texts: Vec<&str> = asked.inputs.iter().filter_map(Input::text).collect();
    body.insert("texts".to_owned(), json!(texts));
    let mut meta = json!({"api_version": {"version": version.to_string()}});
    if let (Some(tokens), Some(map)) = (answer.tokens, meta.as_object_mut()) {
        let mut units = json!({"input_tokens": tokens.input});
        if let (1.., Some(units)) = (tokens.image_input, units.as_object_mut()) {
            units.insert("image_tokens".to_owned(), tokens.image_input.into());
        }
        map.insert("billed_units".to_owned(), units);
    }
    body.insert("meta".to_owned(), meta);
    Value::Object(body).to_string().into_bytes()
}

const fn word(encoding: Encoding) -> &'static str {
    match encoding {
        Encoding::Float => "float",
        Encoding::Base64 => "base64",
        Encoding::Bits => "binary",
        Encoding::UnsignedBits => "ubinary",
    }
}

fn vectors(answer: &Answer, way: Encoding) -> Value {
    let vectors = answer.vectors.iter();
    vectors
        .map(|vector| match way {
            Encoding::Float => json!(vector.numbers()),
            Encoding::Base64 => vector.packed().into(),
            Encoding::UnsignedBits => json!(vector.bits()),
            // Shifted, so that half of them are negative.
            Encoding::Bits => {
                vector.bits().into_iter().map(|bits| Value::from(i16::from(bits) - 128)).collect()
            }
        })
        .collect()
}
