//! The background half of settlement: hands the spool's events to Redis in batches, and lets go
//! of them when the backend has taken them out of there. An event may arrive twice, never less
//! than once: ingest counts each request once.

use super::segment::{self, Kind, Records};
use super::spool::{Segment, Settle};
use crate::link::Link;
use crate::telemetry::{Count, Telemetry};
use contract::channel::{USAGE, usage_mark};
use contract::id::GatewayId;
use redis::streams::StreamRangeReply;
use redis::{Cmd, RedisResult};
use redis_link::Connection;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// How often the spool is looked at.
const PAUSE: Duration = Duration::from_millis(100);
/// A call that runs for longer is told of before it ends.
const LONG: Duration = Duration::from_secs(60);
/// Rounds between looks for such calls.
const LONG_EVERY: u32 = 50;
/// Bytes of events in one batch.
const BATCH: usize = 128 << 10;
/// Events in the stream that nobody has taken before shipping waits: Redis' memory is bounded
/// too, and the spool is the larger store.
const STREAM_MAX: u64 = 1_000_000;

/// How long Redis keeps a gateway's mark, in seconds; renewed while anything is waited for.
const MARK_KEPT_S: u64 = 86_400;

/// Ships what a [`Settle`] records; run it in the background for as long as calls are served.
#[derive(Debug)]
pub struct Shipper {
    settle: Settle,
    telemetry: Arc<Telemetry>,
    /// Where Redis keeps how many batches it has of this process: set in the transaction that
    /// adds a batch, so a Redis that lost a batch shows another number, or none.
    mark: String,
    batches: u64,
    /// What Redis has and the backend has not taken, in the order it was sent.
    sent: VecDeque<Sent>,
}

/// A batch that Redis has.
#[derive(Debug)]
struct Sent {
    segment: u64,
    upto: u64,
    events: u64,
    /// Its last entry in the stream.
    last: (u64, u64),
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
    /// Redis has lost batches that came before; all of them are due again.
    Lost,
}

impl Shipper {
    #[must_use]
    pub fn new(settle: Settle, gateway_id: GatewayId, telemetry: Arc<Telemetry>) -> Self {
        let mark = usage_mark(&gateway_id.to_string());
        Self { settle, telemetry, mark, batches: 0, sent: VecDeque::new() }
    }

    /// Ships for ever, everything there is a few times a second: batches cost less than events.
    pub async fn run(&mut self, link: &mut Link) {
        for round in 1_u32.. {
            if self.round(link).await == Shipped::Later {
                link.rest().await;
            }
            self.let_go(link).await;
            if round % LONG_EVERY == 0 {
                self.tell_long(link, LONG).await;
            }
            sleep(PAUSE).await;
            self.settle.0.mend();
        }
    }

    /// Tells the backend, once each, of calls that have been under way for `longer_than`, so that
    /// what they hold is seen. It is no loss if Redis loses that: their events come.
    pub async fn tell_long(&mut self, link: &mut Link, longer_than: Duration) {
        let calls = self.settle.0.long_open(longer_than);
        if calls.is_empty() {
            return;
        }
        let mut pipe = redis::pipe();
        for call in &calls {
            pipe.cmd("XADD").arg(USAGE).arg("*").arg(UNSETTLED).arg(&call.json).ignore();
        }
        let sent =
            link.run(|mut connection| async move { pipe.query_async::<()>(&mut connection).await });
        if sent.await.is_ok() {
            self.settle.0.told(&calls);
        }
    }

    /// Ships until Redis has everything or is gone. For the end of a drain.
    pub async fn finish(&mut self, link: &mut Link) {
        while self.round(link).await == Shipped::Some {}
        self.let_go(link).await;
    }

    /// Ships until the backend has everything, or the time is over; says which.
    pub async fn see_off(&mut self, link: &mut Link, within: Duration) -> bool {
        let all = async {
            self.finish(link).await;
            while !self.settle.is_all_taken() {
                sleep(PAUSE).await;
                self.finish(link).await;
            }
        };
        timeout(within, all).await.is_ok()
    }

    /// Lets go of what the backend has taken, and marks for shipping what Redis has lost.
    pub async fn let_go(&mut self, link: &mut Link) {
        self.look(link).await;
        self.settle.0.sweep();
    }

    async fn look(&mut self, link: &mut Link) {
        // Redis has none of what no event is in.
        while let Some(sent) = self.sent.pop_front_if(|sent| sent.events == 0) {
            self.settle.0.taken(sent.segment, sent.upto);
        }
        if self.sent.is_empty() {
            return;
        }
        let mark = self.mark.clone();
        let Ok((found, oldest)) = link.run(|connection| look(connection, mark)).await else {
            return;
        };
        if found != Some(self.batches) {
            self.lose();
            return;
        }
        while let Some(sent) = self.sent.front() {
            // The disk is for what Redis does not have, where it cannot be for both.
            if oldest.is_some_and(|oldest| oldest <= sent.last) && !self.settle.0.is_crowded() {
                return;
            }
            self.settle.0.taken(sent.segment, sent.upto);
            self.sent.pop_front();
        }
    }

    /// All that Redis was given and the backend may not have is due again.
    fn lose(&mut self) {
        let events: u64 = self.sent.iter().map(|sent| sent.events).sum();
        tracing::warn!(events, "Redis lost usage events; they are shipped again");
        for sent in self.sent.drain(..) {
            self.settle.0.lost(sent.segment, sent.events);
        }
    }

