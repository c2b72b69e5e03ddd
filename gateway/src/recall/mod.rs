//! The room between reserve and attempt: a call that asks for what another asked for is answered
//! with that one's answer, where its plan says so. Kept answers are in this process and in Redis;
//! calls under way are shared within this process. Whatever the answer, the call was admitted by
//! its own limits and is billed as its plan says.

mod asked;
mod compare;
mod flight;
mod kept;
mod key;
mod lead;
mod memory;
mod near;
mod question;
mod shelf;
mod store;
mod vector;
mod wanted;

pub use asked::CacheAsked;
pub use compare::Compared;
pub use flight::{Flights, Joined, Pilot, Seat, Step};
pub use kept::Kept;
pub use key::{CacheSecret, KeyMaker, Tenant, TenantKey};
pub use lead::Lead;
pub use memory::{CacheBounds, Recall};
pub use near::{Near, Question};
pub use shelf::{Librarian, Shelf};
pub use store::Store;
pub use vector::Vector;
pub use wanted::{Stand, Wanted, is_deterministic};

use crate::attempt::{Answered, Upstream, write_answer};
use crate::fallback;
use crate::fault::Fault;
use crate::meter::{Meter, Room};
use crate::plan::Plan;
use crate::telemetry::Count;
use compare::compare;
use contract::error::ErrorCode;
use contract::usage::Cached;
use http::{HeaderMap, HeaderValue, header};
use std::future::poll_fn;
use std::sync::Arc;
use tokio::time::timeout_at;

/// How many leaders a call follows; when all have failed, it fails as the last one did.
const LEADERS_MAX: u8 = 3;

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
    /// Kept, of a call that means the same; how alike their questions are, in thousandths.
    Alike {
        age_s: u64,
        alike: u16,
    },
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
            Self::Alike { .. } => Some("semantic"),
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
    if !wanted.looks {
        let alone = Pilot::alone();
        meter.sharing.lead(Lead::new(alone, recall.clone(), (wanted, None), plan.attempt(0)));
        return fallback::answer(meter, plan).await;
    }
    if wanted.keeps
        && let Some(kept) = recall.store.find(&wanted.key, now_ms(), wanted.ttl_ms)
    {
        return hit(meter, kept, &wanted, now_ms()).await;
    }
    let mut failed = None;
    for _ in 0..LEADERS_MAX {
        let mut seat = match recall.flights.join(wanted.flight) {
            Joined::Follow(seat) => seat,
            Joined::Lead(pilot) => return lead(meter, plan, pilot, wanted).await,
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

/// Makes the call, for those too who follow; unless there is an answer to the same in Redis or, just
/// now, here, or one to what means the same.
async fn lead(
    mut meter: Box<Meter>,
    plan: Plan,
    pilot: Pilot,
    wanted: Wanted,
) -> Result<Upstream, Fault> {
    let gateway = Arc::clone(&meter.worker().gateway);
    let (tools, recall) = (&gateway.tools, &gateway.tools.recall);
    let now_ms = || tools.clock.now().timestamp_millis();
    let mut compared = None;
    if wanted.keeps {
        if let Some(kept) = recall.find(wanted.key, now_ms(), wanted.ttl_ms).await {
            pilot.land(Arc::clone(&kept));
            return hit(meter, kept, &wanted, now_ms()).await;
        }
        if let Some(semantic) = wanted.semantic {
            // Boxed: most plans have none.
            compared = Box::pin(compare(&mut meter, semantic, plan.attempt(0))).await;
            let found = match &compared {
                Some(compared) => {
                    let young = (now_ms(), wanted.ttl_ms);
                    recall.find_alike(compared, semantic.alike_min, young).await
                }
                None => None,
            };
            if let Some((alike, kept)) = found {
                pilot.land(Arc::clone(&kept));
                let told = Told::Alike { age_s: kept.age_s(now_ms()), alike };
                return kept_given(meter, kept, &wanted, (told, Cached::Semantic)).await;
            }
        }
    }
    let lead = Lead::new(pilot, recall.clone(), (wanted, compared), plan.attempt(0));
    meter.sharing.lead(lead);
    tools.telemetry.count(Count::CacheMiss, 1);
    fallback::answer(meter, plan).await
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
    meter: Box<Meter>,
    kept: Arc<Kept>,
    wanted: &Wanted,
    now_ms: i64,
) -> Result<Upstream, Fault> {
    let told = Told::Hit { age_s: kept.age_s(now_ms) };
    kept_given(meter, kept, wanted, (told, Cached::Exact)).await
}

async fn kept_given(
    mut meter: Box<Meter>,
    kept: Arc<Kept>,
    wanted: &Wanted,
    (told, cached): (Told, Cached),
) -> Result<Upstream, Fault> {
    meter.sharing.told = told;
    meter.sharing.give(cached, wanted.policy.hit_price_percent);
    let count = if cached == Cached::Semantic { Count::CacheAlike } else { Count::CacheHit };
    meter.worker().gateway.tools.telemetry.count(count, 1);
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
            let body = match &kept.as_told {
                Some(body) => body.clone(),
                None => write_answer(&meter, &kept.answer)?,
            };
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
