//! Shadows as callers and owners meet them: nobody waits for a copy or pays for a platform's, what it
//! used is told once, and it never goes where the call itself may not.

use crate::support::{Stack, World, deployment, provider, wait_for};
use contract::id::{DeploymentId, RouteId};
use contract::money::Nanos;
use contract::snapshot::{OrgRecord, Record, RouteRecord};
use contract::usage::{Outcome, UsageEvent};
use gateway::worker::Bounds;
use serde_json::json;
use simulator::{Handle, Switches};
use uuid::Uuid;

/// A gateway whose calls are all copied to a simulator of their own.
struct Two {
    stack: Stack,
    shadow: Handle,
    id: DeploymentId,
}

async fn two(of_org: bool, change: impl FnOnce(&mut World)) -> Two {
    let shadow = simulator::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let base_url = shadow.base_url();
    let stack = Stack::of(|world| {
        world.providers.push(provider(2, base_url));
        world.deployments.push(deployment(3, 1, 2, "sim-shadow"));
        world.deployments[2].weight = 0;
        let (first, id) = (world.deployments[0].id, world.deployments[2].id);
        let shadow = json!({"deployment_id": id, "basis_points": 10_000});
        let rule = json!({"name": "all", "pick": "ordered", "among": [first], "shadow": shadow});
        let policy = serde_json::from_value(json!({"rules": [rule]})).unwrap();
        let (model_id, org_id) = (world.models[0].id, of_org.then_some(world.org.id));
        let id = RouteId(Uuid::from_u128(1));
        world.more.push(Record::Route(RouteRecord { id, model_id, org_id, version: 3, policy }));
        change(world);
    })
    .await;
    let id = stack.world.deployments[2].id;
    Two { stack, shadow, id }
}

impl Two {
    fn slow(&self, switches: &str) {
        let mut set = Switches::default();
        set.apply_text(switches).unwrap();
        self.shadow.set_switches(set);
    }

    /// The call's own event, and its copy's.
    async fn events(&self) -> (UsageEvent, UsageEvent) {
        let events = self.stack.events(2).await;
        let (copy, own): (Vec<_>, Vec<_>) =
            events.into_iter().partition(|one| one.shadow.is_some());
        (own.into_iter().next().unwrap(), copy.into_iter().next().unwrap())
    }
}

#[tokio::test]
async fn a_copy_is_answered_by_its_own_place_told_with_the_call_and_costs_its_caller_nothing() {
    for stream in [false, true] {
        let two = two(false, |_| {}).await;
        let text = match stream {
            true => two.stack.chat_stream("tokens=5").await.text().await.unwrap(),
            false => two.stack.chat("tokens=5").await.text().await.unwrap(),
        };
        assert!(!stream || text.ends_with("data: [DONE]\n\n"), "{text}");
        let (own, copy) = two.events().await;
        let of = copy.shadow.unwrap();
        assert_eq!((of.request_id, of.on_platform), (own.request_id, true));
        assert_ne!(copy.request_id, own.request_id);
        assert_eq!((copy.deployment_id, copy.outcome), (Some(two.id), Outcome::Ok));
        assert_eq!((copy.cost_nanos, copy.price_percent), (Nanos::ZERO, 0));
        assert_eq!((copy.tokens, copy.stream), (own.tokens, stream));
        assert!(own.cost_nanos > Nanos::ZERO);
        let way = copy.way.unwrap();
        assert_eq!((way.rule.as_str(), way.number, way.part), ("all", 3, None));
        assert_eq!(own.way.unwrap().rule, "all");
        assert_eq!((two.shadow.stats().calls, two.stack.sim.stats().calls), (1, 1));
        let tools = &two.stack.gateway.tools;
        wait_for("nothing is held", || tools.reserve.reserved().reservations == 0).await;
    }
}

#[tokio::test]
async fn a_copy_by_an_orgs_own_route_is_the_orgs_to_pay() {
    let two = two(true, |_| {}).await;
    assert_eq!(two.stack.chat("tokens=5").await.status(), 200);
    let (own, copy) = two.events().await;
    assert!(!copy.shadow.unwrap().on_platform);
    assert_eq!((copy.cost_nanos, copy.price_percent), (own.cost_nanos, 100));
}

#[tokio::test]
async fn a_shadow_that_hangs_or_fails_is_nothing_to_the_caller() {
    let two = two(false, |_| {}).await;
    two.slow("hang=headers");
    assert_eq!(two.stack.chat("tokens=5").await.status(), 200);
    assert!(two.stack.chat_stream("tokens=5").await.text().await.unwrap().ends_with("[DONE]\n\n"));
    assert_eq!(two.stack.events(2).await.iter().filter(|one| one.shadow.is_some()).count(), 0);
    let two = self::two(false, |_| {}).await;
    two.slow("status=500");
    assert_eq!(two.stack.chat("tokens=5").await.status(), 200);
    let (own, copy) = two.events().await;
    assert_eq!((own.outcome, copy.outcome), (Outcome::Ok, Outcome::UpstreamError));
    assert_eq!((own.attempts, copy.attempts), (1, 1), "it is tried once");
}

#[tokio::test]
async fn a_copy_goes_to_no_region_that_the_org_does_not_allow_nor_does_the_call() {
    let two = two(false, |world| {
        world.deployments[0].region = "eu".into();
        world.deployments[2].region = "us".into();
        world.org.allowed_regions = vec!["eu".into()];
    })
    .await;
    assert_eq!(two.stack.chat("tokens=5").await.status(), 200);
    let event = two.stack.event().await;
    let residency = event.residency.unwrap();
    assert_eq!((residency.allowed, residency.region), (vec!["eu".into()], Some("eu".into())));
    assert_eq!(two.shadow.stats().calls, 0);
    let org = OrgRecord { allowed_regions: vec!["asia".into()], ..two.stack.world.org.clone() };
    two.stack.publish(Record::Org(org)).await;
    let (status, code, _) = crate::support::error(two.stack.chat("").await).await;
    assert_eq!((status, code.as_str()), (403, "residency.none"));
}

#[tokio::test]
async fn no_more_copies_run_at_once_than_there_is_room_for_and_none_once_the_gateway_drains() {
    let two = two(false, |_| {}).await;
    two.slow("hang=headers");
    let max = Bounds::default().shadows_max;
    for _ in 0..max + 3 {
        assert_eq!(two.stack.chat("tokens=1").await.status(), 200);
    }
    let metrics = || gateway::admin::metrics(&two.stack.gateway.tools);
    assert!(metrics().contains("tollgate_shadows_total{result=\"left_out\"} 3\n"), "{}", metrics());
    two.stack.gateway.tools.start_draining();
    assert_eq!(two.stack.chat("tokens=1").await.status(), 200);
    assert!(metrics().contains("tollgate_shadows_total{result=\"left_out\"} 4\n"));
}

#[tokio::test]
async fn a_copy_that_is_cut_by_the_end_of_a_drain_is_told_all_the_same() {
    let mut two = two(false, |_| {}).await;
    two.slow("hang=headers");
    assert_eq!(two.stack.chat("tokens=1").await.status(), 200);
    wait_for("the copy is under way", || two.shadow.stats().calls == 1).await;
    two.stack.stop().await;
    let (_, copy) = two.events().await;
    assert_eq!((copy.outcome, copy.cost_nanos), (Outcome::ClientGone, Nanos::ZERO));
}
