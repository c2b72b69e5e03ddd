//! Objects of Google's APIs: a field may be spelt in camelCase or in snake_case, and a list of one
//! may come without its brackets. Both are what Google's own servers take.

use crate::Invalid;
use crate::fields::{Fields, Item};
use serde_json::{Map, Value};
use std::borrow::Cow;

/// An object whose fields are asked for in camelCase.
#[derive(Debug)]
pub(super) struct Proto(Fields);

impl Proto {
    pub(super) fn of_body(body: &[u8]) -> Result<Self, Invalid> {
        Fields::of_body(body).map(Self)
    }

    pub(super) fn of(item: Item) -> Result<Self, Invalid> {
        item.fields().map(Self)
    }

    /// The field's name as it is spelt here.
    fn spelt<'a>(&self, name: &'a str) -> Cow<'a, str> {
        if self.0.has(name) {
            return name.into();
        }
        let snake = snake(name);
        if self.0.has(&snake) { snake.into() } else { name.into() }
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.has(&self.spelt(name))
    }

    pub(super) fn at(&self) -> &str {
        self.0.at()
    }

    /// The path of a field, as the caller spells it.
    pub(super) fn path(&self, name: &str) -> String {
        self.0.path(&self.spelt(name))
    }

    pub(super) fn wrong(&self, name: &str, what: &str) -> Invalid {
        self.0.wrong(&self.spelt(name), what)
    }

    pub(super) fn missing(&self, name: &str, what: &str) -> Invalid {
        self.0.missing(name, what)
    }

    pub(super) fn item(&mut self, name: &str) -> Option<Item> {
        let name = self.spelt(name);
        self.0.item(&name)
    }

    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        self.item(name).map(|item| item.value)
    }

    pub(super) fn string(&mut self, name: &str) -> Result<Option<String>, Invalid> {
        let name = self.spelt(name);
        self.0.string(&name)
    }

    pub(super) fn need_string(&mut self, name: &str) -> Result<String, Invalid> {
        let name = self.spelt(name);
        self.0.need_string(&name)
    }

    pub(super) fn boolean(&mut self, name: &str) -> Result<Option<bool>, Invalid> {
        let name = self.spelt(name);
        self.0.boolean(&name)
    }

    pub(super) fn number(&mut self, name: &str) -> Result<Option<f64>, Invalid> {
        let name = self.spelt(name);
        self.0.number(&name)
    }

    pub(super) fn integer(&mut self, name: &str) -> Result<Option<i64>, Invalid> {
        let name = self.spelt(name);
        self.0.integer(&name)
    }

    pub(super) fn count(&mut self, name: &str) -> Result<Option<u64>, Invalid> {
        let name = self.spelt(name);
        self.0.count(&name)
    }

    pub(super) fn map(&mut self, name: &str) -> Result<Option<Map<String, Value>>, Invalid> {
        let name = self.spelt(name);
        self.0.map(&name)
    }

    pub(super) fn object(&mut self, name: &str) -> Result<Option<Self>, Invalid> {
        let name = self.spelt(name);
        Ok(self.0.object(&name)?.map(Self))
    }

    /// A list; one object counts as a list of itself, nothing as an empty one.
    pub(super) fn list(&mut self, name: &str) -> Result<Vec<Item>, Invalid> {
        match self.item(name) {
            None => Ok(Vec::new()),
            Some(Item { at, value: Value::Array(values) }) => Ok(Item::each(&at, values)),
            Some(item @ Item { value: Value::Object(_), .. }) => Ok(vec![item]),
            Some(item) => Err(item.wrong("a list")),
        }
    }

    /// A list of strings.
    pub(super) fn strings(&mut self, name: &str) -> Result<Vec<String>, Invalid> {
        self.list(name)?.into_iter().map(Item::string).collect()
    }

    /// What nobody took.
    pub(super) fn rest(self) -> Map<String, Value> {
        self.0.rest()
    }
}

fn snake(camel: &str) -> String {
    let mut snake = String::with_capacity(camel.len() + 4);
    for c in camel.chars() {
        if c.is_ascii_uppercase() {
            snake.push('_');
        }
        snake.push(c.to_ascii_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_spellings_are_read_and_a_complaint_uses_the_callers() {
        let body =
            br#"{"mime_type":"a","fileUri":"b","max_output_tokens":"x","parts":{"text":"c"}}"#;
        let mut proto = Proto::of_body(body).unwrap();
        assert_eq!(proto.string("mimeType").unwrap().as_deref(), Some("a"));
        assert_eq!(proto.string("fileUri").unwrap().as_deref(), Some("b"));
        let error = proto.count("maxOutputTokens").unwrap_err();
        assert_eq!(error.param.as_deref(), Some("max_output_tokens"));
        let parts = proto.list("parts").unwrap();
        assert_eq!((parts.len(), parts[0].at.as_str()), (1, "parts"));
    }
}
