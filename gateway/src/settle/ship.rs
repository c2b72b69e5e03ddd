//! The background half of settlement: reads the spool, hands its events to Redis in batches, and
//! lets go of them once Redis has acknowledged. An event may arrive twice, never less than once.

use super::segment;
use super::spool::{Segment, Settle};
use crate::link::Link;
use crate::telemetry::{Count, Telemetry};
use contract::channel::USAGE;
use redis::RedisResult;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::sleep;

/// How often the spool is looked at.
const PAUSE: Duration = Duration::from_millis(100);
/// Bytes of events in one batch.
const BATCH: usize = 256 << 10;
/// Events in the stream that nobody has taken before shipping waits: Redis' memory is bounded
/// too, and the spool is the larger store.
const STREAM_MAX: u64 = 1_000_000;

/// Ships what a [`Settle`] records; run it in the background for as long as calls are served.
#[derive(Debug)]
pub struct Shipper {
    settle: Settle,
    telemetry: Arc<Telemetry>,
}

/// What a look at the spool came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shipped {
    Some,
    /// The spool is empty.
    Nothing,
    /// Redis is gone, or full of events; they stay in the spool.
    Later,
}

/// Why a batch could not be shipped.
enum NotNow {
    /// Its file cannot be read.
    File,
    /// Redis is gone, or full of events.
    Redis,
}

impl Shipper {
    #[must_use]
    pub fn new(settle: Settle, telemetry: Arc<Telemetry>) -> Self {
        Self { settle, telemetry }
    }

    /// Ships for ever, everything there is a few times a second: batches cost less than events.
    pub async fn run(&self, link: &mut Link) {
        loop {
            if self.round(link).await == Shipped::Later {
                link.rest().await;
            }
            sleep(PAUSE).await;
            self.settle.0.mend();
        }
    }

    /// Ships until the spool is empty or Redis is gone. For the end of a drain.
    pub async fn finish(&self, link: &mut Link) {
        while self.round(link).await == Shipped::Some {}
    }

    /// Ships what is in the spool now.
    pub async fn round(&self, link: &mut Link) -> Shipped {
        let due = self.settle.0.due();
        if due.is_empty() {
            return Shipped::Nothing;
        }
        let mut result = Shipped::Later;
        for mut segment in due {
            while segment.shipped < segment.written {
                match self.batch(link, &segment).await {
                    Ok(shipped) => {
                        segment.shipped = shipped;
                        result = Shipped::Some;
                    }
                    // The other files go on; this one is tried again in the next round.
                    Err(NotNow::File) => break,
                    Err(NotNow::Redis) => return Shipped::Later,
                }
            }
        }
        result
    }

    /// Ships one batch of a file; says how far the file is shipped then.
    async fn batch(&self, link: &mut Link, due: &Segment) -> Result<u64, NotNow> {
        let records = match segment::read(&due.file, due.shipped, due.written, BATCH) {
            Ok(records) => records,
            Err(error) => {
                tracing::error!(%error, path = %due.path.display(), "a spool file cannot be read");
                return Err(NotNow::File);
            }
        };
        if records.damaged {
            self.telemetry.count(Count::SpoolDamaged, 1);
            tracing::error!(path = %due.path.display(), "a spool file is damaged; it is put aside");
        }
        let count = records.events.len() as u64;
        match link.run(|connection| send(connection, records.events)).await {
            Ok(true) => {
                let shipped = due.shipped + records.consumed;
                self.telemetry.count(Count::SpoolShipped, count);
                self.settle.0.shipped(due.number, shipped, count, records.damaged);
                Ok(shipped)
            }
            Ok(false) => Err(NotNow::Redis),
            Err(error) => {
                tracing::warn!(%error, events = count, "usage events stay in the spool for now");
                Err(NotNow::Redis)
            }
        }
    }
}

/// Hands events over; false when the stream is too long to take more.
async fn send(
    mut connection: redis::aio::MultiplexedConnection,
    events: Vec<Vec<u8>>,
) -> RedisResult<bool> {
    let waiting: u64 = redis::cmd("XLEN").arg(USAGE).query_async(&mut connection).await?;
    if waiting > STREAM_MAX {
        tracing::warn!(waiting, "nobody takes usage events; they stay in the spool for now");
        return Ok(false);
    }
    if events.is_empty() {
        return Ok(true);
    }
    let mut pipe = redis::pipe();
    for event in events {
        pipe.cmd("XADD").arg(USAGE).arg("*").arg("e").arg(event).ignore();
    }
    pipe.query_async::<()>(&mut connection).await?;
    Ok(true)
}
