//! The headers that tell a caller of its limits: all of them as policies, the one that binds with
//! what is left of it, and requests and tokens as OpenAI's clients read them.

use crate::reserve::Standing;
use crate::text;
use bytes::{BufMut as _, BytesMut};
use contract::Timestamp;
use contract::snapshot::{LimitKind, LimitRecord, LimitScope, Metric};
use http::{HeaderMap, HeaderName};
use std::time::Duration;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The largest integer of a structured field.
const INTEGER_MAX: i64 = 999_999_999_999_999;
/// Money is told in millionths of a dollar, so that large amounts fit.
const NANOS_PER_MICRO: i64 = 1_000;

/// Puts on how the limits of a call stand: `RateLimit-Policy` names all, `RateLimit` the binding
/// one, which is `binding` or else the one that has the least part left.
pub fn tell(
    headers: &mut HeaderMap,
    standings: &[Standing],
    binding: Option<&Standing>,
    now: Timestamp,
) {
    let least = |one: &&Standing| (one.left_of_thousand(now), std::cmp::Reverse(one.lasts()));
    let Some(binds) = binding.or_else(|| standings.iter().min_by_key(least)) else { return };
    let known = standings.iter().any(|one| one.limit.id == binds.limit.id);
    let others = standings.iter().filter(|one| !known || one.limit.id != binds.limit.id);
    headers.insert(
        RATE_LIMIT_POLICY,
        text::written(|out| {
            policy(out, binds, now);
            for other in others {
                out.put_slice(b", ");
                policy(out, other, now);
            }
        }),
    );
    headers.insert(RATE_LIMIT, text::written(|out| room(out, binds, now)));
    let of_metric = |metric: Metric| {
        let all = standings.iter().filter(|one| binding.is_none_or(|b| b.limit.id != one.limit.id));
        all.chain(binding).filter(move |one| one.limit.metric == metric)
    };
    for (metric, names) in [(Metric::Requests, REQUESTS), (Metric::Tokens, TOKENS)] {
        if let Some(least) = of_metric(metric).min_by_key(|one| one.remaining) {
            vendor(headers, least, names, now);
        }
    }
}

/// `"app-requests-per-minute";q=60;w=60`.
fn policy(out: &mut BytesMut, standing: &Standing, now: Timestamp) {
    let limit = &*standing.limit;
    let (max, _) = limit.max_at(now);
    name(out, limit);
    out.put_slice(b";q=");
    number(out, told(limit.metric, max));
    if let Some(unit) = unit(limit.metric) {
        out.put_slice(b";qu=\"");
        out.put_slice(unit);
        out.put_slice(b"\"");
    }
    if let Some(seconds) = length(limit, now) {
        out.put_slice(b";w=");
        number(out, seconds);
    }
}

/// `"app-requests-per-minute";r=12;t=30`.
fn room(out: &mut BytesMut, standing: &Standing, now: Timestamp) {
    name(out, &standing.limit);
    out.put_slice(b";r=");
    number(out, told(standing.limit.metric, standing.remaining));
    if let Some(wait) = standing.retry_after(now) {
        out.put_slice(b";t=");
        number(out, i64::try_from(seconds_up(wait)).unwrap_or(i64::MAX));
    }
}

/// What no other limit on the call is called: scope, metric and window, and the limit's id where
/// several may share them.
fn name(out: &mut BytesMut, limit: &LimitRecord) {
    let scope = match limit.scope {
        LimitScope::Org(_) => "org",
        LimitScope::Team(_) => "team",
        LimitScope::App(_) => "app",
        LimitScope::Key(_) => "key",
        LimitScope::Plan(_) => "plan",
    };
    out.put_slice(b"\"");
    out.put_slice(scope.as_bytes());
    out.put_slice(b"-");
    let metric = limit.metric.as_str().bytes().map(|b| if b == b'_' { b'-' } else { b });
    out.extend(metric);
    if limit.metric != Metric::Concurrency {
        out.put_slice(b"-per-");
        out.put_slice(limit.window.as_str().as_bytes());
    }
    let narrowed = limit.model_id.is_some() || limit.tag.is_some();
    if narrowed || limit.sliding || limit.kind != LimitKind::Limit {
        out.put_slice(b"-");
        out.put_slice(limit.id.to_string().as_bytes());
    }
    out.put_slice(b"\"");
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

/// An amount as a structured field can carry it.
fn told(metric: Metric, amount: i64) -> i64 {
    let amount = if metric == Metric::Money { amount / NANOS_PER_MICRO } else { amount };
    amount.clamp(0, INTEGER_MAX)
}

/// Seconds of the window that now lies in: a month has its own length.
fn length(limit: &LimitRecord, now: Timestamp) -> Option<i64> {
    if limit.metric == Metric::Concurrency {
        return None;
    }
    limit.window.seconds().filter(|_| limit.sliding || !limit.window.is_of_calendar()).or_else(
        || {
            let (start, end) = limit.bounds(now);
            Some(end.saturating_sub(start)).filter(|_| end != i64::MAX)
        },
    )
}

const REQUESTS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-requests"),
    HeaderName::from_static("x-ratelimit-remaining-requests"),
    HeaderName::from_static("x-ratelimit-reset-requests"),
];
const TOKENS: [HeaderName; 3] = [
    HeaderName::from_static("x-ratelimit-limit-tokens"),
    HeaderName::from_static("x-ratelimit-remaining-tokens"),
    HeaderName::from_static("x-ratelimit-reset-tokens"),
];

