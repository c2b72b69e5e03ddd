//! Where a call goes on that no place of its model answers: on the other models that the route lists
//! for such a failure, one after the other, each of which the app must be subscribed to. It is then
//! that model's call: its price, its limits, its route, its name in the event. The regions of the
//! route that it came by hold on.

use crate::attempt::{Failure, Unanswered, Upstream, attempt};
use crate::fault::Fault;
use crate::meter::Meter;
use crate::permit::Permit;
use crate::plan::{Plan, plan};
use crate::snapshot::RouteView;
use crate::telemetry::Count;
use crate::worker::Worker;
use contract::error::ErrorCode;
use contract::id::ModelId;
use std::rc::Rc;
use tokio::time::Instant;

/// Makes attempts on the model that was asked for, and then on others.
///
/// # Errors
/// `upstream.*`, as the last model that was tried failed. The call is settled then.
pub async fn answer(mut meter: Box<Meter>, mut plan: Plan) -> Result<Upstream, Fault> {
    let mut tried = vec![meter.permit.asked(), meter.permit.model.record.id];
    loop {
        let unanswered = match attempt(meter, plan).await {
            Ok(upstream) => return Ok(upstream),
            Err(unanswered) => unanswered,
        };
        let Unanswered { meter: mut left, failure } = *unanswered;
        let Some(onto) = next(&mut left, &mut tried, &failure).await else {
            return Err(left.fail(failure.fault));
        };
        (meter, plan) = (left, onto);
    }
}

/// Moves the call to the next model that it may run on; where it is to be tried there.
async fn next(meter: &mut Meter, tried: &mut Vec<ModelId>, failure: &Failure) -> Option<Plan> {
    let listed = failure.fallbacks(&route(&meter.permit)?.record.policy.fallbacks).to_vec();
    for onto in listed {
        if tried.contains(&onto) || Instant::now() >= meter.deadline() || meter.is_alone() {
            continue;
        }
        tried.push(onto);
        let request_id = meter.permit.call.principal.stamp.request_id;
        match move_to(meter, onto, failure).await {
            Ok(plan) => {
                tracing::info!(%request_id, model_id = %onto, "the call goes on on another model");
                meter.worker().gateway.tools.telemetry.count(Count::FellBack, 1);
                return Some(plan);
            }
            Err(why) => {
                let why = why.detail;
                tracing::info!(%request_id, model_id = %onto, %why, "the call cannot go on there");
            }
        }
    }
    None
}

/// What was held stays held until the other model's limits have admitted the call.
async fn move_to(meter: &mut Meter, onto: ModelId, failure: &Failure) -> Result<Plan, Fault> {
    let worker = Rc::clone(meter.worker());
    let terms = meter.permit.elsewhere(onto)?;
    let (terms, plan) = meter.permit.planned_on(terms, |permit| places(&worker, permit))?;
    let (call, at) = (&meter.permit.call, meter.permit.at());
    let (snapshot, tool) = (&call.principal.stamp.snapshot, &worker.gateway.tools.reserve);
    let held = tool.reserve(snapshot, &terms.caller(call), &terms.estimate, at).await;
    let held = held.map_err(|refused| Fault::of_limit(refused, Vec::new(), at))?;
    meter.failed(failure);
    meter.fall_back(terms, held);
    meter.way.clone_from(&plan.way);
    Ok(plan)
}

/// Plans a call, on another model of its route where its own has no place that takes calls.
///
/// # Errors
/// `upstream.none` when none has, `residency.none`.
pub fn planned(worker: &Worker, mut permit: Permit) -> Result<(Permit, Plan), Fault> {
    let none = match places(worker, &permit) {
        Ok(plan) => return Ok((permit, plan)),
        Err(none) => none,
    };
    let listed = route(&permit).filter(|_| none.code == ErrorCode::UpstreamNone);
    let listed = listed.map(|route| route.record.policy.fallbacks.general.clone());
    for onto in listed.unwrap_or_default() {
        let Ok(terms) = permit.elsewhere(onto) else { continue };
        if let Ok((terms, plan)) = permit.planned_on(terms, |permit| places(worker, permit)) {
            permit.fall_back(terms);
            return Ok((permit, plan));
        }
    }
    Err(none)
}

/// The places that may take a call, in the order of trying.
///
/// # Errors
/// `upstream.none`, `residency.none` when there is none.
pub fn places(worker: &Worker, permit: &Permit) -> Result<Plan, Fault> {
    let (now_ms, stream) = (worker.gateway.tools.clock.uptime_ms(), permit.call.ask.stream);
    plan(permit, |place| place.pulse.seen(now_ms, stream), &worker.chance)
}

fn route(permit: &Permit) -> Option<&RouteView> {
    let principal = &permit.call.principal;
    principal.stamp.snapshot.route(permit.asked(), principal.key.org_id)
}
