//! One of two deployments fails, in each way that providers fail: the caller does not notice, the
//! failing one is soon left alone, and it is back soon after it is well again.
//!
//! `TOLLGATE_CHAOS=long` makes a thousand calls where the suite makes sixty.

use crate::support::{EMBED, MODEL, PROBE_EVERY_MS, Stack, World, deployment, provider, wait_for};
use contract::channel::{self, BreakerState, GatewayBeat};
use contract::usage::Outcome;
use futures::StreamExt as _;
use gateway::health::Pulse;
use gateway::worker::Bounds;
use redis::Commands as _;
use route::breaker::Phase;
use serde_json::Value;
use simulator::Switches;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How the failing one fails.
#[derive(Debug, Clone, Copy)]
enum Way {
    /// Nobody listens.
    Refuses,
    /// As the simulator's switches say, of plain calls and of streams.
    Does(&'static str, &'static str),
}

/// What its callers see of it before it is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Seen {
    Nothing,
    /// Streams that end with an error, for their content had begun.
    BrokenStreams,
}

fn calls() -> usize {
    if std::env::var("TOLLGATE_CHAOS").is_ok_and(|how| how == "long") { 1_000 } else { 60 }
}

/// A gateway with two deployments of the model, the second of which is about to fail.
struct Pair {
    stack: Stack,
    second: Option<simulator::Handle>,
    address: SocketAddr,
}

