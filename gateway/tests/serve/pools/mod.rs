//! Pools: calls go to replicas, fail over, wait, and are billed by the time that processors took.

mod bars;

use crate::support::{Stack, World, chat, error, provider, wait_for};
use crate::upstream::{Seen, Upstream};
use contract::channel::ReplicaState;
use contract::snapshot::{Discovery, PoolPolicy, PoolQueue, Record, ReplicaServer};
use contract::usage::Outcome;
use gateway::pool::{self, Pool};
use simulator::replica::Speed;
use simulator::{Handle, Options, Switches, start_with};
use std::sync::Arc;

pub(super) fn policy(addresses: Vec<String>) -> PoolPolicy {
    PoolPolicy {
        server: ReplicaServer::Vllm,
        found: Discovery::List { addresses },
        metrics_path: "/metrics".into(),
        metrics_port: None,
        scrape_ms: 50,
        concurrency_max: None,
        queue: PoolQueue::default(),
        affinity: true,
        gpus: 1,
        draining: Vec::new(),
    }
}

pub(super) async fn replica(speed: &str) -> Handle {
    let replica = Some(Speed::parse(speed).unwrap());
    let options = Options { replica, ..Options::at("127.0.0.1:0".parse().unwrap()) };
    start_with(options).await.unwrap()
}

/// A gateway whose chat model is a pool.
pub(super) struct Pooled {
    pub stack: Stack,
    pub replicas: Vec<Handle>,
}

impl Pooled {
    pub async fn of(
        speeds: &[&str],
        change: impl FnOnce(&mut PoolPolicy),
        world: impl FnOnce(&mut World),
    ) -> Self {
        let mut replicas = Vec::new();
        for speed in speeds {
            replicas.push(replica(speed).await);
        }
        let mut policy = policy(replicas.iter().map(|one| one.addr.to_string()).collect());
        change(&mut policy);
        let stack = Stack::of(|all| {
            let mut pooled = provider(2, "http://pool.invalid/v1".into());
            pooled.pool = Some(Box::new(policy));
            all.deployments[0].provider_id = pooled.id;
            all.providers.push(pooled);
            world(all);
        })
        .await;
        Self { stack, replicas }
    }

    pub fn pool(&self) -> Arc<Pool> {
        let snapshot = self.stack.gateway.tools.snapshot.load();
        let view = snapshot.pools().next().unwrap();
        Arc::clone(view.pool.as_ref().unwrap())
    }

    pub async fn all(&self, state: ReplicaState) {
        let told = || pool::tell(&self.stack.gateway.tools.snapshot.load(), self.now());
        wait_for("the replicas' metrics are read", || {
            told()[0].replicas.iter().all(|one| one.state == state)
        })
        .await;
    }

    fn now(&self) -> u64 {
        self.stack.gateway.tools.clock.uptime_ms()
    }

    fn set(&self, nth: usize, switches: &str) {
        let mut set = Switches::default();
        set.apply_text(switches).unwrap();
        self.replicas[nth].set_switches(set);
    }
}

/// As a cluster answers.
const SLICES: &[u8] = include_bytes!("../../../src/pool/kubernetes/endpointslices.json");
const QUICK: &str = "prefill_us=1,decode_us=500,decode_more_us=0";

#[tokio::test]
async fn calls_are_shared_by_the_replicas_and_their_metrics_are_told() {
    let pooled = Pooled::of(&[QUICK; 3], |_| {}, |_| {}).await;
    pooled.all(ReplicaState::Ready).await;
    for n in 0..30 {
        let response = pooled.stack.chat(&format!("tokens={}", 1 + n % 3)).await;
        assert_eq!(response.status(), 200);
        let told = format!("{:?}", response.headers());
        assert!(!told.contains("127.0.0.1:") && !told.contains("replica"), "{told}");
    }
    let calls: Vec<_> = pooled.replicas.iter().map(|one| one.stats().calls).collect();
    assert!(calls.iter().all(|calls| *calls > 0) && calls.iter().sum::<u64>() == 30, "{calls:?}");
    let text = gateway::admin::metrics(&pooled.stack.gateway.tools);
    let lines = text.lines().filter(|line| line.starts_with("tollgate_replica_attempts_total{"));
    assert_eq!(lines.filter(|line| line.contains("answered")).count(), 3, "{text}");
    assert!(text.contains("tollgate_pool_waiting{provider=\"provider-2\"} 0"), "{text}");
}

#[tokio::test]
async fn a_replica_that_fails_in_any_way_costs_no_caller_anything() {
    for switches in [
        "reset=1",
        "status=500",
        "status=503",
        "cut_after=0",
        "not_json=1",
        "no_done=1 cut_after=0",
    ] {
        let pooled = Pooled::of(&[QUICK; 3], |_| {}, |_| {}).await;
        pooled.set(1, switches);
        for n in 0..24 {
            let response = if n % 2 == 0 {
                pooled.stack.chat("tokens=2").await
            } else {
                pooled.stack.chat_stream("tokens=2").await
            };
            assert_eq!(response.status(), 200, "{switches}");
            let text = response.text().await.unwrap();
            assert!(!text.contains("\"error\""), "{switches}: {text}");
        }
        let beats = pool::tell(&pooled.stack.gateway.tools.snapshot.load(), pooled.now());
        let down = beats[0].replicas.iter().filter(|one| one.state == ReplicaState::Down);
        assert!(down.count() <= 1, "{switches}: {beats:?}");
        let model = &pooled.stack.gateway.tools.snapshot.load().models()[0].clone();
        assert!(model.deployments[0].pulse.is_well(), "the pool as a whole is well");
    }
}

