//! Reads what is asked of a model: its tensors, and how many rows they are.

use super::BINARY_SIZE;
use super::datatype::{Datatype, texts};
use crate::Invalid;
use crate::json::{self, Kind, Member, Syntax};
use crate::openai::{Ask, StreamOptions};
use contract::error::ErrorCode;
use serde::Deserialize as _;
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// How a body is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    Json,
    /// So many bytes of JSON, then raw ones.
    Binary(usize),
}

impl Form {
    /// As `Inference-Header-Content-Length` says.
    ///
    /// # Errors
    /// `request.header_invalid`: it is no number of bytes.
    pub fn of_header(value: Option<&[u8]>) -> Result<Self, Invalid> {
        let Some(value) = value else { return Ok(Self::Json) };
        let length = json::whole_number(value.trim_ascii()).and_then(|n| usize::try_from(n).ok());
        length.map(Self::Binary).ok_or_else(|| {
            header("`Inference-Header-Content-Length` must be a number: how many bytes of JSON the body begins with.".into())
        })
    }

    /// The JSON of a body, and the raw bytes behind it.
    pub(super) fn split(self, body: &[u8]) -> Option<(&[u8], &[u8])> {
        match self {
            Self::Json => Some((body, &[])),
            Self::Binary(length) => body.split_at_checked(length),
        }
    }
}

/// A call of a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Asked<'a> {
    pub tensors: Vec<Tensor<'a>>,
    /// The largest first dimension of a tensor. The order of tensors is the caller's choice, and
    /// must not make a price.
    pub rows: u64,
    /// How the caller calls its call.
    pub id: Option<String>,
}

/// A tensor of a call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor<'a> {
    /// Where it is: `inputs[0]`.
    pub at: String,
    pub name: String,
    pub shape: Vec<u64>,
    pub datatype: String,
    /// Its elements as JSON; `None`: they are raw bytes.
    pub data: Option<&'a [u8]>,
}

/// What a caller asks for under `model`, and what of it every call has.
///
/// # Errors
/// `request.not_json`, `request.header_invalid`, and `request.malformed` with the field.
pub fn read_request<'a>(
    body: &'a [u8],
    form: Form,
    model: &str,
) -> Result<(Ask, Asked<'a>), Invalid> {
    let (text, mut raw) = form.split(body).ok_or_else(|| too_long(form, body))?;
    let (mut inputs, mut outputs, mut parameters, mut id) = (None, None, None, None);
    let walked = json::walk_object(text, |member| match member.name(text).as_deref() {
        Some(b"inputs") => inputs = Some(member),
        Some(b"outputs") => outputs = Some(member),
        Some(b"parameters") => parameters = Some(member),
        Some(b"id") => id = serde_json::from_slice(member.raw(text)).ok(),
        _ => {}
    })?;
    let inputs = inputs.filter(|member| member.kind != Kind::Null).ok_or_else(no_inputs)?;
    if let Some(parameters) = parameters {
        no_sequence(parameters.raw(text))?;
    }
    for (n, output) in items(text, outputs.as_ref(), "outputs")?.iter().enumerate() {
        let at = format!("outputs[{n}]");
        walk(output, &at, |name, member| match name {
            b"parameters" => not_shared(member, output, &at),
            _ => Ok(()),
        })?;
    }
    let mut tensors = Vec::new();
    for (n, input) in items(text, Some(&inputs), "inputs")?.iter().enumerate() {
        tensors.push(tensor(input, format!("inputs[{n}]"), form, &mut raw)?);
    }
    if tensors.is_empty() {
        return Err(no_inputs());
    }
    if !raw.is_empty() {
        return Err(header(format!(
            "{} bytes are left behind the last tensor: the `{BINARY_SIZE}` of the inputs must add up \
             to all that follows the JSON.",
            raw.len()
        )));
    }
    let rows = tensors.iter().map(|tensor| tensor.shape.first().copied().unwrap_or(1)).max();
    let ask = Ask {
        model: model.to_owned(),
        model_at: 0..0,
        stream: false,
        stream_options: StreamOptions::Asked,
        output_tokens_max: None,
        choices: 1,
        text_bytes: walked.text_bytes,
        close: walked.close,
    };
    Ok((ask, Asked { tensors, rows: rows.unwrap_or(0), id }))
}

fn header(detail: String) -> Invalid {
    Invalid { code: ErrorCode::RequestHeaderInvalid, param: None, detail: detail.into() }
}

fn too_long(form: Form, body: &[u8]) -> Invalid {
    let Form::Binary(length) = form else { return no_inputs() };
    header(format!(
        "`Inference-Header-Content-Length` says {length} bytes of JSON, and the body has {} in all.",
        body.len()
    ))
}

fn no_inputs() -> Invalid {
    Invalid::at(
        "inputs",
        "`inputs` is missing or empty. Send the model's tensors: \
         [{\"name\": …, \"shape\": […], \"datatype\": …, \"data\": […]}].",
    )
}

