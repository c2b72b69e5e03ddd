//! The one error of every operation. It becomes problem+json in [`super::layer::problem`], which
//! knows the request's id; what went wrong on our side goes to the log and never to the caller.

use super::post::Stored;
use axum::response::{IntoResponse, Response};
use contract::error::{ErrorCode, FieldError};
use http::StatusCode;
use std::sync::Arc;

/// Why an operation ends early.
#[derive(Debug)]
pub enum ApiError {
    /// It is refused.
    Refused(Box<Refusal>),
    /// It was done before, under the same `Idempotency-Key`: this is the answer given then.
    Answered(Box<Stored>),
}

/// A refusal on its way out.
#[derive(Debug)]
pub struct Refusal {
    pub code: ErrorCode,
    pub detail: String,
    pub errors: Vec<FieldError>,
    pub retry_after_s: Option<u64>,
    /// For the log only.
    pub cause: Option<anyhow::Error>,
}

impl ApiError {
    /// `detail` says what happened this time and what to do about it.
    pub fn new(code: ErrorCode, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self::Refused(Box::new(Refusal {
            code,
            detail,
            errors: Vec::new(),
            retry_after_s: None,
            cause: None,
        }))
    }

    /// Not there, or not yours: nobody learns which.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(
            ErrorCode::NotFound,
            "There is no such object, or it is not yours to see. Check the address.",
        )
    }

    /// Some fields are not valid.
    #[must_use]
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let detail =
            errors.first().map_or_else(String::new, |e| format!("{}: {}", e.pointer, e.detail));
        errors.into_iter().fold(Self::new(ErrorCode::RequestInvalid, detail), Self::field)
    }

    /// Our fault.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        let mut error = Self::new(
            ErrorCode::Internal,
            "Something went wrong on our side. Try again; if it stays, tell support the request id.",
        );
        if let Self::Refused(refusal) = &mut error {
            refusal.cause = Some(cause.into());
        }
        error
    }

    /// Blames one field.
    #[must_use]
    pub fn field(mut self, field: FieldError) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.errors.push(field);
        }
        self
    }

    /// Says when to try again, in seconds.
    #[must_use]
    pub fn retry_after(mut self, seconds: u64) -> Self {
        if let Self::Refused(refusal) = &mut self {
            refusal.retry_after_s = Some(seconds);
        }
        self
    }

    /// The code it is refused with, if it is refused.
    #[must_use]
    pub const fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::Answered(_) => None,
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        match self {
            Self::Answered(stored) => stored.into_response(),
            Self::Refused(refusal) => {
                let status = StatusCode::from_u16(refusal.code.status())
                    .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
                let mut response = status.into_response();
                response.extensions_mut().insert(Arc::<Refusal>::from(refusal));
                response
            }
        }
    }
}

impl From<serde_json::Error> for ApiError {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error)
    }
}
