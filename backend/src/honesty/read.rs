//! Gathers the figures.

use super::beats::{WAIT, beats};
use crate::app::App;
use crate::db::{SystemTx, Tx as _};
use crate::redis_link;
use chrono::TimeDelta;
use contract::Timestamp;
use contract::api::health::{GatewayHealth, Health, StreamHealth};
use contract::channel::{GatewayBeat, USAGE, USAGE_GROUP};
use contract::id::LedgerTransactionId;
use contract::money::{Nanos, Usd};
use redis::RedisResult;
use redis::streams::{StreamPendingReply, StreamRangeReply};

/// No call runs for so long: a reservation that is older leaks.
const RESERVATION_MAX: TimeDelta = TimeDelta::minutes(60);
/// Booking that is later than this is a problem.
const LAG_MAX: TimeDelta = TimeDelta::seconds(30);
/// Sums that wait longer than a few passes are a problem.
const ROLLUPS_MAX: u64 = 10_000;
/// A gateway this many versions behind is a problem.
const SKEW_MAX: u64 = 100;
/// How far back transactions are proven on each look; `admin reconcile` proves all.
const PROVEN: TimeDelta = TimeDelta::minutes(1);

/// What Postgres knows.
struct Books {
    config_version: u64,
    rollups_waiting: u64,
    dead_letters: u64,
    unknowns_open: u64,
    unknowns: u64,
    reserved: Nanos,
    overrun: Nanos,
    unbalanced: u64,
}

/// How things are now.
///
/// # Errors
/// Postgres cannot be reached. Without Redis, what only it knows is absent, and a problem.
pub async fn read(app: &App) -> sqlx::Result<Health> {
    let mut tx = app.system_tx("health", "look how the books are").await?;
    let at = tx.now();
    let books = books(&mut tx, at - PROVEN).await?;
    tx.commit().await?;
    let stream = stream(app).await;
    let gateways = beats(app).await.map(|beats| {
        beats.iter().map(|beat| gateway(beat, books.config_version, at)).collect::<Vec<_>>()
    });
    let leaks = gateways.iter().flatten().map(leaks_of).sum();
    let oldest = stream.as_ref().and_then(|(_, oldest)| *oldest);
    let health = Health {
        at,
        problems: Vec::new(),
        ledger_lag_ms: stream.as_ref().map(|_| oldest.map_or(0, |oldest| age(oldest, at))),
        stream: stream.map(|(stream, _)| stream),
        rollups_waiting: books.rollups_waiting,
        config_version: books.config_version,
        gateways,
        dead_letters: books.dead_letters,
        unknowns_open: books.unknowns_open,
        unknowns: books.unknowns,
        unknowns_reserved_usd: Usd(books.reserved),
        unbalanced: books.unbalanced,
        leaks,
        overrun_usd: Usd(books.overrun),
    };
    Ok(Health { problems: problems(&health), ..health })
}

async fn books(tx: &mut SystemTx, proven_from: Timestamp) -> sqlx::Result<Books> {
    let from = LedgerTransactionId::new(proven_from, &[0; 10]);
    let row = sqlx::query!(
        r#"select (select version from config_versions) as "version!",
             (select count(*) from usage_stale_minutes) as "rollups!",
             (select count(*) from usage_dead_letters where replayed_at is null) as "letters!",
             (select count(*) from usage_unknowns where state = 'open') as "open!",
             (select count(*) from usage_unknowns where state = 'unknown') as "unknowns!",
             (select coalesce(sum(reserved_nanos), 0)::bigint from usage_unknowns
               where state in ('open', 'unknown')) as "reserved!: Nanos",
             (select coalesce(sum(overrun_nanos), 0)::bigint from wallets) as "overrun!: Nanos",
             (select count(*) from (select from ledger_entries where transaction_id >= $1
               group by transaction_id having sum(amount_nanos) <> 0 or count(*) < 2) bad)
               as "unbalanced!""#,
        from.0,
    )
    .fetch_one(tx.conn())
    .await?;
    Ok(Books {
        config_version: row.version.unsigned_abs(),
        rollups_waiting: row.rollups.unsigned_abs(),
        dead_letters: row.letters.unsigned_abs(),
        unknowns_open: row.open.unsigned_abs(),
        unknowns: row.unknowns.unsigned_abs(),
        reserved: row.reserved,
        overrun: row.overrun,
        unbalanced: row.unbalanced.unsigned_abs(),
    })
}