/// The elements of a list, each as it is written.
fn items<'a>(
    text: &'a [u8],
    list: Option<&Member>,
    name: &'static str,
) -> Result<Vec<&'a [u8]>, Invalid> {
    let Some(list) = list.filter(|member| member.kind != Kind::Null) else {
        return Ok(Vec::new());
    };
    let wrong = || Invalid::at(name, format!("`{name}` must be a list of objects."));
    let items: Vec<&RawValue> = serde_json::from_slice(list.raw(text)).map_err(|_| wrong())?;
    let items: Vec<&[u8]> = items.into_iter().map(|item| item.get().as_bytes()).collect();
    if items.iter().all(|item| item.starts_with(b"{")) { Ok(items) } else { Err(wrong()) }
}

/// Shows each member of an object that is known to be one.
fn walk(
    object: &[u8],
    at: &str,
    mut visit: impl FnMut(&[u8], &Member) -> Result<(), Invalid>,
) -> Result<(), Invalid> {
    let mut wrong = None;
    json::walk_object(object, |member| {
        if let Some(name) = member.name(object)
            && wrong.is_none()
        {
            wrong = visit(&name, &member).err();
        }
    })
    .map_err(|Syntax { what, .. }| Invalid::at(at.to_owned(), format!("`{at}`: {what}.")))?;
    wrong.map_or(Ok(()), Err)
}

/// One tensor; what it has of the raw bytes is taken from their beginning.
fn tensor<'a>(
    object: &'a [u8],
    at: String,
    form: Form,
    raw: &mut &[u8],
) -> Result<Tensor<'a>, Invalid> {
    let (mut name, mut shape, mut datatype) = (None, None, None);
    let (mut data, mut size) = (None, None);
    walk(object, &at, |member_name, member| {
        match member_name {
            b"name" => name = Some(word(object, member, &at, "name")?),
            b"datatype" => datatype = Some(word(object, member, &at, "datatype")?),
            b"shape" => shape = Some(dimensions(member.raw(object), &at)?),
            b"data" if member.kind != Kind::Null => data = Some(member.raw(object)),
            b"parameters" => {
                not_shared(member, object, &at)?;
                size = binary_size(member, object, &at)?;
            }
            _ => {}
        }
        Ok(())
    })?;
    let missing = |field: &str, what: &str| {
        let path = format!("{at}.{field}");
        Invalid::at(path.clone(), format!("`{path}` is missing. It must be {what}."))
    };
    let shape = shape.ok_or_else(|| missing("shape", "the tensor's dimensions, a list"))?;
    let name = name.ok_or_else(|| missing("name", "the tensor's name, a string"))?;
    let datatype = datatype.ok_or_else(|| missing("datatype", "a datatype such as `FP32`"))?;
    let count = elements(&shape, &at)?;
    match (data, size) {
        (Some(data), None) => agree(data, &datatype, count, &at)?,
        (None, Some(size)) => raw_agrees(take(raw, size, form, &at)?, &datatype, count, &at)?,
        (Some(_), Some(_)) => {
            let path = format!("{at}.data");
            let detail = format!("`{at}` has both `data` and `{BINARY_SIZE}`: send one of them.");
            return Err(Invalid::at(path, detail));
        }
        (None, None) => return Err(missing("data", "the tensor's elements, a list")),
    }
    Ok(Tensor { at, name, shape, datatype, data })
}

fn word(object: &[u8], member: &Member, at: &str, field: &str) -> Result<String, Invalid> {
    serde_json::from_slice(member.raw(object)).map_err(|_| {
        let path = format!("{at}.{field}");
        Invalid::at(path.clone(), format!("`{path}` must be a string."))
    })
}

fn dimensions(raw: &[u8], at: &str) -> Result<Vec<u64>, Invalid> {
    serde_json::from_slice(raw).map_err(|_| {
        let path = format!("{at}.shape");
        let detail = format!("`{path}` must be a list of whole numbers, none of them negative.");
        Invalid::at(path, detail)
    })
}

/// How many elements a shape has.
fn elements(shape: &[u64], at: &str) -> Result<u64, Invalid> {
    let product = shape.iter().try_fold(1_u64, |product, length| product.checked_mul(*length));
    product.ok_or_else(|| {
        let path = format!("{at}.shape");
        Invalid::at(path.clone(), format!("`{path}` has more elements than can be counted."))
    })
}

/// That there are as many elements as the shape says. Texts may be fewer: some servers take one
/// for many.
fn agree(data: &[u8], datatype: &str, count: u64, at: &str) -> Result<(), Invalid> {
    let path = || format!("{at}.data");
    let mut given = 0;
    Count(&mut given)
        .deserialize(&mut serde_json::Deserializer::from_slice(data))
        .map_err(|error| Invalid::at(path(), format!("`{}` cannot be read: {error}.", path())))?;
    let texts = Datatype::named(datatype) == Some(Datatype::Bytes);
    if given == count || (texts && given < count) {
        return Ok(());
    }
    let detail = format!("`{}` has {given} elements, and the shape says {count}.", path());
    Err(Invalid::at(path(), detail))
}

