//! Which dialects are spoken, and in which role: the one place that a new dialect is added to.

use crate::Wire;
use crate::converse::Converse;
use crate::convert::{Inbound, Outbound, Pass};

impl Wire {
    /// The dialect as callers speak it. `None`: it has no surface.
    #[must_use]
    pub const fn inbound(self) -> Option<&'static dyn Inbound> {
        None
    }

    /// The dialect as providers speak it.
    #[must_use]
    pub const fn outbound(self) -> Option<&'static dyn Outbound> {
        match self {
            Self::Converse => Some(&Converse),
            _ => None,
        }
    }

    /// The dialect where both sides speak it. `None`: it is translated even then.
    #[must_use]
    pub const fn pass(self) -> Option<&'static dyn Pass> {
        match self {
            Self::Converse => Some(&Converse),
            _ => None,
        }
    }
}
