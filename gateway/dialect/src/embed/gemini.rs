//! Gemini's `embedContent` and `batchEmbedContents`.

use super::openai::TASKS;
use super::{Answer, Input, Request, Target, Task, Truncate};
use crate::Invalid;
use crate::convert::Malformed;
use crate::fields::{Fields, Item};
use crate::loss::Losses;
use crate::neutral::{Media, Source};
use contract::usage::Tokens;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// The most contents that one call may have.
const INPUTS_MAX: usize = 100;

pub(super) fn read_request(body: &[u8], model: Option<&str>) -> Result<Request, Invalid> {
    one(Fields::of_body(body)?, model)
}

pub(super) fn read_requests(body: &[u8], model: Option<&str>) -> Result<Request, Invalid> {
    let mut body = Fields::of_body(body)?;
    let items = body.need_list("requests")?;
    if items.is_empty() || items.len() > INPUTS_MAX {
        return Err(body.wrong("requests", format_args!("1 to {INPUTS_MAX} requests")));
    }
    let mut all: Option<Request> = None;
    for item in items {
        let at = item.at.clone();
        let mut next = one(item.fields()?, model)?;
        match &mut all {
            None => all = Some(next),
            Some(all) => {
                all.inputs.append(&mut next.inputs);
                if !same(all, &next) {
                    let detail = format!(
                        "`{at}` asks for vectors of another kind than the requests before it. The \
                         model takes one kind a call: make a call for each."
                    );
                    return Err(Invalid::at(at, detail));
                }
            }
        }
    }
    let mut all = all.unwrap_or_default();
    all.unknown.extend(body.rest().into_iter().map(|(name, _)| name));
    Ok(all)
}

fn same(a: &Request, b: &Request) -> bool {
    (a.dimensions, a.task, &a.title, a.truncate) == (b.dimensions, b.task, &b.title, b.truncate)
}

fn one(mut body: Fields, model: Option<&str>) -> Result<Request, Invalid> {
    let named = body.string("model")?;
    let model = model.map(str::to_owned).or(named).unwrap_or_default();
    let mut content = body.need_object("content")?;
    // The name of whoever speaks means nothing to a vector.
    content.take("role");
    let parts = content.need_list("parts")?;
    let input = input(&content, parts)?;
    // Newer clients put the settings into an object of their own.
    let mut config = body.object("embedContentConfig")?;
    let request = Request {
        model: model.strip_prefix("models/").unwrap_or(&model).to_owned(),
        inputs: vec![input],
        dimensions: either(&mut body, &mut config, |f| f.count("outputDimensionality"))?,
        task: either(&mut body, &mut config, task)?,
        title: either(&mut body, &mut config, |f| f.string("title"))?,
        truncate: either(&mut body, &mut config, |f| f.boolean("autoTruncate"))?
            .map(|auto| if auto { Truncate::End } else { Truncate::None }),
        ..Request::default()
    };
    let rest = config.into_iter().chain([body]).flat_map(|fields| fields.rest());
    Ok(Request { unknown: rest.map(|(name, _)| name).collect(), ..request })
}

fn either<T>(
    body: &mut Fields,
    config: &mut Option<Fields>,
    mut read: impl FnMut(&mut Fields) -> Result<Option<T>, Invalid>,
) -> Result<Option<T>, Invalid> {
    let here = read(body)?;
    let there = config.as_mut().map(read).transpose()?.flatten();
    Ok(here.or(there))
}

fn task(fields: &mut Fields) -> Result<Option<Task>, Invalid> {
    let Some(word) = fields.string("taskType")? else { return Ok(None) };
    if word == "TASK_TYPE_UNSPECIFIED" {
        return Ok(None);
    }
    let known = TASKS.iter().find(|(_, task)| task_word(*task) == Some(&word));
    known.map(|(_, task)| Some(*task)).ok_or_else(|| {
        let words: Vec<&str> = TASKS.iter().map(|(word, _)| *word).take(8).collect();
        fields.wrong("taskType", format_args!("one of {}", words.join(", ")))
    })
}