#[tokio::test]
async fn a_replica_that_is_gone_is_left_alone_and_one_that_drains_ends_its_calls() {
    let mut pooled = Pooled::of(&[QUICK; 3], |_| {}, |_| {}).await;
    let gone = pooled.replicas.remove(2);
    let address = gone.addr.to_string();
    gone.stop().await;
    for _ in 0..30 {
        assert_eq!(pooled.stack.chat("tokens=1").await.status(), 200);
    }
    wait_for("the dead one is told", || {
        let beats = pool::tell(&pooled.stack.gateway.tools.snapshot.load(), pooled.now());
        let one = beats[0].replicas.iter().find(|one| one.address == address).unwrap();
        one.fault.is_some() && one.in_flight == 0
    })
    .await;
    // The first drains while it works on a stream.
    let first = pooled.replicas[0].addr.to_string();
    let slow = loop {
        let before = pooled.replicas[0].stats().calls;
        let stream = pooled.stack.chat_stream("tokens=400").await;
        if pooled.replicas[0].stats().calls > before {
            break stream;
        }
    };
    let mut record = pooled.stack.world.providers[1].clone();
    record.pool.as_mut().unwrap().draining = vec![first];
    pooled.stack.publish(Record::Provider(record)).await;
    let before = pooled.replicas[0].stats().calls;
    for _ in 0..10 {
        assert_eq!(pooled.stack.chat("tokens=1").await.status(), 200);
    }
    assert_eq!(pooled.replicas[0].stats().calls, before);
    assert!(slow.text().await.unwrap().ends_with("data: [DONE]\n\n"));
}

#[tokio::test]
async fn metrics_that_make_no_sense_leave_the_gateways_own_count() {
    let pooled = Pooled::of(&[QUICK; 2], |_| {}, |_| {}).await;
    pooled.all(ReplicaState::Ready).await;
    (0..2).for_each(|nth| pooled.set(nth, "blind=1"));
    pooled.all(ReplicaState::Blind).await;
    let beats = pool::tell(&pooled.stack.gateway.tools.snapshot.load(), pooled.now());
    let fault = beats[0].replicas[0].fault.clone().unwrap();
    assert!(fault.contains("vllm:num_requests_waiting"), "{fault}");
    for _ in 0..10 {
        assert_eq!(pooled.stack.chat("tokens=1").await.status(), 200);
    }
}

