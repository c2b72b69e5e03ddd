//! Writes a request for a provider: everything that it takes, in its own way, and nothing else.

mod content;
mod message;
mod settings;
mod tool;

use super::{Quirk, Quirks};
use crate::loss::{Feature, Losses, Meet, Rule, rule};
use crate::neutral::Request;
use crate::{Invalid, Wire};
pub(crate) use message::Message;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::Value;

/// A request's body: the messages, which are most of it, as they are in memory, and everything
/// else by name.
pub(crate) struct Body<'a> {
    /// What the field is called that names the model, and its value; none where the path says it.
    pub model: Option<(&'static str, &'a str)>,
    pub messages: Vec<Message<'a>>,
    pub settings: Settings,
}

/// Fields by name, in the order they are written.
#[derive(Debug, Default)]
pub(crate) struct Settings(Vec<(String, Value)>);

impl Settings {
    pub(crate) fn set(&mut self, name: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let at = self.0.iter().position(|(known, _)| known == name)?;
        Some(self.0.remove(at).1)
    }
}

impl Serialize for Body<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        if let Some((name, model)) = self.model {
            map.serialize_entry(name, model)?;
        }
        map.serialize_entry("messages", &self.messages)?;
        for (name, value) in &self.settings.0 {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl Body<'_> {
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        // Strings, numbers and JSON values always serialise.
        serde_json::to_vec(&self).unwrap_or_default()
    }
}

/// Writes a request, stream and model aside.
pub(crate) fn request<'a>(
    request: &'a Request,
    model: (&'static str, &'a str),
    quirks: Quirks,
    losses: &mut Losses,
) -> Result<Body<'a>, Invalid> {
    let mut writer = Writer { quirks, losses };
    let mut settings = Settings::default();
    writer.settings(request, &mut settings)?;
    writer.tools(request, &mut settings)?;
    let mut messages = writer.messages(request)?;
    if messages.is_empty() {
        return Err(Invalid::silent());
    }
    writer.format(&request.format, &mut settings, &mut messages)?;
    for extra in &request.extra {
        if extra.wire == Wire::Chat && writer.losses.to() == Wire::Chat {
            settings.set(&extra.name, extra.value.clone());
        } else {
            writer.losses.meet(Feature::Extra, &extra.name)?;
        }
    }
    Ok(Body { model: Some(model), messages, settings })
}

/// What every part of the writer knows.
struct Writer<'l> {
    quirks: Quirks,
    losses: &'l mut Losses,
}

impl Writer<'_> {
    fn has(&self, quirk: Quirk) -> bool {
        self.quirks.has(quirk)
    }

    /// Whether the provider cannot take a feature; what is then to be done. `field` is only made
    /// where it is needed.
    fn lacks(
        &mut self,
        feature: Feature,
        field: impl FnOnce() -> String,
    ) -> Result<Option<Meet>, Invalid> {
        let wire_has_it = rule(feature, self.losses.to()) == Rule::Keep;
        if wire_has_it && !self.quirks.lack(feature) {
            return Ok(None);
        }
        self.losses.lack(feature, &field()).map(Some)
    }

    /// The same for what is not even a word of the dialect.
    fn without(&mut self, feature: Feature, field: &str) -> Result<Meet, Invalid> {
        self.losses.lack(feature, field)
    }
}

#[cfg(test)]
mod tests;
