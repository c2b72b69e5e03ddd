//! `At<TeamId>`: the identifier of that kind in the address. Anything else in its place is answered
//! like an object that is not there.

use super::ApiError;
use axum::extract::{FromRequestParts, RawPathParams};
use http::request::Parts;
use std::str::FromStr;

#[derive(Debug, Clone, Copy)]
pub struct At<T>(pub T);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for At<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let params = RawPathParams::from_request_parts(parts, state)
            .await
            .map_err(|_| ApiError::not_found())?;
        // The prefixes of identifiers are distinct, so at most one parameter reads as a `T`.
        params
            .iter()
            .find_map(|(_, value)| value.parse().ok())
            .map(Self)
            .ok_or_else(ApiError::not_found)
    }
}
