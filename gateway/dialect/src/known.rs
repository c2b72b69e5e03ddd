//! Which dialects are spoken, and in which role: the one place that a new dialect is added to.

use crate::Wire;
use crate::converse::Converse;
use crate::convert::{Inbound, Outbound, Pass};
use crate::messages::Messages;
use crate::openai::Chat;
use crate::watsonx::Watsonx;

impl Wire {
    /// The dialect as callers speak it. `None`: it has no surface.
    #[must_use]
    pub const fn inbound(self) -> Option<&'static dyn Inbound> {
        match self {
            Self::Chat => Some(&Chat::OPENAI),
            Self::Messages => Some(&Messages::DIRECT),
            _ => None,
        }
    }

    /// The dialect as providers speak it.
    #[must_use]
    pub const fn outbound(self) -> Option<&'static dyn Outbound> {
        match self {
            Self::Chat => Some(&Chat::OPENAI),
            Self::Converse => Some(&Converse),
            Self::Messages => Some(&Messages::DIRECT),
            Self::Watsonx => Some(&Watsonx),
            _ => None,
        }
    }

    /// The dialect where both sides speak it. `None`: it is translated even then.
    #[must_use]
    pub const fn pass(self) -> Option<&'static dyn Pass> {
        match self {
            Self::Chat => Some(&Chat::OPENAI),
            Self::Converse => Some(&Converse),
            Self::Messages => Some(&Messages::DIRECT),
            _ => None,
        }
    }
}
