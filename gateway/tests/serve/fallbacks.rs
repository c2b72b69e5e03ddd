//! A model that does not answer, and the others that its route lists: who answers, what it costs, and
//! when nobody is asked.

use crate::support::{MODEL, Stack, World, deployment, error, provider};
use contract::id::{ModelId, OrgId, PriceId, RouteId};
use contract::money::{Nanos, Rates};
use contract::snapshot::{
    AtLimit, Fallbacks, LimitKind, Metric, PriceRecord, Record, RouteBounds, RoutePolicy,
    RouteRecord, Window,
};
use contract::usage::Outcome;
use gateway::worker::Bounds;
use serde_json::Value;
use simulator::Switches;
use std::time::{Duration, Instant};
use uuid::Uuid;

const SECOND: &str = "house/second";
const THIRD: &str = "house/third";

const fn second() -> ModelId {
    ModelId(Uuid::from_u128(0x333))
}

const fn third() -> ModelId {
    ModelId(Uuid::from_u128(0x444))
}

fn per_call(nanos: i64) -> Rates {
    Rates { per_call: Nanos(nanos), ..Rates::FREE }
}

/// Another chat model on the provider `at`, at so much a call.
fn add(world: &mut World, (id, name): (ModelId, &str), at: u8, nanos: i64) {
    let mut model = world.models[0].clone();
    (model.id, model.name) = (id, name.to_owned());
    let n = u8::try_from(world.deployments.len() + 1).unwrap();
    let mut placed = deployment(n, 1, at, name);
    placed.model_id = id;
    world.deployments.push(placed);
    world.prices.push(PriceRecord {
        id: PriceId(id.0),
        model_id: id,
        rates: per_call(nanos),
        ..world.prices[0].clone()
    });
    world.product.model_ids.push(id);
    world.models.push(model);
}

fn route(n: u128, model: ModelId, org: Option<OrgId>, policy: RoutePolicy) -> Record {
    let id = RouteId(Uuid::from_u128(n));
    Record::Route(RouteRecord { id, model_id: model, org_id: org, version: 1, policy })
}

fn to(general: &[ModelId]) -> RoutePolicy {
    let fallbacks = Fallbacks { general: general.to_vec(), ..Fallbacks::default() };
    RoutePolicy { fallbacks, ..RoutePolicy::default() }
}

/// A gateway whose first model's only provider does as the switches say, and whose second and third
/// answer from another.
async fn stack(switches: &str, policy: RoutePolicy, change: impl FnOnce(&mut World)) -> Pair {
    let failing = simulator::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let mut set = Switches::default();
    set.apply_text(switches).unwrap();
    failing.set_switches(set);
    let base_url = failing.base_url();
    let bounds = Bounds { first_content_timeout: Duration::from_millis(400), ..Bounds::default() };
    let change = |world: &mut World| {
        world.providers.push(provider(2, base_url));
        world.deployments[0].provider_id = world.providers[1].id;
        add(world, (second(), SECOND), 1, 2);
        add(world, (third(), THIRD), 1, 3);
        world.more.push(route(1, world.models[0].id, None, policy));
        change(world);
    };
    Pair { stack: Stack::with(change, bounds).await, failing }
}

struct Pair {
    stack: Stack,
    failing: simulator::Handle,
}

fn answered_by(response: &reqwest::Response) -> Option<&str> {
    Some(response.headers().get("x-tollgate-fallback")?.to_str().unwrap())
}

#[tokio::test]
async fn a_model_that_fails_is_answered_for_by_the_next_at_that_ones_price() {
    for switches in
        ["status=500", "status=401", "reset=1", "not_json=1", "status=429 retry_after=60"]
    {
        let Pair { stack, failing } = stack(switches, to(&[second(), third()]), |_| {}).await;
        let response = stack.chat("tokens=5").await;
        assert_eq!(answered_by(&response), Some(SECOND), "{switches}");
        assert_eq!(response.status(), 200, "{switches}");
        let event = stack.event().await;
        assert_eq!((event.model_id, event.outcome), (second(), Outcome::Ok), "{switches}");
        assert_eq!((event.price_id, event.cost_nanos), (PriceId(second().0), Nanos(2)));
        assert_eq!(u64::from(event.attempts), failing.stats().calls + 1, "{switches}");
        let failed = event.attempts_made.iter();
        let first = stack.world.deployments[0].id;
        assert!(failed.clone().all(|made| made.deployment_id == first), "{switches}");
        assert_eq!(failed.count() > 0, switches != "reset=1", "{switches}");
    }
}

