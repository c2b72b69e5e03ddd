//! The whole request: a line of rooms, each taking what the one before gave, so that none can be
//! skipped.

use crate::admit::{Stamp, admit};
use crate::answer::Answer;
use crate::attempt::{attempt, tell_count};
use crate::detach::finish_anyway;
use crate::fault::Fault;
use crate::identify::{Principal, identify};
use crate::meter::Meter;
use crate::permit::{is_subscribed, permit, unknown_model};
use crate::plan::{Plan, plan};
use crate::read::{Asked, read};
use crate::relay::relay;
use crate::snapshot::ModelView;
use crate::telemetry::{Ended, Finished};
use crate::worker::Worker;
use crate::{permit::Permit, render};
use contract::snapshot::Lifecycle;
use contract::usage::Operation;
use dialect::{listing, openai};
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
            let call = Box::pin(async move { relay(attempt(meter, plan).await?) });
            // A whole answer is paid for once it was asked for, so it is fetched even for a
            // caller that left. A stream stops costing when it is dropped.
            let answered =
                if streamed { call.await } else { finish_anyway(worker, gone, call).await };
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
        Asked::ListModels(principal) => return Ok(Prepared::Answer(list_models(&principal))),
        Asked::ShowModel(principal, name) => {
            return show_model(&principal, &name).map(Prepared::Answer);
        }
        Asked::ModelReady(principal, name) => {
            return model_ready(&principal, &name).map(Prepared::Answer);
        }
    };
    let permit = permit(call)?;
    let plan =
        plan(&permit.model, |one| permit.call.may_go_to(one), |bound| worker.chance.below(bound))?;
    if let Some(counted) = counted_here(&permit, &plan) {
        return Ok(Prepared::Answer(counted));
    }
    let meter = reserve(worker, permit).await?;
    Ok(Prepared::Call(Box::new(meter), plan))
}

/// The room between plan and attempt: takes what the call may use from every limit.
async fn reserve(worker: &Rc<Worker>, permit: Permit) -> Result<Meter, Fault> {
    let stamp = &permit.call.principal.stamp;
    let reservation = worker
        .gateway
        .tools
        .reserve
        .reserve(&stamp.snapshot, &permit.caller(), &permit.estimate, stamp.at)
        .await
        .map_err(|refused| Fault::of_limit(refused, stamp.at))?;
    Ok(Meter::new(Rc::clone(worker), permit, reservation))
}

/// The answer to a count of tokens that no provider is asked for: about as many as the text has.
/// It costs nothing.
fn counted_here(permit: &Permit, plan: &Plan) -> Option<Response<Answer>> {
    let call = &permit.call;
    if call.operation != Operation::CountTokens || tell_count(call, plan.attempt(0)).is_some() {
        return None;
    }
    let tokens = call.ask.text_bytes.div_ceil(openai::TEXT_BYTES_PER_TOKEN);
    let body = call.wire.count_answer(tokens)?;
    Some(render::json(StatusCode::OK, body, &call.principal.stamp))
}

/// Whether an app may see a model: it could call it.
fn sees(principal: &Principal, model: &ModelView) -> bool {
    let stamp = &principal.stamp;
    let (app, org) = (principal.app.id, principal.app.org_id);
    matches!(model.record.state, Lifecycle::Active | Lifecycle::Deprecated)
        && is_subscribed(&stamp.snapshot, app, org, model, stamp.at)
}

fn list_models(principal: &Principal) -> Response<Answer> {
    let stamp = &principal.stamp;
    let seen = stamp.snapshot.models().iter().filter(|model| sees(principal, model));
    let body = listing::list_body(stamp.shape.wire(), seen.map(|model| model.record.as_ref()));
    render::json(StatusCode::OK, body, stamp)
}

fn show_model(principal: &Principal, name: &str) -> Result<Response<Answer>, Fault> {
    let stamp = &principal.stamp;
    let model = stamp.snapshot.model(name).filter(|model| sees(principal, model));
    let model = model.ok_or_else(|| unknown_model(name))?;
    Ok(render::json(StatusCode::OK, listing::model_body(stamp.shape.wire(), &model.record), stamp))
}

/// A model is ready where a call of it would be planned.
fn model_ready(principal: &Principal, name: &str) -> Result<Response<Answer>, Fault> {
    let stamp = &principal.stamp;
    let model = stamp.snapshot.model(name).filter(|model| sees(principal, model));
    let model = model.ok_or_else(|| unknown_model(name))?;
    plan(model, |one| one.serves(Operation::Predict), |_| 0)?;
    let body = serde_json::json!({"name": model.record.name, "ready": true});
    Ok(render::json(StatusCode::OK, body.to_string(), stamp))
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
