//! The text of an API key: `tg_<env>_<public id>_<secret><checksum>`.
//!
//! The fixed prefix lets secret scanners find a leaked key, the public id finds its record, the
//! CRC-32 refuses a typo before anything is looked up. Only a keyed hash of the secret is stored.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use subtle::ConstantTimeEq;

/// Characters of the public id.
pub const PUBLIC_ID_LEN: usize = 12;
/// Characters of the secret: 190 bits.
pub const SECRET_LEN: usize = 32;
/// Characters of the checksum: a CRC-32 in base 62.
pub const CHECKSUM_LEN: usize = 6;

/// Where a key may be used. The sandbox is `test`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
pub enum KeyEnv {
    Live,
    Test,
}

impl KeyEnv {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Test => "test",
        }
    }
}

/// A key as a caller sent it, split but not yet believed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct ParsedKey<'a> {
    pub env: KeyEnv,
    pub public_id: &'a str,
    pub secret: &'a str,
}

impl fmt::Debug for ParsedKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tg_{}_{}_…", self.env.as_str(), self.public_id)
    }
}

/// What a list shows of a key: `tg_live_AbC123dEf456…x9Yz`.
#[must_use]
pub fn mask(env: KeyEnv, public_id: &str, last_four: &str) -> String {
    format!("tg_{}_{public_id}…{last_four}", env.as_str())
}

/// Keyed BLAKE3 of a secret. Compared in constant time; hexadecimal in JSON.
#[derive(Clone, Copy)]
pub struct KeyHash(pub [u8; 32]);

impl PartialEq for KeyHash {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for KeyHash {}

impl fmt::Debug for KeyHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHash(redacted)")
    }
}

impl Serialize for KeyHash {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(&data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl<'de> Deserialize<'de> for KeyHash {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(d)?;
        data_encoding::HEXLOWER
            .decode(text.as_bytes())
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .map(Self)
            .ok_or_else(|| serde::de::Error::custom("a key hash is 64 hexadecimal characters"))
    }
}

#[cfg(feature = "crypto")]
pub use with_crypto::{KeyPepper, NewKey, make};

#[cfg(feature = "crypto")]
mod with_crypto {
    use super::{CHECKSUM_LEN, KeyEnv, KeyHash, PUBLIC_ID_LEN, ParsedKey, SECRET_LEN};
    use std::fmt;
    use zeroize::Zeroizing;

    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// A freshly made key. Its text exists only here; Debug does not show it.
    pub struct NewKey {
        pub env: KeyEnv,
        pub public_id: String,
        pub last_four: String,
        text: Zeroizing<String>,
    }

    impl NewKey {
        /// The whole key, to be shown once.
        #[must_use]
        pub fn reveal(&self) -> &str {
            &self.text
        }

        /// The hash to store.
        #[must_use]
        pub fn hash(&self, pepper: &KeyPepper) -> Option<KeyHash> {
            ParsedKey::parse(&self.text).map(|key| pepper.hash(&key))
        }
    }

