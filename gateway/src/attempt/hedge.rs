//! Hedging, where a route's rule asks for it: when the first place has shown nothing for so long,
//! another is asked beside it. The first to answer does, the other is hung up on; the call is billed
//! once, and what the other one reported is the platform's cost.

use super::failure::Failure;
use super::note;
use super::send::{Given, send};
use super::tour::{Coming, Tour};
use crate::fault::Origin;
use crate::meter::Meter;
use crate::plan::Plan;
use crate::snapshot::DeploymentView;
use crate::telemetry::Count;
use contract::usage::Operation;
use std::future::{Future as _, pending, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// A place to be asked beside the first, and after how long.
pub(super) type Beside<'p> = (Coming<'p>, Duration);

/// Where a call may be asked beside the attempt that has begun. Only conversations are: what else
/// there is answers at once, or costs by the call.
pub(super) fn place<'p>(plan: &Plan, tour: &Tour<'p>, meter: &Meter) -> Option<Beside<'p>> {
    let after = plan.hedge.filter(|_| meter.permit.call.operation == Operation::Chat)?;
    let now_ms = meter.worker().gateway.tools.clock.uptime_ms();
    Some((tour.beside(now_ms)?, after))
}

/// Makes the attempt that has begun, and another beside it once the first has taken too long. When
/// it ends, the meter's attempt is the one that answered, or that failed last.
pub(super) async fn race(
    meter: &mut Meter,
    tour: &mut Tour<'_>,
    ((at, other), after): Beside<'_>,
    (first, until): (&DeploymentView, Instant),
) -> Result<Given, Failure> {
    meter.may_hedge(other);
    let Ended { result, is_first, other: lost, began } =
        run(meter, (first, until), other, after).await;
    if began {
        tour.entered((at, other));
    }
    if !is_first {
        if result.is_ok() {
            meter.worker().gateway.tools.telemetry.count(Count::HedgeWon, 1);
        }
        meter.swap_hedge();
    }
    meter.end_hedge(began, lost.as_ref());
    result
}

/// How a race ended.
struct Ended {
    result: Result<Given, Failure>,
    /// It is the first one's.
    is_first: bool,
    /// Of the other one, where that failed before.
    other: Option<Failure>,
    /// Whether another place was asked at all.
    began: bool,
}

async fn run(
    meter: &Meter,
    (first, until): (&DeploymentView, Instant),
    other: &DeploymentView,
    after: Duration,
) -> Ended {
    let began = std::cell::Cell::new(false);
    let second = async {
        sleep(after).await;
        if !meter.hedge_begins() {
            return pending().await;
        }
        began.set(true);
        send(meter, other, meter.deadline()).await
    };
    let (mut one, mut two) = (pin!(send(meter, first, until)), pin!(second));
    let (mut one_failed, mut two_failed) = (None, None);
    poll_fn(|cx| {
        let ended = |result, is_first, other| {
            Poll::Ready(Ended { result, is_first, other, began: began.get() })
        };
        if one_failed.is_none()
            && let Poll::Ready(result) = one.as_mut().poll(cx)
        {
            match result {
                Err(failure) if may_wait(&failure, began.get()) && two_failed.is_none() => {
                    note(meter, &failure);
                    one_failed = Some(failure);
                }
                result => return ended(result, true, two_failed.take()),
            }
        }
        if two_failed.is_none()
            && let Poll::Ready(result) = meter.on_hedge(|| two.as_mut().poll(cx))
        {
            match result {
                Err(failure) if one_failed.is_none() => {
                    meter.on_hedge(|| note(meter, &failure));
                    two_failed = Some(failure);
                }
                result => return ended(result, false, one_failed.take()),
            }
        }
        Poll::Pending
    })
    .await
}

/// Whether the other one is waited for after the first has failed: it is under way, and the request
/// is not at fault.
fn may_wait(failure: &Failure, began: bool) -> bool {
    began && failure.fault.origin != Origin::Client
}
