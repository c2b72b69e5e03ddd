//! Limits, in words.

use crate::format;
use contract::api::catalog::PlanLimit;
use contract::api::limits::{EffectiveLimit, Limit};
use contract::money::Usd;
use contract::snapshot::{LimitScope, Metric, Tag, Window, Zone};

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
pub const LEAD: &str =
    "What bounds calls, and how much of it is used. A call needs room in every limit on it.";
pub const FILTER_APP: &str = "On calls of the app";
pub const FILTER_MODEL: &str = "Of the model";
pub const FILTER_TAG: &str = "With the tag";
pub const TAG_HINT: &str = "As callers send it in x-tollgate-tags, such as feature=search.";
pub const TAG_BAD: &str = "Write a tag as name=value, such as feature=search.";
pub const EVERY: &str = "All limits of the organisation";
pub const ANY_MODEL: &str = "Every model";
pub const SHOW: &str = "Show";
pub const ON: &str = "On";
pub const USED: &str = "Used";
pub const RESETS: &str = "Starts again";
pub const NEVER: &str = "Never";
pub const STEADILY: &str = "Steadily";
pub const AS_CALLS_END: &str = "As calls end";
pub const BINDS: &str = "Binds first";
pub const OVERRIDDEN: &str = "Overridden";
pub const UNKNOWN_USE: &str = "Not known now";
pub const ABOUT: &str = "about";
pub const NO_LIMITS: &str = "No limits";
pub const NO_LIMITS_WHY: &str =
    "Nothing bounds these calls. Set a limit to be sure of what they cost.";
pub const SCOPE: &str = "On";
pub const SLIDING: &str = "Sliding: the last so much time counts, instead of a calendar window";
pub const SLIDING_HINT: &str = "For a second, minute, hour, day or week.";
pub const TIME_ZONE: &str = "Calendar of";
pub const TIME_ZONE_HINT: &str = "For windows from a day on: they begin at midnight there.";
pub const MODEL: &str = "Only calls of";
pub const TAG: &str = "Only calls with the tag";
pub const WITHOUT_REDIS: &str = "Without counters, admit (%)";
pub const WITHOUT_REDIS_HINT: &str =
    "Of the limit, while gateways cannot count. 0 refuses; money is always 0.";
pub const PERCENT_BAD: &str = "Enter 0 to 100.";
pub const MORE: &str = "More";
pub const EDIT: &str = "Change the limit";
pub const EDIT_LEAD: &str = "What was used stays used. 0 refuses every call.";
pub const SAVE: &str = "Save";
pub const SAVED: &str = "The limit is changed. Gateways apply it within a second.";
pub const OVERRIDES: &str = "Overrides";
pub const NO_OVERRIDES: &str = "None. An override is another maximum for a while.";
pub const OVERRIDE: &str = "Override it for a while";
pub const FROM: &str = "From";
pub const FROM_HINT: &str = "UTC, such as 2026-03-01 12:00. Empty: now.";
pub const UNTIL: &str = "Until";
pub const UNTIL_HINT: &str = "UTC. From then on the limit itself counts again.";
pub const INSTANT_BAD: &str = "Write a date and a time, such as 2026-03-01 12:00.";
pub const REASON: &str = "Why";
pub const BY: &str = "By";
pub const OVERRIDE_SET: &str = "The override is set.";
pub const END: &str = "End";
pub const ENDED: &str = "The override is over.";
pub const GONE: &str =
    "No call can count here any more: the app is deleted, the key revoked or the model retired.";
pub const STATE: &str = "State";
pub const SUSPENDED: &str = "Suspended";
pub const IN_FORCE: &str = "In force";
pub const PLAN_LEAD: &str =
    "For each subscription. What stays keeps its use; an empty amount lifts the limit.";
pub const NEW_LIMIT: &str = "Another limit";
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