    impl fmt::Debug for NewKey {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "NewKey(tg_{}_{}…)", self.env.as_str(), self.public_id)
        }
    }

    /// Makes a key; `fill` is the source of randomness (the system's CSPRNG in production).
    pub fn make(env: KeyEnv, mut fill: impl FnMut(&mut [u8])) -> NewKey {
        let public_id = base62(PUBLIC_ID_LEN, &mut fill);
        let secret = Zeroizing::new(base62(SECRET_LEN, &mut fill));
        let body = Zeroizing::new(format!("tg_{}_{public_id}_{}", env.as_str(), *secret));
        let checksum = checksum(&body);
        let checksum = String::from_utf8_lossy(&checksum);
        let text = Zeroizing::new(format!("{}{checksum}", *body));
        let last_four = text.chars().skip(text.len().saturating_sub(4)).collect();
        NewKey { env, public_id, last_four, text }
    }

    fn base62(len: usize, fill: &mut impl FnMut(&mut [u8])) -> String {
        let mut out = String::with_capacity(len);
        let mut byte = [0_u8; 1];
        while out.len() < len {
            fill(&mut byte);
            // 248 = 4 × 62: refusing the rest keeps every character equally likely.
            if let [b] = byte
                && b < 248
                && let Some(c) = ALPHABET.get(usize::from(b % 62))
            {
                out.push(char::from(*c));
            }
        }
        out
    }

    fn checksum(body: &str) -> [u8; CHECKSUM_LEN] {
        let mut crc = crc32fast::hash(body.as_bytes());
        let mut out = [b'0'; CHECKSUM_LEN];
        for slot in out.iter_mut().rev() {
            if let Some(c) = ALPHABET.get((crc % 62) as usize) {
                *slot = *c;
            }
            crc /= 62;
        }
        out
    }

    impl<'a> ParsedKey<'a> {
        /// Splits a key and proves its checksum; `None` for anything malformed. No allocation,
        /// no look-up.
        #[must_use]
        pub fn parse(text: &'a str) -> Option<Self> {
            let rest = text.strip_prefix("tg_")?;
            let (env, rest) = rest.split_once('_')?;
            let env = match env {
                "live" => KeyEnv::Live,
                "test" => KeyEnv::Test,
                _ => return None,
            };
            let (public_id, tail) = rest.split_once('_')?;
            if public_id.len() != PUBLIC_ID_LEN
                || tail.len() != SECRET_LEN + CHECKSUM_LEN
                || !text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            {
                return None;
            }
            let (secret, given) = tail.split_at_checked(SECRET_LEN)?;
            let body = text.get(..text.len() - CHECKSUM_LEN)?;
            (checksum(body) == given.as_bytes()).then_some(Self { env, public_id, secret })
        }
    }

    /// The installation's secret under which key secrets are hashed.
    #[derive(Clone)]
    pub struct KeyPepper(Zeroizing<[u8; 32]>);

    impl KeyPepper {
        #[must_use]
        pub fn new(bytes: [u8; 32]) -> Self {
            Self(Zeroizing::new(bytes))
        }

        #[must_use]
        pub fn hash(&self, key: &ParsedKey<'_>) -> KeyHash {
            let mut hasher = blake3::Hasher::new_keyed(&self.0);
            hasher.update(key.public_id.as_bytes());
            hasher.update(b"_");
            hasher.update(key.secret.as_bytes());
            KeyHash(*hasher.finalize().as_bytes())
        }

        /// A secret for something else, which tells nothing of this one.
        #[must_use]
        pub fn subkey(&self, context: &str) -> [u8; 32] {
            *blake3::keyed_hash(&self.0, context.as_bytes()).as_bytes()
        }
    }

    impl fmt::Debug for KeyPepper {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("KeyPepper(redacted)")
        }
    }
}

#[cfg(all(test, feature = "crypto"))]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn sequence() -> impl FnMut(&mut [u8]) {
        let mut n = 0_u8;
        move |buf| {
            for b in buf {
                n = n.wrapping_mul(31).wrapping_add(17);
                *b = n;
            }
        }
    }

    #[test]
    fn a_made_key_parses_and_hashes_the_same_twice() {
        let key = make(KeyEnv::Live, sequence());
        let parsed = ParsedKey::parse(key.reveal()).unwrap();
        assert_eq!(parsed.public_id, key.public_id);
        assert!(key.reveal().ends_with(&key.last_four));
        let pepper = KeyPepper::new([1; 32]);
        assert_eq!(Some(pepper.hash(&parsed)), key.hash(&pepper));
        assert_ne!(Some(KeyPepper::new([2; 32]).hash(&parsed)), key.hash(&pepper));
    }

    #[test]
    fn debug_never_shows_the_secret() {
        let key = make(KeyEnv::Test, sequence());
        let parsed = ParsedKey::parse(key.reveal()).unwrap();
        assert!(!format!("{key:?}{parsed:?}").contains(parsed.secret));
    }

    proptest! {
        #[test]
        fn one_changed_character_is_refused(at in 0usize..60, with in "[0-9A-Za-z]") {
            let key = make(KeyEnv::Live, sequence());
            let mut text = key.reveal().to_owned();
            let at = at % text.len();
            prop_assume!(&text[at..=at] != with.as_str());
            text.replace_range(at..=at, &with);
            prop_assert!(ParsedKey::parse(&text).is_none());
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = ParsedKey::parse(&text);
        }
    }
}
