//! Where a call would go, and why: the planning that gateways do, of a call that somebody describes.
//! Nothing is sent. How deployments do at the moment is what the gateways last said.

use super::{known, meaning, store};
use crate::db::{SystemTx, Tx as _};
use crate::honesty::deployments::millis;
use crate::honesty::{self, Told};
use crate::http::{Answer, ApiError, Ctx, Json, Result};
use crate::{models, orgs};
use chrono::Timelike as _;
use contract::api::routes::{ExplainRoute, PlaceHealth, PlaceSeen, RouteExplained, RuleSeen};
use contract::error::{ErrorCode, FieldError};
use contract::id::{DeploymentId, ModelId, OrgId, RouteId};
use contract::money::{Rates, Usd};
use contract::role::Action;
use contract::snapshot::{Feature, Lifecycle, RoutePolicy};
use contract::usage::{Tokens, Used};
use route::explain::{Described, Explained, explain};
use route::plan::{Candidate, Features, Nowhere, Seen};
use route::policy::Policy;
use std::collections::HashMap;

/// Says where a call would go by the route that counts, or by a draft: the rule, the places in the
/// order in which they would be tried, and why the others are not.
#[utoipa::path(post, path = "/v1/routes/explain", tag = "routes",
    request_body = ExplainRoute, responses((status = 200, body = RouteExplained)))]
pub async fn explain_route(
    ctx: Ctx,
    Json(asked): Json<ExplainRoute>,
) -> Result<Answer<RouteExplained>> {
    let org = whose(&ctx, asked.org.as_deref()).await?;
    let beats = honesty::beats(ctx.app()).await;
    let mut tx = ctx.system_tx("explain a route").await?;
    let told = beats.map(|beats| Told::by(&beats, tx.now()));
    let is_operator = ctx.person().is_operator;
    Ok(Answer::ok(tell(&mut tx, org, &asked, told.as_ref(), is_operator).await?))
}

/// The org that is meant, where the person may see its routes.
async fn whose(ctx: &Ctx, named: Option<&str>) -> Result<Option<(OrgId, String)>> {
    let Some(named) = named else {
        if ctx.person().is_operator {
            return Ok(None);
        }
        let detail = "Say whose call it is: the organisation's slug or id.";
        return Err(ApiError::invalid(vec![FieldError::new("/org", detail)]));
    };
    if !ctx.person().is_operator {
        let mut tx = ctx.person_tx().await?;
        let found = orgs::store::find_membership(&mut tx, named).await?;
        let (_, role) = found.ok_or_else(ApiError::not_found)?;
        if !role.may(Action::ViewRoutes) {
            let detail = format!("Your role here is {}, which may not do this.", role.as_str());
            return Err(ApiError::new(ErrorCode::RoleForbidden, detail));
        }
    }
    let mut tx = ctx.system_tx("find the org of a call").await?;
    orgs::store::find_named(&mut tx, named).await?.map(Some).ok_or_else(ApiError::not_found)
}

async fn tell(
    tx: &mut SystemTx,
    org: Option<(OrgId, String)>,
    asked: &ExplainRoute,
    gateways: Option<&Told>,
    is_operator: bool,
) -> Result<RouteExplained> {
    let org_id = org.as_ref().map(|(id, _)| *id);
    let org_slug = org.map(|(_, slug)| slug).unwrap_or_default();
    let named = meaning::of(tx, asked).await?;
    let model = living(tx, org_id, named.model).await?;
    if asked.call.hour.is_some_and(|hour| hour > 23) {
        return Err(ApiError::invalid(vec![FieldError::new("/call/hour", "Use 0 to 23.")]));
    }
    let (decided, policy) = decided(tx, org_id, model.id, asked.policy.as_ref()).await?;
    let mut ids: Vec<_> = policy.deployments().map(|id| id.0).collect();
    ids.sort_unstable();
    let places = store::places_seen(tx, model.id, &ids).await?;
    let mut priced: Vec<_> = places.iter().map(|place| place.model_id.0).collect();
    priced.sort_unstable();
    priced.dedup();
    let rates = models::store::list_rates_in_force(tx, &priced).await?;
    let call = &asked.call;
    let used = Used::from(Tokens {
        input: call.input_tokens.into(),
        output: call.output_tokens_max.into(),
        ..Tokens::NONE
    });
    let cost = |place: &store::PlaceSeenRow| {
        rates.get(&place.model_id).map(|rates: &Rates| rates.price(&used))
    };
    let operation =
        if call.operation.is_empty() { model.modality.as_str() } else { &call.operation };
    let described = Described {
        call,
        org: &org_slug,
        model: &asked.model,
        operation,
        hour: u8::try_from(tx.now().hour()).unwrap_or(0),
    };
    let within = within(tx, org_id, &named).await?;
    let lacks: Vec<Vec<Feature>> = places
        .iter()
        .map(|place| place.lacks.iter().filter_map(|text| Feature::parse(text)).collect())
        .collect();
    let candidates: Vec<_> = places
        .iter()
        .zip(&lacks)
        .map(|(place, lacks)| Candidate {
            id: place.id,
            model_id: place.model_id,
            region: &place.region,
            weight: place.weight,
            is_open: place.is_open,
            is_within: within.iter().all(|regions| regions.contains(&place.region)),
            serves: true,
            runs: named.runs(place),
            context_tokens_max: place.context_tokens_max,
            lacks: Features::of(lacks),
            cost_nanos: cost(place).map_or(0, |cost| cost.0),
        })
        .collect();
    let seen = |at: usize| match (gateways, places.get(at)) {
        (Some(gateways), Some(place)) => gateways.seen(place.id, call.stream),
        _ => Seen::WELL,
    };
    let told = explain(&policy, &described, &candidates, &seen);
    let beside: Vec<_> = places
        .iter()
        .map(|place| Beside {
            cost: cost(place).map(Usd),
            health: gateways.and_then(|all| health(all, place.id, call.stream, is_operator)),
        })
        .collect();
    let explained = shown(&policy, decided, &described, &told, &places, &beside);
    Ok(RouteExplained {
        model_name: model.name.clone(),
        model_version: named.version,
        brown_out: named.brown_out,
        is_browned_out: named.is_browned_out,
        gateways: gateways.map(|all| all.gateways),
        ..explained
    })
}

