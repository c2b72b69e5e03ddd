//! The whole request: a line of rooms, each taking what the one before gave, so that none can be
//! skipped.

use crate::about;
use crate::admit::{Stamp, admit};
use crate::answer::Answer;
use crate::attempt::tell_count;
use crate::detach::finish_anyway;
use crate::fallback::{places, planned};
use crate::fault::Fault;
use crate::identify::identify;
use crate::meter::Meter;
use crate::own;
use crate::permit::{Permit, downgrade, permit};
use crate::plan::Plan;
use crate::read::{Asked, read};
use crate::recall;
use crate::relay::relay;
use crate::render;
use crate::reserve::{Refused, Reservation, Standing};
use crate::shadow;
use crate::telemetry::{Ended, Finished};
use crate::worker::Worker;
use contract::usage::Operation;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use std::rc::Rc;

/// Answers one request, whatever it is.
pub async fn serve(worker: Rc<Worker>, request: Request<Incoming>) -> Response<Answer> {
    let stamp = Rc::new(Stamp::new(&worker, request.uri(), request.headers()));
    match prepare(&worker, &stamp, request).await {
        Ok(Prepared::Answer(response)) => {
            finished(&worker, &stamp, None);
            response
        }
        Ok(Prepared::Call(meter, plan)) => {
            let streamed = meter.permit.call.ask.stream;
            let gone = meter.caller_gone();
            // Boxed: it is large, and a place for it in every connection would be kept and moved.
            let call = Box::pin(async move {
                let upstream = recall::answer(meter, plan).await?;
                shadow::begin(&upstream);
                relay(upstream)
            });
            // What was asked for is paid for, so its end is awaited even for a caller that left: all
            // of a whole answer, some of a stream.
            let answered = finish_anyway(worker, gone, streamed, call).await;
            answered.unwrap_or_else(|fault| render::fault(fault, &stamp))
        }
        Err(fault) => {
            finished(&worker, &stamp, Some(&fault));
            render::fault(fault, &stamp)
        }
    }
}

enum Prepared {
    /// Answered from memory.
    Answer(Response<Answer>),
    /// To be sent upstream.
    Call(Box<Meter>, Plan),
}

/// Everything that can refuse a call before a provider hears of it.
async fn prepare(
    worker: &Rc<Worker>,
    stamp: &Rc<Stamp>,
    request: Request<Incoming>,
) -> Result<Prepared, Fault> {
    if let Some(control) = &worker.gateway.control
        && own::is_asked(request.method(), request.uri().path())
    {
        return own::pass(worker, stamp, control, &request).await.map(Prepared::Answer);
    }
    let admitted = admit(worker, Rc::clone(stamp), request)?;
    let principal = identify(worker, admitted)?;
    let call = match read(&worker.gateway.bounds, principal).await? {
        Asked::Call(call) => *call,
        Asked::ListModels(principal) => {
            return Ok(Prepared::Answer(about::list_models(&principal)));
        }
        Asked::ShowModel(principal, name) => {
            return about::show_model(&principal, &name).map(Prepared::Answer);
        }
        Asked::About(principal, asked) => {
            return about::tell(worker, &principal, &asked).await.map(Prepared::Answer);
        }
        Asked::Server(principal) => return Ok(Prepared::Answer(about::server(&principal))),
    };
    let (permit, plan) = planned(worker, permit(call)?)?;
    if let Some(counted) = counted_here(&permit, &plan) {
        suspended(worker, &permit)?;
        return Ok(Prepared::Answer(counted));
    }
    let (meter, plan) = reserve(worker, permit, plan).await?;
    Ok(Prepared::Call(Box::new(meter), plan))
}

/// The room between plan and attempt: takes what the call may use from every limit. A budget
/// without room may send the call on to a cheaper model, once.
async fn reserve(worker: &Rc<Worker>, permit: Permit, plan: Plan) -> Result<(Meter, Plan), Fault> {
    let refused = match take(worker, &permit).await {
        Ok(held) => return begin(worker, permit, held, plan),
        Err(refused) => refused,
    };
    let (standing, at) = (standings(worker, &permit), permit.at());
    let Some(cheaper) = refused.downgrade() else {
        return Err(Fault::of_limit(refused, standing, at));
    };
    let moved = downgrade(permit, cheaper).and_then(|other| Ok((places(worker, &other)?, other)));
    let (plan, permit) = match moved {
        Ok(moved) => moved,
        Err(why) => return Err(Fault::of_limit(refused, standing, at).unmoved(&why)),
    };
    match take(worker, &permit).await {
        Ok(held) => begin(worker, permit, held, plan),
        Err(refused) => Err(Fault::of_limit(refused, standings(worker, &permit), at)),
    }
}

fn begin(
    worker: &Rc<Worker>,
    permit: Permit,
    held: Reservation,
    mut plan: Plan,
) -> Result<(Meter, Plan), Fault> {
    let mut meter = Meter::new(Rc::clone(worker), permit, held)?;
    meter.way = plan.way.take();
    Ok((meter, plan))
}

/// Refuses what takes of no limit where a limit is suspended.
fn suspended(worker: &Worker, permit: &Permit) -> Result<(), Fault> {
    let (snapshot, at) = (&permit.call.principal.stamp.snapshot, permit.at());
    let tool = &worker.gateway.tools.reserve;
    tool.suspended(snapshot, &permit.caller(), at)
        .map_err(|refused| Fault::of_limit(refused, standings(worker, permit), at))
}

async fn take(worker: &Worker, permit: &Permit) -> Result<Reservation, Refused> {
    let snapshot = &permit.call.principal.stamp.snapshot;
    let tool = &worker.gateway.tools.reserve;
    tool.reserve(snapshot, &permit.caller(), &permit.estimate, permit.at()).await
}

fn standings(worker: &Worker, permit: &Permit) -> Vec<Standing> {
    let snapshot = &permit.call.principal.stamp.snapshot;
    worker.gateway.tools.reserve.standings(snapshot, &permit.caller(), permit.at())
}

/// The answer to a count of tokens that no provider is asked for: about as many as the text has.
/// It costs nothing.
fn counted_here(permit: &Permit, plan: &Plan) -> Option<Response<Answer>> {
    let call = &permit.call;
    if call.operation != Operation::CountTokens || tell_count(call, plan.attempt(0)).is_some() {
        return None;
    }
    let model = &plan.attempt(0).record.upstream_model;
    let tokens = dialect::count::of_json(&call.body, model);
    let body = call.wire.count_answer(tokens)?;
    Some(render::json(StatusCode::OK, body, &call.principal.stamp))
}

fn finished(worker: &Worker, stamp: &Stamp, fault: Option<&Fault>) {
    worker.gateway.tools.telemetry.finished(&Finished {
        operation: None,
        stream: false,
        ended: if fault.is_some() { Ended::Refused } else { Ended::Ok },
        code: fault.map(|fault| fault.code),
        duration: stamp.started.elapsed(),
        first_token: None,
    });
}
