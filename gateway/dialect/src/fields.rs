//! A JSON object read field by field, each with its path, so that whatever is wrong with it can be
//! named. What is taken is gone; what is left when a reader is done, it did not know.
//!
//! Null is absent everywhere: several SDKs send it for what was not set.

use crate::Invalid;
use crate::json::Syntax;
use contract::error::ErrorCode;
use serde_json::{Map, Value};
use std::fmt::Display;

/// An object and where it is: `messages[2].content[0]`; empty for the body itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Fields {
    at: String,
    map: Map<String, Value>,
}

/// A value and where it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    pub at: String,
    pub value: Value,
}

impl Fields {
    /// Reads a body, which must be one JSON object.
    ///
    /// # Errors
    /// `request.not_json` with the place.
    pub fn of_body(body: &[u8]) -> Result<Self, Invalid> {
        if let Err(error) = std::str::from_utf8(body) {
            let (at, what) = (error.valid_up_to(), "the text is not UTF-8");
            return Err(Syntax { at, what }.into());
        }
        match serde_json::from_slice(body) {
            Ok(Value::Object(map)) => Ok(Self { at: String::new(), map }),
            Ok(_) => Err(Syntax { at: 0, what: "expected a JSON object" }.into()),
            Err(error) => Err(Invalid {
                code: ErrorCode::RequestNotJson,
                param: None,
                detail: format!("The body is not a JSON object that can be read: {error}.").into(),
            }),
        }
    }

    /// Where this object is.
    #[must_use]
    pub fn at(&self) -> &str {
        &self.at
    }

    /// The path of one of its fields.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        if self.at.is_empty() { name.to_owned() } else { format!("{}.{name}", self.at) }
    }

    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.map.get(name).is_some_and(|value| !value.is_null())
    }

    /// A field, whatever it is, left where it is.
    #[must_use]
    pub fn peek(&self, name: &str) -> Option<&Value> {
        self.map.get(name)
    }

    /// Takes a field, whatever it is.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        self.map.shift_remove(name).filter(|value| !value.is_null())
    }

    fn typed<T>(
        &mut self,
        name: &str,
        what: &str,
        read: impl FnOnce(Value) -> Option<T>,
    ) -> Result<Option<T>, Invalid> {
        let Some(value) = self.take(name) else { return Ok(None) };
        read(value).map(Some).ok_or_else(|| self.wrong(name, what))
    }

    /// That a field is not what it must be: `what` ends the sentence that begins with "must be".
    #[must_use]
    pub fn wrong(&self, name: &str, what: impl Display) -> Invalid {
        let path = self.path(name);
        let detail = format!("`{path}` must be {what}.");
        Invalid::at(path, detail)
    }

    /// That a field is not there: `what` says what it has to hold.
    #[must_use]
    pub fn missing(&self, name: &str, what: impl Display) -> Invalid {
        let path = self.path(name);
        let detail = format!("`{path}` is missing. It must be {what}.");
        Invalid::at(path, detail)
    }

    /// # Errors
    /// It is not a string.
    pub fn string(&mut self, name: &str) -> Result<Option<String>, Invalid> {
        self.typed(name, "a string", |value| match value {
            Value::String(text) => Some(text),
            _ => None,
        })
    }

    /// # Errors
    /// It is not a string, or not there.
    pub fn need_string(&mut self, name: &str) -> Result<String, Invalid> {
        self.string(name)?.ok_or_else(|| self.missing(name, "a string"))
    }

    /// # Errors
    /// It is neither true nor false.
    pub fn boolean(&mut self, name: &str) -> Result<Option<bool>, Invalid> {
        self.typed(name, "true or false", |value| value.as_bool())
    }

    /// # Errors
    /// It is not a number.
    pub fn number(&mut self, name: &str) -> Result<Option<f64>, Invalid> {
        self.typed(name, "a number", |value| value.as_f64())
    }

    /// # Errors
    /// It is not a whole number of 64 bits with sign.
    pub fn integer(&mut self, name: &str) -> Result<Option<i64>, Invalid> {
        self.typed(name, "a whole number", |value| value.as_i64())
    }

    /// A number that counts something.
    ///
    /// # Errors
    /// It is negative, or not a whole number of 64 bits.
    pub fn count(&mut self, name: &str) -> Result<Option<u64>, Invalid> {
        self.typed(name, "a whole number that is not negative", |value| value.as_u64())
    }

    /// # Errors
    /// It is not an object.
    pub fn object(&mut self, name: &str) -> Result<Option<Self>, Invalid> {
        let at = self.path(name);
        let map = self.map(name)?;
        Ok(map.map(|map| Self { at, map }))
    }

    /// # Errors
    /// It is not an object, or not there.
    pub fn need_object(&mut self, name: &str) -> Result<Self, Invalid> {
        self.object(name)?.ok_or_else(|| self.missing(name, "an object"))
    }

    /// An object that is kept as it is.
    ///
    /// # Errors
    /// It is not an object.
    pub fn map(&mut self, name: &str) -> Result<Option<Map<String, Value>>, Invalid> {
        self.typed(name, "an object", |value| match value {
            Value::Object(map) => Some(map),
            _ => None,
        })
    }

    /// # Errors
    /// It is not an array.
    pub fn list(&mut self, name: &str) -> Result<Option<Vec<Item>>, Invalid> {
        let at = self.path(name);
        self.typed(name, "an array", |value| match value {
            Value::Array(values) => Some(Item::each(&at, values)),
            _ => None,
        })
    }

    /// # Errors
    /// It is not an array, or not there.
    pub fn need_list(&mut self, name: &str) -> Result<Vec<Item>, Invalid> {
        self.list(name)?.ok_or_else(|| self.missing(name, "an array"))
    }

    /// A field that may be one of several things, with its path.
    pub fn item(&mut self, name: &str) -> Option<Item> {
        let at = self.path(name);
        self.take(name).map(|value| Item { at, value })
    }

    /// One of a closed list of words.
    ///
    /// # Errors
    /// It is none of them; the sentence lists them.
    pub fn word<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Result<Option<T>, Invalid> {
        let Some(text) = self.string(name)? else { return Ok(None) };
        let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
        found.map(Some).ok_or_else(|| {
            let all: Vec<String> = words.iter().map(|(word, _)| format!("`{word}`")).collect();
            self.wrong(name, format_args!("one of {}", all.join(", ")))
        })
    }

    /// What nobody took, nulls left out.
    #[must_use]
    pub fn rest(self) -> Map<String, Value> {
        self.map.into_iter().filter(|(_, value)| !value.is_null()).collect()
    }
}

