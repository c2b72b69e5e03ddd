//! What tells a provider who we are, made of its record when that changes.

use super::aws::AwsKeys;
use super::token::TokenSource;
use contract::seal::{MasterKey, SealError};
use contract::snapshot::{Auth, ProviderRecord};
use http::{HeaderName, HeaderValue, header};
use std::sync::Arc;

/// A credential, ready to be used. Its `Debug` shows nothing secret.
#[derive(Debug, Clone)]
pub enum Credential {
    None,
    /// The same with every request; the value is marked sensitive.
    Header(HeaderName, HeaderValue),
    /// Each request is signed.
    Aws(Arc<AwsKeys>),
    /// `Authorization: Bearer` with a token that expires.
    Token(Arc<TokenSource>),
}

/// Why a provider cannot be called. Says nothing of the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    #[error("its base URL is not an absolute http or https address")]
    BaseUrl,
    #[error("it needs a credential and has none")]
    NoCredential,
    #[error("its credential does not open: {0}")]
    Sealed(SealError),
    #[error("its credential holds characters that a header cannot carry")]
    Header,
    #[error("it is signed for and names no region")]
    Region,
    #[error("its credential is not an AWS access key: `<id>:<secret>`")]
    AwsKeys,
    #[error("its credential is not the key file of a service account")]
    ServiceAccount,
    #[error("the address of its tokens is not an absolute http or https address")]
    TokenUrl,
}

impl Credential {
    /// Opens the credential of `record`.
    pub(crate) fn of(record: &ProviderRecord, master: &MasterKey) -> Result<Self, Unusable> {
        if record.auth == Auth::None {
            return Ok(Self::None);
        }
        let sealed = record.credential.as_ref().ok_or(Unusable::NoCredential)?;
        let secret = master
            .open(&ProviderRecord::seal_context(record.id), sealed)
            .map_err(Unusable::Sealed)?;
        let settings = &record.settings;
        let plain = |name| sensitive(secret.expose()).map(|value| Self::Header(name, value));
        match record.auth {
            Auth::None => Ok(Self::None),
            Auth::Bearer => {
                let value = sensitive(&[b"Bearer ", secret.expose()].concat())?;
                Ok(Self::Header(header::AUTHORIZATION, value))
            }
            Auth::ApiKey => plain(HeaderName::from_static("api-key")),
            Auth::XApiKey => plain(HeaderName::from_static("x-api-key")),
            Auth::GoogleApiKey => plain(HeaderName::from_static("x-goog-api-key")),
            Auth::AwsSigv4 => AwsKeys::read(&secret, settings.region.as_deref())
                .map(|keys| Self::Aws(Arc::new(keys))),
            Auth::GoogleServiceAccount => {
                TokenSource::google(&secret, settings.token_url.as_deref()).map(Self::token)
            }
            Auth::IbmIam => {
                TokenSource::ibm(&secret, settings.token_url.as_deref()).map(Self::token)
            }
        }
    }

    fn token(source: TokenSource) -> Self {
        Self::Token(Arc::new(source))
    }
}

/// A header's value that no log shows.
pub(super) fn sensitive(bytes: &[u8]) -> Result<HeaderValue, Unusable> {
    let mut value = HeaderValue::from_bytes(bytes).map_err(|_| Unusable::Header)?;
    value.set_sensitive(true);
    Ok(value)
}
