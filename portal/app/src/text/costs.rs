//! Costs.

use contract::api::usage::GroupBy;

pub const TITLE: &str = "Costs";
pub const LEAD: &str = "What was spent, from the same ledger that every other figure reads.";
pub const TOTAL: &str = "Total";
pub const CALLS: &str = "Calls";
pub const INPUT: &str = "Input tokens";
pub const OUTPUT: &str = "Output tokens";
pub const COST: &str = "Cost (USD)";
pub const SHARE: &str = "Share";
pub const GROUP_BY: &str = "Split by";
pub const THEN_BY: &str = "Then by";
pub const NOTHING: &str = "Nothing more";
pub const SHOW: &str = "Show";
pub const CSV: &str = "Download CSV";
pub const NONE: &str = "Nothing was spent in this time";
pub const NONE_WHY: &str = "Choose another time or fewer filters.";
pub const ROWS: &str = "Rows";

/// Heading of a column.
#[must_use]
pub const fn group(by: GroupBy) -> &'static str {
    match by {
        GroupBy::Team => "Team",
        GroupBy::App => "App",
        GroupBy::Key => "Key",
        GroupBy::Model => "Model",
        GroupBy::Product => "Product",
        GroupBy::Day => "Day (UTC)",
    }
}