/// One limit, as OpenAI's clients read it.
fn vendor(headers: &mut HeaderMap, standing: &Standing, names: [HeaderName; 3], now: Timestamp) {
    let [limit, remaining, reset] = names;
    let (max, _) = standing.limit.max_at(now);
    headers.insert(limit, text::number(max.max(0)));
    headers.insert(remaining, text::number(standing.remaining));
    if let Some(wait) = standing.retry_after(now) {
        let mut seconds = itoa::Buffer::new();
        headers.insert(reset, text::header(&[seconds.format(seconds_up(wait)).as_bytes(), b"s"]));
    }
}

fn number(out: &mut BytesMut, number: i64) {
    out.put_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Rounded up: a caller that waits as long as it is told must not come too early.
pub(super) fn seconds_up(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::id::{LimitId, ModelId, OrgId};
    use contract::snapshot::Window;
    use std::sync::Arc;
    use uuid::Uuid;

    fn standing(n: u128, metric: Metric, window: Window, max: i64, remaining: i64) -> Standing {
        let org = OrgId(Uuid::from_u128(1));
        let id = LimitId(Uuid::from_u128(n));
        let much = (metric, window, max);
        let limit = LimitRecord::new(id, Some(org), LimitScope::Org(org), much);
        let (_, end) = limit.bounds(now());
        let resets_at = Timestamp::from_timestamp(end, 0);
        Standing { limit: Arc::new(limit), remaining, resets_at, asked: 0 }
    }

    fn now() -> Timestamp {
        "2026-02-10T12:00:30.5Z".parse().unwrap()
    }

    fn told_of(standings: &[Standing], binding: Option<&Standing>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        tell(&mut headers, standings, binding, now());
        headers
    }

    #[test]
    fn a_wait_is_told_in_whole_seconds_and_never_too_short() {
        assert_eq!(seconds_up(Duration::from_millis(1)), 1);
        assert_eq!(seconds_up(Duration::from_secs(2)), 2);
        assert_eq!(seconds_up(Duration::from_millis(2_001)), 3);
    }

    #[test]
    fn all_limits_are_policies_and_the_one_with_the_least_part_left_is_told() {
        let calls = standing(1, Metric::Requests, Window::Minute, 60, 30);
        let tokens = standing(2, Metric::Tokens, Window::Day, 1_000, 900);
        let money = standing(3, Metric::Money, Window::Month, 5_000_000_000, 50_000_999);
        let headers = told_of(&[calls.clone(), tokens, money], None);
        assert_eq!(
            headers["ratelimit-policy"],
            "\"org-money-per-month\";q=5000000;qu=\"micro-dollars\";w=2419200, \
             \"org-requests-per-minute\";q=60;w=60, \
             \"org-tokens-per-day\";q=1000;qu=\"tokens\";w=86400"
        );
        assert_eq!(headers["ratelimit"], "\"org-money-per-month\";r=50000;t=1598370");
        assert_eq!(headers["x-ratelimit-limit-requests"], "60");
        assert_eq!(headers["x-ratelimit-reset-requests"], "30s");
        assert_eq!(headers["x-ratelimit-remaining-tokens"], "900");
        let refused = told_of(&[], Some(&calls));
        assert_eq!(refused["ratelimit"], "\"org-requests-per-minute\";r=30;t=30");
    }

    #[test]
    fn limits_of_one_shape_have_names_of_their_own_and_what_never_resets_says_no_time() {
        let mut one = standing(1, Metric::Rows, Window::Lifetime, i64::MAX, 7);
        one.resets_at = None;
        let mut narrow = (*one.limit).clone();
        narrow.id = LimitId(Uuid::from_u128(9));
        narrow.model_id = Some(ModelId(Uuid::from_u128(5)));
        let other = Standing { limit: Arc::new(narrow), ..one.clone() };
        let headers = told_of(&[one, other.clone()], None);
        let policy = headers["ratelimit-policy"].to_str().unwrap();
        let whole = "\"org-rows-per-lifetime\";q=999999999999999;qu=\"rows\"";
        let narrowed =
            format!("\"org-rows-per-lifetime-{}\";q=999999999999999;qu=\"rows\"", other.limit.id);
        assert_eq!(policy, format!("{whole}, {narrowed}"));
        assert_eq!(headers["ratelimit"], "\"org-rows-per-lifetime\";r=7");
    }

    #[test]
    fn a_call_without_limits_is_told_of_none() {
        assert!(told_of(&[], None).is_empty());
    }
}