#[tokio::test]
async fn a_stream_falls_back_before_its_content_and_never_after() {
    for switches in ["status=529", "hang=first_token", "cut_after=0"] {
        let Pair { stack, failing: _kept } = stack(switches, to(&[second()]), |_| {}).await;
        let response = stack.chat_stream("tokens=5").await;
        assert_eq!(answered_by(&response), Some(SECOND), "{switches}");
        assert!(response.text().await.unwrap().ends_with("data: [DONE]\n\n"), "{switches}");
        assert_eq!(stack.event().await.cost_nanos, Nanos(2), "{switches}");
    }
    let Pair { stack, failing: _kept } = stack("cut_after=2", to(&[second()]), |_| {}).await;
    let response = stack.chat_stream("tokens=5").await;
    assert_eq!(answered_by(&response), None);
    let text = response.text().await.unwrap();
    assert!(text.contains("upstream.cut") && !text.contains("[DONE]"), "{text}");
    assert_eq!(stack.event().await.model_id, stack.world.models[0].id);
}

#[tokio::test]
async fn each_class_of_failure_has_its_list_and_a_request_at_fault_has_none() {
    let lists = || RoutePolicy {
        fallbacks: Fallbacks {
            general: Vec::new(),
            context: vec![second()],
            content: vec![third()],
        },
        ..RoutePolicy::default()
    };
    for (switches, by) in [
        ("status=400 error_code=context_length_exceeded", Some(SECOND)),
        ("status=400 error_code=content_policy_violation", Some(THIRD)),
        ("status=400 error_code=bad", None),
        ("status=500", None),
    ] {
        let Pair { stack, failing: _kept } = stack(switches, lists(), |_| {}).await;
        let response = stack.chat("").await;
        assert_eq!(answered_by(&response), by, "{switches}");
        assert_eq!(response.status() == 200, by.is_some(), "{switches}");
        // The same of a caller whose words are translated.
        let body = serde_json::json!({"model": MODEL, "max_tokens": 9,
            "messages": [{"role": "user", "content": "Hello"}]});
        let response = stack.post("/v1/messages").json(&body).send().await.unwrap();
        assert_eq!(answered_by(&response), by, "{switches}");
    }
}

#[tokio::test]
async fn a_model_that_the_call_may_not_run_on_is_passed_over_and_where_none_is_left_the_fault_stays()
 {
    let two = || to(&[second(), third()]);
    // Not subscribed; not priced; no room in a limit of its own.
    let changes: [fn(&mut World); 3] = [
        |world| world.product.model_ids.retain(|id| *id != second()),
        |world| world.prices.retain(|price| price.model_id != second()),
        |world| {
            world.limit(Metric::Requests, Window::Minute, 0);
            world.limits[0].model_id = Some(second());
        },
    ];
    for change in changes {
        let Pair { stack, failing: _kept } = stack("status=500", two(), change).await;
        assert_eq!(answered_by(&stack.chat("").await), Some(THIRD));
    }
    let Pair { stack, failing: _kept } = stack("status=500", two(), |world| {
        world.product.model_ids.truncate(2);
    })
    .await;
    let response = stack.chat("").await;
    assert_eq!(answered_by(&response), None);
    assert_eq!(error(response).await.1, "upstream.failed");
    assert_eq!(stack.event().await.model_id, stack.world.models[0].id);
}

#[tokio::test]
async fn models_that_name_each_other_are_tried_once_each_and_the_call_is_settled_once() {
    let Pair { stack, failing: _kept } = stack("status=500", to(&[second()]), |world| {
        let first = world.models[0].id;
        world.deployments[2].provider_id = world.providers[1].id;
        world.more.push(route(2, second(), None, to(&[first, third()])));
    })
    .await;
    let response = stack.chat("").await;
    assert_eq!(error(response).await.1, "upstream.failed", "the asked model's route counts");
    let event = stack.event().await;
    assert_eq!((event.model_id, event.attempts), (second(), 6));
    assert_eq!((event.outcome, event.cost_nanos), (Outcome::UpstreamError, Nanos::ZERO));
}

#[tokio::test]
async fn what_was_held_for_the_first_model_goes_back_and_the_other_ones_limits_count() {
    let Pair { stack, failing: _kept } = stack("status=500", to(&[second()]), |world| {
        world.limit(Metric::Requests, Window::Lifetime, 100);
        world.limits[0].model_id = Some(world.models[0].id);
        world.limit(Metric::Money, Window::Lifetime, 5);
        world.limits[1].model_id = Some(second());
        (world.limits[1].kind, world.limits[1].at_limit) = (LimitKind::Budget, AtLimit::Deny);
    })
    .await;
    // Two fit into five; the third has no room there.
    for fits in [true, true, false] {
        let response = stack.chat("").await;
        assert_eq!(answered_by(&response).is_some(), fits);
        assert_eq!(response.status(), if fits { 200 } else { 502 });
    }
    let events = stack.events(3).await;
    let (first, second) = (stack.world.limits[0].id, stack.world.limits[1].id);
    for event in &events[..2] {
        let touched: Vec<_> = event.limits.iter().map(|one| (one.limit_id, one.used)).collect();
        assert_eq!(touched, [(second, 2)]);
    }
    let touched: Vec<_> = events[2].limits.iter().map(|one| (one.limit_id, one.used)).collect();
    assert_eq!(touched.len(), 1);
    assert_eq!(touched[0].0, first);
    let tools = &stack.gateway.tools;
    assert_eq!(tools.reserve.reserved().reservations, 0);
    assert_eq!(tools.settle.depth().intents, 0);
}

