//! The one form of every success: a status, a JSON body, and the version of an editable object as
//! its ETag.

use axum::response::{IntoResponse, Response};
use http::header::ETAG;
use http::{HeaderValue, StatusCode};
use serde::Serialize;

#[derive(Debug, Clone)]
pub struct Answer<T> {
    pub(super) status: StatusCode,
    pub(super) version: Option<i64>,
    pub(super) body: T,
}

impl<T> Answer<T> {
    /// 200.
    pub const fn ok(body: T) -> Self {
        Self { status: StatusCode::OK, version: None, body }
    }

    /// 201.
    pub const fn created(body: T) -> Self {
        Self { status: StatusCode::CREATED, version: None, body }
    }

    /// 202: heard, and done later.
    pub const fn accepted(body: T) -> Self {
        Self { status: StatusCode::ACCEPTED, version: None, body }
    }

    /// Sends `version` as the ETag.
    #[must_use]
    pub const fn version(mut self, version: i64) -> Self {
        self.version = Some(version);
        self
    }
}

pub(super) fn etag(version: i64) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("\"{version}\"")).ok()
}

impl<T: Serialize> IntoResponse for Answer<T> {
    fn into_response(self) -> Response {
        let mut response = (self.status, axum::Json(self.body)).into_response();
        if let Some(etag) = self.version.and_then(etag) {
            response.headers_mut().insert(ETAG, etag);
        }
        response
    }
}