/// The model, as its calls may go there.
async fn living(tx: &mut SystemTx, org: Option<OrgId>, id: ModelId) -> Result<store::ModelRow> {
    let mut models = store::models(tx, org).await?.into_iter();
    let living = models.find(|model| model.id == id && model.state != Lifecycle::Retired);
    living.ok_or_else(|| {
        ApiError::invalid(vec![FieldError::new("/model", "There is no such model.")])
    })
}

/// What is said of regions beside the route that decides: by the org, and by the route of the model
/// that the name is of, where it leads to another.
async fn within(
    tx: &mut SystemTx,
    org: Option<OrgId>,
    named: &meaning::Meaning,
) -> Result<Vec<Vec<String>>> {
    let mut within = Vec::new();
    if let Some(org) = org {
        within.push(orgs::store::allowed_regions(tx, org).await?);
    }
    if named.first != named.model
        && let Some((_, _, policy)) = store::find_active(tx, org, named.first).await?
    {
        within.push(policy.regions);
    }
    within.retain(|regions| !regions.is_empty());
    Ok(within)
}

/// What is told of a place beside the plan.
struct Beside {
    cost: Option<Usd>,
    health: Option<PlaceHealth>,
}

/// How busy a place is with everybody's calls is for operators only.
fn health(told: &Told, id: DeploymentId, stream: bool, is_operator: bool) -> Option<PlaceHealth> {
    let found = told.by_id.get(&id)?;
    Some(PlaceHealth {
        breaker: found.breaker,
        share_percent: found.share_percent,
        latency_ms: millis(found.latency_us(stream)),
        in_flight: is_operator.then_some(found.in_flight),
    })
}

/// What decides: a draft that could be saved, else what counts, else nothing but weights.
async fn decided(
    tx: &mut SystemTx,
    org: Option<OrgId>,
    model: ModelId,
    draft: Option<&RoutePolicy>,
) -> Result<(Option<(RouteId, u32)>, Policy)> {
    let (decided, source) = if let Some(draft) = draft {
        let known = known::known(tx, org, model).await?.ok_or_else(ApiError::not_found)?;
        known::refuse(draft, &known)?;
        (None, draft.clone())
    } else {
        match store::find_active(tx, org, model).await? {
            Some((id, number, policy)) => (Some((id, number)), policy),
            None => (None, RoutePolicy::default()),
        }
    };
    let policy = Policy::compile(source, Some(model)).map_err(ApiError::internal)?;
    Ok((decided, policy))
}

fn shown(
    policy: &Policy,
    decided: Option<(RouteId, u32)>,
    call: &Described<'_>,
    told: &Explained,
    places: &[store::PlaceSeenRow],
    beside: &[Beside],
) -> RouteExplained {
    let matched = policy.rule(call).map(|(nth, _)| nth);
    let rules = policy.source.rules.iter().enumerate();
    let rules = rules.take_while(|(nth, _)| matched.is_none_or(|matched| *nth <= matched));
    let rules = rules.map(|(nth, rule)| RuleSeen {
        name: rule.name.clone(),
        when: rule.when.clone(),
        matched: matched == Some(nth),
    });
    let planned = told.planned.as_ref().ok();
    let part = planned.and_then(|planned| {
        let split = policy.source.rules.get(planned.rule)?.split.as_ref()?;
        Some(split.parts.get(planned.part?)?.name.clone())
    });
    let rank: HashMap<usize, usize> = planned
        .iter()
        .flat_map(|planned| planned.order.iter().enumerate())
        .map(|(rank, at)| (*at, rank))
        .collect();
    let mut order: Vec<usize> = (0..places.len()).collect();
    order.sort_by_key(|at| {
        (rank.get(at).copied().unwrap_or(usize::MAX), told.skipped.get(*at).copied().flatten())
    });
    let places = order.into_iter().filter_map(|at| {
        let place = places.get(at)?;
        Some(PlaceSeen {
            deployment_id: place.id,
            model_name: place.model_name.clone(),
            region: place.region.clone(),
            model_version: place.version.clone(),
            weight: place.weight,
            first_of_1000: told.firsts.get(at).copied().unwrap_or(0),
            cost_usd: beside.get(at).and_then(|one| one.cost),
            skipped: told.skipped.get(at).copied().flatten(),
            health: beside.get(at).and_then(|one| one.health.clone()),
        })
    });
    RouteExplained {
        model_name: String::new(),
        model_version: None,
        brown_out: None,
        is_browned_out: None,
        route_id: decided.map(|(id, _)| id),
        number: decided.map(|(_, number)| number),
        rules: rules.collect(),
        part,
        complexity: u8::try_from(call.complexity()).unwrap_or(100),
        places: places.collect(),
        gateways: None,
        refused: told.planned.as_ref().err().map(Nowhere::to_string),
    }
}
