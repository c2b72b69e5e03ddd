//! A rule that hedges: another place is asked beside one that takes long, the first answer counts and
//! is billed, and what the other one used is the platform's to bear.

use crate::support::{Stack, World, deployment, error, provider, wait_for};
use contract::id::{DeploymentId, RouteId};
use contract::snapshot::{
    Auth, Dialect, Pick, Record, RouteBounds, RoutePolicy, RouteRecord, RouteRule,
};
use contract::usage::{Outcome, UsageEvent};
use futures::StreamExt as _;
use simulator::{Handle, Switches};
use std::time::{Duration, Instant};
use uuid::Uuid;

const HEDGE_MS: u32 = 40;

/// A gateway that asks `first` first, and the stack's own simulator beside it after [`HEDGE_MS`].
struct Two {
    stack: Stack,
    first: Handle,
    ids: [DeploymentId; 2],
}

async fn simulator(switches: &str) -> Handle {
    let handle = simulator::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
    set(&handle, switches);
    handle
}

fn set(handle: &Handle, text: &str) {
    let mut switches = Switches::default();
    switches.apply_text(text).unwrap();
    handle.set_switches(switches);
}

async fn two(first: &str, second: &str, change: impl FnOnce(&mut World)) -> Two {
    let first = simulator(first).await;
    let base_url = first.base_url();
    let stack = Stack::of(|world| {
        world.providers.push(provider(2, base_url));
        world.deployments.push(deployment(3, 1, 2, "sim-first"));
        let among = vec![world.deployments[2].id, world.deployments[0].id];
        let plain = RoutePolicy::default().rules.remove(0);
        let rule = RouteRule { among, pick: Pick::Ordered, hedge_ms: Some(HEDGE_MS), ..plain };
        let policy = RoutePolicy { rules: vec![rule], ..RoutePolicy::default() };
        let model_id = world.models[0].id;
        let id = RouteId(Uuid::from_u128(1));
        let route = RouteRecord { id, model_id, org_id: None, version: 1, policy };
        world.more.push(Record::Route(route));
        change(world);
    })
    .await;
    set(&stack.sim, second);
    let ids = [stack.world.deployments[2].id, stack.world.deployments[0].id];
    Two { stack, first, ids }
}

impl Two {
    /// Whether a call was answered whole.
    async fn call(&self, stream: bool) -> reqwest::Result<bool> {
        if stream {
            let text = self.stack.chat_stream("tokens=5").await.text().await?;
            return Ok(text.ends_with("data: [DONE]\n\n"));
        }
        Ok(self.stack.chat("tokens=5").await.status() == 200)
    }

    fn assert_answered_by_second(&self, event: &UsageEvent) {
        assert_eq!((event.outcome, event.attempts), (Outcome::Ok, 2));
        assert_eq!(event.deployment_id, Some(self.ids[1]));
        let price = self.stack.world.prices[0].rates.price(&event.used());
        assert_eq!(event.cost_nanos, price, "once");
        assert_eq!(event.tokens.output, 5);
        let made: Vec<_> = event.attempts_made.iter().map(|made| made.deployment_id).collect();
        assert_eq!(made, [self.ids[0]]);
    }
}

#[tokio::test]
async fn a_place_that_takes_long_is_overtaken_hung_up_on_and_the_call_is_billed_once() {
    for (stream, switches) in
        [(false, "hang=headers"), (true, "hang=headers"), (true, "hang=first_token")]
    {
        let two = two(switches, "", |_| {}).await;
        let begun = Instant::now();
        assert!(two.call(stream).await.unwrap(), "{switches}");
        assert!(begun.elapsed() >= Duration::from_millis(HEDGE_MS.into()));
        let event = two.stack.event().await;
        two.assert_answered_by_second(&event);
        let lost = &event.attempts_made[0];
        assert!(lost.overtaken && !lost.reported && lost.outcome == Outcome::ClientGone);
        wait_for("the slow one is hung up on", || two.first.stats().caller_gone == 1).await;
        assert_eq!((two.first.stats().calls, two.stack.sim.stats().calls), (1, 1));
        let tools = &two.stack.gateway.tools;
        assert_eq!(tools.reserve.reserved().reservations, 0);
        let metrics = gateway::admin::metrics(tools);
        for line in ["tollgate_hedges_total{result=\"made\"} 1\n", "tollgate_hedges_won_total 1\n"]
        {
            assert!(metrics.contains(line), "{line}{metrics}");
        }
    }
}

