//! What a limit may be, and what it does while Redis is gone.

use contract::error::FieldError;
use contract::id::ModelId;
use contract::money::{Nanos, Usd};
use contract::snapshot::{Metric, Window, WithoutRedis, Zone};

/// What a new org may spend in a month until its owner says otherwise: 100 dollars.
pub const ORG_MONEY_PER_MONTH_DEFAULT: Nanos = Nanos(100 * contract::money::NANOS_PER_USD);

/// Limits of one org at most: a call looks at all that apply.
pub const LIMITS_MAX: i64 = 1_000;

/// What tells the limits of one scope apart, less their tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Shape {
    pub metric: Metric,
    pub window: Window,
    pub sliding: bool,
    pub zone: Zone,
    pub model_id: Option<ModelId>,
}

impl Shape {
    /// A calendar window in UTC on every model.
    #[must_use]
    pub const fn plain(metric: Metric, window: Window) -> Self {
        Self { metric, window, sliding: false, zone: Zone::UTC, model_id: None }
    }

    /// Whether use counted for the one is use of the other.
    #[must_use]
    pub fn counts_as(&self, other: &Self) -> bool {
        Self { zone: other.zone, ..*self } == *other
    }

    /// Blames what contradicts itself. `prefix` is the JSON pointer of the object.
    #[must_use]
    pub fn check(&self, prefix: &str) -> Vec<FieldError> {
        let mut errors = Vec::new();
        let mut blame = |field: &str, why: &str| {
            errors.push(FieldError::new(format!("{prefix}/{field}"), why));
        };
        if self.metric == Metric::Concurrency && self.window != Window::Lifetime {
            blame("window", "calls at the same time have no window; use lifetime");
        }
        if self.sliding && (self.window.seconds().is_none() || self.metric == Metric::Concurrency) {
            blame("sliding", "a sliding window is a second, minute, hour, day or week long");
        }
        if !self.zone.is_utc() && (self.sliding || !self.window.is_of_calendar()) {
            blame(
                "time_zone",
                "only a calendar window from a day on begins at a local midnight; leave it out",
            );
        }
        errors
    }

    /// Reads the part that is admitted without Redis, or takes the usual one: money and quotas
    /// over a day or longer are refused while they cannot be counted, the rest goes on at a tenth.
    ///
    /// # Errors
    /// Names the field.
    pub fn percent(&self, prefix: &str, asked: Option<u8>) -> Result<u8, FieldError> {
        let refuse =
            |why: &str| Err(FieldError::new(format!("{prefix}/without_redis_percent"), why));
        match (self.metric, asked) {
            (Metric::Money, Some(1..)) => refuse("money is never spent uncounted; use 0"),
            (_, Some(101..)) => refuse("use 0 to 100"),
            (_, Some(percent)) => Ok(percent),
            (Metric::Money, None) => Ok(0),
            (Metric::Concurrency, None) => Ok(10),
            (_, None) => match self.window {
                Window::Second | Window::Minute | Window::Hour => Ok(10),
                _ => Ok(0),
            },
        }
    }
}

/// The stored part as gateways follow it.
#[must_use]
pub fn without_redis(percent: i16) -> WithoutRedis {
    match u8::try_from(percent) {
        Ok(percent @ 1..) => WithoutRedis::Local { percent },
        _ => WithoutRedis::Closed,
    }
}

/// Reads how much: `max_usd` for money and `max` for the rest, exactly one of them.
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
            let money = Shape::plain(Metric::Money, window);
            assert_eq!(money.percent("", None), Ok(0));
            assert_eq!(money.percent("", Some(0)), Ok(0));
            assert!(money.percent("", Some(1)).is_err());
        }
        assert_eq!(Shape::plain(Metric::Requests, Window::Minute).percent("", None), Ok(10));
        assert_eq!(Shape::plain(Metric::Tokens, Window::Month).percent("", None), Ok(0));
        let calls = Shape::plain(Metric::Requests, Window::Day);
        assert_eq!(calls.percent("", Some(100)), Ok(100));
        let refused = calls.percent("/limits/2", Some(101)).unwrap_err();
        assert_eq!(refused.pointer, "/limits/2/without_redis_percent");
        assert_eq!(without_redis(0), WithoutRedis::Closed);
        assert_eq!(without_redis(25), WithoutRedis::Local { percent: 25 });
    }

    #[test]
    fn a_limit_that_contradicts_itself_is_blamed_where_it_does() {
        let blamed = |shape: Shape| -> Vec<String> {
            shape.check("").into_iter().map(|error| error.pointer).collect()
        };
        let calls = |window| Shape::plain(Metric::Requests, window);
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        assert!(blamed(Shape { zone: berlin, ..calls(Window::Quarter) }).is_empty());
        assert!(blamed(Shape { sliding: true, ..calls(Window::Week) }).is_empty());
        assert_eq!(blamed(Shape { sliding: true, ..calls(Window::Month) }), ["/sliding"]);
        assert_eq!(blamed(Shape { zone: berlin, ..calls(Window::Hour) }), ["/time_zone"]);
        let both = Shape { zone: berlin, sliding: true, ..calls(Window::Day) };
        assert_eq!(blamed(both), ["/time_zone"]);
        let running = Shape::plain(Metric::Concurrency, Window::Minute);
        assert_eq!(blamed(running), ["/window"]);
        assert!(blamed(Shape { window: Window::Lifetime, ..running }).is_empty());
    }

    #[test]
    fn a_limit_says_how_much_in_its_own_unit_and_only_there() {
        let usd = |text: &str| Some(text.parse::<Usd>().unwrap());
        assert_eq!(amount("", Metric::Money, None, usd("1.5")), Ok(1_500_000_000));
        assert_eq!(amount("", Metric::Requests, Some(60), None), Ok(60));
        assert_eq!(amount("", Metric::Rows, Some(0), None), Ok(0));
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
        assert_eq!(shown(Metric::ComputeMs, 5), (Some(5), None));
    }
}
