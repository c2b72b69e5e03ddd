//! Work to do later: queued in the transaction that asks for it, run at least once, retried with
//! growing pauses, kept for inspection when it fails for good.

mod error;
mod queue;
mod registry;
mod runner;
mod schedule;

pub use error::JobError;
pub use queue::{ATTEMPTS_MAX, enqueue};
pub use runner::{run_due, work};

use crate::app::App;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A kind of work. Its fields are its payload. Add it to [`registry`], or it never runs.
pub trait Job: Serialize + DeserializeOwned + Send + Sync + 'static {
    /// Names the kind in the queue; never changes.
    const KIND: &'static str;

    /// Does it. It may run more than once: a second run must do no harm.
    fn run(self, app: &App) -> impl Future<Output = Result<(), JobError>> + Send;
}
