//! The room between reserve and attempt: a call that asks for what another asked for is answered
//! with that one's answer, where its plan says so. Kept answers are in this process and in Redis;
//! calls under way are shared within this process. Whatever the answer, the call was admitted by
//! its own limits and is billed as its plan says.

mod asked;
mod flight;
mod kept;
mod key;
mod lead;
mod shelf;
mod store;
mod wanted;

pub use asked::CacheAsked;
pub use flight::{Flights, Joined, Pilot, Seat, Step};
pub use kept::Kept;
pub use key::{CacheSecret, KeyMaker, Tenant, TenantKey};
pub use lead::Lead;
pub use shelf::{Librarian, Shelf};
pub use store::Store;
pub use wanted::{Stand, Wanted};

use crate::attempt::{Answered, Upstream, write_answer};
use crate::fallback;
use crate::fault::Fault;
use crate::meter::{Meter, Room};
use crate::plan::Plan;
use crate::telemetry::Count;
use contract::error::ErrorCode;
use contract::usage::Cached;
use http::{HeaderMap, HeaderValue, header};
use std::future::poll_fn;
use std::sync::Arc;
use tokio::time::timeout_at;

/// How many leaders a call follows; when all have failed, it fails as the last one did.
const LEADERS_MAX: u8 = 3;

/// Bounds of what is kept.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct CacheBounds {
    /// Bytes of answers that are kept in memory; 0 keeps none there.
    #[arg(long = "cache-bytes-max", env = "TOLLGATE_CACHE_BYTES_MAX", default_value_t = 256 << 20)]
    pub bytes_max: usize,
    /// Bytes of answers that are kept in Redis for each organisation; 0 keeps none there.
    #[arg(
        long = "cache-redis-bytes-max",
        env = "TOLLGATE_CACHE_REDIS_BYTES_MAX",
        default_value_t = 16 << 20
    )]
    pub redis_bytes_max: usize,
}

impl Default for CacheBounds {
    fn default() -> Self {
        Self { bytes_max: 256 << 20, redis_bytes_max: 16 << 20 }
    }
}

/// An answer longer than this is not kept.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// Where answers are kept and calls under way are known. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recall {
    pub store: Arc<Store>,
    pub flights: Arc<Flights>,
    shelf: Shelf,
}

impl Recall {
    /// With the half that is to run in the background.
    #[must_use]
    pub fn new(bounds: CacheBounds) -> (Self, Librarian) {
        let (shelf, librarian) = Librarian::new(bounds.redis_bytes_max);
        let store = Arc::new(Store::new(bounds.bytes_max));
        (Self { store, flights: Arc::default(), shelf }, librarian)
    }

    /// What is in this process, else in Redis.
    async fn find(&self, wanted: &Wanted, now_ms: i64) -> Option<Arc<Kept>> {
        if let Some(kept) = self.store.find(&wanted.key, now_ms, wanted.ttl_ms) {
            return Some(kept);
        }
        let found = self.shelf.find(wanted.key, now_ms, wanted.ttl_ms).await?;
        self.store.keep(wanted.key, Arc::clone(&found.kept), found.bytes);
        Some(found.kept)
    }

    /// Keeps an answer here and in Redis.
    fn keep(&self, key: TenantKey, kept: &Arc<Kept>, ttl_s: u32) {
        let Some(bytes) = kept.write().filter(|bytes| bytes.len() <= ANSWER_BYTES_MAX) else {
            return;
        };
        self.store.keep(key, Arc::clone(kept), bytes.len());
        self.shelf.keep(key, bytes.into(), kept.at_ms, i64::from(ttl_s) * 1_000);
    }
}

/// How a call's answer came about, as its caller is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Told {
    /// Nothing: its plan has no cache.
    #[default]
    Nothing,
    Bypass,
    Miss,
    Hit {
        age_s: u64,
    },
    Coalesced,
}

impl Told {
    #[must_use]
    pub const fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Nothing => None,
            Self::Bypass => Some("bypass"),
            Self::Miss => Some("miss"),
            Self::Hit { .. } => Some("hit"),
            Self::Coalesced => Some("coalesced"),
        }
    }
}

