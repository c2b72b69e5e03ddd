//! The fields of a request, whether it came as JSON or as a form.

use super::form;
use crate::node::Invalid;
use bytes::Bytes;
use http::{HeaderMap, header};
use serde_json::Value;

pub(super) enum Given {
    Json(Value),
    Form(Vec<form::Part>),
}

impl Given {
    pub fn read(headers: &HeaderMap, body: &Bytes) -> Result<Self, Invalid> {
        let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
        if let Some(kind) = kind.filter(|kind| kind.starts_with("multipart/form-data")) {
            return form::parts(kind, body).map(Self::Form);
        }
        let value: Value = serde_json::from_slice(body).map_err(|error| Invalid {
            message: format!("The body is not JSON: {error}."),
            param: None,
        })?;
        Ok(Self::Json(value))
    }

    /// A text, or a number or flag as text.
    pub fn text(&self, name: &str) -> Result<Option<String>, Invalid> {
        match self {
            Self::Json(body) => match body.get(name) {
                None | Some(Value::Null) => Ok(None),
                Some(Value::String(text)) => Ok(Some(text.clone())),
                Some(Value::Object(_) | Value::Array(_)) => {
                    Err(Invalid::at(name, format!("{name} must be a text.")))
                }
                Some(other) => Ok(Some(other.to_string())),
            },
            Self::Form(parts) => {
                let mut named = parts.iter().filter(|(is, ..)| is == name);
                let found = named.next();
                if named.next().is_some() || found.is_some_and(|(_, is_file, _)| *is_file) {
                    return Err(Invalid::at(name, format!("{name} must be one text.")));
                }
                Ok(found.map(|(.., value)| String::from_utf8_lossy(value).into_owned()))
            }
        }
    }

    pub fn need(&self, name: &str) -> Result<String, Invalid> {
        let text = self.text(name)?.filter(|text| !text.is_empty());
        text.ok_or_else(|| Invalid::at(name, format!("{name} is required.")))
    }

    pub fn number(&self, name: &str) -> Result<Option<u64>, Invalid> {
        let wrong = || Invalid::at(name, format!("{name} must be a whole number."));
        self.text(name)?.map(|text| text.parse().map_err(|_| wrong())).transpose()
    }

    pub fn flag(&self, name: &str) -> Result<bool, Invalid> {
        match self.text(name)?.as_deref() {
            None | Some("false" | "False") => Ok(false),
            Some("true" | "True") => Ok(true),
            Some(_) => Err(Invalid::at(name, format!("{name} must be true or false."))),
        }
    }

    /// One text, or a list of texts and of parts with text.
    pub fn texts(&self, name: &str) -> Result<Vec<String>, Invalid> {
        if let Self::Json(body) = self
            && let Some(list) = body.get(name).and_then(Value::as_array)
        {
            let text = |item: &Value| item.get("text").unwrap_or(item).as_str().map(str::to_owned);
            return Ok(list.iter().map(|item| text(item).unwrap_or_default()).collect());
        }
        self.need(name).map(|text| vec![text])
    }

    pub fn file(&self, name: &str) -> Result<Bytes, Invalid> {
        let Self::Form(parts) = self else {
            return Err(Invalid::at(name, format!("{name} must come in a form.")));
        };
        let found = parts.iter().find(|(is, is_file, _)| is == name && *is_file);
        let file = found.map(|(.., file)| file.clone()).filter(|file| !file.is_empty());
        file.ok_or_else(|| Invalid::at(name, format!("{name} is required, and not empty.")))
    }

    /// How many pictures are given; each must be one.
    pub fn pictures(&self, some: bool) -> Result<u64, Invalid> {
        let mut count = 0;
        match self {
            Self::Form(parts) => {
                let named = |name: &str| matches!(name, "image" | "image[]" | "mask");
                for (name, _, file) in parts.iter().filter(|(name, ..)| named(name)) {
                    let known: [&[u8]; 3] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"RIFF"];
                    if !known.iter().any(|start| file.starts_with(start)) {
                        return Err(Invalid::at(name, format!("{name} is no PNG, JPEG or WebP.")));
                    }
                    count += 1;
                }
            }
            Self::Json(body) => {
                let images = body.get("images").and_then(Value::as_array);
                count = images.map_or(0, |images| images.iter().fold(0, |n, _| n + 1));
            }
        }
        if some && count == 0 {
            return Err(Invalid::at("image", "image is required."));
        }
        Ok(count)
    }
}
