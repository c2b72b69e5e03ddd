//! How well the money is.

pub const TITLE: &str = "Health";
pub const LEAD: &str = "Whether the money is right, and how far behind it is.";
pub const WELL: &str = "Nothing is wrong.";
pub const LAG: &str = "Usage waits at most";
pub const STREAM: &str = "Usage in the stream";
pub const PENDING: &str = "Of it, being booked";
pub const ROLLUPS: &str = "Minutes to sum up";
pub const VERSION: &str = "Version of the configuration";
pub const LETTERS: &str = "Dead letters";
pub const OPEN: &str = "Long calls, not ended";
pub const UNKNOWNS: &str = "Unknown calls";
pub const RESERVED: &str = "Reserved for them";
pub const UNBALANCED: &str = "Unbalanced transactions";
pub const LEAKS: &str = "Leaking reservations";
pub const OVERRUN: &str = "Wallets overrun by";
pub const NOBODY_KNOWS: &str = "Unknown now";
pub const GATEWAYS: &str = "Gateways";
pub const NO_GATEWAYS: &str = "No gateway was heard of lately.";
pub const GATEWAY: &str = "Gateway";
pub const LIVE: &str = "Live";
pub const SILENT: &str = "Silent";
pub const HEARD: &str = "Heard of (UTC)";
pub const BEHIND: &str = "Versions behind";
pub const SPOOL: &str = "In its spool";
pub const RUNNING: &str = "Reservations";
pub const HELD: &str = "Held";

/// `, oldest 2 min 5 s`, after how many there are.
#[must_use]
pub fn oldest(age: &str) -> String {
    format!(", oldest {age}")
}
