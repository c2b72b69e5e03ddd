//! Which dialects are spoken, and in which role: the one place that a new dialect is added to.

use crate::cohere::Cohere;
use crate::converse::Converse;
use crate::convert::{Inbound, Outbound, Pass};
use crate::gemini::{self, Gemini};
use crate::heard::Heard;
use crate::messages::{self, Host, Messages};
use crate::ollama::Ollama;
use crate::openai::{Ask, Chat, Quirk, Quirks, StreamOptions, write_request};
use crate::responses::Responses;
use crate::watsonx::Watsonx;
use crate::{Invalid, Wire};
use bytes::Bytes;
use std::borrow::Cow;

const MESSAGES: Messages = Messages { host: Host::Direct };

impl Wire {
    /// The dialect as callers speak it. `None`: it has no surface.
    #[must_use]
    pub const fn inbound(self) -> Option<&'static dyn Inbound> {
        match self {
            Self::Chat => Some(&Chat::OPENAI),
            Self::Responses => Some(&Responses),
            Self::Messages => Some(&MESSAGES),
            Self::Gemini => Some(&Gemini),
            Self::Cohere => Some(&Cohere),
            _ => None,
        }
    }

    /// The dialect as its own vendor speaks it.
    #[must_use]
    pub const fn outbound(self) -> Option<&'static dyn Outbound> {
        match self {
            Self::Chat => Some(&Chat::OPENAI),
            Self::Responses => Some(&Responses),
            Self::Messages => Some(&MESSAGES),
            Self::Gemini => Some(&Gemini),
            Self::Converse => Some(&Converse),
            Self::Cohere => Some(&Cohere),
            Self::Watsonx => Some(&Watsonx),
            Self::Ollama => Some(&Ollama),
        }
    }

    /// The dialect where both sides speak it. `None`: it is translated even then.
    #[must_use]
    pub const fn pass(self) -> Option<&'static dyn Pass> {
        match self {
            Self::Chat => Some(&Chat::OPENAI),
            Self::Responses => Some(&Responses),
            Self::Messages => Some(&MESSAGES),
            Self::Gemini => Some(&Gemini),
            Self::Converse => Some(&Converse),
            Self::Cohere => Some(&Cohere),
            Self::Watsonx => Some(&Heard(Watsonx)),
            Self::Ollama => Some(&Heard(Ollama)),
        }
    }

    /// The answer to a caller that has the tokens of a conversation counted.
    #[must_use]
    pub fn count_answer(self, input_tokens: u64) -> Option<Vec<u8>> {
        match self {
            Self::Messages => Some(messages::count_body(input_tokens)),
            Self::Gemini => Some(gemini::write_count_answer(input_tokens)),
            _ => None,
        }
    }

    /// The dialect as a provider of these ways speaks it.
    #[must_use]
    pub fn spoken(self, ways: Ways) -> Option<Speaker> {
        Some(match self {
            Self::Chat => Speaker::Chat(Chat { quirks: ways.quirks }),
            Self::Messages => Speaker::Messages(Messages { host: ways.host }),
            _ => Speaker::Vendor(self.outbound()?),
        })
    }
}

/// What sets a provider apart from the vendor whose dialect it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ways {
    /// In [`Wire::Chat`].
    pub quirks: Quirks,
    /// In [`Wire::Messages`].
    pub host: Host,
}

/// A dialect as one provider speaks it.
pub enum Speaker {
    /// As the vendor does.
    Vendor(&'static dyn Outbound),
    Chat(Chat),
    Messages(Messages),
}

impl std::ops::Deref for Speaker {
    type Target = dyn Outbound;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::Vendor(vendor) => *vendor,
            Self::Chat(chat) => chat,
            Self::Messages(messages) => messages,
        }
    }
}

impl std::fmt::Debug for Speaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Vendor(_) => f.write_str("Vendor"),
            Self::Chat(chat) => chat.fmt(f),
            Self::Messages(messages) => messages.fmt(f),
        }
    }
}

impl Ways {
    /// What a provider of these ways must not be asked for, although it speaks the caller's dialect.
    ///
    /// # Errors
    /// Several choices, where it would tell the use of one.
    pub fn check(self, wire: Wire, ask: &Ask) -> Result<(), Invalid> {
        if wire == Wire::Chat && ask.choices > 1 && self.quirks.has(Quirk::OneCounted) {
            let detail = "The model's server counts the tokens of one answer only: leave `n` at 1 \
                          and send one `prompt`.";
            return Err(Invalid::at("n", detail));
        }
        Ok(())
    }

    /// A body that passes, as a provider of these ways takes it.
    #[must_use]
    pub fn pass_request(self, wire: Wire, body: &Bytes, ask: &Ask, upstream_model: &str) -> Bytes {
        match wire {
            Wire::Messages => Messages { host: self.host }.pass_request(body, ask, upstream_model),
            Wire::Chat if self.quirks.has(Quirk::UsageUnasked) => {
                let ask = Ask { stream_options: StreamOptions::Asked, ..ask.clone() };
                write_request(body, &ask, upstream_model)
            }
            _ => write_request(body, ask, upstream_model),
        }
    }

    /// Where a provider of these ways counts the tokens of a conversation in a caller's own
    /// dialect. `None`: it does not.
    #[must_use]
    pub fn count_path(self, wire: Wire, model: &str) -> Option<Cow<'static, str>> {
        match wire {
            Wire::Messages => Messages { host: self.host }.count_path().map(Cow::Borrowed),
            Wire::Gemini => Some(Gemini::count_path(model).into()),
            _ => None,
        }
    }

    /// A count that passes: its body names the model, whoever the host, where the dialect has it
    /// there.
    #[must_use]
    pub fn pass_count(self, wire: Wire, body: &Bytes, ask: &Ask, upstream_model: &str) -> Bytes {
        match wire {
            Wire::Gemini => gemini::pass_count(body, self.host == Host::Vertex, upstream_model),
            _ => write_request(body, ask, upstream_model),
        }
    }

    /// Whether an answer passes as it comes: one that is framed in another way does not.
    #[must_use]
    pub fn passes(self, wire: Wire, stream: bool) -> bool {
        !(stream && wire == Wire::Messages && self.host == Host::Bedrock)
    }
}
