//! What a call asks for, whatever dialect it spoke, and the checks that every provider makes: a
//! tool result answers a call that was made, a signature is one that was given.

use crate::dialect::Wire;
use crate::node::{Invalid, Node};
use crate::{signature, tokens};
use serde_json::Value;
use std::collections::HashSet;

/// Tokens that wrap each message, and that open the reply.
const PER_MESSAGE: u64 = 3;
/// Tokens of a part that is not text: an image, a document, a sound.
const PER_MEDIUM: u64 = 85;
/// Keys of a part that holds something other than text.
const MEDIA: [&str; 9] = [
    "image_url",
    "input_audio",
    "file",
    "source",
    "inlineData",
    "fileData",
    "inline_data",
    "image",
    "document",
];

#[derive(Debug, Clone)]
pub(crate) struct Tool {
    pub name: String,
    pub schema: Value,
}

/// Which tools the caller wants called.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Choice {
    #[default]
    Auto,
    Never,
    Any,
    Named(String),
}

/// What the text of the answer must be.
#[derive(Debug, Clone, Default)]
pub(crate) enum Shape {
    #[default]
    Text,
    /// Any JSON object.
    Object,
    Fitting(Value),
}

/// What stands in the history, in order.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    Said,
    Medium,
    /// A call that the model made. Where the dialect has no ids, its name.
    Called(String),
    /// What a tool answered to the call of this id.
    Result(String, String),
    /// The signature of a thought or of a call, and the text it was given for.
    Signed {
        signature: String,
        text: String,
    },
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Ask {
    pub model: String,
    pub stream: bool,
    /// Whether a stream must end with usage: some dialects send it only on request.
    pub usage_in_stream: bool,
    /// Tokens of the prompt.
    pub prompt: u64,
    /// The most output tokens.
    pub cap: Option<u64>,
    pub choices: u64,
    pub tools: Vec<Tool>,
    pub choice: Choice,
    pub shape: Shape,
    /// The caller asks for reasoning.
    pub thinks: bool,
    /// Reasoning is told in text, and not only counted.
    pub shows_thoughts: bool,
    /// Reasoning comes sealed, for the caller to hand back.
    pub seals_thoughts: bool,
    pub items: Vec<Item>,
}

impl Ask {
    pub fn new(model: &str) -> Result<Self, Invalid> {
        if model.is_empty() {
            return Err(Invalid::at("model", "model must not be empty."));
        }
        let (usage_in_stream, choices) = (true, 1);
        Ok(Self { model: model.to_owned(), usage_in_stream, choices, ..Self::default() })
    }

    /// Counts the tokens of `messages` and of whatever else the model reads.
    pub fn weigh(&mut self, messages: &[Node<'_>], more: &[Option<Node<'_>>]) {
        let messages = messages.iter().map(|message| PER_MESSAGE + weigh(message.value));
        let more = more.iter().flatten().map(|node| weigh(node.value));
        self.prompt = PER_MESSAGE + messages.sum::<u64>() + more.sum::<u64>();
    }

    pub fn tool(&mut self, name: &str, schema: Option<Node<'_>>) {
        let schema = schema.map_or_else(|| Value::Object(Default::default()), |s| s.value.clone());
        self.tools.push(Tool { name: name.to_owned(), schema });
    }

    /// What the tools of this turn answered; empty unless the prompt ends with it.
    pub fn fresh_results(&self) -> Vec<&str> {
        let ends = self.items.iter().rev().map_while(|item| match item {
            Item::Result(_, text) => Some(text.as_str()),
            _ => None,
        });
        let mut texts: Vec<_> = ends.collect();
        texts.reverse();
        texts
    }

    pub fn media(&self) -> u64 {
        count(&self.items, |item| matches!(item, Item::Medium))
    }

    pub fn signatures(&self) -> u64 {
        count(&self.items, |item| matches!(item, Item::Signed { .. }))
    }

    /// What every provider refuses. `wire` is the dialect whose signatures are good here.
    pub fn check(&self, wire: Wire) -> Result<(), Invalid> {
        let mut called = HashSet::new();
        for item in &self.items {
            match item {
                Item::Called(id) => {
                    called.insert(id.as_str());
                }
                Item::Result(id, _) if !called.contains(id.as_str()) => {
                    let why = format!("The tool result `{id}` answers no call before it.");
                    return Err(Invalid { message: why, param: None });
                }
                Item::Signed { signature, text } if !signature::good(wire, text, signature) => {
                    let why = "A signature is not one that was given for this thought.";
                    return Err(Invalid { message: why.to_owned(), param: None });
                }
                _ => {}
            }
        }
        match &self.choice {
            Choice::Named(name) if !self.tools.iter().any(|tool| tool.name == *name) => {
                Err(Invalid::at("tool_choice", format!("There is no tool `{name}`.")))
            }
            Choice::Any if self.tools.is_empty() => {
                Err(Invalid::at("tool_choice", "A tool must be called, but none is given."))
            }
            _ => Ok(()),
        }
    }
}

fn count(items: &[Item], which: impl Fn(&Item) -> bool) -> u64 {
    items.iter().filter(|item| which(item)).fold(0, |n, _| n + 1)
}

/// Tokens of all text in a value; a medium counts the same whatever its size.
pub(crate) fn weigh(value: &Value) -> u64 {
    match value {
        Value::String(text) => tokens::count(text),
        Value::Array(items) => items.iter().map(weigh).sum(),
        Value::Object(object) if MEDIA.iter().any(|key| object.contains_key(*key)) => PER_MEDIUM,
        Value::Object(object) => object.values().map(weigh).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_without_its_call_and_a_forged_signature_are_refused() {
        let mut ask = Ask::new("m").unwrap();
        ask.items = vec![Item::Called("a".to_owned()), Item::Result("a".to_owned(), String::new())];
        assert!(ask.check(Wire::Messages).is_ok());
        ask.items.remove(0);
        assert!(ask.check(Wire::Messages).unwrap_err().message.contains("`a`"));

        let signed = |wire, text: &str| Item::Signed {
            signature: signature::of(wire, "a thought").unwrap(),
            text: text.to_owned(),
        };
        ask.items = vec![signed(Wire::Messages, "a thought")];
        assert!(ask.check(Wire::Messages).is_ok());
        for forged in [signed(Wire::Gemini, "a thought"), signed(Wire::Messages, "another")] {
            ask.items = vec![forged];
            assert!(ask.check(Wire::Messages).unwrap_err().message.contains("signature"));
        }
    }
}
