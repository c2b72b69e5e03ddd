//! Tensors for an endpoint that has JSON of its own layout, and its answer as tensors again, as
//! data says. Nothing is guessed: what is not where it must be is told with its place.

use super::Asked;
use super::request::Tensor;
use crate::Invalid;
use crate::convert::Malformed;
use contract::snapshot::{Layout, PredictMap, PredictOutput};
use serde_json::{Map, Value, json};

/// Dimensions of a tensor at most: each is a list within a list.
const RANK_MAX: usize = 32;

/// Writes a request as an endpoint wants it.
///
/// # Errors
/// [`Invalid`] with the tensor that the layout cannot carry.
pub fn write_mapped(asked: &Asked<'_>, map: &PredictMap) -> Result<Vec<u8>, Invalid> {
    let data = match map.layout {
        Layout::Rows => match asked.tensors.as_slice() {
            [one] => rows(one)?.into(),
            [_, second, ..] => {
                return Err(refused(
                    second,
                    "the model takes one tensor: send the others' columns in it",
                ));
            }
            [] => Value::Array(Vec::new()),
        },
        Layout::Objects => objects(&asked.tensors)?,
        Layout::Columns => {
            let named = asked.tensors.iter().map(|one| Ok((one.name.clone(), whole(one)?)));
            Value::Object(named.collect::<Result<_, Invalid>>()?)
        }
    };
    let mut body = map.with.clone().unwrap_or_else(|| json!({}));
    let mut at = &mut body;
    for word in map.input.split('/').skip(1) {
        if !at.is_object() {
            *at = json!({});
        }
        let Value::Object(members) = at else { continue };
        at = members.entry(unescaped(word)).or_insert(Value::Null);
    }
    *at = data;
    Ok(body.to_string().into_bytes())
}

fn refused(tensor: &Tensor<'_>, why: &str) -> Invalid {
    Invalid::at(tensor.at.clone(), format!("`{}` cannot be sent to this model: {why}.", tensor.at))
}

/// A tensor as lists within lists.
fn whole(tensor: &Tensor<'_>) -> Result<Value, Invalid> {
    let Some(data) = tensor.data else {
        return Err(refused(tensor, "its provider takes JSON, so send `data` and no raw bytes"));
    };
    if tensor.shape.len() > RANK_MAX {
        return Err(refused(tensor, "it has more than 32 dimensions"));
    }
    if tensor.shape.contains(&0) {
        return Ok(Value::Array(Vec::new()));
    }
    let data: Value = serde_json::from_slice(data)
        .map_err(|_| refused(tensor, "its data are not JSON that can be read"))?;
    let mut flat = Vec::new();
    flatten(data, &mut flat);
    let mut flat = flat.into_iter();
    shaped(&tensor.shape, &mut flat)
        .ok_or_else(|| refused(tensor, "it has fewer elements than its shape says"))
}

/// The rows of a tensor; a scalar is one.
fn rows(tensor: &Tensor<'_>) -> Result<Vec<Value>, Invalid> {
    Ok(match whole(tensor)? {
        Value::Array(rows) => rows,
        scalar => vec![scalar],
    })
}

