//! Tokens of mailed links: 256 random bits, held only as a hash.

use crate::entropy;
use crate::http::ApiError;
use contract::error::ErrorCode;
use data_encoding::BASE64URL_NOPAD;

/// A new token: its text goes into a link, its hash into a table.
pub struct Token {
    pub text: String,
    pub hash: [u8; 32],
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token(redacted)")
    }
}

impl Token {
    #[must_use]
    pub fn make() -> Self {
        let text = BASE64URL_NOPAD.encode(&entropy::bytes::<32>());
        let hash = hash(&text);
        Self { text, hash }
    }
}

/// The hash of a token that somebody sent.
#[must_use]
pub fn hash(text: &str) -> [u8; 32] {
    blake3::derive_key("tollgate link v1", text.as_bytes())
}

impl ApiError {
    /// The link is used, expired, replaced or was never ours: nobody learns which.
    #[must_use]
    pub fn token_invalid() -> Self {
        Self::new(
            ErrorCode::TokenInvalid,
            "The link was used already, has expired, or is not complete. Ask for a new one.",
        )
    }
}
