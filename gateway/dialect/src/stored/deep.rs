//! Looks through a whole body for what only the provider's account gives a meaning: uploaded files,
//! stores of vectors, containers. Few bodies hold a word that makes this look needed.

use super::path::Path;
use crate::Invalid;
use contract::error::ErrorCode;
use memchr::memmem::Finder;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::sync::LazyLock;

/// What a dialect's bodies are looked through for.
pub(super) struct Rules {
    /// A body that holds none of these names nothing that is refused.
    pub words: Words,
    /// Members that are the caller's own data: providers never look for content in them.
    pub own: &'static [&'static str],
    /// Why what stands there cannot be used. Nulls are not shown.
    pub judge: fn(&Path<'_>, Leaf<'_>) -> Option<&'static str>,
}

/// Words to search for, each prepared once: that takes longer than most searches.
pub(super) type Words = LazyLock<Vec<Finder<'static>>>;

pub(super) fn searches(words: &'static [&'static str]) -> Vec<Finder<'static>> {
    words.iter().map(Finder::new).collect()
}

/// A value, as far as judging it needs it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Leaf<'a> {
    Text(&'a str),
    Other,
}

/// Refuses what the rules name.
pub(super) fn refuse(rules: &Rules, body: &[u8]) -> Result<(), Invalid> {
    if !rules.words.iter().any(|word| word.find(body).is_some()) && !hides_letters(body) {
        return Ok(());
    }
    let mut found = None;
    let mut json = serde_json::Deserializer::from_slice(body);
    let look = Look { rules, at: &Path::Root, found: &mut found };
    let looked = look.deserialize(&mut json);
    match (found, looked) {
        (Some(invalid), _) => Err(invalid),
        (None, Ok(())) => Ok(()),
        (None, Err(error)) => Err(Invalid {
            code: ErrorCode::RequestMalformed,
            param: None,
            detail: format!("The body cannot be looked through: {error}. Send plain JSON.").into(),
        }),
    }
}

/// Whether a letter or an underscore is written as an escape, which may hide a word.
fn hides_letters(body: &[u8]) -> bool {
    static ESCAPE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(b"\\u00"));
    ESCAPE.find_iter(body).any(|at| matches!(body.get(at + 4), Some(b'4'..=b'7')))
}

struct Look<'a> {
    rules: &'a Rules,
    at: &'a Path<'a>,
    found: &'a mut Option<Invalid>,
}

impl Look<'_> {
    fn judge<E: Error>(&mut self, leaf: Leaf<'_>) -> Result<(), E> {
        let Some(why) = (self.rules.judge)(self.at, leaf) else { return Ok(()) };
        let at = self.at.to_string();
        let detail = format!("`{at}` cannot be used here: {why}");
        *self.found = Some(Invalid::at(at, detail));
        // Ends the looking; what it found is told instead.
        Err(E::custom("found"))
    }
}

impl<'de> DeserializeSeed<'de> for Look<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Look<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E: Error>(mut self, _: bool) -> Result<(), E> {
        self.judge(Leaf::Other)
    }

    fn visit_i64<E: Error>(mut self, _: i64) -> Result<(), E> {
        self.judge(Leaf::Other)
    }

    fn visit_u64<E: Error>(mut self, _: u64) -> Result<(), E> {
        self.judge(Leaf::Other)
    }

    fn visit_f64<E: Error>(mut self, _: f64) -> Result<(), E> {
        self.judge(Leaf::Other)
    }

    fn visit_str<E: Error>(mut self, text: &str) -> Result<(), E> {
        self.judge(Leaf::Text(text))
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        self.judge(Leaf::Other)?;
        let Self { rules, at, found } = self;
        for n in 0.. {
            let look = Look { rules, at: &Path::Item(at, n), found: &mut *found };
            if items.next_element_seed(look)?.is_none() {
                break;
            }
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut members: A) -> Result<(), A::Error> {
        self.judge(Leaf::Other)?;
        let Self { rules, at, found } = self;
        while let Some(name) = members.next_key::<String>()? {
            if rules.own.contains(&name.as_str()) {
                members.next_value::<IgnoredAny>()?;
            } else {
                let at = Path::Member(at, &name);
                members.next_value_seed(Look { rules, at: &at, found: &mut *found })?;
            }
        }
        Ok(())
    }
}
