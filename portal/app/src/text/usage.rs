//! Usage.

use crate::format;

pub const TITLE: &str = "Usage";
pub const LEAD: &str = "What your apps sent to models and what came back.";
pub const CALLS: &str = "Calls";
pub const FAILED: &str = "Failed";
pub const ANSWERED: &str = "Answered";
pub const INPUT: &str = "Input tokens";
pub const OUTPUT: &str = "Output tokens";
pub const TOKENS: &str = "Tokens";
pub const SPEND: &str = "Spend";
pub const SHARE: &str = "Share";
pub const MEASURE: &str = "Measure";
pub const BY_MODEL: &str = "By model";
pub const BY_APP: &str = "By app";
pub const MODEL: &str = "Model";
pub const APP: &str = "App";
pub const HOUR: &str = "Hour (UTC)";
pub const DAY: &str = "Day (UTC)";
pub const NONE: &str = "No calls in this time";
pub const NONE_WHY: &str = "Choose another time or fewer filters, or make a call.";
pub const REQUESTS: &str = "Single requests";

/// Title of the chart.
#[must_use]
pub fn chart(measure: &str, hours: bool) -> String {
    format!("{measure} per {}, UTC", if hours { "hour" } else { "day" })
}

/// Of which so many came from the provider's cache.
#[must_use]
pub fn cached(count: u64) -> String {
    format!("of which {} from cache", format::count(count))
}

/// Of which so many were spent on reasoning.
#[must_use]
pub fn reasoning(count: u64) -> String {
    format!("of which {} for reasoning", format::count(count))
}

/// So many calls are not in the figures yet.
#[must_use]
pub fn not_booked(count: u64) -> String {
    format!(
        "{} calls of this time could not be booked yet and are not in these figures. Tollgate's \
         operators have been told.",
        format::count(count)
    )
}
