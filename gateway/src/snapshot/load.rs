//! Reads the whole configuration from Redis, at one instant. What does not decode is reported and
//! left out: one bad record never keeps the rest from being served.

use super::Snapshot;
use crate::telemetry::{Count, Telemetry};
use contract::channel::{self, Stored};
use contract::snapshot::{Kind, Record};
use redis::RedisResult;
use redis_link::Connection;

/// What Redis holds: its version, absent when it was emptied, and the text of every record.
pub struct Raw {
    pub version: Option<u64>,
    records: Vec<(Kind, Vec<(String, String)>)>,
}

/// Reads version and records in one transaction.
pub async fn read(mut connection: Connection) -> RedisResult<Raw> {
    let mut pipe = redis::pipe();
    pipe.atomic();
    for kind in Kind::ALL {
        pipe.hgetall(channel::records(*kind));
    }
    // The version last: the shape of the answer is then a list of hashes and one more.
    pipe.get(channel::VERSION);
    let mut answer: Vec<redis::Value> = pipe.query_async(&mut connection).await?;
    let version = answer.pop().unwrap_or(redis::Value::Nil);
    let mut records = Vec::with_capacity(answer.len());
    for (kind, hash) in Kind::ALL.iter().zip(answer) {
        records.push((*kind, redis::from_redis_value(hash)?));
    }
    Ok(Raw { version: redis::from_redis_value(version)?, records })
}

/// Makes a snapshot of what was read.
pub fn assemble(raw: Raw, version: u64, previous: &Snapshot, telemetry: &Telemetry) -> Snapshot {
    let records = raw.records.into_iter().flat_map(|(kind, records)| {
        records.into_iter().filter_map(move |(id, text)| {
            decode(kind, &id, &text).or_else(|| {
                telemetry.count(Count::RecordsUnreadable, 1);
                kept(kind, &id, version, previous)
            })
        })
    });
    previous.rebuilt(version, records)
}

fn decode(kind: Kind, id: &str, text: &str) -> Option<Stored> {
    match serde_json::from_str::<Stored>(text) {
        Ok(stored) if stored.record.kind() == kind => Some(stored),
        Ok(_) => {
            tracing::error!(kind = kind.as_str(), id, "a record is of another kind; left out");
            None
        }
        Err(error) => {
            tracing::error!(kind = kind.as_str(), id, %error, "a record cannot be read; left out");
            None
        }
    }
}

/// An unreadable object is an unknown one, which refuses calls. Only a limit or a route would open
/// something by its absence: the one that was in force stays.
pub fn kept(kind: Kind, id: &str, version: u64, previous: &Snapshot) -> Option<Stored> {
    let record = match kind {
        Kind::Limit => Record::Limit((**previous.limit(id.parse().ok()?)?).clone()),
        Kind::Route => Record::Route((**previous.route_record(id.parse().ok()?)?).clone()),
        _ => return None,
    };
    Some(Stored { version, record })
}
