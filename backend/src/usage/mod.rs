//! What calls used: taken from the stream once, summed by minute, hour, day and month, reported.
//!
//! Invariants: an event is booked once by its request id, with its money in the same transaction;
//! an entry leaves the stream only after that commit; what cannot be booked is kept with the
//! reason and holds nothing else up; a rollup is recomputed from events, never added to.

mod arrive;
mod book;
mod coarse;
mod columns;
pub mod csv;
mod details;
mod event;
mod ingest;
pub mod jobs;
pub mod letters;
pub mod onboarding;
pub mod report;
pub mod requests;
mod rollup;
pub mod shadows;
mod stream;
pub mod unknowns;
mod work;

pub use ingest::{Booked, IngestError, ingest};
pub use rollup::refresh;
pub use stream::{Consumer, Entry};
pub use work::{BLOCK, READERS, work};

use crate::db::{SystemTx, Tx as _};
use contract::Timestamp;
use contract::api::usage::Bucket;
use contract::id::OrgId;

/// Where the hour that holds `at` starts, in UTC.
#[must_use]
pub fn floor_hour(at: Timestamp) -> Timestamp {
    report::asked::floor(at, Bucket::Hour)
}

/// Has the org used anything yet?
///
/// # Errors
/// Postgres cannot be reached.
pub async fn has_any(tx: &mut SystemTx, org: OrgId) -> sqlx::Result<bool> {
    sqlx::query_scalar!(
        r#"select exists (select 1 from usage_events where org_id = $1)
             or exists (select 1 from usage_seals where org_id = $1) as "exists!""#,
        org.0,
    )
    .fetch_one(tx.conn())
    .await
}
