//! The operator's page of usage events that could not be booked.

pub const TITLE: &str = "Dead letters";
pub const LEAD: &str = "Usage events that could not be booked. The calls were made and are not billed: mend the reason, then book each again. Nothing else waits for them.";
pub const NONE: &str = "No dead letters";
pub const NONE_WHY: &str = "Every usage event that came could be booked.";
pub const KEPT: &str = "Kept";
pub const REASON: &str = "Why";
pub const CALL: &str = "Call";
pub const ORG: &str = "Organisation";
pub const SAID: &str = "Said to cost";
pub const STATE: &str = "State";
pub const EVENT: &str = "The event";
pub const UNTOLD: &str = "not told";
pub const REPLAY: &str = "Book again";
pub const REPLAYED: &str = "It is booked.";
pub const BOOKED: &str = "Booked";
pub const ALL: &str = "Show all";
pub const OPEN: &str = "Show open ones";
