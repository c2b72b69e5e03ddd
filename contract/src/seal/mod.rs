//! Secrets at rest: envelope encryption.
//!
//! Each secret has a data key of its own; the data key is wrapped by the installation's master
//! key. The context (what the secret is, and whose) is authenticated, so a sealed value moved to
//! another row does not open.

#[cfg(feature = "crypto")]
mod blob;
#[cfg(feature = "crypto")]
mod crypto;
#[cfg(feature = "crypto")]
pub use blob::BlobSeal;
#[cfg(feature = "crypto")]
pub use crypto::{MasterKey, SealEntropy, SealError, Secret};

use serde::{Deserialize, Serialize};
use std::fmt;

/// A secret under its own data key, the data key under the master key.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sealed {
    /// Which master key wrapped the data key.
    pub master: String,
    /// Nonce and wrapped data key, base64.
    pub data_key: String,
    /// Nonce and ciphertext, base64.
    pub body: String,
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed(under {})", self.master)
    }
}