    /// Ships what is in the spool now.
    pub async fn round(&mut self, link: &mut Link) -> Shipped {
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
                    Err(NotNow::Lost) => return Shipped::Some,
                }
            }
        }
        result
    }

    /// Ships one batch of a file; says how far the file is shipped then.
    async fn batch(&mut self, link: &mut Link, due: &Segment) -> Result<u64, NotNow> {
        let records = match segment::read(due.readable(), due.shipped, due.written, BATCH) {
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
        let count = events(&records).count() as u64;
        let (upto, damaged) = (due.shipped + records.consumed, records.damaged);
        if count == 0 {
            // Nothing but intents: their calls go on, or have ended elsewhere.
            let last = self.sent.back().map_or((0, 0), |sent| sent.last);
            self.settle.0.shipped(due.number, upto, 0, damaged);
            self.sent.push_back(Sent { segment: due.number, upto, events: 0, last });
            return Ok(upto);
        }
        let number = self.batches + 1;
        // With no event out there, nothing can have been lost: Redis knows of no batch of intents.
        let before = self.sent.iter().any(|sent| sent.events > 0).then_some(self.batches);
        let batch = batch(&records, &self.mark, number, before);
        match link.run(|connection| send(connection, batch)).await {
            Ok(Handed::Lost) => {
                self.lose();
                Err(NotNow::Lost)
            }
            Ok(Handed::Added(last)) => {
                self.telemetry.count(Count::SpoolShipped, count);
                self.settle.0.shipped(due.number, upto, count, damaged);
                self.batches = number;
                self.sent.push_back(Sent { segment: due.number, upto, events: count, last });
                Ok(upto)
            }
            Ok(Handed::Full) => Err(NotNow::Redis),
            Err(error) => {
                tracing::warn!(%error, events = count, "usage events stay in the spool for now");
                Err(NotNow::Redis)
            }
        }
    }
}

/// One command for a whole batch, and one answer: the last entry's place, nothing when there is
/// none. A command for each event costs both sides more than the events. Adds nothing where the
/// batch before is missing: its mark would hide that. A batch that is here already, whose answer
/// was lost, is added again.
const ADD: &str = "if ARGV[3] ~= '' then
  local mark = redis.call('GET', KEYS[2])
  if mark ~= ARGV[3] and mark ~= ARGV[1] then return 'lost' end
end
redis.call('SET', KEYS[2], ARGV[1], 'EX', ARGV[2])
local last = false
for at = 4, #ARGV, 2 do last = redis.call('XADD', KEYS[1], '*', ARGV[at], ARGV[at + 1]) end
return last";

/// What became of a batch.
enum Handed {
    /// Its last entry's place in the stream.
    Added((u64, u64)),
    /// The stream is too long to take more.
    Full,
    /// Redis has not what it had before.
    Lost,
}

/// Fields of an entry of the stream.
const EVENT: &str = "e";
const UNSETTLED: &str = "i";

/// What of `records` the backend gets, with the field that it stands in.
fn events(records: &Records) -> impl Iterator<Item = (&'static str, &[u8])> {
    records.bodies().filter_map(|body| match segment::open(body) {
        (Kind::Event, json) => Some((EVENT, json)),
        (Kind::Unsettled, json) => Some((UNSETTLED, json)),
        (Kind::Intent | Kind::Void, _) => None,
    })
}

/// The command that adds `records` as batch `number`, which it says in `mark`; it must say `before`
/// until then.
fn batch(records: &Records, mark: &str, number: u64, before: Option<u64>) -> Cmd {
    let mut command = Cmd::with_capacity(2 * records.bodies().len() + 8, BATCH + 1_024);
    command.arg("EVAL").arg(ADD).arg(2).arg(USAGE).arg(mark).arg(number).arg(MARK_KEPT_S);
    command.arg(before.map_or(String::new(), |before| before.to_string()));
    for (field, json) in events(records) {
        command.arg(field).arg(json);
    }
    command
}

async fn send(mut connection: Connection, batch: Cmd) -> RedisResult<Handed> {
    let waiting: u64 = redis::cmd("XLEN").arg(USAGE).query_async(&mut connection).await?;
    if waiting > STREAM_MAX {
        tracing::warn!(waiting, "nobody takes usage events; they stay in the spool for now");
        return Ok(Handed::Full);
    }
    let last: Option<String> = batch.query_async(&mut connection).await?;
    Ok(match last.as_deref() {
        Some("lost") => Handed::Lost,
        // A batch of nothing but damage has no place to wait for.
        last => Handed::Added(last.map_or((0, 0), place)),
    })
}

/// This process's mark, and the oldest entry that nobody has taken yet.
async fn look(
    mut connection: Connection,
    mark: String,
) -> RedisResult<(Option<u64>, Option<(u64, u64)>)> {
    let mut pipe = redis::pipe();
    pipe.cmd("GETEX").arg(mark).arg("EX").arg(MARK_KEPT_S);
    pipe.cmd("XRANGE").arg(USAGE).arg("-").arg("+").arg("COUNT").arg(1);
    let (mark, oldest): (Option<u64>, StreamRangeReply) = pipe.query_async(&mut connection).await?;
    Ok((mark, oldest.ids.first().map(|entry| place(&entry.id))))
}

/// An entry's id, `<milliseconds>-<sequence>`, as numbers that compare as Redis does.
fn place(id: &str) -> (u64, u64) {
    let (high, low) = id.split_once('-').unwrap_or((id, "0"));
    (high.parse().unwrap_or(0), low.parse().unwrap_or(0))
}
