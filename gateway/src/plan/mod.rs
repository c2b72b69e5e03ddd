//! The fifth room: in which order places are tried. Which rule of a route counts, what may answer
//! at all and who comes first is decided by the crate `route`; here a call is put before it. Pure:
//! a function of the snapshot, of how places do, and of a source of chance.

mod facts;
mod residency;
mod way;

pub use facts::CallFacts;
pub use residency::{may_enter, residency};
pub use way::Way;

use crate::chance::Chance;
use crate::fault::Fault;
use crate::permit::Permit;
use crate::snapshot::{DeploymentView, ModelView, RouteView};
use contract::error::ErrorCode;
use contract::id::ModelId;
use contract::snapshot::{Pick, RoutePolicy, Skip};
use route::plan::{Candidate, Features, Nowhere, Runs, Seen};
use route::policy::Policy;
use std::borrow::Cow;
use std::sync::LazyLock;
use std::time::Duration;

/// What holds where there is no route.
static BY_WEIGHT: LazyLock<Policy> =
    LazyLock::new(|| Policy::unruled(&RoutePolicy::default(), None));

/// More places than any call tries.
const PLACES_MAX: usize = 16;

/// Deployments in the order of trying, never empty.
#[derive(Debug)]
pub struct Plan {
    first: DeploymentView,
    rest: Vec<DeploymentView>,
    pub way: Option<Way>,
    /// After how long without content another place is asked beside the first.
    pub hedge: Option<Duration>,
}

impl Plan {
    /// To one place, whatever becomes of the call there.
    #[must_use]
    pub const fn of(first: DeploymentView) -> Self {
        Self { first, rest: Vec::new(), way: None, hedge: None }
    }

    /// How many deployments there are to try.
    #[must_use]
    pub fn places(&self) -> usize {
        self.rest.len() + 1
    }

    /// The deployment of the `nth` attempt, from 0; after the last the first is due again.
    #[must_use]
    pub fn attempt(&self, nth: usize) -> &DeploymentView {
        match nth % self.places() {
            0 => &self.first,
            place => self.rest.get(place - 1).unwrap_or(&self.first),
        }
    }
}

/// Orders the places that may answer a call, by the route of its model, or by weight where there is
/// none; `seen` says how a place does at the moment. A call in a provider's own words goes to that
/// provider, whatever rules say, but to no other region.
///
/// # Errors
/// `upstream.none`, `residency.none`: nobody may answer it.
pub fn plan(
    permit: &Permit,
    seen: impl Fn(&DeploymentView) -> Seen,
    chance: &Chance,
) -> Result<Plan, Fault> {
    let (call, model) = (&permit.call, &permit.model);
    let snapshot = &call.principal.stamp.snapshot;
    let route = snapshot.route(model.record.id, call.principal.key.org_id);
    let policy: Cow<'_, Policy> = match route {
        Some(route) if call.native.is_none() => Cow::Borrowed(&route.policy),
        Some(route) => Cow::Owned(Policy::unruled(&route.record.policy, Some(model.record.id))),
        None => Cow::Borrowed(&BY_WEIGHT),
    };
    let within = residency::beside(permit);
    let others = route.map_or(&[][..], |route| &route.others);
    if let Some(only) = only(permit, route, &within) {
        return Ok(Plan::of(only.clone()));
    }
    let places: Vec<&DeploymentView> = model.deployments.iter().chain(others).collect();
    let is_costed = policy.source.rules.iter().any(|rule| rule.pick == Pick::Cheapest);
    let mut known = None;
    let mut cost = |of: ModelId| match known {
        Some((model, cost)) if model == of => cost,
        _ => {
            let cost = cost(permit, of);
            known = Some((of, cost));
            cost
        }
    };
    let candidates: Vec<Candidate<'_>> = places
        .iter()
        .map(|place| Candidate {
            id: place.record.id,
            model_id: place.record.model_id,
            region: &place.record.region,
            weight: place.record.weight,
            is_open: place.is_open(),
            is_within: within.iter().all(|one| one.contains(&place.record.region)),
            serves: call.may_go_to(place),
            runs: permit.version.runs(place, model.record.id),
            context_tokens_max: place.context_tokens_max,
            lacks: place.lacks,
            cost_nanos: if is_costed { cost(place.record.model_id) } else { 0 },
        })
        .collect();
    let facts = CallFacts::of(permit);
    let needs = facts.needs(places.iter().any(|place| place.lacks != Features::NONE));
    let next = || chance.next();
    let seen = |at: usize| places.get(at).map_or(Seen::WELL, |place| seen(place));
    let planned = route::plan::plan(&policy, &facts, needs, &candidates, &seen, next, &mut ());
    let planned = planned.map_err(|nowhere| none(permit, &candidates, nowhere))?;
    let order = planned.order.iter().take(PLACES_MAX);
    let mut order = order.filter_map(|at| places.get(*at).copied()).cloned();
    let first = order.next().ok_or_else(|| closed(model))?;
    let way = route.map(|route| {
        let shadow = planned.shadow.and_then(|at| places.get(at).copied().cloned());
        let rule = call.native.is_none().then_some(planned.rule);
        Way::new(route, rule, planned.part, shadow)
    });
    let hedge = policy.source.rules.get(planned.rule).and_then(|rule| rule.hedge_ms);
    let hedge = hedge.map(|wait| Duration::from_millis(wait.into()));
    Ok(Plan { first, rest: order.collect(), way, hedge })
}

