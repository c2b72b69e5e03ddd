//! A limit as callers are told of it: what it is called among all limits on a call, and its item of
//! `RateLimit-Policy`. Every answer tells every limit on its call, so an allowance keeps this text
//! while limit, maximum and window stay.

use super::window::Bounds;
use contract::snapshot::{LimitKind, LimitRecord, LimitScope, Metric};

/// The largest integer of a structured field.
const INTEGER_MAX: i64 = 999_999_999_999_999;
/// Money is told in millionths of a dollar, so that large amounts fit.
const NANOS_PER_MICRO: i64 = 1_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// The maximum in force, in the metric's unit.
    pub max: i64,
    text: Vec<u8>,
    name_len: usize,
}

impl Policy {
    pub(super) fn of(limit: &LimitRecord, max: i64, window: Bounds) -> Self {
        let mut text = name(limit);
        let name_len = text.len();
        text.extend_from_slice(b";q=");
        number(&mut text, told(limit.metric, max));
        if let Some(unit) = unit(limit.metric) {
            text.extend_from_slice(b";qu=\"");
            text.extend_from_slice(unit);
            text.push(b'"');
        }
        if let Some(seconds) = length(limit, window) {
            text.extend_from_slice(b";w=");
            number(&mut text, seconds);
        }
        Self { max, text, name_len }
    }

    /// `"app-requests-per-minute"`.
    #[must_use]
    pub fn name(&self) -> &[u8] {
        self.text.get(..self.name_len).unwrap_or_default()
    }

    /// `"app-requests-per-minute";q=60;w=60`.
    #[must_use]
    pub fn text(&self) -> &[u8] {
        &self.text
    }
}

/// An amount as a structured field can carry it.
#[must_use]
pub fn told(metric: Metric, amount: i64) -> i64 {
    let amount = if metric == Metric::Money { amount / NANOS_PER_MICRO } else { amount };
    amount.clamp(0, INTEGER_MAX)
}

/// What no other limit on the call is called: scope, metric and window, and the limit's id where
/// several may share them.
fn name(limit: &LimitRecord) -> Vec<u8> {
    let scope = match limit.scope {
        LimitScope::Org(_) => "org",
        LimitScope::Team(_) => "team",
        LimitScope::App(_) => "app",
        LimitScope::Key(_) => "key",
        LimitScope::Plan(_) => "plan",
    };
    let mut name = format!("\"{scope}-{}", limit.metric.as_str().replace('_', "-"));
    if limit.metric != Metric::Concurrency {
        name.push_str("-per-");
        name.push_str(limit.window.as_str());
    }
    let narrowed = limit.model_id.is_some() || limit.tag.is_some();
    if narrowed || limit.sliding || limit.kind != LimitKind::Limit {
        name.push('-');
        name.push_str(&limit.id.to_string());
    }
    name.push('"');
    name.into_bytes()
}

/// The unit of a quota; requests are what goes without saying.
const fn unit(metric: Metric) -> Option<&'static [u8]> {
    match metric {
        Metric::Requests => None,
        Metric::Tokens | Metric::InputTokens | Metric::OutputTokens => Some(b"tokens"),
        Metric::Concurrency => Some(b"concurrent-requests"),
        Metric::ComputeMs => Some(b"compute-milliseconds"),
        Metric::Rows => Some(b"rows"),
        Metric::Money => Some(b"micro-dollars"),
    }
}

/// Seconds of `window`: a month has its own length, and the buckets of a sliding limit are parts.
fn length(limit: &LimitRecord, (start_ms, end_ms): Bounds) -> Option<i64> {
    if limit.metric == Metric::Concurrency {
        return None;
    }
    let fixed = limit.window.seconds();
    fixed
        .filter(|_| limit.sliding || !limit.window.is_of_calendar())
        .or_else(|| (end_ms != i64::MAX).then(|| end_ms.saturating_sub(start_ms).div_euclid(1_000)))
}

fn number(out: &mut Vec<u8>, number: i64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}
