//! What the tools cost a call, in nanoseconds: `cargo bench -p gateway --bench tools`. Takes the
//! Redis of `REDIS_URL` for the draws of reservations.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a program for the developer's terminal"
)]

use contract::Timestamp;
use contract::id::{
    AppId, GatewayId, KeyId, LimitId, ModelId, OrgId, PlanId, PriceId, ProductId, RequestId,
    SubscriptionId, TeamId,
};
use contract::key::{KeyEnv, KeyHash};
use contract::money::Nanos;
use contract::seal::MasterKey;
use contract::snapshot::{KeyRecord, KeySecret, LimitRecord, LimitScope, Metric, Record, Window};
use contract::usage::{Operation, Outcome, Tokens, Units, UsageEvent, UsageIntent};
use gateway::clock::Clock;
use gateway::link::{Link, Purpose};
use gateway::reserve::{Amounts, Caller, Reserve};
use gateway::settle::Settle;
use gateway::snapshot::{Handle, Snapshot};
use gateway::telemetry::{Count, Ended, Finished, Telemetry};
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn id(n: u128) -> Uuid {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    Uuid::from_u128(u128::from_be_bytes(bytes) ^ n)
}

fn report(what: &str, rounds: u32, took: Duration) {
    println!("{what:<44} {:>7.0} ns", took.as_nanos() as f64 / f64::from(rounds));
}

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let caller = Caller {
        org_id: OrgId(id(1)),
        team_id: TeamId(id(2)),
        app_id: AppId(id(3)),
        key_id: KeyId(id(4)),
        plan_id: PlanId(id(5)),
        subscription_id: SubscriptionId(id(6)),
        model_id: ModelId(id(7)),
        tags: &[],
    };
    let telemetry = Arc::new(Telemetry::default());
    reservations(&runtime, &caller, &telemetry);
    look_ups(&caller);
    spool(&caller, &telemetry);
    counting(&telemetry);
}

fn reservations(runtime: &tokio::runtime::Runtime, caller: &Caller, telemetry: &Arc<Telemetry>) {
    let limit = |n, scope, metric, window| {
        let much = (metric, window, 1_000_000_000_000_000);
        Record::Limit(LimitRecord::new(LimitId(id(n)), Some(caller.org_id), scope, much))
    };
    let snapshot = Snapshot::of(
        Arc::new(MasterKey::new("bench", [1; 32])),
        [
            limit(1, LimitScope::Org(caller.org_id), Metric::Money, Window::Month),
            limit(2, LimitScope::App(caller.app_id), Metric::Tokens, Window::Minute),
            limit(3, LimitScope::Plan(caller.plan_id), Metric::Requests, Window::Minute),
            limit(4, LimitScope::Team(caller.team_id), Metric::OutputTokens, Window::Week),
            limit(5, LimitScope::Key(caller.key_id), Metric::Requests, Window::Day),
            limit(6, LimitScope::Key(caller.key_id), Metric::Concurrency, Window::Lifetime),
            limit(7, LimitScope::App(caller.app_id), Metric::Money, Window::Quarter),
        ],
    );
    let clock = Clock::default();
    let (reserve, drawer) = Reserve::new(GatewayId(id(9)), clock.clone(), Arc::clone(telemetry));
    let url = std::env::var("REDIS_URL").unwrap_or_else(|_| "redis://127.0.0.1:6379".into());
    let script = redis_link::Script::new(contract::channel::MARK_RESTORED);
    let mut call = script.prepare_invoke();
    call.key(contract::channel::restored(caller.org_id));
    let mut link = Link::new(
        url.parse().unwrap(),
        Purpose::Draw,
        Duration::from_secs(1),
        Arc::clone(telemetry),
    );
    runtime
        .block_on(link.run(|mut to| async move { call.invoke_async::<String>(&mut to).await }))
        .unwrap();
    link.fail();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(drawer.run(link));
    });
    let of_call =
        |input, output, money| Amounts::of_call(input, output, &Units::NONE, Nanos(money));
    let estimate = of_call(500, 1_500, 5_000).running();
    let used = of_call(500, 200, 1_500);
    let mut worst = Duration::ZERO;
    let mut run = |rounds: u32| {
        let start = Instant::now();
        runtime.block_on(async {
            for _ in 0..rounds {
                let began = Instant::now();
                let held = reserve.reserve(&snapshot, caller, &estimate, clock.now()).await;
                worst = worst.max(began.elapsed());
                black_box(held.unwrap()).settle(&used);
            }
        });
        start.elapsed()
    };
    run(200_000);
    let before = telemetry.total(Count::RedisDrawOk);
    let rounds = 2_000_000;
    let took = run(rounds);
    report("reserve and settle under seven limits", rounds, took);
    let draws = telemetry.total(Count::RedisDrawOk) - before;
    let share = draws * 1_000 / u64::from(rounds);
    println!("  {draws} calls to Redis ({share} per 1,000), the longest took {worst:?}");
}