/// The most that the call is expected to cost on a model, in nano-dollars.
fn cost(permit: &Permit, model: ModelId) -> i64 {
    let snapshot = &permit.call.principal.stamp.snapshot;
    let price = snapshot.price(model, permit.plan.id, permit.at());
    let (input, output) = (permit.bound.input, permit.bound.output_held);
    price.map_or(i64::MAX, |price| price.rates.price_max(input, output, &permit.call.units).0)
}

/// The one place that there is, where nothing is to be decided: no route, no regions, and nothing
/// that could leave it out. How well it is does not matter, nor how long the call seems: the last
/// place is always tried.
fn only<'a>(
    permit: &'a Permit,
    route: Option<&RouteView>,
    within: &[&[String]],
) -> Option<&'a DeploymentView> {
    let [only] = permit.model.deployments.as_slice() else { return None };
    let is_free = route.is_none() && within.is_empty() && only.lacks == Features::NONE;
    let takes = only.record.weight > 0 && only.is_open() && permit.call.may_go_to(only);
    let runs = || permit.version.runs(only, permit.model.record.id) == Runs::Asked;
    (is_free && takes && runs()).then_some(only)
}

/// Some deployment that can be asked about a model, which costs nothing and has no route.
///
/// # Errors
/// `upstream.none`.
pub fn anyone(
    model: &ModelView,
    takes: impl Fn(&DeploymentView) -> bool,
) -> Result<&DeploymentView, Fault> {
    let mut open = model.deployments.iter().filter(|one| one.record.weight > 0 && one.is_open());
    let found = open.find(|one| takes(one));
    found.ok_or_else(|| match model.deployments.iter().any(takes) {
        true => closed(model),
        false => unserved(model),
    })
}

/// Why nobody may answer.
fn none(permit: &Permit, candidates: &[Candidate<'_>], nowhere: Nowhere) -> Fault {
    let model = &*permit.model;
    let name = &model.record.name;
    match nowhere {
        Nowhere::Left(Skip::Region) => {
            Fault::client(ErrorCode::ResidencyNone, residency::refused(permit))
        }
        Nowhere::Left(Skip::Feature) => {
            let detail = format!(
                "No deployment of `{name}` has everything that the call asks for: tools, pictures, \
                 sound, a schema or reasoning."
            );
            Fault::us(ErrorCode::UpstreamNone, detail).useless_to_retry()
        }
        Nowhere::Left(Skip::Operation) if !candidates.iter().any(|one| one.serves) => {
            unserved(model)
        }
        Nowhere::Left(_) | Nowhere::NoRule | Nowhere::NoPlace => closed(model),
    }
}

fn closed(model: &ModelView) -> Fault {
    let detail = format!("No deployment of `{}` takes calls at the moment.", model.record.name);
    Fault::us(ErrorCode::UpstreamNone, detail)
}

fn unserved(model: &ModelView) -> Fault {
    let detail = format!(
        "No provider of `{}` serves this kind of call. The operator has to deploy the model with one \
         that does.",
        model.record.name
    );
    Fault::us(ErrorCode::UpstreamNone, detail).useless_to_retry()
}
