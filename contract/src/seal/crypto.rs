//! Sealing and opening, with XChaCha20-Poly1305.

use super::Sealed;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use std::fmt;
use zeroize::Zeroizing;

pub(super) const NONCE_LEN: usize = 24;

/// Random bytes that sealing one secret takes: a data key and two nonces.
pub type SealEntropy = [u8; 32 + 2 * NONCE_LEN];

/// A secret in memory. Debug shows nothing of it.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the one place that must use them.
    #[must_use]
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The secret as text, where it is.
    #[must_use]
    pub fn expose_str(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// Why a sealed value does not open. Says nothing of the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    #[error("the value was sealed under another master key")]
    OtherMaster,
    #[error("the sealed value is damaged or belongs elsewhere")]
    Damaged,
}

/// The installation's master key.
#[derive(Clone)]
pub struct MasterKey {
    id: String,
    key: Zeroizing<[u8; 32]>,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MasterKey({})", self.id)
    }
}

impl MasterKey {
    /// `id` names the key in what it seals, so that keys can be rotated.
    #[must_use]
    pub fn new(id: impl Into<String>, key: [u8; 32]) -> Self {
        Self { id: id.into(), key: Zeroizing::new(key) }
    }

    /// Reads a master key from its configured form, 32 bytes in base64. Its id is the first
    /// eight hexadecimal digits of the key's hash.
    #[must_use]
    pub fn from_base64(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(STANDARD.decode(text.trim()).ok()?);
        let key = <[u8; 32]>::try_from(bytes.as_slice()).ok()?;
        let hash = blake3::derive_key("tollgate master key id v1", &key);
        let id: String = data_encoding::HEXLOWER.encode(&hash).chars().take(8).collect();
        Some(Self::new(id, key))
    }

    /// Seals `secret` for `context`, for example `provider/prov_…`.
    ///
    /// # Errors
    /// [`SealError::Damaged`] only if the cipher refuses, which it does for absurd lengths.
    pub fn seal(
        &self,
        context: &str,
        secret: &[u8],
        entropy: &SealEntropy,
    ) -> Result<Sealed, SealError> {
        let (data_key, nonces) = entropy.split_at(32);
        let (wrap_nonce, body_nonce) = nonces.split_at(NONCE_LEN);
        Ok(Sealed {
            master: self.id.clone(),
            data_key: close(self.key.as_slice(), wrap_nonce, context, data_key)?,
            body: close(data_key, body_nonce, context, secret)?,
        })
    }

    /// Opens what [`MasterKey::seal`] made for the same `context`.
    ///
    /// # Errors
    /// Another master key, another context, or a damaged value.
    pub fn open(&self, context: &str, sealed: &Sealed) -> Result<Secret, SealError> {
        if sealed.master != self.id {
            return Err(SealError::OtherMaster);
        }
        let data_key = Zeroizing::new(open(self.key.as_slice(), context, &sealed.data_key)?);
        open(&data_key, context, &sealed.body).map(Secret::new)
    }
}

impl MasterKey {
    /// A key made of it for something else.
    pub(super) fn subkey(&self, context: &[u8]) -> [u8; 32] {
        *blake3::keyed_hash(&self.key, context).as_bytes()
    }
}

fn cipher(key: &[u8]) -> Result<XChaCha20Poly1305, SealError> {
    let key = Key::try_from(key).map_err(|_| SealError::Damaged)?;
    Ok(XChaCha20Poly1305::new(&key))
}

fn close(key: &[u8], nonce: &[u8], context: &str, plain: &[u8]) -> Result<String, SealError> {
    close_bytes(key, nonce, context.as_bytes(), plain).map(|bytes| STANDARD.encode(bytes))
}

fn open(key: &[u8], context: &str, text: &str) -> Result<Vec<u8>, SealError> {
    let bytes = STANDARD.decode(text).map_err(|_| SealError::Damaged)?;
    open_bytes(key, context.as_bytes(), &bytes)
}

/// Nonce and ciphertext.
pub(super) fn close_bytes(
    key: &[u8],
    nonce: &[u8],
    context: &[u8],
    plain: &[u8],
) -> Result<Vec<u8>, SealError> {
    let at = XNonce::try_from(nonce).map_err(|_| SealError::Damaged)?;
    let sealed = cipher(key)?
        .encrypt(&at, Payload { msg: plain, aad: context })
        .map_err(|_| SealError::Damaged)?;
    Ok([nonce, sealed.as_slice()].concat())
}

pub(super) fn open_bytes(key: &[u8], context: &[u8], bytes: &[u8]) -> Result<Vec<u8>, SealError> {
    let (nonce, body) = bytes.split_at_checked(NONCE_LEN).ok_or(SealError::Damaged)?;
    let at = XNonce::try_from(nonce).map_err(|_| SealError::Damaged)?;
    cipher(key)?.decrypt(&at, Payload { msg: body, aad: context }).map_err(|_| SealError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entropy() -> SealEntropy {
        std::array::from_fn(|i| u8::try_from(i % 251).unwrap())
    }

    #[test]
    fn a_sealed_secret_opens_only_in_its_own_context_and_under_its_own_master() {
        let master = MasterKey::new("a", [3; 32]);
        let sealed = master.seal("provider/1", b"sk-real", &entropy()).unwrap();
        assert_eq!(master.open("provider/1", &sealed).unwrap().expose(), b"sk-real");
        assert_eq!(master.open("provider/2", &sealed).unwrap_err(), SealError::Damaged);
        assert_eq!(
            MasterKey::new("b", [3; 32]).open("provider/1", &sealed).unwrap_err(),
            SealError::OtherMaster
        );
        assert_eq!(
            MasterKey::new("a", [4; 32]).open("provider/1", &sealed).unwrap_err(),
            SealError::Damaged
        );
    }

    #[test]
    fn neither_the_sealed_form_nor_debug_shows_the_secret() {
        let master = MasterKey::new("a", [3; 32]);
        let sealed = master.seal("c", b"sk-real-secret", &entropy()).unwrap();
        let shown = format!(
            "{master:?}{sealed:?}{:?}{}",
            master.open("c", &sealed).unwrap(),
            serde_json::to_string(&sealed).unwrap()
        );
        assert!(!shown.contains("sk-real"));
    }
}
