//! Completes the counters of limits after Redis lost some: it was emptied, started again, or
//! another master took over.
//!
//! Gateways that live say again what they have ([`RECOUNT_MS`] is longer than any of them goes on
//! without being heard). For those that do not, the counters are raised to what their calls used
//! by the books. Only then is an org marked as complete, and until then limits that are closed
//! without Redis grant nothing: so no limit is given out twice. Counters are only ever raised
//! here, so doing it twice, or while gateways speak for themselves, is harmless.
//!
//! What a gateway had in hand when its process died is free again when the next process in its folder
//! has shipped all that it recorded: its part of the counters is set to what its calls used.

mod counters;
mod gone;
mod run;
mod used;

pub use run::{Recount, RecountError, run};

/// From when counts are known to be incomplete until they can be completed, in milliseconds: the
/// lease that gateways have on what is in their hands, and a second.
pub const RECOUNT_MS: i64 = 6_000;
/// A gateway that was silent speaks for itself only when it has been heard for so long, in
/// milliseconds: until then it may not have said what it has.
pub const RETURN_MS: i64 = 3_000;
/// A gateway that has not beaten for so long, in milliseconds, is silent: it beats every two seconds.
const PAUSE_MS: i64 = 5_000;
/// How long the counts of an org wait for a gateway that served it lately, does not beat, and has
/// not said that it is gone, in milliseconds. What such a gateway used and did not ship by then is
/// counted when it comes back.
pub const LOST_MS: i64 = 60_000;
