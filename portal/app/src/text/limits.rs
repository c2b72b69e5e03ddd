//! Limits, in words.

use crate::format;
use contract::money::Usd;
use contract::snapshot::{Metric, Window};

pub const TITLE: &str = "Limits";
pub const LIMIT: &str = "Limit";
pub const SINCE: &str = "Since";
pub const CHANGE: &str = "Change";
pub const NONE: &str = "No limit of its own. Those above it and those of its plans apply.";
pub const ADD: &str = "Set a limit";
pub const ADD_LEAD: &str = "A call that would go over it is refused before it runs.";
pub const METRIC: &str = "Of what";
pub const WINDOW: &str = "Per";
pub const MAX: &str = "At most";
pub const MAX_HINT: &str = "A whole number of calls or tokens, or dollars such as 25 or 0.50.";
pub const MAX_WHOLE: &str = "Enter a whole number, such as 1000.";
pub const MAX_MONEY: &str = "Enter dollars, such as 25 or 0.50.";
pub const UNKNOWN: &str = "Choose one of those offered.";
pub const REMOVE: &str = "Remove";
pub const REMOVED: &str = "The limit is removed.";
pub const SET: &str = "The limit is set. Gateways apply it within a second.";

/// What is counted, in the plural.
#[must_use]
pub const fn metric(metric: Metric) -> &'static str {
    match metric {
        Metric::Requests => "calls",
        Metric::Tokens => "tokens",
        Metric::InputTokens => "input tokens",
        Metric::OutputTokens => "output tokens",
        Metric::Concurrency => "calls at the same time",
        Metric::ComputeMs => "milliseconds of compute",
        Metric::Rows => "rows",
        Metric::Money => "dollars",
    }
}

/// Over which time: completes "per …".
#[must_use]
pub const fn window(window: Window) -> &'static str {
    match window {
        Window::Second => "second",
        Window::Minute => "minute",
        Window::Hour => "hour",
        Window::Day => "day",
        Window::Week => "week",
        Window::Month => "month",
        Window::Quarter => "quarter",
        Window::Year => "year",
        Window::Lifetime => "lifetime",
    }
}

/// `60 calls per minute`, `$5.00 per month`, `1,000 tokens in all`.
#[must_use]
pub fn read(of: Metric, per: Window, max: Option<i64>, max_usd: Option<Usd>) -> String {
    let amount = match (of, max_usd) {
        (Metric::Money, Some(usd)) => format::money(usd),
        _ => {
            let max = u64::try_from(max.unwrap_or(0)).unwrap_or(0);
            format!("{} {}", format::count(max), metric(of))
        }
    };
    match per {
        Window::Lifetime => format!("{amount} in all"),
        per => format!("{amount} per {}", window(per)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_reads_as_a_phrase() {
        let five = "5".parse().ok();
        assert_eq!(read(Metric::Requests, Window::Minute, Some(60), None), "60 calls per minute");
        assert_eq!(read(Metric::Money, Window::Month, None, five), "$5.00 per month");
        assert_eq!(
            read(Metric::Tokens, Window::Lifetime, Some(1_000), None),
            "1,000 tokens in all"
        );
    }
}
