//! The whole request: a line of rooms, each taking what the one before gave, so that none can be
//! skipped.

use crate::about;
use crate::admit::{Stamp, admit};
use crate::answer::Answer;
use crate::attempt::{attempt, tell_count};
use crate::detach::finish_anyway;
use crate::fault::Fault;
use crate::identify::identify;
use crate::meter::Meter;
use crate::permit::{Permit, permit};
use crate::plan::{Plan, plan};
use crate::read::{Asked, read};
use crate::relay::relay;
use crate::render;
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
            let call = Box::pin(async move { Ok(relay(attempt(meter, plan).await?)) });
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
    let permit = permit(call)?;
    let plan =
        plan(&permit.model, |one| permit.call.may_go_to(one), |bound| worker.chance.below(bound))?;
    if let Some(counted) = counted_here(&permit, &plan) {
        suspended(worker, &permit)?;
        return Ok(Prepared::Answer(counted));
    }
    let meter = reserve(worker, permit).await?;
    Ok(Prepared::Call(Box::new(meter), plan))
}

/// The room between plan and attempt: takes what the call may use from every limit.
async fn reserve(worker: &Rc<Worker>, permit: Permit) -> Result<Meter, Fault> {
    let stamp = &permit.call.principal.stamp;
    let (tool, caller) = (&worker.gateway.tools.reserve, permit.caller());
    match tool.reserve(&stamp.snapshot, &caller, &permit.estimate, stamp.at).await {
        Ok(reservation) => Meter::new(Rc::clone(worker), permit, reservation),
        Err(refused) => {
            let standings = tool.standings(&stamp.snapshot, &caller, stamp.at);
            Err(Fault::of_limit(refused, standings, stamp.at))
        }
    }
}

/// Refuses what takes of no limit where a limit is suspended.
fn suspended(worker: &Worker, permit: &Permit) -> Result<(), Fault> {
    let stamp = &permit.call.principal.stamp;
    let (tool, caller) = (&worker.gateway.tools.reserve, permit.caller());
    tool.suspended(&stamp.snapshot, &caller, stamp.at).map_err(|refused| {
        let standings = tool.standings(&stamp.snapshot, &caller, stamp.at);
        Fault::of_limit(refused, standings, stamp.at)
    })
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
