//! Reading a request's JSON: a place in it that can say where it stands, so that what does not fit
//! is named.

use serde_json::Value;

/// A request that cannot be answered: a sentence, and the field at fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Invalid {
    pub message: String,
    pub param: Option<String>,
}

impl Invalid {
    pub fn at(param: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), param: Some(param.into()) }
    }
}

/// A value of the request and the path that leads to it.
#[derive(Debug, Clone)]
pub(crate) struct Node<'a> {
    pub at: String,
    pub value: &'a Value,
}

impl<'a> Node<'a> {
    pub fn root(value: &'a Value) -> Self {
        Self { at: String::new(), value }
    }

    pub fn wrong(&self, wanted: &str) -> Invalid {
        let place = if self.at.is_empty() { "The body" } else { &self.at };
        Invalid::at(self.at.clone(), format!("{place} must be {wanted}."))
    }

    fn below(&self, key: &str) -> String {
        if self.at.is_empty() { key.to_owned() } else { format!("{}.{key}", self.at) }
    }

    /// The member `key`; absent and null are the same.
    pub fn get(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Self { at: self.below(key), value })
    }

    pub fn need(&self, key: &str) -> Result<Self, Invalid> {
        self.object()?;
        let at = self.below(key);
        self.get(key).ok_or_else(|| Invalid::at(at.clone(), format!("{at} is required.")))
    }

    /// The member `key` as `read` takes it.
    pub fn opt<T>(
        &self,
        key: &str,
        read: impl FnOnce(&Self) -> Result<T, Invalid>,
    ) -> Result<Option<T>, Invalid> {
        self.get(key).as_ref().map(read).transpose()
    }

    pub fn text(&self) -> Result<&'a str, Invalid> {
        self.value.as_str().ok_or_else(|| self.wrong("a text"))
    }

    pub fn number(&self) -> Result<u64, Invalid> {
        self.value.as_u64().ok_or_else(|| self.wrong("a whole number"))
    }

    pub fn flag(&self) -> Result<bool, Invalid> {
        self.value.as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    pub fn object(&self) -> Result<&'a Value, Invalid> {
        self.value.is_object().then_some(self.value).ok_or_else(|| self.wrong("an object"))
    }

    pub fn items(&self) -> Result<Vec<Self>, Invalid> {
        let items = self.value.as_array().ok_or_else(|| self.wrong("a list"))?;
        let node = |(n, value)| Self { at: format!("{}[{n}]", self.at), value };
        Ok(items.iter().enumerate().map(node).collect())
    }

    /// The list `key`; absent is empty.
    pub fn list(&self, key: &str) -> Result<Vec<Self>, Invalid> {
        Ok(self.opt(key, Self::items)?.unwrap_or_default())
    }

    /// A list that must be there and hold something.
    pub fn some(&self, key: &str) -> Result<Vec<Self>, Invalid> {
        let node = self.need(key)?;
        let items = node.items()?;
        if items.is_empty() {
            return Err(node.wrong("a list that is not empty"));
        }
        Ok(items)
    }

    /// The text `key`, or `""`.
    pub fn text_or_empty(&self, key: &str) -> Result<&'a str, Invalid> {
        Ok(self.opt(key, Self::text)?.unwrap_or(""))
    }

    /// Refuses members that the vendor does not know, as those do who check.
    pub fn only(&self, known: &[&str]) -> Result<(), Invalid> {
        self.object()?;
        let mut keys = self.value.as_object().into_iter().flat_map(|object| object.keys());
        match keys.find(|key| !known.contains(&key.as_str())) {
            Some(key) => {
                let at = self.below(key);
                Err(Invalid::at(at.clone(), format!("{at}: this field is not known.")))
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_does_not_fit_is_named_by_its_path() {
        let body = json!({"messages": [{"role": 1}], "extra": null});
        let root = Node::root(&body);
        let message = root.some("messages").unwrap().remove(0);
        let wrong = message.need("role").unwrap().text().unwrap_err();
        assert_eq!(wrong.message, "messages[0].role must be a text.");
        assert_eq!(message.need("content").unwrap_err().param.unwrap(), "messages[0].content");
        assert!(root.only(&["messages"]).unwrap_err().message.starts_with("extra:"));
    }
}
