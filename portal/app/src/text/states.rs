//! States of things, one word each.

pub const ACTIVE: &str = "Active";
pub const EXPIRED: &str = "Expired";
pub const REVOKED: &str = "Revoked";
pub const REQUESTED: &str = "Requested";
pub const SUSPENDED: &str = "Suspended";
pub const CANCELLED: &str = "Cancelled";
pub const REFUSED: &str = "Refused";
pub const DRAFT: &str = "Draft";
pub const DEPRECATED: &str = "Deprecated";
pub const RETIRED: &str = "Retired";
pub const SCHEDULED: &str = "Scheduled";
pub const DONE: &str = "Done";
pub const PUBLISHED: &str = "Published";
pub const WITHDRAWN: &str = "Withdrawn";
pub const DISABLED: &str = "Disabled";
pub const ANSWERED: &str = "Answered";
pub const UPSTREAM_ERROR: &str = "Provider error";
pub const UPSTREAM_CUT: &str = "Cut off";
pub const CLIENT_GONE: &str = "Caller left";
pub const WAITING: &str = "Waiting";
pub const DELIVERED: &str = "Delivered";
pub const FAILED: &str = "Given up";
pub const OPEN: &str = "Open";
pub const UNKNOWN: &str = "Unknown";
pub const SETTLED: &str = "Settled";
pub const BILLED: &str = "Billed";
pub const FORGIVEN: &str = "Forgiven";
pub const BUDGET_EXHAUSTED: &str = "Budget used up";
/// How a deployment does.
pub const WELL: &str = "Well";
pub const RECOVERING: &str = "Recovering";
pub const PROBED: &str = "Being probed";
pub const RESTS: &str = "Failing, rests";
/// Another place answered sooner.
/// Asked what a call means, not to answer it.
pub const COMPARED: &str = "Compared";
pub const OVERTAKEN: &str = "Overtaken";
/// How a replica does.
pub const READY: &str = "Ready";
pub const BLIND: &str = "Takes calls, metrics unread";
pub const DRAINING: &str = "Draining";
