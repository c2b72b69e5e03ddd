//! Shadows: some calls of a rule are made a second time at another place once the first has begun to
//! answer. Whoever called never waits for the copy, never pays for a platform's, and never learns of
//! its end: it is read and thrown away. It has an id, an intent and an event of its own, so that a
//! death loses and doubles as little of it as of any call.

use crate::attempt::{Upstream, attempt};
use crate::fault::Fault;
use crate::meter::Meter;
use crate::permit::Permit;
use crate::plan::{Plan, Way};
use crate::relay::relay;
use crate::snapshot::DeploymentView;
use crate::telemetry::Count;
use crate::worker::Worker;
use contract::usage::Operation;
use http_body_util::BodyExt as _;
use route::breaker::Fitness;
use std::rc::Rc;

/// A longer request is not copied: many copies may wait at once.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Begins the copy of a call that is being answered, where its rule wants one.
pub fn begin(upstream: &Upstream) {
    let meter = &upstream.meter;
    let Some((place, on_platform)) = meter.way.as_ref().and_then(Way::shadow) else { return };
    let telemetry = &meter.worker().gateway.tools.telemetry;
    match copy(meter, place, on_platform) {
        Some(copy) => {
            telemetry.count(Count::ShadowMade, 1);
            tokio::task::spawn_local(copy);
        }
        None => telemetry.count(Count::ShadowLeftOut, 1),
    }
}

/// The copy; nothing where there is no room for one, or it could not be made.
fn copy(
    meter: &Meter,
    place: &DeploymentView,
    on_platform: bool,
) -> Option<impl Future<Output = ()> + 'static> {
    let (worker, permit) = (Rc::clone(meter.worker()), &meter.permit);
    let now_ms = worker.gateway.tools.clock.uptime_ms();
    let is_fit = place.pulse.fitness(now_ms) != Fitness::Unfit;
    let is_call = permit.call.operation != Operation::CountTokens && !meter.sharing.is_given();
    if !is_fit || !is_call || permit.call.body.len() > BODY_BYTES_MAX {
        return None;
    }
    let room = worker.shadowing()?;
    let stamp = Rc::new(permit.call.principal.stamp.of_copy(&worker));
    let copied = permit.copied(stamp, place.record.model_id, on_platform);
    let copied = copied.inspect_err(left_out).ok()?;
    let way = meter.way.as_ref().map(Way::of_copy);
    let plan = Plan::of(place.clone());
    Some(async move {
        if let Err(fault) = make(worker, copied, way, plan).await {
            left_out(&fault);
        }
        drop(room);
    })
}

/// Makes it, and reads its answer to the end.
async fn make(
    worker: Rc<Worker>,
    permit: Permit,
    way: Option<Way>,
    plan: Plan,
) -> Result<(), Fault> {
    let on_platform = permit.shadow.is_some_and(|shadow| shadow.on_platform);
    let tool = &worker.gateway.tools.reserve;
    let held = if on_platform {
        tool.nothing(permit.at())
    } else {
        let snapshot = &permit.call.principal.stamp.snapshot;
        let held = tool.reserve(snapshot, &permit.caller(), &permit.estimate, permit.at()).await;
        held.map_err(|refused| Fault::of_limit(refused, Vec::new(), permit.at()))?
    };
    let mut meter = Box::new(Meter::new(Rc::clone(&worker), permit, held)?);
    meter.way = way;
    meter.patience.attempts_max = 1;
    let upstream = match attempt(meter, plan).await {
        Ok(upstream) => upstream,
        Err(unanswered) => {
            let mut meter = unanswered.meter;
            meter.fail(unanswered.failure.fault);
            return Ok(());
        }
    };
    let mut answer = relay(upstream)?.into_body();
    while let Some(Ok(_)) = answer.frame().await {}
    Ok(())
}

/// Nobody waits to be told.
fn left_out(fault: &Fault) {
    tracing::debug!(code = fault.code.as_str(), detail = %fault.detail, "a copy of a call was not made");
}
