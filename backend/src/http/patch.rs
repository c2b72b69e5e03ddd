//! PATCH: members that the body has replace those of the object, absent ones stay, and the caller
//! says by `If-Match` which version they edited.

use super::{ApiError, IfMatch, Result, json};
use axum::extract::{FromRequest, FromRequestParts as _, Request};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::marker::PhantomData;

/// Changes to an object, whose editable members are those of `T`.
#[derive(Debug)]
pub struct Patch<T> {
    version: IfMatch,
    changes: Map<String, Value>,
    of: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> Patch<T> {
    /// The editable members as they will be. `current` has members of the same names.
    ///
    /// # Errors
    /// `object.version_stale`; `request.invalid` for a member that does not fit.
    pub fn over(self, current: &impl Serialize, current_version: i64) -> Result<T> {
        self.version.check(current_version)?;
        let mut merged = serde_json::to_value(current)?;
        if let Value::Object(members) = &mut merged {
            members.extend(self.changes);
        }
        json::parse(&serde_json::to_vec(&merged)?)
    }
}

impl<S: Send + Sync, T> FromRequest<S> for Patch<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self> {
        let (mut parts, body) = request.into_parts();
        let version = IfMatch::from_request_parts(&mut parts, state).await?;
        let bytes = json::read(Request::from_parts(parts, body), state).await?;
        Ok(Self { version, changes: json::parse(&bytes)?, of: PhantomData })
    }
}