#[tokio::test]
async fn an_orgs_own_route_counts_before_everybodys_and_a_changed_one_from_the_next_call() {
    let Pair { stack, failing: _kept } = stack("status=500", to(&[second()]), |world| {
        let own = route(2, world.models[0].id, Some(world.org.id), to(&[third()]));
        let other = OrgId(Uuid::from_u128(9));
        world.more.push(own);
        world.more.push(route(3, world.models[0].id, Some(other), to(&[])));
    })
    .await;
    assert_eq!(answered_by(&stack.chat("").await), Some(THIRD));
    let own = route(2, stack.world.models[0].id, Some(stack.world.org.id), to(&[]));
    stack.publish(own).await;
    assert_eq!(answered_by(&stack.chat("").await), None);
}

#[tokio::test]
async fn a_model_without_any_place_is_answered_for_too() {
    let Pair { stack, failing } = stack("", to(&[second()]), |world| {
        world.deployments[0].disabled = true;
    })
    .await;
    let response = stack.chat("").await;
    assert_eq!((response.status().as_u16(), answered_by(&response)), (200, Some(SECOND)));
    let event = stack.event().await;
    assert_eq!((event.model_id, event.attempts), (second(), 1));
    assert_eq!(failing.stats().calls, 0);
}

#[tokio::test]
async fn no_other_model_takes_a_call_out_of_its_regions() {
    let policy = RoutePolicy { regions: vec!["eu".into()], ..to(&[second(), third()]) };
    let Pair { stack, failing: _kept } = stack("status=500", policy, |world| {
        let regions = [(0, "eu"), (2, "us"), (3, "eu")];
        regions.iter().for_each(|(nth, region)| world.deployments[*nth].region = (*region).into());
    })
    .await;
    let response = stack.chat("").await;
    assert_eq!(answered_by(&response), Some(THIRD));
    let told = response.headers().get("x-tollgate-route");
    assert!(told.is_none(), "the model that answers has no route: {told:?}");
    // Nor where none of its own places is left at all.
    let mut closed = stack.world.deployments[0].clone();
    closed.disabled = true;
    stack.publish(Record::Deployment(closed)).await;
    assert_eq!(answered_by(&stack.chat("").await), Some(THIRD));
}

#[tokio::test]
async fn a_budget_sends_no_call_out_of_its_regions_either() {
    for (region, status) in [("us", 402), ("eu", 200)] {
        let policy = RoutePolicy { regions: vec!["eu".into()], ..RoutePolicy::default() };
        let Pair { stack, failing: _kept } = stack("", policy, |world| {
            world.deployments[0].region = "eu".into();
            world.deployments[2].region = region.into();
            world.limit(Metric::Money, Window::Month, 0);
            world.limits[0].kind = LimitKind::Budget;
            world.limits[0].at_limit = AtLimit::Downgrade { model_id: second() };
        })
        .await;
        assert_eq!(stack.chat("").await.status(), status, "{region}");
    }
}

#[tokio::test]
async fn a_routes_bounds_count_instead_of_the_gateways() {
    let bounds = |bounds| RoutePolicy { bounds, ..RoutePolicy::default() };
    let once = RouteBounds { attempts_max: Some(1), ..RouteBounds::default() };
    let Pair { stack: one, failing } = stack("status=500", bounds(once), |_| {}).await;
    assert_eq!(one.chat("").await.status(), 502);
    assert_eq!(failing.stats().calls, 1);
    let soon = RouteBounds { deadline_ms: Some(300), ..RouteBounds::default() };
    let Pair { stack: soon, failing: _kept } = stack("hang=headers", bounds(soon), |_| {}).await;
    let begun = Instant::now();
    let body: Value = soon.chat("").await.json().await.unwrap();
    assert_eq!(body["error"]["code"], "upstream.timeout");
    assert!(begun.elapsed() < Duration::from_secs(5));
    let first = RouteBounds {
        first_content_ms: Some(100),
        attempts_max: Some(1),
        ..RouteBounds::default()
    };
    let Pair { stack: first, failing: _kept } =
        stack("hang=first_token", bounds(first), |_| {}).await;
    assert_eq!(error(first.chat_stream("").await).await.1, "upstream.timeout");
}
