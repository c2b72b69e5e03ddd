//! What can be wrong with a body, and an error as a caller's dialect has to tell it.

use crate::json::Syntax;
use contract::error::ErrorCode;
use std::borrow::Cow;

/// A request that cannot be read, or cannot be told to a provider: what, where, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{detail}")]
pub struct Invalid {
    pub code: ErrorCode,
    /// The field, as a path in the caller's dialect: `messages[2].content[0].image_url`.
    pub param: Option<Cow<'static, str>>,
    /// For the caller.
    pub detail: Cow<'static, str>,
}

impl Invalid {
    /// A field that breaks the rules.
    #[must_use]
    pub fn at(param: impl Into<Cow<'static, str>>, detail: impl Into<Cow<'static, str>>) -> Self {
        let (param, detail) = (Some(param.into()), detail.into());
        Self { code: ErrorCode::RequestMalformed, param, detail }
    }

    /// A conversation of which nothing is left to tell a provider.
    pub(crate) fn silent() -> Self {
        Self::at("turns", "The conversation says nothing. Send at least one message that does.")
    }
}

impl From<Syntax> for Invalid {
    fn from(error: Syntax) -> Self {
        let Syntax { at, what } = error;
        let detail = format!("The body is not a JSON object: {what}, at byte {at}.").into();
        Self { code: ErrorCode::RequestNotJson, param: None, detail }
    }
}

/// An error on its way to a caller, whose dialect gives it its shape.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Problem<'a> {
    pub code: ErrorCode,
    /// The HTTP status it is answered with.
    pub status: u16,
    pub message: &'a str,
    /// The field of the request it is about.
    pub param: Option<&'a str>,
    pub request_id: &'a str,
}