/// What a limit is on, before its name.
#[must_use]
pub const fn scope(scope: LimitScope) -> &'static str {
    match scope {
        LimitScope::Org(_) => "Organisation",
        LimitScope::Team(_) => "Team",
        LimitScope::App(_) => "App",
        LimitScope::Key(_) => "Key",
        LimitScope::Plan(_) => "Plan",
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

/// `60 calls per minute`, `$5.00 per month`, `1,000 tokens in all`, `5 calls at the same time`.
#[must_use]
pub fn read(of: Metric, per: Window, max: Option<i64>, max_usd: Option<Usd>) -> String {
    let amount = amount(of, max, max_usd);
    match (of, per) {
        (Metric::Concurrency, _) => amount,
        (_, Window::Lifetime) => format!("{amount} in all"),
        (_, per) => format!("{amount} per {}", window(per)),
    }
}

/// `calls per minute`, `tokens in all`, `calls at the same time`: a limit without its amount.
#[must_use]
pub fn kind(of: Metric, per: Window) -> String {
    match (of, per) {
        (Metric::Concurrency, _) => metric(of).to_owned(),
        (_, Window::Lifetime) => format!("{} in all", metric(of)),
        (_, per) => format!("{} per {}", metric(of), window(per)),
    }
}

/// `60 calls`, `$5.00`.
#[must_use]
pub fn amount(of: Metric, max: Option<i64>, max_usd: Option<Usd>) -> String {
    match (of, max_usd) {
        (Metric::Money, Some(usd)) => format::money(usd),
        _ => format!("{} {}", format::count(whole(max)), metric(of)),
    }
}

fn whole(max: Option<i64>) -> u64 {
    u64::try_from(max.unwrap_or(0)).unwrap_or(0)
}

/// What narrows a limit and how its window lies: `sliding`, `of small-chat`,
/// `with feature=search`, `by the calendar of Europe/Berlin`. Empty for a plain one.
#[must_use]
pub fn narrowed(sliding: bool, zone: Zone, model: Option<&str>, tag: Option<&Tag>) -> String {
    let parts = [
        sliding.then(|| "sliding".to_owned()),
        model.map(|name| format!("of {name}")),
        tag.map(|tag| format!("with {tag}")),
        (!zone.is_utc()).then(|| format!("by the calendar of {zone}")),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// The whole limit in words.
#[must_use]
pub fn whole_phrase(limit: &Limit) -> String {
    let phrase = read(limit.metric, limit.window, limit.max, limit.max_usd);
    let model = limit.model_name.as_deref();
    let more = narrowed(limit.sliding, limit.time_zone, model, limit.tag.as_ref());
    if more.is_empty() { phrase } else { format!("{phrase}, {more}") }
}

/// A plan's limit in words.
#[must_use]
pub fn of_plan(limit: &PlanLimit) -> String {
    let phrase = read(limit.metric, limit.window, limit.max, limit.max_usd);
    let model = limit.model_id.map(|id| id.to_string());
    let more = narrowed(limit.sliding, limit.time_zone, model.as_deref(), None);
    if more.is_empty() { phrase } else { format!("{phrase}, {more}") }
}

/// `12 of 60`, `$1.20 of $5.00`, `about 12 of 60`.
#[must_use]
pub fn used_of(one: &EffectiveLimit) -> Option<String> {
    let (used, max) = match one.metric {
        Metric::Money => (format::money(one.used_usd?), format::money(one.max_usd?)),
        _ => (format::count(whole(Some(one.used?))), format::count(whole(one.max))),
    };
    let about = if one.exact { String::new() } else { format!("{ABOUT} ") };
    Some(format!("{about}{used} of {max}"))
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
        let at_once = read(Metric::Concurrency, Window::Lifetime, Some(5), None);
        assert_eq!(at_once, "5 calls at the same time");
    }

    #[test]
    fn what_narrows_a_limit_is_said_in_a_row() {
        let tag = Tag::new("feature", "search").unwrap();
        let berlin = "Europe/Berlin".parse().unwrap();
        assert_eq!(narrowed(false, Zone::UTC, None, None), "");
        assert_eq!(
            narrowed(false, berlin, Some("small-chat"), Some(&tag)),
            "of small-chat, with feature=search, by the calendar of Europe/Berlin"
        );
    }
}
