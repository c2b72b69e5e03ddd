//! Sealing what is kept for a while and made anew when it does not open: one key for all of one kind,
//! no data keys and no text around it. What must stay true: a nonce is made of what is sealed, so none
//! is ever used for two things, and nothing opens elsewhere than where it was sealed for.

use super::crypto::{NONCE_LEN, close_bytes, open_bytes};
use super::{MasterKey, SealError};
use std::fmt;
use zeroize::Zeroizing;

/// Seals blobs of one kind.
#[derive(Clone)]
pub struct BlobSeal(Zeroizing<[u8; 32]>);

impl fmt::Debug for BlobSeal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BlobSeal(redacted)")
    }
}

impl BlobSeal {
    /// Of one kind of blobs of an installation.
    #[must_use]
    pub fn new(master: &MasterKey, kind: &str) -> Self {
        Self(Zeroizing::new(master.subkey(kind.as_bytes())))
    }

    /// For a part of them, such as those of one organisation.
    #[must_use]
    pub fn of(&self, part: &[u8]) -> Self {
        Self(Zeroizing::new(*blake3::keyed_hash(&self.0, part).as_bytes()))
    }

    /// Seals `plain` for the place `at`. The same at one place gives the same, which tells no more
    /// than that it is the same.
    ///
    /// # Errors
    /// As [`MasterKey::seal`].
    pub fn seal(&self, at: &[u8], plain: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut nonce = blake3::Hasher::new_keyed(&self.0);
        for piece in [b"nonce".as_slice(), &at.len().to_le_bytes(), at, plain] {
            nonce.update(piece);
        }
        let mut bytes = [0; NONCE_LEN];
        nonce.finalize_xof().fill(&mut bytes);
        close_bytes(self.0.as_slice(), &bytes, at, plain)
    }

    /// Opens what was sealed for the place `at`.
    ///
    /// # Errors
    /// Another key, another place, or damaged bytes.
    pub fn open(&self, at: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        open_bytes(self.0.as_slice(), at, sealed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blob_opens_at_its_own_place_under_its_own_key_and_whole_alone() {
        let master = MasterKey::new("a", [3; 32]);
        let (ours, theirs) = (
            BlobSeal::new(&master, "kept").of(b"ours"),
            BlobSeal::new(&master, "kept").of(b"theirs"),
        );
        let sealed = ours.seal(b"here", b"what was said").unwrap();
        assert_eq!(ours.open(b"here", &sealed).unwrap(), b"what was said");
        assert!(!sealed.windows(4).any(|four| four == b"what"));
        assert_eq!(theirs.open(b"here", &sealed), Err(SealError::Damaged));
        assert_eq!(ours.open(b"there", &sealed), Err(SealError::Damaged));
        let other = BlobSeal::new(&master, "other").of(b"ours");
        assert_eq!(other.open(b"here", &sealed), Err(SealError::Damaged));
        for at in 0..sealed.len() {
            let mut damaged = sealed.clone();
            damaged[at] ^= 1;
            assert_eq!(ours.open(b"here", &damaged), Err(SealError::Damaged), "{at}");
            assert_eq!(ours.open(b"here", &sealed[..at]), Err(SealError::Damaged), "{at}");
        }
        assert!(!format!("{ours:?}").contains('3'));
    }

    #[test]
    fn two_blobs_have_two_nonces() {
        let seal = BlobSeal::new(&MasterKey::new("a", [3; 32]), "kept");
        let nonce = |at: &[u8], plain: &[u8]| seal.seal(at, plain).unwrap()[..NONCE_LEN].to_vec();
        assert_ne!(nonce(b"a", b"bc"), nonce(b"ab", b"c"));
        assert_ne!(nonce(b"a", b"b"), nonce(b"a", b"c"));
        assert_eq!(nonce(b"a", b"b"), nonce(b"a", b"b"));
    }
}