/// The stream of usage, and when its oldest entry was added.
async fn stream(app: &App) -> Option<(StreamHealth, Option<u64>)> {
    let mut redis = redis_link::connect(&app.config.redis).ok()?;
    let read = async {
        let length: u64 = redis::cmd("XLEN").arg(USAGE).query_async(&mut redis).await?;
        let pending: RedisResult<StreamPendingReply> =
            redis::cmd("XPENDING").arg(USAGE).arg(USAGE_GROUP).query_async(&mut redis).await;
        let pending = match pending {
            Ok(pending) => pending.count(),
            // Nobody has read from it yet.
            Err(error) if error.code() == Some("NOGROUP") => 0,
            Err(error) => return Err(error),
        };
        let first: StreamRangeReply = redis::cmd("XRANGE")
            .arg(USAGE)
            .arg("-")
            .arg("+")
            .arg("COUNT")
            .arg(1)
            .query_async(&mut redis)
            .await?;
        let oldest = first.ids.first().and_then(|entry| entry.id.split('-').next()?.parse().ok());
        RedisResult::Ok((StreamHealth { length, pending: pending as u64 }, oldest))
    };
    match tokio::time::timeout(WAIT, read).await {
        Ok(Ok(found)) => Some(found),
        Ok(Err(error)) => {
            tracing::warn!(%error, "the stream of usage cannot be looked at");
            None
        }
        Err(_) => None,
    }
}

/// Milliseconds since an instant of Unix in milliseconds.
fn age(millis: u64, now: Timestamp) -> u64 {
    u64::try_from(now.timestamp_millis()).unwrap_or(0).saturating_sub(millis)
}

fn gateway(beat: &GatewayBeat, newest: u64, now: Timestamp) -> GatewayHealth {
    GatewayHealth {
        id: beat.gateway_id,
        at: beat.at,
        live: beat.is_live(now),
        config_version: beat.config_version,
        skew: newest.saturating_sub(beat.config_version),
        spool_events: beat.spool_events,
        spool_bytes: beat.spool_bytes,
        intents_open: beat.intents_open,
        reservations: beat.reservations,
        oldest_reservation_ms: beat.oldest_reservation_ms,
        held_usd: Usd(Nanos(beat.held_nanos)),
    }
}

/// A gateway that fell silent while calls held something leaks all of it; one whose oldest
/// reservation is older than any call leaks at least that.
fn leaks_of(gateway: &GatewayHealth) -> u64 {
    let max = u64::try_from(RESERVATION_MAX.num_milliseconds()).unwrap_or(u64::MAX);
    if !gateway.live {
        gateway.reservations
    } else {
        u64::from(gateway.oldest_reservation_ms > max)
    }
}

fn problems(health: &Health) -> Vec<String> {
    let lag_max = u64::try_from(LAG_MAX.num_milliseconds()).unwrap_or(u64::MAX);
    let lag = health.ledger_lag_ms.filter(|lag| *lag > lag_max);
    let gateways = || health.gateways.iter().flatten();
    let silent = gateways().filter(|gateway| !gateway.live).count();
    let behind = gateways().filter(|gateway| gateway.live && gateway.skew > SKEW_MAX).count();
    let none = health.gateways.as_ref().is_some_and(|all| all.iter().all(|one| !one.live));
    [
        (health.stream.is_none() || health.gateways.is_none())
            .then(|| "Redis cannot be asked: what waits and who is alive is not known.".to_owned()),
        lag.map(|lag| format!("Usage waits {} seconds to be booked.", lag / 1_000)),
        (health.rollups_waiting > ROLLUPS_MAX)
            .then(|| format!("{} minutes wait to be summed up.", health.rollups_waiting)),
        none.then(|| "No gateway is alive.".to_owned()),
        many(silent as u64, "gateway fell silent", "gateways fell silent"),
        many(
            behind as u64,
            "gateway is far behind the configuration",
            "gateways are far behind the configuration",
        ),
        many(health.dead_letters, "event cannot be booked", "events cannot be booked"),
        many(health.unknowns, "call is of unknown outcome", "calls are of unknown outcome"),
        many(health.unbalanced, "transaction does not balance", "transactions do not balance"),
        many(health.leaks, "reservation leaks", "reservations leak"),
        (health.overrun_usd.0 > Nanos::ZERO)
            .then(|| format!("Wallets were overrun by {} dollars.", health.overrun_usd)),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// `1 event cannot be booked.`, `2 events cannot be booked.`; nothing of none.
fn many(count: u64, one: &str, more: &str) -> Option<String> {
    (count > 0).then(|| format!("{count} {}.", if count == 1 { one } else { more }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::id::GatewayId;

    fn beat(silent_s: i64, reservations: u64, oldest_reservation_ms: u64) -> GatewayHealth {
        let now = chrono::DateTime::from_timestamp(1_700_000_000, 0).unwrap();
        let beat = GatewayBeat {
            gateway_id: GatewayId::new(now, &[1; 10]),
            at: now - TimeDelta::seconds(silent_s),
            config_version: 7,
            spool_events: 0,
            spool_bytes: 0,
            intents_open: 0,
            reservations,
            oldest_reservation_ms,
            held_nanos: 0,
            deployments: Vec::new(),
            pools: Vec::new(),
        };
        gateway(&beat, 9, now)
    }

    #[test]
    fn what_a_silent_gateway_held_leaks_and_so_does_what_no_call_can_still_hold() {
        assert_eq!(leaks_of(&beat(1, 5, 1_000)), 0);
        assert_eq!(leaks_of(&beat(60, 5, 1_000)), 5);
        assert_eq!(leaks_of(&beat(1, 5, 3_600_001)), 1);
        assert_eq!(beat(1, 0, 0).skew, 2);
    }
}
