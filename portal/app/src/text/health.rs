//! How well the money is.

pub const TITLE: &str = "Health";
pub const LEAD: &str = "Whether the money is right, how far behind it is, and how deployments do.";
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

pub const DEPLOYMENTS: &str = "Deployments";
pub const DEPLOYMENTS_LEAD: &str = "Those that gateways lately called, or leave alone because they fail: after a while one call probes them, and once it is answered their share grows back.";
pub const NO_DEPLOYMENTS: &str = "No gateway called any lately.";
pub const NOT_HEARD: &str = "Redis cannot be asked, so nobody knows how they do.";
pub const MODEL: &str = "Model";
pub const PROVIDER: &str = "Provider";
pub const STATE: &str = "State";
pub const IN_FLIGHT: &str = "Calls now";
pub const TAKES: &str = "Takes";
pub const FAILED: &str = "Failed";
pub const OPENED: &str = "Taken out";

/// `3 of 1,000`, of all calls.
#[must_use]
pub fn failed_of(failed: &str, all: &str) -> String {
    format!("{failed} of {all}")
}

/// `gets 55 % of its weight`.
#[must_use]
pub fn share(percent: u8) -> String {
    format!("gets {percent} % of its weight")
}

/// `181 ms to the first content`, lately and at worst.
#[must_use]
pub fn first_content(took: &str) -> String {
    format!("{took} to the first content")
}

/// `2.4 s in all`, lately and at worst.
#[must_use]
pub fn whole(took: &str) -> String {
    format!("{took} in all")
}

/// `, oldest 2 min 5 s`, after how many there are.
#[must_use]
pub fn oldest(age: &str) -> String {
    format!(", oldest {age}")
}
