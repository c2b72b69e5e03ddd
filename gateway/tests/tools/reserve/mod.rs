//! Reservations of several gateways against one Redis: never over, all of it usable.

mod ahead;
mod counts;
mod lost;
mod race;

use crate::redis_server::RedisServer;
use crate::world::{arc_master, caller, id, limit};
use contract::channel;
use contract::id::GatewayId;
use contract::money::Nanos;
use contract::snapshot::{LimitRecord, LimitScope, Metric, Record, Window};
use gateway::clock::Clock;
use gateway::link::{Link, Purpose};
use gateway::reserve::{Amounts, Refused, Reservation, Reserve};
use gateway::snapshot::Snapshot;
use gateway::telemetry::Telemetry;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// One gateway's reservations, with its drawer in the background of the test.
struct Gateway {
    id: GatewayId,
    drawer: tokio::task::JoinHandle<()>,
    reserve: Reserve,
    telemetry: Arc<Telemetry>,
    clock: Clock,
}

static NEXT: AtomicU64 = AtomicU64::new(1_000);

impl Gateway {
    fn start(redis: &RedisServer, clock: &Clock) -> Self {
        Self::start_within(redis, clock, Duration::from_secs(20))
    }

    fn start_within(redis: &RedisServer, clock: &Clock, within: Duration) -> Self {
        let gateway_id = GatewayId(id(u128::from(NEXT.fetch_add(1, Ordering::Relaxed))));
        let telemetry = Arc::new(Telemetry::default());
        redis.set_to_run(&channel::restored(caller().org_id));
        let (reserve, drawer) = Reserve::new(gateway_id, clock.clone(), Arc::clone(&telemetry));
        let link = Link::new(redis.address(), Purpose::Draw, within, Arc::clone(&telemetry));
        let drawer = tokio::spawn(drawer.run(link));
        Self { id: gateway_id, drawer, reserve, telemetry, clock: clock.clone() }
    }

    /// Ends what speaks for it to Redis, as `kill -9` does.
    fn kill(&self) {
        self.drawer.abort();
    }

    async fn take(&self, snapshot: &Snapshot, amounts: Amounts) -> Result<Reservation, Refused> {
        self.reserve.reserve(snapshot, &caller(), &amounts, self.clock.now()).await
    }
}

fn requests(n: i64) -> Amounts {
    Amounts { requests: n, ..Amounts::default() }
}

fn money(n: i64) -> Amounts {
    Amounts { requests: 1, money: Nanos(n), ..Amounts::default() }
}

fn under(limits: impl IntoIterator<Item = LimitRecord>) -> Snapshot {
    Snapshot::of(arc_master(), limits.into_iter().map(Record::Limit))
}

fn per_minute(max: i64) -> LimitRecord {
    limit(50, LimitScope::App(caller().app_id), Metric::Requests, Window::Minute, max)
}

fn budget(max: i64) -> LimitRecord {
    limit(51, LimitScope::Org(caller().org_id), Metric::Money, Window::Month, max)
}

fn bound(refused: &Refused) -> (&LimitRecord, i64) {
    match refused {
        Refused::Limit(standing) => (&standing.limit, standing.remaining),
        Refused::Unknown(limit) => panic!("the limit {limit:?} could not be asked"),
    }
}

async fn counter(redis: &RedisServer, limit: &LimitRecord, window: i64) -> i64 {
    let subject = match limit.scope {
        LimitScope::Org(id) => id.to_string(),
        LimitScope::App(id) => id.to_string(),
        _ => caller().subscription_id.to_string(),
    };
    let name = channel::limit_drawn(caller().org_id, &limit.id.to_string(), &subject, window);
    let mut connection = redis.connection().await;
    let mut command = redis::cmd("HGET");
    let drawn: Option<i64> = command.arg(name).arg("t").query_async(&mut connection).await.unwrap();
    drawn.unwrap_or(0)
}

fn running(max: i64) -> LimitRecord {
    limit(53, LimitScope::App(caller().app_id), Metric::Concurrency, Window::Lifetime, max)
}