impl Item {
    /// The elements of an array that is at `at`.
    #[must_use]
    pub fn each(at: &str, values: Vec<Value>) -> Vec<Self> {
        let item = |(n, value)| Self { at: format!("{at}[{n}]"), value };
        values.into_iter().enumerate().map(item).collect()
    }

    /// That it is not what it must be: `what` ends the sentence that begins with "must be".
    #[must_use]
    pub fn wrong(&self, what: impl Display) -> Invalid {
        Invalid::at(self.at.clone(), format!("`{}` must be {what}.", self.at))
    }

    /// # Errors
    /// It is not an object.
    pub fn fields(self) -> Result<Fields, Invalid> {
        match self.value {
            Value::Object(map) => Ok(Fields { at: self.at, map }),
            _ => Err(self.wrong("an object")),
        }
    }

    /// # Errors
    /// It is not a string.
    pub fn string(self) -> Result<String, Invalid> {
        match self.value {
            Value::String(text) => Ok(text),
            _ => Err(self.wrong("a string")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named_with_its_path() {
        let mut body =
            Fields::of_body(br#"{"a":[{"b":{"c":5}}],"n":-1,"z":null,"r":true}"#).unwrap();
        assert_eq!(body.string("z"), Ok(None));
        assert_eq!(body.count("n").unwrap_err().param.as_deref(), Some("n"));
        let first = body.need_list("a").unwrap().remove(0);
        let mut b = first.fields().unwrap().need_object("b").unwrap();
        let error = b.need_string("d").unwrap_err();
        assert_eq!(error.param.as_deref(), Some("a[0].b.d"));
        let error = b.string("c").unwrap_err();
        assert_eq!(error.detail, "`a[0].b.c` must be a string.");
        assert_eq!(body.rest().into_iter().collect::<Vec<_>>(), [("r".to_owned(), true.into())]);
    }

    #[test]
    fn a_body_that_is_no_object_is_refused() {
        for body in [b"".as_slice(), b"[]", b"{", b"{\"a\":1e999}", b"{\"\xff\":1}", b"{} {}"] {
            let error = Fields::of_body(body).unwrap_err();
            assert_eq!(error.code, ErrorCode::RequestNotJson, "{body:?}");
        }
    }

    #[test]
    fn what_is_left_keeps_its_order() {
        let mut body = Fields::of_body(br#"{"z":1,"b":2,"a":3,"c":4}"#).unwrap();
        assert_eq!(body.count("b"), Ok(Some(2)));
        assert_eq!(body.rest().keys().collect::<Vec<_>>(), ["z", "a", "c"]);
    }

    #[test]
    fn an_unknown_word_is_told_the_known_ones() {
        let mut body = Fields::of_body(br#"{"w":"x"}"#).unwrap();
        let error = body.word("w", &[("a", 1), ("b", 2)]).unwrap_err();
        assert_eq!(error.detail, "`w` must be one of `a`, `b`.");
    }
}
