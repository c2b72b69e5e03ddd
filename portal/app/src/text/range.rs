//! Spans of time.

pub const LABEL: &str = "Time";
pub const HOURS_24: &str = "24 hours";
pub const DAYS_7: &str = "7 days";
pub const DAYS_30: &str = "30 days";
pub const DAYS_90: &str = "90 days";
pub const THIS_MONTH: &str = "This month";
pub const LAST_MONTH: &str = "Last month";
pub const CUSTOM: &str = "Other dates";
pub const FROM: &str = "From";
pub const TO: &str = "Until";
pub const TO_HINT: &str = "Not included.";
pub const SHOW: &str = "Show";
pub const BAD: &str = "Enter two dates, such as 2026-03-01 and 2026-04-01, the first before the second and not more than a year apart.";
pub const FILTERS: &str = "Filters";
pub const NO_CALLS_YET: &str = "No call has been counted yet.";

/// Exactly what the figures cover.
#[must_use]
pub fn covers(from: &str, to: &str) -> String {
    format!("{from} until {to}, the end not included.")
}

/// How fresh the figures are.
#[must_use]
pub fn newest(ago: &str) -> String {
    format!("The newest call counted came {ago}.")
}

/// Takes one filter away.
#[must_use]
pub fn without(filter: &str) -> String {
    format!("Remove the filter {filter}")
}
