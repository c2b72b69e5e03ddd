//! The headers that tell a caller of its limits: all of them as policies, the one that binds with
//! what is left of it, and requests and tokens as OpenAI's clients read them.

use crate::reserve::{Standing, told};
use crate::text;
use bytes::{BufMut as _, BytesMut};
use contract::Timestamp;
use contract::snapshot::Metric;
use http::{HeaderMap, HeaderName};
use std::time::Duration;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Puts on how the limits of a call stand: `RateLimit-Policy` names all, `RateLimit` the binding
/// one, which is `binding` or else the one that has the least part left.
pub fn tell(
    headers: &mut HeaderMap,
    standings: &[Standing],
    binding: Option<&Standing>,
    now: Timestamp,
) {
    let least = |one: &&Standing| (one.left_of_thousand(), std::cmp::Reverse(one.lasts()));
    let Some(binds) = binding.or_else(|| standings.iter().min_by_key(least)) else { return };
    let known = standings.iter().any(|one| one.limit.id == binds.limit.id);
    let others = standings.iter().filter(|one| !known || one.limit.id != binds.limit.id);
    headers.insert(
        RATE_LIMIT_POLICY,
        text::written(|out| {
            out.put_slice(binds.policy.text());
            for other in others {
                out.put_slice(b", ");
                out.put_slice(other.policy.text());
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

/// `"app-requests-per-minute";r=12;t=30`.
fn room(out: &mut BytesMut, standing: &Standing, now: Timestamp) {
    out.put_slice(standing.policy.name());
    out.put_slice(b";r=");
    number(out, told(standing.limit.metric, standing.remaining));
    if let Some(wait) = standing.retry_after(now) {
        out.put_slice(b";t=");
        number(out, i64::try_from(seconds_up(wait)).unwrap_or(i64::MAX));
    }
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
    headers.insert(limit, text::number(standing.policy.max.max(0)));
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
    use contract::snapshot::{LimitRecord, LimitScope, Window};
    use std::sync::Arc;
    use uuid::Uuid;

    fn standing(n: u128, metric: Metric, window: Window, max: i64, remaining: i64) -> Standing {
        let org = OrgId(Uuid::from_u128(1));
        let id = LimitId(Uuid::from_u128(n));
        let much = (metric, window, max);
        let limit = LimitRecord::new(id, Some(org), LimitScope::Org(org), much);
        let (_, end) = limit.bounds(now());
        let resets_at = Timestamp::from_timestamp(end, 0);
        Standing { remaining, resets_at, ..Standing::of(&Arc::new(limit), now()) }
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
        let other = Standing { remaining: 7, ..Standing::of(&Arc::new(narrow), now()) };
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
