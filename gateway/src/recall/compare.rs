//! Asks the embedding model of a plan what a call's last question means. It is asked within a short
//! time, at the platform's cost, and only in a region that the call may go to; without an answer the
//! call is made as if there had been no question of it.

use super::key::{CacheSecret, TenantKey};
use super::question::LastQuestion;
use super::vector::Vector;
use super::wanted;
use crate::attempt::{Failure, embed_text};
use crate::health::Ticket;
use crate::meter::Meter;
use crate::permit::chosen_by_id;
use crate::plan::may_enter;
use crate::snapshot::DeploymentView;
use crate::telemetry::Count;
use contract::id::ModelId;
use contract::snapshot::{CacheSemantic, Modality};
use contract::usage::{AttemptUse, Operation, Outcome, Tokens, Units};
use dialect::count::Counter;
use route::plan::Runs;
use tokio::time::Instant;

/// A question as it is compared with others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compared {
    /// All that its answer depends on but its words, and by which model they are compared.
    pub partition: TenantKey,
    pub means: Vector,
}

/// What the last question of a call means that `place` is to answer. `None`: it has none, or nobody
/// tells.
pub async fn compare(
    meter: &mut Meter,
    semantic: CacheSemantic,
    place: &DeploymentView,
) -> Option<Compared> {
    let gateway = std::sync::Arc::clone(&meter.worker().gateway);
    let tools = &gateway.tools;
    let question = LastQuestion::of(meter.permit.call.neutral().ok()?)?;
    let model_id = semantic.model_id;
    let now_ms = || tools.clock.uptime_ms();
    let (by, ticket) = asked_of(meter, model_id, now_ms())?;
    let partition = {
        let secret = CacheSecret::of(&gateway.pepper);
        wanted::partition(&secret, &meter.permit, place, &question.rest, &by)?
    };
    let began = Instant::now();
    let until = meter.deadline().min(began + tools.recall.compare_within);
    let (worker, principal) = (meter.worker(), &meter.permit.call.principal);
    let told = embed_text(worker, principal, &by, &question.text, until).await;
    let (counted, means) = match &told {
        Ok((numbers, _)) => (Count::CompareAnswered, Vector::of(numbers)),
        Err(_) if Instant::now() >= until => (Count::CompareLate, None),
        Err(_) => (Count::CompareFailed, None),
    };
    tools.telemetry.count(counted, 1);
    tools.recall.near.asked(model_id, told.is_ok(), now_ms());
    match &told {
        Ok(_) => ticket.ended_well(now_ms(), began.elapsed()),
        // That it was not told in so short a time says nothing of it.
        Err(failure) if counted == Count::CompareFailed && failure.is_of_place() => {
            ticket.ended_badly(now_ms());
        }
        Err(_) => drop(ticket),
    }
    meter.compared(used(&by, &question.text, told));
    Some(Compared { partition, means: means? })
}

/// Where to ask: some place of the model that may hear of the call and takes calls.
fn asked_of(meter: &Meter, model: ModelId, now_ms: u64) -> Option<(DeploymentView, Ticket)> {
    let (permit, tools) = (&meter.permit, &meter.worker().gateway.tools);
    let chosen = chosen_by_id(&permit.call.principal.stamp, model).ok()?;
    if chosen.model.record.modality != Modality::Embedding {
        return None;
    }
    if !tools.recall.near.may_ask(model, now_ms) {
        tools.telemetry.count(Count::CompareLeft, 1);
        return None;
    }
    let own = chosen.model.record.id;
    let mut places = chosen.model.deployments.iter().filter(|place| {
        place.is_open()
            && place.record.weight > 0
            && place.serves(Operation::Embeddings)
            && chosen.version.runs(place, own) == Runs::Asked
            && may_enter(permit, &place.record.region)
    });
    let found = places.find_map(|place| Some((place.clone(), place.pulse.enter(now_ms)?)));
    if found.is_none() {
        tools.telemetry.count(Count::CompareFailed, 1);
    }
    found
}

/// What was used of it, for the call's event; nothing where nobody was reached.
fn used(
    by: &DeploymentView,
    text: &str,
    told: Result<(Vec<f64>, Option<Tokens>), Failure>,
) -> Option<AttemptUse> {
    let (status, outcome, tokens, reported) = match told {
        Ok((_, Some(tokens))) => (200, Outcome::Ok, tokens, true),
        Ok((_, None)) => {
            let mut counter = Counter::default();
            counter.add(text);
            let input = counter.tokens(&by.record.upstream_model);
            (200, Outcome::Ok, Tokens { input, ..Tokens::default() }, false)
        }
        Err(failure) if failure.count == Count::AttemptUnreachable => return None,
        Err(failure) => (failure.answered, Outcome::UpstreamError, Tokens::default(), false),
    };
    Some(AttemptUse {
        deployment_id: by.record.id,
        provider_id: by.provider.id(),
        status,
        outcome,
        tokens,
        units: Units::default(),
        reported,
        overtaken: false,
        compared: true,
    })
}
