//! What a limit may be, and what it does while Redis is gone.

use contract::error::FieldError;
use contract::money::{Nanos, Usd};
use contract::snapshot::{Metric, Window, WithoutRedis};

/// What a new org may spend in a month until its owner says otherwise: 100 dollars.
pub const ORG_MONEY_PER_MONTH_DEFAULT: Nanos = Nanos(100 * contract::money::NANOS_PER_USD);

/// Money and quotas over a day or longer are refused while they cannot be counted; rates over
/// shorter windows go on at a tenth on each gateway.
#[must_use]
pub const fn without_redis(metric: Metric, window: Window) -> WithoutRedis {
    match (metric, window) {
        (Metric::Money, _) => WithoutRedis::Closed,
        (Metric::Concurrency, _) | (_, Window::Second | Window::Minute | Window::Hour) => {
            WithoutRedis::LocalTenth
        }
        _ => WithoutRedis::Closed,
    }
}

/// Reads how much: `max` for calls and tokens, `max_usd` for money, exactly one of them.
/// `prefix` is the JSON pointer of the object that holds both.
///
/// # Errors
/// Names the field that is missing, needless or negative.
pub fn amount(
    prefix: &str,
    metric: Metric,
    max: Option<i64>,
    max_usd: Option<Usd>,
) -> Result<i64, FieldError> {
    let refuse = |field: &str, why: &str| Err(FieldError::new(format!("{prefix}/{field}"), why));
    match (metric, max, max_usd) {
        (Metric::Money, None, Some(usd)) if usd.0 >= Nanos::ZERO => Ok(usd.0.0),
        (Metric::Money, None, Some(_)) => refuse("max_usd", "use 0 or more dollars"),
        (Metric::Money, Some(_), _) => refuse("max", "a limit on money takes `max_usd` instead"),
        (Metric::Money, None, None) => refuse("max_usd", "say how many dollars, like \"100.00\""),
        (_, Some(max), None) if max >= 0 => Ok(max),
        (_, Some(_), None) => refuse("max", "use 0 or more"),
        (_, _, Some(_)) => refuse("max_usd", "only a limit on money takes dollars; use `max`"),
        (_, None, None) => refuse("max", "say how many per window"),
    }
}

/// The stored number as the API shows it: `(max, max_usd)`.
#[must_use]
pub const fn shown(metric: Metric, max: i64) -> (Option<i64>, Option<Usd>) {
    match metric {
        Metric::Money => (None, Some(Usd(Nanos(max)))),
        _ => (Some(max), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_never_spent_uncounted() {
        for window in [Window::Second, Window::Minute, Window::Month, Window::Lifetime] {
            assert_eq!(without_redis(Metric::Money, window), WithoutRedis::Closed);
        }
        assert_eq!(without_redis(Metric::Requests, Window::Minute), WithoutRedis::LocalTenth);
        assert_eq!(without_redis(Metric::Tokens, Window::Month), WithoutRedis::Closed);
    }

    #[test]
    fn a_limit_says_how_much_in_its_own_unit_and_only_there() {
        let usd = |text: &str| Some(text.parse::<Usd>().unwrap());
        assert_eq!(amount("", Metric::Money, None, usd("1.5")), Ok(1_500_000_000));
        assert_eq!(amount("", Metric::Requests, Some(60), None), Ok(60));
        let pointer = |r: Result<i64, FieldError>| r.unwrap_err().pointer;
        assert_eq!(pointer(amount("", Metric::Money, Some(1), None)), "/max");
        assert_eq!(pointer(amount("", Metric::Money, None, usd("-1"))), "/max_usd");
        assert_eq!(pointer(amount("", Metric::Tokens, Some(1), usd("1"))), "/max_usd");
        assert_eq!(pointer(amount("", Metric::Tokens, Some(-1), None)), "/max");
        assert_eq!(pointer(amount("/limits/3", Metric::Tokens, None, None)), "/limits/3/max");
    }

    #[test]
    fn what_is_stored_is_shown_in_the_unit_it_was_written_in() {
        assert_eq!(shown(Metric::Money, 5), (None, Some(Usd(Nanos(5)))));
        assert_eq!(shown(Metric::Tokens, 5), (Some(5), None));
    }
}
