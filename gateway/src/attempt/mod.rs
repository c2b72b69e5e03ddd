//! The sixth room: sends the call upstream, and to the next place while nothing has reached the
//! caller and it is safe. A stream is answered only once it has content, so that a failure before
//! it can still become another attempt or a clean error.

mod batches;
mod failure;
mod flow;
mod frames;
mod mapped;
mod media;
mod raw;
mod send;
mod server;
mod small;
mod speech;
mod spoken;
mod translate;
mod watch;

pub use batches::Batches;
pub use failure::{Failure, Next};
pub use flow::Flow;
pub use raw::Raw;
pub use server::about;
pub use small::{embed_form, rerank_form};
pub use speech::{Speech, tell_count};
pub use translate::Translation;
pub use watch::{Watch, WatchError};

use crate::fault::Fault;
use crate::meter::{Measure, Meter};
use crate::plan::Plan;
use crate::provider::Lease;
use crate::telemetry::Count;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use hyper::body::Incoming;
use std::time::Duration;
use tokio::time::Instant;

/// The first wait before trying the same place again; doubled each time.
const BACKOFF: Duration = Duration::from_millis(100);

/// A provider that answers.
#[derive(Debug)]
pub struct Upstream {
    pub meter: Box<Meter>,
    pub headers: HeaderMap,
    pub answer: Answered,
    /// What of the request its provider could not be told.
    pub dropped: Option<HeaderValue>,
}

#[derive(Debug)]
pub enum Answered {
    /// The whole answer, and what it used.
    Whole { body: Bytes, measure: Measure },
    /// A stream whose content has begun.
    Stream(Box<Stream>),
}

/// A stream that is being read.
#[derive(Debug)]
pub struct Stream {
    pub flow: Flow,
    pub body: Incoming,
    pub lease: Lease,
}

/// Makes attempts until one answers.
///
/// # Errors
/// `upstream.*`, when the last attempt that is allowed failed. The call is settled then.
pub async fn attempt(mut meter: Box<Meter>, plan: Plan) -> Result<Upstream, Fault> {
    let gateway = std::sync::Arc::clone(&meter.worker().gateway);
    let bounds = &gateway.bounds;
    let deadline = Instant::from_std(meter.started()) + bounds.call_timeout;
    let mut nth = 0;
    loop {
        let deployment = plan.attempt(nth);
        meter.attempting(deployment);
        let failure = match send::send(&meter, deployment, deadline).await {
            Ok((headers, answer, dropped)) => {
                gateway.tools.telemetry.count(Count::AttemptAnswered, 1);
                return Ok(Upstream { meter, headers, answer, dropped });
            }
            Err(failure) => failure,
        };
        gateway.tools.telemetry.count(failure.count, 1);
        nth += 1;
        let request_id = meter.permit.call.principal.stamp.request_id;
        tracing::warn!(
            %request_id, deployment_id = %deployment.record.id, attempt = nth,
            code = failure.fault.code.as_str(),
            cause = failure.fault.more.as_ref().and_then(|more| more.cause.as_deref()),
            "an attempt failed"
        );
        if nth >= usize::from(bounds.attempts_max) || failure.next == Next::Never {
            return Err(meter.fail(failure.fault));
        }
        meter.failed(&failure);
        // A place not yet tried is tried at once; the same one again only after a wait.
        if nth >= plan.places() {
            let wait = wait(nth - plan.places(), meter.worker().chance.next());
            let wait = wait.max(failure.fault.retry_after.unwrap_or_default());
            if wait > bounds.retry_wait_max || Instant::now() + wait >= deadline {
                return Err(meter.fail(failure.fault));
            }
            tokio::time::sleep(wait).await;
        }
    }
}

/// Doubles from [`BACKOFF`], of which chance takes up to a half away.
fn wait(round: usize, chance: u64) -> Duration {
    let doubled = BACKOFF.saturating_mul(1 << round.min(10));
    let half = u32::try_from(doubled.as_micros() / 2).unwrap_or(u32::MAX);
    let off = (u64::from(half) * (chance >> 32)) >> 32;
    doubled.saturating_sub(Duration::from_micros(off))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_and_chance_takes_at_most_half_of_them_away() {
        for (round, full) in [(0, 100), (1, 200), (3, 800)] {
            assert_eq!(wait(round, 0), Duration::from_millis(full));
            let least = wait(round, u64::MAX);
            assert!(
                least >= Duration::from_millis(full / 2) && least < Duration::from_millis(full)
            );
        }
    }
}