/// The parts are one content with one vector: texts together, or an image.
fn input(content: &Fields, parts: Vec<Item>) -> Result<Input, Invalid> {
    let mut texts = Vec::new();
    let count = parts.len();
    for part in parts {
        let at = part.at.clone();
        let mut part = part.fields()?;
        if let Some(text) = part.string("text")? {
            texts.push(text);
        } else if let Some(mut data) = part.object("inlineData")? {
            let media_type = data.need_string("mimeType")?;
            let source = Source::Inline(data.need_string("data")?);
            if count > 1 || !media_type.starts_with("image/") {
                let detail = format!(
                    "`{at}` cannot be embedded together with others, or is no image. Send texts, or \
                     one image."
                );
                return Err(Invalid::at(at, detail));
            }
            return Ok(Input::Image(Media { source, media_type, ..Media::default() }));
        } else {
            let detail = format!("`{at}` is neither `text` nor `inlineData`.");
            return Err(Invalid::at(at, detail));
        }
    }
    if texts.is_empty() {
        return Err(content.wrong("parts", "an array with at least one text"));
    }
    Ok(Input::Text(texts.join("\n")))
}

/// The vendor's word.
pub(super) const fn task_word(task: Task) -> Option<&'static str> {
    Some(match task {
        Task::Query => "RETRIEVAL_QUERY",
        Task::Document => "RETRIEVAL_DOCUMENT",
        Task::Similarity => "SEMANTIC_SIMILARITY",
        Task::Classification => "CLASSIFICATION",
        Task::Clustering => "CLUSTERING",
        Task::QuestionAnswering => "QUESTION_ANSWERING",
        Task::FactVerification => "FACT_VERIFICATION",
        Task::CodeQuery => "CODE_RETRIEVAL_QUERY",
        Task::Image => return None,
    })
}

pub(super) fn write_request(
    request: &Request,
    to: &Target<'_>,
    losses: &mut Losses,
) -> Result<Value, Invalid> {
    request.leave_out(&["truncate"], losses);
    let model =
        if to.model.contains('/') { to.model.to_owned() } else { format!("models/{}", to.model) };
    let mut shared = Map::new();
    shared.insert("model".to_owned(), model.into());
    if let Some(dimensions) = request.dimensions {
        shared.insert("outputDimensionality".to_owned(), dimensions.into());
    }
    match request.task.map(task_word) {
        Some(Some(word)) => drop(shared.insert("taskType".to_owned(), word.into())),
        Some(None) => losses.adapt("task_type"),
        None => {}
    }
    if let Some(title) = &request.title {
        shared.insert("title".to_owned(), title.as_str().into());
    }
    let mut requests = Vec::with_capacity(request.inputs.len());
    for (n, input) in request.inputs.iter().enumerate() {
        let part = match input {
            Input::Text(text) => json!({ "text": text }),
            Input::Image(media) => json!({ "inlineData": {
                "mimeType": media.media_type, "data": super::inline(n, media)? } }),
            Input::Tokens(_) => return Err(super::unsayable(n, input)),
        };
        let mut one = shared.clone();
        one.insert("content".to_owned(), json!({ "parts": [part] }));
        requests.push(Value::Object(one));
    }
    Ok(json!({ "requests": requests }))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    embedding: Option<Values>,
    #[serde(default)]
    embeddings: Vec<Values>,
    usage_metadata: Option<Value>,
}

#[derive(Deserialize)]
struct Values {
    #[serde(default)]
    values: Vec<f64>,
}

pub(super) fn read_answer(body: &[u8]) -> Result<Answer, Malformed> {
    let told: Told = serde_json::from_slice(body)?;
    let all = told.embedding.into_iter().chain(told.embeddings);
    let used = told.usage_metadata.and_then(|usage| usage.get("promptTokenCount")?.as_u64());
    Ok(Answer {
        model: String::new(),
        vectors: all.map(|values| values.values.into()).collect(),
        tokens: used.map(|input| Tokens { input, ..Tokens::default() }),
    })
}

pub(super) fn write_answer(answer: &Answer, batch: bool) -> Vec<u8> {
    let mut all = answer.vectors.iter().map(|vector| json!({ "values": vector.numbers() }));
    let mut body = Map::new();
    if batch {
        body.insert("embeddings".to_owned(), all.collect());
    } else {
        body.insert("embedding".to_owned(), all.next().unwrap_or_default());
    }
    if let Some(tokens) = answer.tokens {
        let used = json!({ "promptTokenCount": tokens.total() });
        body.insert("usageMetadata".to_owned(), used);
    }
    Value::Object(body).to_string().into_bytes()
}
