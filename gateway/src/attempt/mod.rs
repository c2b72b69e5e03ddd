//! The sixth room: sends the call upstream, and to the next place while nothing has reached the
//! caller and it is safe. A stream is answered only once it has content, so that a failure before
//! it can still become another attempt or a clean error.

mod batches;
mod failure;
mod flow;
mod frames;
mod hedge;
mod mapped;
mod media;
mod raw;
mod send;
mod server;
mod small;
mod speech;
mod spoken;
mod tape;
mod tour;
mod translate;
mod watch;

pub use batches::Batches;
pub use failure::{Failure, Next};
pub use flow::Flow;
pub use raw::Raw;
pub use server::about;
pub use small::{embed_form, embed_text, rerank_form};
pub use speech::{Speech, tell_count};
pub use translate::{Translation, stream_writer, write_answer};
pub use watch::{Watch, WatchError};

use crate::meter::{Measure, Meter};
use crate::plan::Plan;
use crate::pool::{Full, Pool, Seat, Wish};
use crate::provider::Lease;
use crate::recall::Source;
use crate::snapshot::DeploymentView;
use crate::telemetry::Count;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use hyper::body::Incoming;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tour::Tour;

/// How often a call that waits for a pool looks whether its caller is still there.
const LEFT_EVERY: Duration = Duration::from_millis(100);

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
    /// A stream that another call made.
    Shared(Box<Source>),
}

/// A stream that is being read.
#[derive(Debug)]
pub struct Stream {
    pub flow: Flow,
    pub body: Incoming,
    pub lease: Lease,
}

/// A call that no place of its model answered.
#[derive(Debug)]
pub struct Unanswered {
    pub meter: Box<Meter>,
    /// Of the last attempt.
    pub failure: Failure,
}

/// Makes attempts until one answers.
///
/// # Errors
/// `upstream.*`, when the last attempt that is allowed failed. The call is yet to be settled.
pub async fn attempt(mut meter: Box<Meter>, plan: Plan) -> Result<Upstream, Box<Unanswered>> {
    let gateway = Arc::clone(&meter.worker().gateway);
    let (bounds, tools) = (&gateway.bounds, &gateway.tools);
    let deadline = meter.deadline();
    let mut tour = Tour::new(&plan, meter.patience.attempts_max);
    if meter.permit.shadow.is_none() {
        meter.permit.model.retries.call();
    }
    loop {
        let (deployment, ticket) = tour.enter(tools.clock.uptime_ms());
        let patience = ticket.patience(meter.permit.call.ask.stream);
        let seated = match &deployment.provider.pool {
            None => Ok(None),
            // Boxed: few calls go to one. Nobody is asked before there is a place.
            Some(pool) => Box::pin(sit(&meter, deployment, pool, deadline)).await.map(Some),
        };
        let seated = seated.map(|seat| {
            meter.attempting(deployment, ticket);
            if let Some(seat) = seat {
                meter.sits(seat);
            }
        });
        let until = tour.until(patience, &meter, deadline);
        let sent = match hedge::place(&plan, &tour, &meter) {
            _ if let Err(full) = seated => Err(Failure::no_place(full)),
            None => send::send(&meter, deployment, until).await,
            Some(beside) => {
                let race = hedge::race(&mut meter, &mut tour, beside, (deployment, until));
                // Boxed: few calls are raced, and all would have the room for it.
                Box::pin(race).await
            }
        };
        let failure = match sent {
            Ok((headers, answer, dropped)) => {
                tools.telemetry.count(Count::AttemptAnswered, 1);
                return Ok(Upstream { meter, headers, answer, dropped });
            }
            Err(failure) => failure,
        };
        note(&meter, &failure);
        if failure.next == Next::Never || tour.is_over() {
            return Err(Box::new(Unanswered { meter, failure }));
        }
        let another = meter.another_replica().filter(|_| failure.count != Count::PoolRefused);
        let stays = another.is_some() && tour.stay(&meter);
        let next = tour.next(tools.clock.uptime_ms());
        let wait = if stays { Duration::ZERO } else { tour.wait(next, &failure, &meter) };
        let in_time = wait <= bounds.retry_wait_max && Instant::now() + wait < deadline;
        // Who had no place in a pool has waited already.
        let is_over = failure.count == Count::PoolRefused && next.0 >= plan.places();
        let is_well = another.filter(|_| stays).unwrap_or_else(|| next.1.pulse.is_well());
        if !in_time || is_over || !may_retry(&meter, is_well) {
            return Err(Box::new(Unanswered { meter, failure }));
        }
        meter.failed(&failure);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}

/// Takes a place at one of a pool's replicas, as soon as there is one, unless the caller leaves.
async fn sit(
    meter: &Meter,
    deployment: &DeploymentView,
    pool: &Arc<Pool>,
    deadline: Instant,
) -> Result<Seat, Full> {
    let now_ms = meter.worker().gateway.tools.clock.uptime_ms();
    let chance = meter.worker().chance.next();
    let wish = Wish::of(&meter.permit, deployment, &meter.replicas, chance);
    let mut seated = std::pin::pin!(pool.seat(wish, deadline, now_ms));
    let seat = loop {
        match tokio::time::timeout(LEFT_EVERY, &mut seated).await {
            Ok(seated) => break seated?,
            Err(_) if meter.is_alone() => return Err(Full::Left),
            Err(_) => {}
        }
    };
    tracing::debug!(
        request_id = %meter.permit.call.principal.stamp.request_id,
        replica = seat.replica.address,
        "the call goes to a replica"
    );
    Ok(seat)
}

/// Notes that an attempt failed, and what that tells of its place.
fn note(meter: &Meter, failure: &Failure) {
    meter.worker().gateway.tools.telemetry.count(failure.count, 1);
    let replica = meter.replica();
    meter.judge(failure.is_of_place().then_some(false));
    tracing::warn!(
        request_id = %meter.permit.call.principal.stamp.request_id,
        deployment_id = meter.tried().map(|tried| tracing::field::display(tried.record.id)),
        replica = replica.as_ref().map(|replica| replica.address.as_str()),
        attempt = meter.attempts(),
        code = failure.fault.code.as_str(),
        cause = failure.fault.more.as_ref().and_then(|more| more.cause.as_deref()),
        "an attempt failed"
    );
}

/// Whether one more attempt may be made at a place. Where that one answers as far as anybody knows,
/// nothing is made worse; where it fails too, the model's calls have only so many together.
fn may_retry(meter: &Meter, is_well: bool) -> bool {
    let tools = &meter.worker().gateway.tools;
    let may = is_well || meter.permit.model.retries.take(tools.clock.uptime_ms());
    tools.telemetry.count(if may { Count::RetryMade } else { Count::RetryDenied }, 1);
    may
}