fn look_ups(caller: &Caller) {
    let key = |n: u32| {
        Record::Key(KeyRecord {
            id: KeyId(id(u128::from(n))),
            org_id: caller.org_id,
            app_id: caller.app_id,
            env: KeyEnv::Live,
            public_id: format!("{n:012}"),
            secrets: vec![KeySecret { hash: KeyHash([7; 32]), expires_at: None }],
            expires_at: None,
            revoked_at: None,
        })
    };
    let start = Instant::now();
    let snapshot = Snapshot::of(Arc::new(MasterKey::new("bench", [1; 32])), (0..100_000).map(key));
    println!("{:<44} {:>7} ms", "build a snapshot of 100,000 keys", start.elapsed().as_millis());
    let handle = Handle::new(snapshot, Duration::from_secs(1));
    let names: Vec<String> = (0..100_000).map(|n| format!("{n:012}")).collect();
    let start = Instant::now();
    for name in &names {
        black_box(handle.load().key(name).unwrap());
    }
    report("load the snapshot and find a key", names.len() as u32, start.elapsed());
}

fn spool(caller: &Caller, telemetry: &Arc<Telemetry>) {
    let folder = std::env::temp_dir().join(format!("tollgate-bench-{}", std::process::id()));
    let settle = Settle::open(&folder, 1 << 31, 1, Arc::clone(telemetry)).unwrap();
    let event = UsageEvent {
        request_id: RequestId(id(1)),
        at: Timestamp::from_timestamp(1_767_225_600, 0).unwrap(),
        org_id: caller.org_id,
        team_id: caller.team_id,
        app_id: caller.app_id,
        key_id: caller.key_id,
        subscription_id: caller.subscription_id,
        product_id: ProductId(id(12)),
        plan_id: caller.plan_id,
        model_id: ModelId(id(11)),
        deployment_id: None,
        provider_id: None,
        operation: Operation::Chat,
        stream: false,
        outcome: Outcome::Ok,
        status: 200,
        error_code: None,
        tokens: Tokens { input: 10, output: 20, ..Tokens::default() },
        units: Units::default(),
        estimated: false,
        price_id: PriceId(id(14)),
        cost_nanos: Nanos(30),
        reserved_nanos: Nanos(100),
        attempts: 1,
        attempts_made: Vec::new(),
        topped_up: 0,
        tags: Vec::new(),
        odd_usage: false,
        limits: Vec::new(),
        duration_ms: 5,
        first_token_ms: None,
        gateway_id: GatewayId(id(99)),
        config_version: 1,
    };
    let intent = UsageIntent {
        request_id: event.request_id,
        at: event.at,
        org_id: event.org_id,
        team_id: event.team_id,
        app_id: event.app_id,
        key_id: event.key_id,
        subscription_id: event.subscription_id,
        product_id: event.product_id,
        plan_id: event.plan_id,
        model_id: event.model_id,
        operation: event.operation,
        stream: event.stream,
        price_id: event.price_id,
        reserved_nanos: event.reserved_nanos,
        gateway_id: event.gateway_id,
        config_version: event.config_version,
        tags: Vec::new(),
        limits: Vec::new(),
    };
    let rounds = 200_000;
    let (mut intending, mut recording) = (Duration::ZERO, Duration::ZERO);
    for _ in 0..rounds {
        let start = Instant::now();
        let begun = settle.intend(&intent).unwrap();
        intending += start.elapsed();
        let start = Instant::now();
        settle.record(begun, &event);
        recording += start.elapsed();
    }
    report("write down that a call begins", rounds, intending);
    report("record a usage event", rounds, recording);
    std::fs::remove_dir_all(folder).unwrap();
}

fn counting(telemetry: &Telemetry) {
    let request = Finished {
        operation: Some(Operation::Chat),
        stream: false,
        ended: Ended::Ok,
        code: None,
        duration: Duration::from_millis(20),
        first_token: None,
    };
    let rounds = 5_000_000;
    let start = Instant::now();
    for _ in 0..rounds {
        telemetry.finished(black_box(&request));
    }
    report("count and time a request", rounds, start.elapsed());
}
