//! Why a call was not answered: a stable code, a sentence for the caller, and a cause that only
//! the log sees. Every room that refuses returns one; `render` turns it into an answer.

use crate::reserve::{Refused, Standing};
use bytes::Bytes;
use chrono::SecondsFormat;
use contract::Timestamp;
use contract::error::ErrorCode;
use contract::id::BudgetId;
use contract::money::{Nanos, Usd};
use contract::snapshot::{LimitKind, LimitRecord, LimitScope, Metric, Window};
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
    /// How the limits on the call stand, and which of them was in the way.
    pub standings: Vec<Standing>,
    pub binding: Option<Standing>,
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

    /// The same, for another call that fails of it: without what is only the first one's.
    #[must_use]
    pub fn again(&self) -> Self {
        let answer = self.more.as_ref().and_then(|more| more.answer.clone());
        Self {
            code: self.code,
            detail: self.detail.clone(),
            param: self.param.clone(),
            origin: self.origin,
            retry: self.retry,
            retry_after: self.retry_after,
            more: answer.map(|answer| Box::new(More { answer: Some(answer), ..More::default() })),
        }
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
pub const RETRY_WAIT_MAX: Duration = Duration::from_secs(60);

impl Fault {
    /// What a limit's refusal tells the caller.
    #[must_use]
    pub fn of_limit(refused: Refused, standings: Vec<Standing>, now: Timestamp) -> Self {
        let code = refused.code();
        let limit = refused.limit();
        let detail = match &refused {
            Refused::Limit(standing) if limit.kind == LimitKind::Budget => {
                budget_told(standing, code, now)
            }
            Refused::Limit(_) => {
                format!("{} The limit is {} ({}).", code.title(), told(limit, now), limit.id)
            }
            Refused::Unknown(_) => format!(
                "The limit of {} ({}) cannot be checked now, and it is one that refuses rather \
                 than guesses.",
                told(limit, now),
                limit.id
            ),
        };
        let mut fault = Self::us(code, detail);
        fault.more_mut().standings = standings;
        let Refused::Limit(standing) = refused else {
            return fault.after(Duration::from_secs(1));
        };
        fault.retry_after = standing.retry_after(now);
        if fault.retry_after.is_none_or(|wait| wait > RETRY_WAIT_MAX) {
            fault.retry = Retry::Useless;
        }
        fault.more_mut().binding = Some(standing);
        fault
    }
}

impl Fault {
    /// A budget sent the call on to a cheaper model, which cannot take it.
    #[must_use]
    pub fn unmoved(mut self, why: &Self) -> Self {
        self.detail =
            format!("{} It sends calls on to a cheaper model. {}", self.detail, why.detail).into();
        self
    }
}

/// What a budget's refusal says: `The budget is used up. “Research” is 5.00 USD per month of the
/// organisation (bud_…); the next period begins at 2026-04-01T00:00:00Z.`
fn budget_told(standing: &Standing, code: ErrorCode, now: Timestamp) -> String {
    let limit = &standing.limit;
    let name = limit.name.as_deref().unwrap_or("The budget");
    let of = match limit.scope {
        LimitScope::Org(_) => "the organisation",
        LimitScope::Team(_) => "the team",
        LimitScope::App(_) => "the app",
        LimitScope::Key(_) => "the key",
        LimitScope::Plan(_) => "the plan",
    };
    let id = BudgetId(limit.id.0);
    let amount = told(limit, now);
    let mut text = format!("{} “{name}” is {amount} of {of} ({id})", code.title());
    if let Some(at) = standing.resets_at {
        let at = at.to_rfc3339_opts(SecondsFormat::Secs, true);
        text.push_str(&format!("; the next period begins at {at}"));
    }
    text.push('.');
    text
}

/// A limit in words: `60 requests per minute`, `5.00 USD per month on mdl_… with feature=search`.
fn told(limit: &LimitRecord, now: Timestamp) -> String {
    let (max, _) = limit.stated_at(now);
    let mut told = match limit.metric {
        Metric::Money => format!("{} USD", Usd(Nanos(max))),
        Metric::Concurrency => format!("{max} calls at the same time"),
        metric => format!("{max} {}", metric.as_str().replace('_', " ")),
    };
    match limit.window {
        _ if limit.metric == Metric::Concurrency => {}
        Window::Lifetime => told.push_str(" in all"),
        window => told.extend([" per ", window.as_str()]),
    }
    if let Some(model) = limit.model_id {
        told.push_str(&format!(" on {model}"));
    }
    if let Some(tag) = &limit.tag {
        told.push_str(&format!(" with {tag}"));
    }
    told
}