#[tokio::test]
async fn a_full_pool_lets_calls_wait_and_refuses_what_it_cannot_hold() {
    let change = |policy: &mut PoolPolicy| {
        policy.concurrency_max = Some(1);
        policy.queue = PoolQueue { calls_max: 2, wait_ms_max: 20_000 };
    };
    let pooled = Pooled::of(&["prefill_us=1,decode_us=60000"], change, |_| {}).await;
    let call = || pooled.stack.post("/v1/chat/completions").json(&chat("tokens=10")).send();
    let mut calls = Vec::new();
    for n in 0..3 {
        calls.push(tokio::spawn(call()));
        let pool = pooled.pool();
        wait_for("it is called or waits", || {
            pooled.replicas[0].stats().calls == 1 && pool.waiting() == n
        })
        .await;
    }
    let refused = call().await.unwrap();
    let after: u64 = refused.headers()["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((1..=60).contains(&after), "{after}");
    let (status, code, _) = error(refused).await;
    assert_eq!((status, code.as_str()), (503, "pool.full"));
    for call in calls {
        assert_eq!(call.await.unwrap().unwrap().status(), 200);
    }
    assert_eq!(pooled.replicas[0].stats().running_max, 1);
    let events = pooled.stack.events(4).await;
    let refused = events.iter().find(|event| event.status == 503).unwrap();
    assert_eq!((refused.outcome, refused.units.compute_ms), (Outcome::UpstreamError, 0));
    assert!(refused.attempts_made.is_empty(), "no provider was asked");
}

#[tokio::test]
async fn a_caller_that_leaves_while_its_call_waits_pays_nothing_and_frees_its_place() {
    for streamed in [false, true] {
        let change = |policy: &mut PoolPolicy| policy.concurrency_max = Some(1);
        let pooled = Pooled::of(&["prefill_us=1,decode_us=60000"], change, |_| {}).await;
        let call = |streamed: bool| {
            let mut body = chat("tokens=10");
            body["stream"] = streamed.into();
            tokio::spawn(pooled.stack.post("/v1/chat/completions").json(&body).send())
        };
        let first = call(false);
        wait_for("the replica works", || pooled.replicas[0].stats().calls == 1).await;
        let leaves = call(streamed);
        let pool = pooled.pool();
        wait_for("it waits", || pool.waiting() == 1).await;
        leaves.abort();
        wait_for("its place is free", || pool.waiting() == 0).await;
        assert_eq!(first.await.unwrap().unwrap().status(), 200);
        assert_eq!(pooled.replicas[0].stats().calls, 1, "nobody was asked for it");
        let tools = &pooled.stack.gateway.tools;
        wait_for("it is settled", || tools.settle.depth().intents == 0).await;
        assert_eq!(tools.reserve.reserved().reservations, 0);
    }
}

#[tokio::test]
async fn what_a_call_costs_of_processors_is_its_time_on_the_replica_times_what_that_occupies() {
    let change = |policy: &mut PoolPolicy| {
        policy.gpus = 4;
        policy.concurrency_max = Some(1);
    };
    let pooled = Pooled::of(&["prefill_us=1,decode_us=20000"], change, |_| {}).await;
    // The second waits here for as long as the first is worked on, which is not the replica's time.
    let both = tokio::join!(pooled.stack.chat("tokens=10"), pooled.stack.chat_stream("tokens=10"));
    assert_eq!(
        (both.0.status(), both.1.status()),
        (200.try_into().unwrap(), 200.try_into().unwrap())
    );
    both.1.text().await.unwrap();
    for event in pooled.stack.events(2).await {
        let ms = event.units.compute_ms;
        assert!((800..1_500).contains(&ms), "{ms} ms for 200 ms on four processors");
        assert_eq!(ms % 4, 0);
    }
}

#[tokio::test]
async fn replicas_are_found_as_the_clusters_api_server_says() {
    let allowed = |seen: &Seen| match seen.header("authorization") {
        Some("Bearer a-token") if seen.path.contains("/namespaces/models/") => {
            (200, "application/json", SLICES.to_vec())
        }
        _ => (403, "application/json", br#"{"kind":"Status","code":403}"#.to_vec()),
    };
    let api = Upstream::start(allowed).await;
    let port = api.base_url.split([':', '/']).nth(4).unwrap().parse().unwrap();
    let account = tempfile::tempdir().unwrap();
    std::fs::write(account.path().join("token"), "a-token\n").unwrap();
    let cluster = pool::Cluster {
        host: Some("127.0.0.1".into()),
        port,
        account: account.path().to_owned(),
        plain: true,
    };
    let found = cluster.find("models", "llama-8b", "http").await.unwrap();
    assert_eq!(found, ["10.244.1.17:8000", "10.244.2.9:8000", "[fd00:10:244::11]:8000"]);
    let wanted = "/apis/discovery.k8s.io/v1/namespaces/models/endpointslices\
                  ?labelSelector=kubernetes.io%2Fservice-name%3Dllama-8b";
    assert_eq!(api.last().path, wanted);
    let refused = cluster.find("others", "llama-8b", "http").await.unwrap_err();
    assert!(refused.contains("403"), "{refused}");
    let outside = pool::Cluster::default().find("models", "llama-8b", "http").await.unwrap_err();
    assert!(outside.contains("KUBERNETES_SERVICE_HOST"), "{outside}");
}

#[tokio::test]
async fn replicas_are_found_by_name_and_one_address_that_does_not_answer_is_passed_over() {
    let one = replica(QUICK).await;
    let port = one.addr.port();
    let pooled = Pooled::of(
        &[],
        |policy| {
            policy.found = Discovery::Dns { name: "localhost".into(), port, every_s: 1 };
        },
        |_| {},
    )
    .await;
    wait_for("the name is resolved", || !pooled.pool().replicas().is_empty()).await;
    assert_eq!(pooled.stack.chat("tokens=1").await.status(), 200);
    assert_eq!(one.stats().completed, 1);
    let mut record = pooled.stack.world.providers[1].clone();
    let name = "nobody.invalid".to_owned();
    record.pool.as_mut().unwrap().found = Discovery::Dns { name, port, every_s: 1 };
    pooled.stack.publish(Record::Provider(record)).await;
    wait_for("the fault is told", || pooled.pool().fault().is_some()).await;
    let refused = error(pooled.stack.chat("tokens=1").await).await;
    assert_eq!((refused.0, refused.1.as_str()), (503, "upstream.none"));
}

#[tokio::test]
async fn one_that_no_replica_answers_goes_on_at_another_deployment() {
    let pooled = Pooled::of(
        &[QUICK; 2],
        |_| {},
        |world| {
            let mut other = world.deployments[0].clone();
            other.id = contract::id::DeploymentId(uuid::Uuid::from_u128(77));
            other.provider_id = world.providers[0].id;
            world.deployments.push(other);
        },
    )
    .await;
    (0..2).for_each(|nth| pooled.set(nth, "status=500"));
    for _ in 0..20 {
        assert_eq!(pooled.stack.chat("tokens=1").await.status(), 200);
    }
    assert_eq!(pooled.stack.sim.stats().completed, 20);
}