impl Pair {
    async fn start() -> Self {
        let second = simulator::start("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let (address, base_url) = (second.addr, second.base_url());
        let bounds = Bounds {
            answer_timeout: Duration::from_millis(400),
            first_content_timeout: Duration::from_millis(400),
            ..Bounds::default()
        };
        let add = |world: &mut World| {
            world.providers.push(provider(2, base_url));
            world.deployments.push(deployment(3, 1, 2, "sim-chat"));
        };
        Self { stack: Stack::with(add, bounds).await, second: Some(second), address }
    }

    async fn break_down(&mut self, way: Way, stream: bool) {
        match (way, &self.second) {
            (Way::Refuses, _) => self.second.take().unwrap().stop().await,
            (Way::Does(plain, streamed), Some(second)) => {
                let mut switches = Switches::default();
                switches.apply_text(if stream { streamed } else { plain }).unwrap();
                second.set_switches(switches);
            }
            (Way::Does(..), None) => panic!("it was stopped"),
        }
    }

    async fn heal(&mut self) {
        match &self.second {
            Some(second) => second.set_switches(Switches::default()),
            None => self.second = Some(simulator::start(self.address).await.unwrap()),
        }
    }

    /// How the failing one is.
    fn pulse(&self) -> Arc<Pulse> {
        let snapshot = self.stack.gateway.tools.snapshot.load();
        let model = snapshot.model(MODEL).unwrap();
        let id = self.stack.world.deployments[2].id;
        let one = model.deployments.iter().find(|one| one.record.id == id).unwrap();
        Arc::clone(&one.pulse)
    }

    /// Whether a call was answered whole; a stream that was not ends with an error, never cleanly.
    async fn call(&self, stream: bool) -> bool {
        if !stream {
            let response = self.stack.chat("tokens=5").await;
            assert_eq!(response.status(), 200);
            let body: Value = response.json().await.unwrap();
            return body["usage"]["completion_tokens"] == 5;
        }
        let response = self.stack.chat_stream("tokens=5").await;
        assert_eq!(response.status(), 200);
        let text = response.text().await.unwrap();
        let events: Vec<&str> = text.split_terminator("\n\n").collect();
        let last = events.last().unwrap().strip_prefix("data: ").unwrap();
        let done = events.iter().filter(|event| event.contains("[DONE]")).count();
        let last: Value = serde_json::from_str(last).unwrap_or_default();
        let broken = last["error"]["code"].is_string();
        assert_eq!(done, usize::from(!broken), "an end mark or an error: {text}");
        !broken
    }
}

/// What a call takes at most where much else runs.
const PROBED_WITHIN: Duration = Duration::from_millis(250);

/// The whole bar, of plain calls and of streams.
async fn survive(way: Way, seen: Seen) {
    for stream in [false, true] {
        let mut pair = Pair::start().await;
        pair.break_down(way, stream).await;
        let pulse = pair.pulse();
        let (mut broken, mut failed_until_open) = (0, None);
        for _ in 0..calls() {
            broken += u64::from(!pair.call(stream).await);
            if failed_until_open.is_none() && pulse.opened() > 0 {
                failed_until_open = Some(pulse.failed());
            }
        }
        let opened_after = failed_until_open.expect("it is taken out");
        assert!(opened_after <= 10, "stream {stream}: after {opened_after} failures");
        let allowed = if stream && seen == Seen::BrokenStreams { pulse.failed() } else { 0 };
        assert_eq!(broken, allowed, "stream {stream}");

        pair.heal().await;
        let healed = Instant::now();
        // One interval until it is probed, and what the probe itself takes.
        let most = Duration::from_millis(PROBE_EVERY_MS) + PROBED_WITHIN;
        let failed = pulse.failed();
        while !matches!(pulse.phase(), Phase::Recovering { .. } | Phase::Closed) {
            assert!(healed.elapsed() < most, "stream {stream}: not back after {most:?}");
            pair.call(stream).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for _ in 0..20 {
            assert!(pair.call(stream).await);
        }
        assert_eq!(pulse.failed(), failed, "the first probe found it well, and it stays so");
    }
}

macro_rules! ways {
    ($($name:ident: $way:expr, $seen:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            survive($way, $seen).await;
        }
    )*};
}

ways! {
    one_that_refuses_connections_is_noticed_by_nobody:
        Way::Refuses, Seen::Nothing;
    one_that_resets_connections_is_noticed_by_nobody:
        Way::Does("reset=1", "reset=1"), Seen::Nothing;
    one_that_hangs_before_its_headers_is_noticed_by_nobody:
        Way::Does("hang=headers", "hang=headers"), Seen::Nothing;
    one_that_hangs_before_its_first_token_is_noticed_by_nobody:
        Way::Does("hang=first_token", "hang=first_token"), Seen::Nothing;
    one_that_limits_its_rate_is_noticed_by_nobody:
        Way::Does("status=429 retry_after=1", "status=429"), Seen::Nothing;
    one_that_fails_with_a_500_is_noticed_by_nobody:
        Way::Does("status=500", "status=500"), Seen::Nothing;
    one_that_is_overloaded_is_noticed_by_nobody:
        Way::Does("status=529", "status=529"), Seen::Nothing;
    one_that_cuts_answers_is_soon_left_alone_and_no_cut_stream_ends_cleanly:
        Way::Does("cut_after=1", "cut_after=2"), Seen::BrokenStreams;
    one_that_sends_what_nobody_can_read_is_noticed_by_nobody:
        Way::Does("not_json=1", "malformed=1"), Seen::Nothing;
    one_that_drips_is_noticed_by_nobody:
        Way::Does("drip=1 drip_ms=20", "drip=1 drip_ms=20"), Seen::Nothing;
}

#[tokio::test]
async fn while_a_whole_pool_fails_a_fifth_more_attempts_are_made_and_other_models_answer() {
    let pair = Pair::start().await;
    let call = || async {
        let response = pair.stack.chat("status=503").await;
        assert_eq!(response.status(), 502);
    };
    futures::stream::iter((0..1_000).map(|_| call())).buffer_unordered(16).collect::<()>().await;
    let made = pair.stack.sim.stats().calls + pair.second.as_ref().unwrap().stats().calls;
    assert!((1_050..=1_200).contains(&made), "{made} attempts for 1000 calls");

    let embed = serde_json::json!({"model": EMBED, "input": "other"});
    for _ in 0..20 {
        let answer = pair.stack.post("/v1/embeddings").json(&embed).send().await.unwrap();
        assert_eq!(answer.status(), 200);
    }
    let events = pair.stack.events(1_020).await;
    assert!(events.iter().skip(1_000).all(|event| event.attempts == 1));
    // It is over: calls find a place although all were taken out.
    assert!(pair.call(false).await);
}

#[tokio::test]
async fn a_pool_that_breaks_connections_is_not_asked_twice_because_others_left_it_idle_ones() {
    let stack = Stack::start().await;
    // Another model of the same server, whose calls keep connections to it open.
    let embed = serde_json::json!({"model": EMBED, "input": "other"});
    let others = (0..1_000).map(|_| stack.post("/v1/embeddings").json(&embed).send());
    let others = futures::stream::iter(others).buffer_unordered(4);
    let failing = (0..1_000).map(|_| stack.chat("reset=1"));
    let failing = futures::stream::iter(failing).buffer_unordered(8);
    let (others, failing) = tokio::join!(
        others.map(|answer| answer.unwrap().status()).collect::<Vec<_>>(),
        failing.map(|answer| answer.status()).collect::<Vec<_>>(),
    );
    assert!(others.iter().all(|status| *status == 200) && failing.iter().all(|one| *one == 502));
    let made = stack.sim.stats().calls - 1_000;
    assert!((1_050..=1_200).contains(&made), "{made} attempts for 1000 calls");
}

#[tokio::test]
async fn the_only_place_of_a_model_is_never_taken_from_it() {
    let stack = Stack::start().await;
    for _ in 0..12 {
        assert_eq!(stack.chat("status=500").await.status(), 502);
    }
    let snapshot = stack.gateway.tools.snapshot.load();
    let pulse = &snapshot.model(MODEL).unwrap().deployments[0].pulse;
    assert!(pulse.opened() == 1 && pulse.phase() != Phase::Closed, "{:?}", pulse.phase());
    assert_eq!(stack.chat("tokens=3").await.status(), 200);
    assert_eq!(stack.events(13).await[12].outcome, Outcome::Ok);
}

#[tokio::test]
async fn what_a_caller_does_wrong_takes_no_place_out() {
    let pair = Pair::start().await;
    for _ in 0..40 {
        assert_eq!(pair.stack.chat("status=400 error_code=bad").await.status(), 400);
    }
    assert_eq!((pair.pulse().failed(), pair.pulse().phase()), (0, Phase::Closed));
}

#[tokio::test]
async fn how_a_deployment_is_outlives_changes_of_the_configuration_and_is_told_to_operators() {
    let mut pair = Pair::start().await;
    pair.break_down(Way::Does("status=500", ""), false).await;
    while pair.pulse().opened() == 0 {
        assert!(pair.call(false).await);
    }
    let mut model = pair.stack.world.models[0].clone();
    model.output_tokens_max = 100;
    pair.stack.publish(contract::snapshot::Record::Model(model)).await;
    assert_eq!(pair.pulse().opened(), 1);
    let text = gateway::admin::metrics(&pair.stack.gateway.tools);
    let id = pair.stack.world.deployments[2].id;
    let labels = format!("{{model=\"house/chat\",provider=\"provider-2\",deployment=\"{id}\"");
    for line in [
        format!("tollgate_deployment_breaker{labels}}} 1\n"),
        format!("tollgate_deployment_share_percent{labels}}} 0\n"),
        format!("tollgate_deployment_breaker_opened_total{labels}}} 1\n"),
        format!("tollgate_deployment_calls_total{labels},result=\"failed\"}} 5\n"),
    ] {
        assert!(text.contains(&line), "{line}{text}");
    }
    assert!(text.contains("tollgate_upstream_retries_total{result=\"made\"} 5\n"), "{text}");
}

#[tokio::test]
async fn beats_tell_which_deployment_is_left_alone() {
    let mut pair = Pair::start().await;
    pair.break_down(Way::Does("status=500", ""), false).await;
    while pair.pulse().opened() == 0 {
        assert!(pair.call(false).await);
    }
    let (first, second) = (pair.stack.world.deployments[0].id, pair.stack.world.deployments[2].id);
    let mut told = Vec::new();
    wait_for("a beat tells it", || {
        let words: Vec<String> = pair.stack.redis.connect().hvals(channel::GATEWAYS).unwrap();
        let beats = words.iter().map(|text| serde_json::from_str::<GatewayBeat>(text).unwrap());
        told = beats.flat_map(|beat| beat.deployments).collect();
        told.len() == 2
    })
    .await;
    // Those that are not well come first; the model that nobody calls is not told.
    assert_eq!((told[0].deployment_id, told[0].failed, told[0].opened), (second, 5, 1));
    assert!(told[0].breaker > BreakerState::Recovering && told[0].share_percent == 0);
    assert_eq!((told[1].deployment_id, told[1].breaker), (first, BreakerState::Closed));
    assert!(told[1].answer_us > 0 && told[1].answered > 0 && told[1].share_percent == 100);
}

#[tokio::test]
async fn a_probe_that_is_refused_for_what_it_asks_leaves_the_next_call_to_probe() {
    let mut pair = Pair::start().await;
    pair.break_down(Way::Does("status=500", ""), false).await;
    let pulse = pair.pulse();
    while pulse.opened() == 0 {
        assert!(pair.call(false).await);
    }
    let failed = pulse.failed();
    pair.heal().await;
    tokio::time::sleep(Duration::from_millis(PROBE_EVERY_MS)).await;
    // Refused by its caller's fault, which is no word about the place: the next call probes it.
    assert_eq!(pair.stack.chat("status=400").await.status(), 400);
    assert!(pair.call(false).await);
    assert!(matches!(pulse.phase(), Phase::Recovering { .. }), "{:?}", pulse.phase());
    assert_eq!((pulse.failed(), pulse.in_flight()), (failed, 0));
}
