//! Signatures of messages: HMAC-SHA256, as Standard Webhooks writes it.
//!
//! Receivers must compare signatures in constant time; nothing here compares any.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

const PREFIX: &str = "whsec_";

/// A new secret's text, of 32 random bytes.
#[must_use]
pub fn secret(bytes: &[u8; 32]) -> String {
    format!("{PREFIX}{}", STANDARD.encode(bytes))
}

/// The header `webhook-signature` of a message; `None` when the secret is none.
#[must_use]
pub fn signature(secret: &str, id: &str, timestamp: i64, body: &str) -> Option<String> {
    let key = STANDARD.decode(secret.strip_prefix(PREFIX)?).ok()?;
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).ok()?;
    mac.update(format!("{id}.{timestamp}.{body}").as_bytes());
    Some(format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that implementations of Standard Webhooks are tried with.
    #[test]
    fn the_published_example_is_signed_as_published() {
        let signed = signature(
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(signed.as_deref(), Some("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="));
        assert_eq!(signature("whsec_?", "m", 1, ""), None);
        assert_eq!(signature("secret", "m", 1, ""), None);
    }

    #[test]
    fn a_new_secret_signs() {
        let made = secret(&[7; 32]);
        assert!(made.starts_with("whsec_") && signature(&made, "evt_1", 1, "{}").is_some());
    }
}
