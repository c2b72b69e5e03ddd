//! `usage`: what is billed, and beside it what the model read, which holds Cohere's own preamble
//! too. What is billed is what costs; it is taken where it is told. Some of the input may come from
//! a cache; reasoning is not told apart. Counts are floats on the wire.

use crate::Reported;
use contract::usage::Tokens;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Usage {
    billed_units: Option<Units>,
    tokens: Option<Units>,
    cached_tokens: Option<f64>,
}

#[derive(Debug, Default, Clone, Copy, Deserialize)]
#[serde(default)]
struct Units {
    input_tokens: Option<f64>,
    output_tokens: Option<f64>,
    /// Of embeddings.
    image_tokens: Option<f64>,
    /// Of rankings, and of what connectors look up.
    search_units: Option<f64>,
}

impl Usage {
    pub(super) fn reported(&self) -> Reported {
        let searches = whole(self.billed_units.and_then(|units| units.search_units));
        let units = contract::usage::Units { searches, ..contract::usage::Units::NONE };
        Reported { tokens: self.tokens(), units }
    }

    /// `None`: it tells neither input nor output.
    pub(super) fn tokens(&self) -> Option<Tokens> {
        let told = |units: &Units| {
            units.input_tokens.or(units.output_tokens).or(units.image_tokens).is_some()
        };
        let units = self.billed_units.filter(told).or(self.tokens.filter(told))?;
        let input = whole(units.input_tokens);
        let cached_input = whole(self.cached_tokens).min(input);
        Some(Tokens {
            input: input - cached_input,
            cached_input,
            image_input: whole(units.image_tokens),
            output: whole(units.output_tokens),
            ..Tokens::default()
        })
    }
}

/// What an answer that passes tells: a conversation in `usage`, embeddings and rankings in `meta`.
#[derive(Debug, Deserialize)]
pub(super) struct Used {
    usage: Option<Usage>,
    meta: Option<Usage>,
}

impl Used {
    pub(super) fn reported(&self) -> Reported {
        if let Some(usage) = &self.usage {
            return usage.reported();
        }
        let told = self.meta.as_ref().map_or(Reported::NOTHING, Usage::reported);
        // Searches are all that a ranking costs.
        let none = (told.units.searches > 0).then(Tokens::default);
        Reported { tokens: told.tokens.or(none), ..told }
    }
}

/// `usage` as callers get it. What was read and what is billed are one here.
pub(super) fn write(tokens: &Tokens) -> Value {
    let counts =
        json!({"input_tokens": tokens.input_total(), "output_tokens": tokens.output_total()});
    json!({"billed_units": counts, "tokens": counts, "cached_tokens": tokens.cached_input})
}

/// A count; what is none is zero, what is too large the largest.
fn whole(count: Option<f64>) -> u64 {
    count.unwrap_or(0.0).round() as u64
}
