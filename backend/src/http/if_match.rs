//! `If-Match`: which version of an object the caller edited, so that two editors do not overwrite
//! each other unseen.

use super::ApiError;
use axum::extract::FromRequestParts;
use contract::error::ErrorCode;
use http::header::IF_MATCH;
use http::request::Parts;

/// The version the caller edited.
#[derive(Debug, Clone, Copy)]
pub struct IfMatch(i64);

impl IfMatch {
    /// # Errors
    /// `object.version_stale` when the object has moved on.
    pub fn check(self, current: i64) -> Result<(), ApiError> {
        if self.0 == current {
            return Ok(());
        }
        Err(ApiError::new(
            ErrorCode::VersionStale,
            format!(
                "You edited version {}; the object is at version {current}. Read it again.",
                self.0
            ),
        ))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for IfMatch {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Some(header) = parts.headers.get(IF_MATCH) else {
            return Err(ApiError::new(
                ErrorCode::VersionRequired,
                "Send If-Match with the object's ETag, so that nobody's change is lost.",
            ));
        };
        header
            .to_str()
            .ok()
            .and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok())
            .map(Self)
            .ok_or_else(|| {
                ApiError::new(
                    ErrorCode::RequestHeaderInvalid,
                    "If-Match must be one ETag as we sent it, for example \"3\".",
                )
            })
    }
}
