//! What callers ask of models without calling them. It costs nothing.

use crate::admit::{About, Stamp, What};
use crate::answer::Answer;
use crate::attempt;
use crate::fault::Fault;
use crate::identify::Principal;
use crate::permit::{asker, chosen, is_subscribed, refused, unknown_model};
use crate::plan::anyone;
use crate::render;
use crate::reserve::Amounts;
use crate::snapshot::{DeploymentView, Found, ModelView};
use crate::worker::Worker;
use contract::error::ErrorCode;
use contract::snapshot::{Dialect, Lifecycle, PredictMap, PredictOutput};
use contract::usage::Operation;
use dialect::inference;
use dialect::listing::{self, Listed};
use http::{Response, StatusCode};
use serde_json::json;

/// Whether an app may see what a name means: it could call it.
fn sees(principal: &Principal, found: &Found<'_>) -> bool {
    let stamp = &principal.stamp;
    let (app, org) = (principal.app.id, principal.app.org_id);
    let answers = |state| matches!(state, Lifecycle::Active | Lifecycle::Deprecated);
    answers(found.model.record.state_at(stamp.at))
        && found.version.is_none_or(|version| answers(version.state_at(stamp.at)))
        && is_subscribed(&stamp.snapshot, app, org, found.model, stamp.at)
}

/// The names that an app may call, of models and their aliases.
pub fn list_models(principal: &Principal) -> Response<Answer> {
    let stamp = &principal.stamp;
    let seen = stamp.snapshot.each_name().filter_map(|name| {
        let found = stamp.snapshot.find(name, stamp.at).ok()?;
        sees(principal, &found).then(|| listed(stamp, name, &found))
    });
    let body = listing::list_body(stamp.shape.wire(), seen);
    render::json(StatusCode::OK, body, stamp)
}

/// A name as lists have it.
fn listed<'a>(stamp: &'a Stamp, name: &'a str, found: &Found<'a>) -> Listed<'a> {
    let own = || Some(found.model).filter(|m| m.record.state_at(stamp.at) == Lifecycle::Deprecated);
    let life = found.leaving.or_else(own).map(|model| &model.record.life);
    let successor = life.and_then(|life| stamp.snapshot.model_by_id(life.successor_id?));
    Listed {
        name,
        model: &found.model.record,
        is_deprecated: life.is_some(),
        deprecated_at: life.and_then(|life| life.deprecated_at),
        sunset_at: life.and_then(|life| life.sunset_at),
        successor: successor.map(|model| model.record.name.as_str()),
    }
}

/// One of them.
///
/// # Errors
/// `model.unknown`, `model.retired`.
pub fn show_model(principal: &Principal, name: &str) -> Result<Response<Answer>, Fault> {
    let stamp = &principal.stamp;
    let found = seen(principal, name)?;
    chosen(stamp, name)?;
    let listed = listed(stamp, name, &found);
    Ok(render::json(StatusCode::OK, listing::model_body(stamp.shape.wire(), &listed), stamp))
}

/// What a name means, if the app may see it.
fn seen<'a>(principal: &'a Principal, name: &'a str) -> Result<Found<'a>, Fault> {
    let stamp = &principal.stamp;
    let found = stamp.snapshot.find(name, stamp.at).map_err(|lost| refused(name, lost))?;
    if sees(principal, &found) { Ok(found) } else { Err(unknown_model(name)) }
}

/// Who serves, as the Open Inference Protocol asks.
pub fn server(principal: &Principal) -> Response<Answer> {
    let body = json!({
        "name": "tollgate",
        "version": env!("CARGO_PKG_VERSION"),
        "extensions": ["binary_tensor_data"],
    });
    render::json(StatusCode::OK, body.to_string(), &principal.stamp)
}

/// What a model is, or whether it can be called, as the Open Inference Protocol asks. A model is
/// ready where a call of it would be planned; what its tensors are, and whether a version of it is
/// ready, only its server knows, which is asked once.
///
/// # Errors
/// `model.unknown`, `limit.requests`, `upstream.*`.
pub async fn tell(
    worker: &Worker,
    principal: &Principal,
    asked: &About,
) -> Result<Response<Answer>, Fault> {
    let stamp = &principal.stamp;
    let Found { model, .. } = seen(principal, &asked.model)?;
    let name = &model.record.name;
    let of_server =
        |one: &DeploymentView| one.provider.speaks(Dialect::Oip) || one.serves(Operation::Predict);
    let place = anyone(model, of_server)?;
    let mapped = place.provider.map().filter(|_| !place.provider.speaks(Dialect::Oip));
    if mapped.is_some() && asked.version.is_some() {
        let detail = "The model's provider has no versions of it. Leave `/versions/…` out.";
        return Err(Fault::client(ErrorCode::ModelUnknown, detail).at("version"));
    }
    let body = match (asked.what, &asked.version) {
        (What::Metadata, _) if let Some(map) = mapped => described(name, map),
        (What::Ready, None) => json!({"name": name, "ready": true}).to_string().into_bytes(),
        (What::Ready, Some(_)) => {
            limited(worker, principal, model).await?;
            attempt::about(worker, principal, asked, place).await?;
            json!({"name": name, "ready": true}).to_string().into_bytes()
        }
        (What::Metadata, _) => {
            limited(worker, principal, model).await?;
            let said = attempt::about(worker, principal, asked, place).await?;
            inference::model_body(&said, name).map_err(|error| {
                let code = ErrorCode::UpstreamMalformed;
                Fault::upstream(code, code.title()).because(error)
            })?
        }
    };
    Ok(render::json(StatusCode::OK, body, stamp))
}

/// What the layout tells of a model whose provider says nothing.
fn described(name: &str, map: &PredictMap) -> Vec<u8> {
    let output =
        |one: &PredictOutput| json!({"name": one.name, "datatype": one.datatype, "shape": [-1]});
    let outputs: Vec<_> = map.outputs.iter().map(output).collect();
    let told =
        json!({"name": name, "versions": [], "platform": "json", "inputs": [], "outputs": outputs});
    told.to_string().into_bytes()
}

/// A provider is asked, so it counts as a request, though it costs nothing.
async fn limited(worker: &Worker, principal: &Principal, model: &ModelView) -> Result<(), Fault> {
    let (stamp, one) = (&principal.stamp, Amounts { requests: 1, ..Amounts::default() });
    let running = one.running();
    let caller = asker(principal, model)?;
    let reserve = &worker.gateway.tools.reserve;
    let reserved = reserve.reserve(&stamp.snapshot, &caller, &running, stamp.at).await;
    let reserved = reserved.map_err(|refused| {
        let standings = reserve.standings(&stamp.snapshot, &caller, stamp.at);
        Fault::of_limit(refused, standings, stamp.at)
    })?;
    reserved.settle(&one);
    Ok(())
}