#[tokio::test]
async fn what_the_overtaken_one_told_that_it_used_is_the_platforms_cost() {
    let two = two("hang=first_token", "", |world| {
        let first = &mut world.providers[1];
        (first.dialect, first.auth) = (Dialect::Anthropic, Auth::XApiKey);
    })
    .await;
    assert!(two.call(true).await.unwrap());
    let event = two.stack.event().await;
    two.assert_answered_by_second(&event);
    let lost = &event.attempts_made[0];
    assert!(lost.overtaken && lost.reported && lost.tokens.input > 0, "{lost:?}");
}

#[tokio::test]
async fn a_place_that_answers_in_time_is_the_only_one_asked() {
    let two = two("", "", |_| {}).await;
    for stream in [false, true] {
        assert!(two.call(stream).await.unwrap());
    }
    let events = two.stack.events(2).await;
    assert!(events.iter().all(|event| event.attempts == 1 && event.attempts_made.is_empty()));
    assert_eq!((two.first.stats().calls, two.stack.sim.stats().calls), (2, 0));
}

#[tokio::test]
async fn the_first_to_answer_counts_whichever_it_is_and_the_other_one_is_hung_up_on() {
    let two = two("latency_ms=120", "hang=headers", |_| {}).await;
    assert!(two.call(false).await.unwrap());
    let event = two.stack.event().await;
    assert_eq!((event.deployment_id, event.attempts), (Some(two.ids[0]), 2));
    let lost = &event.attempts_made[0];
    assert!(lost.overtaken && lost.deployment_id == two.ids[1]);
    wait_for("the other one is hung up on", || two.stack.sim.stats().caller_gone == 1).await;
}

#[tokio::test]
async fn one_of_two_that_fails_leaves_the_other_to_answer() {
    // The first fails once the other one is asked; the other one fails while the first works.
    for (first, second, answers) in
        [("latency_ms=90 status=500", "latency_ms=150", 1), ("latency_ms=150", "status=500", 0)]
    {
        let two = two(first, second, |_| {}).await;
        assert!(two.call(false).await.unwrap(), "{first}, {second}");
        let event = two.stack.event().await;
        assert_eq!((event.deployment_id, event.attempts), (Some(two.ids[answers]), 2));
        let lost = &event.attempts_made[0];
        assert_eq!((lost.deployment_id, lost.status), (two.ids[1 - answers], 500));
        assert!(!lost.overtaken && event.attempts_made.len() == 1);
    }
}

#[tokio::test]
async fn where_both_fail_the_call_fails_once_and_a_request_at_fault_waits_for_nobody() {
    let bounds = RouteBounds { attempts_max: Some(2), ..RouteBounds::default() };
    let two_only = |world: &mut World| {
        if let Some(Record::Route(route)) = world.more.last_mut() {
            route.policy.bounds = bounds;
        }
    };
    let both = two("latency_ms=90 status=500", "latency_ms=90 status=503", two_only).await;
    assert_eq!(error(both.stack.chat("").await).await.1, "upstream.failed");
    let event = both.stack.event().await;
    assert_eq!((event.attempts, event.outcome), (2, Outcome::UpstreamError));
    assert_eq!((event.deployment_id, event.attempts_made[0].status), (Some(both.ids[1]), 500));

    let at_fault = two("latency_ms=90 status=400 error_code=bad", "hang=headers", |_| {}).await;
    assert_eq!(at_fault.stack.chat("").await.status(), 400);
    let event = at_fault.stack.event().await;
    assert_eq!((event.attempts, event.deployment_id), (2, Some(at_fault.ids[0])));
    assert!(event.attempts_made[0].overtaken);
}

#[tokio::test]
async fn second_attempts_stay_within_the_budget_of_further_ones() {
    let two = two("latency_ms=80", "latency_ms=80", |_| {}).await;
    let calls = (0..100).map(|_| two.call(false));
    let answered: Vec<_> = futures::stream::iter(calls).buffer_unordered(8).collect().await;
    assert!(answered.into_iter().all(|answered| answered.unwrap()));
    let second = two.stack.sim.stats().calls;
    // A fifth of the calls, and the ten that were saved up.
    assert!((10..=30).contains(&second), "{second} second attempts for 100 calls");
    let metrics = gateway::admin::metrics(&two.stack.gateway.tools);
    assert!(!metrics.contains("tollgate_hedges_total{result=\"denied\"} 0\n"), "{metrics}");
}
