//! What the tools cost a call, in nanoseconds: `cargo bench -p gateway --bench tools`. Starts a
//! Redis of its own. A figure is the median of many short runs, so that what else the machine does
//! disturbs few of them.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    reason = "a program for the developer's terminal"
)]

#[path = "../tests/tools/sample.rs"]
mod sample;

use contract::channel::{self, USAGE};
use contract::id::{
    AppId, GatewayId, KeyId, LimitId, ModelId, OrgId, PlanId, RequestId, SubscriptionId, TeamId,
};
use contract::key::{KeyEnv, KeyHash};
use contract::money::Nanos;
use contract::seal::MasterKey;
use contract::snapshot::{KeyRecord, KeySecret, LimitRecord, LimitScope, Metric, Record, Window};
use contract::usage::{Operation, Units};
use gateway::clock::Clock;
use gateway::health::Pulse;
use gateway::link::{Link, Purpose};
use gateway::reserve::{Amounts, Caller, Reserve};
use gateway::settle::{Settle, Shipper};
use gateway::snapshot::{Handle, Snapshot};
use gateway::telemetry::{Count, Ended, Finished, Telemetry};
use redis_link::servers::Servers;
use route::breaker::BreakerRule;
use std::hint::black_box;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};
use uuid::Uuid;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn id(n: u128) -> Uuid {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).unwrap();
    Uuid::from_u128(u128::from_be_bytes(bytes) ^ n)
}

/// How long each run took.
#[derive(Default)]
struct Runs(Vec<Duration>);

impl Runs {
    fn time(&mut self, run: impl FnOnce()) {
        let start = Instant::now();
        run();
        self.0.push(start.elapsed());
    }

    /// Says what one of the `each` rounds of a run takes.
    fn report(mut self, what: &str, each: u32) {
        self.0.sort_unstable();
        let median = self.0.get(self.0.len() / 2).copied().unwrap_or_default();
        println!("{what:<44} {:>7.0} ns", median.as_nanos() as f64 / f64::from(each));
    }
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
    let redis = Servers::start();
    reservations(&runtime, &redis, &caller, &telemetry);
    look_ups(&caller);
    pulses();
    spool(&runtime, &redis, &caller, &telemetry);
    counting(&telemetry);
}

fn reservations(
    runtime: &tokio::runtime::Runtime,
    redis: &Servers,
    caller: &Caller,
    telemetry: &Arc<Telemetry>,
) {
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
    // As the publisher does once it has counted everything.
    runtime.block_on(async {
        let mut connection = redis.connection().await;
        let script = redis_link::Script::new(channel::MARK_RESTORED);
        let mut call = script.prepare_invoke();
        call.key(channel::restored(caller.org_id));
        call.invoke_async::<String>(&mut connection).await.unwrap();
    });
    let link = link(redis, Purpose::Draw, telemetry);
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(drawer.run(link));
    });
    let of_call =
        |input, output, money| Amounts::of_call(input, output, &Units::NONE, Nanos(money));
    let estimate = of_call(500, 1_500, 5_000).running();
    let used = of_call(500, 200, 1_500);
    let run = |rounds: u32| {
        let mut waited = 0_u32;
        runtime.block_on(async {
            for _ in 0..rounds {
                let mut held = pin!(reserve.reserve(&snapshot, caller, &estimate, clock.now()));
                let held = match futures::poll!(&mut held) {
                    Poll::Ready(held) => held,
                    Poll::Pending => {
                        waited += 1;
                        held.await
                    }
                };
                black_box(held.unwrap()).settle(&used);
            }
        });
        waited
    };
    run(200_000);
    let before = telemetry.total(Count::RedisDrawOk);
    let (each, mut runs, mut waited) = (1_000, Runs::default(), 0);
    for _ in 0..2_000 {
        runs.time(|| waited += run(each));
    }
    runs.report("reserve and settle under seven limits", each);
    let draws = telemetry.total(Count::RedisDrawOk) - before;
    println!("  {draws} calls to Redis in 2,000,000, and {waited} that waited for one");
}

fn link(redis: &Servers, purpose: Purpose, telemetry: &Arc<Telemetry>) -> Link {
    Link::new(redis.address(), purpose, Duration::from_secs(1), Arc::clone(telemetry))
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
    let mut runs = Runs::default();
    for names in names.chunks(1_000) {
        runs.time(|| {
            for name in names {
                black_box(handle.load().key(name).unwrap());
            }
        });
    }
    runs.report("load the snapshot and find a key", 1_000);
}

fn pulses() {
    let pulse = Arc::new(Pulse::new(BreakerRule::default()));
    let (clock, mut runs) = (Clock::default(), Runs::default());
    for _ in 0..1_000 {
        runs.time(|| {
            for _ in 0..1_000 {
                let ticket = pulse.enter(clock.uptime_ms()).unwrap();
                ticket.ended_well(clock.uptime_ms(), Duration::from_millis(3));
            }
        });
    }
    runs.report("note a call at a deployment", 1_000);
}

fn spool(
    runtime: &tokio::runtime::Runtime,
    redis: &Servers,
    caller: &Caller,
    telemetry: &Arc<Telemetry>,
) {
    let folder = std::env::temp_dir().join(format!("tollgate-bench-{}", std::process::id()));
    let settle = Settle::open(&folder, 1 << 30, 1, Arc::clone(telemetry)).unwrap();
    let mut shipper = Shipper::new(settle.clone(), GatewayId(id(10)), Arc::clone(telemetry));
    let mut link = link(redis, Purpose::Ship, telemetry);
    let event = sample::event(RequestId(id(1)), caller);
    let intent = sample::intent(&event);
    let (each, mut intending, mut recording) = (50, Runs::default(), Runs::default());
    for round in 0..4_000 {
        let mut begun = Vec::with_capacity(50);
        intending.time(|| begun.extend((0..each).map(|_| settle.intend(&intent).unwrap())));
        recording.time(|| begun.into_iter().for_each(|one| settle.record(one, &event)));
        // As at 20,000 calls a second: shipped ten times a second, and taken a little later.
        if round % 40 == 39 {
            runtime.block_on(async {
                shipper.round(&mut link).await;
                shipper.let_go(&mut link).await;
                let mut take = redis::cmd("XTRIM");
                take.arg(USAGE).arg("MAXLEN").arg(0);
                take.query_async::<()>(&mut redis.connection().await).await.unwrap();
            });
        }
    }
    intending.report("write down that a call begins", each);
    recording.report("record a usage event", each);
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
    let (each, mut runs) = (1_000, Runs::default());
    for _ in 0..5_000 {
        runs.time(|| {
            for _ in 0..each {
                telemetry.finished(black_box(&request));
            }
        });
    }
    runs.report("count and time a request", each);
}