fn objects(tensors: &[Tensor<'_>]) -> Result<Value, Invalid> {
    let mut objects: Vec<Map<String, Value>> = Vec::new();
    for (n, tensor) in tensors.iter().enumerate() {
        let rows = rows(tensor)?;
        if n == 0 {
            objects.resize(rows.len(), Map::new());
        } else if rows.len() != objects.len() {
            return Err(refused(tensor, "all tensors must have as many rows as the first"));
        }
        for (object, row) in objects.iter_mut().zip(rows) {
            object.insert(tensor.name.clone(), row);
        }
    }
    Ok(objects.into())
}

/// The elements of lists within lists. A text was read before, so lists are not deep.
fn flatten(value: Value, out: &mut Vec<Value>) {
    match value {
        Value::Array(items) => items.into_iter().for_each(|item| flatten(item, out)),
        scalar => out.push(scalar),
    }
}

/// So many elements as the shape says, in lists. `None`: there are not so many.
fn shaped(shape: &[u64], flat: &mut impl Iterator<Item = Value>) -> Option<Value> {
    let Some((length, inner)) = shape.split_first() else { return flat.next() };
    let mut list = Vec::new();
    for _ in 0..*length {
        list.push(shaped(inner, flat)?);
    }
    Some(Value::Array(list))
}

/// An endpoint's answer as an answer of the protocol.
///
/// # Errors
/// [`Malformed`] with the place that is not as the map says.
pub fn read_mapped(
    body: &[u8],
    map: &PredictMap,
    model: &str,
    asked: &Asked<'_>,
) -> Result<Vec<u8>, Malformed> {
    let said: Value = serde_json::from_slice(body)?;
    let outputs = map.outputs.iter().map(|output| tensor(&said, output));
    let outputs = outputs.collect::<Result<Vec<_>, _>>()?;
    let mut answer = json!({ "model_name": model, "outputs": outputs });
    if let (Some(id), Value::Object(members)) = (&asked.id, &mut answer) {
        members.insert("id".to_owned(), id.as_str().into());
    }
    Ok(answer.to_string().into_bytes())
}

fn tensor(said: &Value, output: &PredictOutput) -> Result<Value, Malformed> {
    let PredictOutput { name, pointer, datatype } = output;
    let wrong = |what: &str| {
        Malformed(format!("{what} at `{pointer}`, where the output `{name}` must be").into())
    };
    let words: Vec<&str> = pointer.split('/').skip(1).collect();
    let found = pick(said, &words).ok_or_else(|| wrong("nothing"))?;
    let texts = datatype == "BYTES";
    let mut shape = Vec::new();
    measure(&found, &mut shape);
    let mut data = Vec::new();
    let elements = flat(found, &shape, &mut data);
    if !elements || shape.len() > RANK_MAX {
        return Err(wrong("lists of different lengths"));
    }
    for element in &mut data {
        let fits = match (&*element, datatype.as_str()) {
            (Value::String(_), "BYTES") | (Value::Bool(_), "BOOL") => true,
            (Value::Number(_), "FP16" | "FP32" | "FP64") => true,
            (Value::Number(number), kind) if kind.contains("INT") => !number.is_f64(),
            _ => false,
        };
        if !fits && texts {
            *element = element.to_string().into();
        } else if !fits {
            return Err(wrong(&format!("something that is no {datatype}")));
        }
    }
    if shape.is_empty() {
        shape.push(1);
    }
    Ok(json!({"name": name, "shape": shape, "datatype": datatype, "data": data}))
}

/// What a pointer leads to; of a list, where it says `*`, what it leads to in each element.
fn pick(value: &Value, words: &[&str]) -> Option<Value> {
    let Some((word, rest)) = words.split_first() else { return Some(value.clone()) };
    match value {
        Value::Array(items) if *word == "*" => {
            items.iter().map(|item| pick(item, rest)).collect::<Option<Vec<_>>>().map(Value::Array)
        }
        Value::Array(items) => pick(items.get(word.parse::<usize>().ok()?)?, rest),
        Value::Object(members) => pick(members.get(&unescaped(word))?, rest),
        _ => None,
    }
}

/// The lengths of lists within lists, by their first elements.
fn measure(value: &Value, shape: &mut Vec<usize>) {
    if let Value::Array(items) = value {
        shape.push(items.len());
        if let Some(first) = items.first() {
            measure(first, shape);
        }
    }
}

/// Puts the elements into `out`; whether the lists are all as long as `shape` says.
fn flat(value: Value, shape: &[usize], out: &mut Vec<Value>) -> bool {
    match (value, shape.split_first()) {
        (Value::Array(items), Some((length, inner))) if items.len() == *length => {
            items.into_iter().all(|item| flat(item, inner, out))
        }
        (Value::Array(_), _) | (_, Some(_)) => false,
        (element, None) => {
            out.push(element);
            true
        }
    }
}

fn unescaped(word: &str) -> String {
    word.replace("~1", "/").replace("~0", "~")
}