fn take<'a>(raw: &mut &'a [u8], size: usize, form: Form, at: &str) -> Result<&'a [u8], Invalid> {
    let path = format!("{at}.parameters.{BINARY_SIZE}");
    if form == Form::Json {
        let detail = format!(
            "`{path}` tells of raw bytes, and `Inference-Header-Content-Length` is missing: it says \
             where they begin."
        );
        return Err(Invalid::at(path, detail));
    }
    let Some((taken, rest)) = raw.split_at_checked(size) else {
        let detail = format!("`{path}` says {size} bytes, and {} are left in the body.", raw.len());
        return Err(Invalid::at(path, detail));
    };
    *raw = rest;
    Ok(taken)
}

fn raw_agrees(raw: &[u8], datatype: &str, count: u64, at: &str) -> Result<(), Invalid> {
    let path = || format!("{at}.parameters.{BINARY_SIZE}");
    let size = u64::try_from(raw.len()).unwrap_or(u64::MAX);
    let detail = match Datatype::named(datatype) {
        Some(Datatype::Fixed(each)) if count.checked_mul(each) != Some(size) => format!(
            "`{}` says {size} bytes, and {count} elements of {datatype} have {}.",
            path(),
            count.saturating_mul(each)
        ),
        Some(Datatype::Bytes) => match texts(raw) {
            Some(given) if given == count => return Ok(()),
            Some(given) => format!("`{at}` has {given} texts, and the shape says {count}."),
            None => format!(
                "The raw bytes of `{at}` are not texts, each with its length in four bytes before it."
            ),
        },
        // Nobody here knows how large an element is.
        Some(Datatype::Fixed(_)) | None => return Ok(()),
    };
    Err(Invalid::at(path(), detail))
}

/// The members of a tensor's parameters that are looked at.
#[derive(serde::Deserialize)]
struct Parameters<'a> {
    #[serde(borrow)]
    binary_data_size: Option<&'a RawValue>,
    shared_memory_region: Option<IgnoredAny>,
}

fn parameters<'a>(
    member: &Member,
    object: &'a [u8],
    at: &str,
) -> Result<Option<Parameters<'a>>, Invalid> {
    Option::deserialize(&mut serde_json::Deserializer::from_slice(member.raw(object))).map_err(
        |_| {
            let path = format!("{at}.parameters");
            Invalid::at(path.clone(), format!("`{path}` must be an object, each name in it once."))
        },
    )
}

fn binary_size(member: &Member, object: &[u8], at: &str) -> Result<Option<usize>, Invalid> {
    let Some(size) = parameters(member, object, at)?.and_then(|all| all.binary_data_size) else {
        return Ok(None);
    };
    let number = json::whole_number(size.get().as_bytes()).and_then(|n| usize::try_from(n).ok());
    number.map(Some).ok_or_else(|| {
        let path = format!("{at}.parameters.{BINARY_SIZE}");
        Invalid::at(path.clone(), format!("`{path}` must be a number of bytes."))
    })
}

/// A region of the server's memory is named by whoever registered it, and all callers share one
/// server.
fn not_shared(member: &Member, object: &[u8], at: &str) -> Result<(), Invalid> {
    match parameters(member, object, at)?.and_then(|all| all.shared_memory_region) {
        None => Ok(()),
        Some(_) => Err(Invalid::at(
            format!("{at}.parameters.shared_memory_region"),
            "Shared memory is not served here: others call the same model server. Send the data.",
        )),
    }
}

/// A sequence is told from others by a number that its caller makes up, and all callers share one
/// server.
fn no_sequence(parameters: &[u8]) -> Result<(), Invalid> {
    #[derive(serde::Deserialize)]
    struct Sequence<'a> {
        #[serde(borrow)]
        sequence_id: Option<&'a RawValue>,
    }
    let wrong = |_| Invalid::at("parameters", "`parameters` must be an object, each name once.");
    let found: Option<Sequence<'_>> = serde_json::from_slice(parameters).map_err(wrong)?;
    match found.and_then(|found| found.sequence_id).map(RawValue::get) {
        None | Some("0" | "\"\"") => Ok(()),
        Some(_) => Err(Invalid::at(
            "parameters.sequence_id",
            "Sequences are not served here: others call the same model server, and it would take \
             theirs for yours. Send calls that need nothing of those before.",
        )),
    }
}

/// Counts the scalars in lists within lists; whatever else counts as one.
struct Count<'a>(&'a mut u64);

impl<'de> DeserializeSeed<'de> for Count<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

/// One more element, whatever it is.
macro_rules! one {
    ($($visit:ident($kind:ty);)*) => {$(
        fn $visit<E: serde::de::Error>(self, _: $kind) -> Result<(), E> {
            *self.0 = self.0.saturating_add(1);
            Ok(())
        }
    )*};
}

impl<'de> Visitor<'de> for Count<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("elements of a tensor")
    }

    one! {
        visit_bool(bool);
        visit_i64(i64);
        visit_u64(u64);
        visit_f64(f64);
        visit_str(&str);
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.visit_bool(false)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        self.visit_bool(true)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Count(self.0))?.is_some() {}
        Ok(())
    }
}
