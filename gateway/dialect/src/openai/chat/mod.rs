//! OpenAI chat completions as a dialect of its own: the vendor's, and with [`Quirks`] that of
//! everybody who says to be compatible with it.

mod annotation;
mod quirk;
mod read;
mod reasoning;
pub(crate) mod write;

pub use quirk::{PROVIDERS, Quirk, Quirks, quirks_of};

use crate::Invalid;
use crate::convert::{Address, Provider};
use crate::loss::Losses;
use crate::neutral::Request;

/// The dialect, as one provider speaks it. Callers speak it as [`Chat::OPENAI`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Chat {
    pub quirks: Quirks,
}

impl Chat {
    /// As the vendor itself speaks it.
    pub const OPENAI: Self = Self { quirks: Quirks::NONE };

    /// Reads a request whole.
    ///
    /// # Errors
    /// [`Invalid`] with the field, as a path in this dialect.
    pub fn read_request(&self, body: &[u8], at: &Address<'_>) -> Result<Request, Invalid> {
        read::request(body, at)
    }

    /// Writes a request.
    ///
    /// # Errors
    /// [`Invalid`], where the table of losses refuses, with the field.
    pub fn write_request(
        &self,
        request: &Request,
        to: &Provider<'_>,
        losses: &mut Losses,
    ) -> Result<Vec<u8>, Invalid> {
        Ok(write::request(request, ("model", to.model), self.quirks, losses)?.into_bytes())
    }
}