/// Answers a call: with what is kept, with what another call is being answered with, or by making
/// it.
///
/// # Errors
/// As [`fallback::answer`]; of a call that followed others, as the last of them failed. The call is
/// settled then.
pub async fn answer(mut meter: Box<Meter>, plan: Plan) -> Result<Upstream, Fault> {
    let gateway = Arc::clone(&meter.worker().gateway);
    let wanted = match Wanted::of(&CacheSecret::of(&gateway.pepper), &meter.permit, plan.attempt(0))
    {
        Stand::Off => return fallback::answer(meter, plan).await,
        Stand::Past => {
            meter.sharing.told = Told::Bypass;
            return fallback::answer(meter, plan).await;
        }
        Stand::Wanted(wanted) => wanted,
    };
    let tools = &gateway.tools;
    let recall = &tools.recall;
    // Not when it was admitted: it may have waited since.
    let now_ms = || tools.clock.now().timestamp_millis();
    meter.sharing.told = Told::Miss;
    let lead = |pilot| Lead::new(pilot, recall.clone(), wanted, plan.attempt(0));
    if !wanted.looks {
        meter.sharing.lead(lead(Pilot::alone()));
        return fallback::answer(meter, plan).await;
    }
    if wanted.keeps
        && let Some(kept) = recall.store.find(&wanted.key, now_ms(), wanted.ttl_ms)
    {
        return hit(meter, kept, &wanted, now_ms()).await;
    }
    let mut failed = None;
    for _ in 0..LEADERS_MAX {
        let mut seat = match recall.flights.join(wanted.key) {
            Joined::Follow(seat) => seat,
            Joined::Lead(pilot) => {
                // Again: it may have come just before this call began to lead.
                let kept = if wanted.keeps { recall.find(&wanted, now_ms()).await } else { None };
                if let Some(kept) = kept {
                    pilot.land(Arc::clone(&kept));
                    return hit(meter, kept, &wanted, now_ms()).await;
                }
                meter.sharing.lead(lead(pilot));
                tools.telemetry.count(Count::CacheMiss, 1);
                return fallback::answer(meter, plan).await;
            }
        };
        match begun(&mut meter, &mut seat).await? {
            None => return share(meter, Source::Live(seat), &wanted).await,
            Some(Step::Whole(kept)) => return share(meter, Source::Whole(kept), &wanted).await,
            Some(Step::Failed(why)) => failed = why,
            Some(Step::Events(_)) => {}
        }
    }
    match failed {
        Some(why) => Err(meter.fail(why.again())),
        // They left, or went on elsewhere: that says nothing of this call.
        None => fallback::answer(meter, plan).await,
    }
}

/// Waits until a call under way has something for this one: content of a stream (`None`), or its
/// end.
async fn begun(meter: &mut Meter, seat: &mut Seat) -> Result<Option<Step>, Fault> {
    let streamed = meter.permit.call.ask.stream;
    let told = poll_fn(|cx| match streamed {
        true => seat.poll_begun(cx),
        false => seat.poll_end(cx).map(Some),
    });
    let deadline = meter.deadline();
    timeout_at(deadline, told).await.map_err(|_| {
        let code = ErrorCode::UpstreamTimeout;
        meter.fail(Fault::upstream(code, code.title()))
    })
}

/// Answers with what was kept.
async fn hit(
    mut meter: Box<Meter>,
    kept: Arc<Kept>,
    wanted: &Wanted,
    now_ms: i64,
) -> Result<Upstream, Fault> {
    meter.sharing.told = Told::Hit { age_s: kept.age_s(now_ms) };
    meter.sharing.give(Cached::Exact, wanted.policy.hit_price_percent);
    meter.worker().gateway.tools.telemetry.count(Count::CacheHit, 1);
    given(meter, Source::Whole(kept)).await
}

/// Answers with what another call is answered with.
async fn share(mut meter: Box<Meter>, source: Source, wanted: &Wanted) -> Result<Upstream, Fault> {
    meter.sharing.told = Told::Coalesced;
    meter.sharing.give(Cached::Coalesced, wanted.policy.coalesced_price_percent);
    meter.worker().gateway.tools.telemetry.count(Count::CacheCoalesced, 1);
    given(meter, source).await
}

async fn given(mut meter: Box<Meter>, source: Source) -> Result<Upstream, Fault> {
    if let Source::Whole(kept) = &source {
        // No more than what its limits admit, as of any answer.
        let output = kept.measure.used.tokens.output_total();
        loop {
            match poll_fn(|cx| meter.poll_room(cx, output)).await {
                Room::Enough => break,
                Room::Grown => {}
                Room::None => {
                    let fault = meter.out_of_room();
                    return Err(meter.fail(fault));
                }
            }
        }
    }
    let (kind, answer) = match source {
        Source::Whole(kept) if !meter.permit.call.ask.stream => {
            let body = write_answer(&meter, &kept.answer)?;
            (JSON, Answered::Whole { body, measure: kept.measure })
        }
        source => (EVENTS, Answered::Shared(Box::new(source))),
    };
    let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, kind)]);
    Ok(Upstream { meter, headers, answer, dropped: None })
}

/// Where an answer comes from that this call did not make.
#[derive(Debug)]
pub enum Source {
    Whole(Arc<Kept>),
    Live(Seat),
}

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");
