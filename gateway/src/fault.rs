//! Why a call was not answered: a stable code, a sentence for the caller, and a cause that only
//! the log sees. Every room that refuses returns one; `render` turns it into an answer.

use crate::reserve::{Refused, Standing};
use bytes::Bytes;
use contract::error::ErrorCode;
use dialect::{Invalid, Problem};
use http::StatusCode;
use std::borrow::Cow;
use std::time::Duration;

/// Whose doing it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Client,
    Upstream,
    Us,
}

/// Whether the same call, sent again later, may succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    Safe,
    Useless,
}

/// A refusal or a failure.
#[derive(Debug)]
pub struct Fault {
    pub code: ErrorCode,
    /// For the caller: what happened and what to do about it.
    pub detail: Cow<'static, str>,
    /// The field of the request it is about.
    pub param: Option<Cow<'static, str>>,
    pub origin: Origin,
    pub retry: Retry,
    /// Seconds until trying again makes sense.
    pub retry_after: Option<Duration>,
    pub more: Option<Box<More>>,
}

/// What few faults carry.
#[derive(Debug, Default)]
pub struct More {
    /// For the log only.
    pub cause: Option<String>,
    /// The limit that was in the way.
    pub standing: Option<Standing>,
    /// The provider's own refusal, to be passed on as it is.
    pub answer: Option<(StatusCode, Bytes)>,
    /// Methods that the address knows.
    pub allow: Option<&'static str>,
}

impl Fault {
    /// A fault of the request: sending it again unchanged is useless.
    #[must_use]
    pub fn client(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(code, detail, Origin::Client, Retry::Useless)
    }

    /// A fault of the provider.
    #[must_use]
    pub fn upstream(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(code, detail, Origin::Upstream, Retry::Safe)
    }

    /// A fault of ours.
    #[must_use]
    pub fn us(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::of(code, detail, Origin::Us, Retry::Safe)
    }

    fn of(
        code: ErrorCode,
        detail: impl Into<Cow<'static, str>>,
        origin: Origin,
        retry: Retry,
    ) -> Self {
        let detail = detail.into();
        Self { code, detail, param: None, origin, retry, retry_after: None, more: None }
    }

    /// About a field of the request.
    #[must_use]
    pub fn at(self, param: &'static str) -> Self {
        Self { param: Some(param.into()), ..self }
    }

    /// As a dialect needs it to write an error.
    #[must_use]
    pub fn problem<'a>(&'a self, request_id: &'a str) -> Problem<'a> {
        Problem {
            code: self.code,
            status: self.status().as_u16(),
            message: &self.detail,
            param: self.param.as_deref(),
            request_id,
        }
    }

    #[must_use]
    pub fn because(mut self, cause: impl std::fmt::Display) -> Self {
        self.more_mut().cause = Some(cause.to_string());
        self
    }

    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self { retry_after: Some(wait), ..self }
    }

    #[must_use]
    pub fn useless_to_retry(self) -> Self {
        Self { retry: Retry::Useless, ..self }
    }

    pub fn more_mut(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// The HTTP status it is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        let passed = self.more.as_ref().and_then(|more| more.answer.as_ref());
        passed.map_or_else(
            || {
                StatusCode::from_u16(self.code.status())
                    .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            },
            |(status, _)| *status,
        )
    }
}

impl From<Invalid> for Fault {
    fn from(invalid: Invalid) -> Self {
        Self { param: invalid.param, ..Self::client(invalid.code, invalid.detail) }
    }
}

/// Waits longer than this are not worth a retry by a program.
const RETRY_WAIT_MAX: Duration = Duration::from_secs(60);

impl Fault {
    /// What a limit's refusal tells the caller.
    #[must_use]
    pub fn of_limit(refused: Refused, now: contract::Timestamp) -> Self {
        let code = refused.code();
        let limit = refused.limit();
        let (metric, window) = (limit.metric.as_str(), limit.window.as_str());
        let id = limit.id;
        let detail = match &refused {
            Refused::Limit(_) => format!(
                "{} The limit is {} {metric} per {window} ({id}).",
                code.title(),
                amount(limit.metric, limit.max)
            ),
            Refused::Unknown(_) => format!(
                "The {metric} limit per {window} ({id}) cannot be checked now, and it is one that \
                 refuses rather than guesses."
            ),
        };
        let mut fault = Self::us(code, detail);
        let Refused::Limit(standing) = refused else {
            return fault.after(Duration::from_secs(1));
        };
        fault.retry_after = standing.retry_after(now);
        if fault.retry_after.is_none_or(|wait| wait > RETRY_WAIT_MAX) {
            fault.retry = Retry::Useless;
        }
        fault.more_mut().standing = Some(standing);
        fault
    }
}

fn amount(metric: contract::snapshot::Metric, max: i64) -> String {
    match metric {
        contract::snapshot::Metric::Money => {
            format!("{} USD of", contract::money::Usd(contract::money::Nanos(max)))
        }
        _ => max.to_string(),
    }
}
