//! Completes the counters of limits after Redis lost some: it was emptied, started again, or
//! another master took over.
//!
//! Everyone that may have something in hand is on the roll, and is called there: it says again what it
//! has, and then repeats the word (see [`roll`]). For gateways that are gone, counters are raised to
//! what their calls used by the books. Only then is an org marked as complete, and until then limits
//! that are closed without Redis grant nothing: so no limit is given out twice. Counters are only ever
//! raised here, so doing it twice, or while gateways speak for themselves, is harmless.
//!
//! What a gateway had in hand when its process died is free again when the next process in its folder
//! has shipped all that it recorded: its part of the counters is set to what its calls used.

mod counters;
mod gone;
mod roll;
mod run;
mod used;

pub use roll::HELD_MS;
pub use run::{Recount, RecountError, run};
pub(super) use used::BUCKETS;

/// From when counts are known to be incomplete until they can be completed at the earliest, in
/// milliseconds: a gateway that is new on the roll, and may not have been seen there, uses what it has
/// in hand for a second.
pub const RECOUNT_MS: i64 = 1_500;
/// How long the counts of an org wait for a gateway that served it lately, does not speak, and has
/// not said that it is gone, in milliseconds. What such a gateway used and did not ship by then is
/// counted when it comes back.
pub const LOST_MS: i64 = 60_000;
