//! The audit log.

pub const TITLE: &str = "Audit log";
pub const LEAD: &str = "Who changed what, and when. Entries are chained by hash and never edited.";
pub const TIME: &str = "Time (UTC)";
pub const ACTION: &str = "Action";
pub const ACTION_HINT: &str = "For example revoke_key.";
pub const ACTOR: &str = "Who";
pub const EVERYBODY: &str = "Everybody";
pub const OBJECT: &str = "What";
pub const IP: &str = "From address";
pub const DETAILS: &str = "Details";
pub const SHOW: &str = "Show";
pub const BEFORE: &str = "Before";
pub const AFTER: &str = "After";
pub const HASH: &str = "Hash";
pub const REQUEST: &str = "Request id";
pub const NONE: &str = "No entries";
pub const NONE_WHY: &str = "Nothing matches the filter.";
pub const CLEAR: &str = "Show everything";
pub const UNKNOWN: &str = "not known";
