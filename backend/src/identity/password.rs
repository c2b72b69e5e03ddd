//! Passwords: argon2id, off the async threads, a few at a time (each takes 19 MiB).

use crate::http::{ApiError, Check, Result};
use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use std::sync::LazyLock;
use tokio::sync::Semaphore;
use zeroize::Zeroizing;

static AT_ONCE: Semaphore = Semaphore::const_new(4);

/// Compared with when there is no account, so that the answer takes as long.
static NOBODY: LazyLock<String> = LazyLock::new(|| {
    Argon2::default().hash_password(b"nobody").map(|hash| hash.to_string()).unwrap_or_default()
});

/// A password somebody sent. Debug does not show it.
#[derive(Clone)]
pub struct Password(Zeroizing<String>);

impl std::fmt::Debug for Password {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Password(redacted)")
    }
}

impl Password {
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(Zeroizing::new(text.to_owned()))
    }

    /// Blames `/password` when it cannot be one. Length is the rule; no classes of characters.
    pub fn check(&self, check: &mut Check) {
        check.that(
            (12..=256).contains(&self.0.chars().count()),
            "/password",
            "Use 12 to 256 characters. A few words are easy to remember.",
        );
    }

    /// Its PHC string.
    ///
    /// # Errors
    /// The system has no randomness or no memory.
    pub async fn hash(&self) -> Result<String> {
        let password = self.0.clone();
        blocking(move || {
            let hash = Argon2::default().hash_password(password.as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|e| anyhow::anyhow!("argon2: {e}"))
        })
        .await
    }

    /// Is it the password of `hash`? Without a hash it is not, after the same work.
    ///
    /// # Errors
    /// The stored hash is damaged.
    pub async fn is_of(&self, hash: Option<&str>) -> Result<bool> {
        let password = self.0.clone();
        let hash = hash.map(str::to_owned);
        blocking(move || {
            let against = hash.as_deref().unwrap_or(NOBODY.as_str());
            let parsed = PasswordHash::new(against).map_err(|e| anyhow::anyhow!("argon2: {e}"))?;
            let fits = Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok();
            Ok(fits && hash.is_some())
        })
        .await
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> anyhow::Result<T> + Send + 'static,
) -> Result<T> {
    let _permit = AT_ONCE.acquire().await.map_err(ApiError::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(ApiError::internal)?.map_err(ApiError::internal)
}
