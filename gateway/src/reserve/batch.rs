//! One round with the counters of one org: from the asks that wait to a call, and from its answer
//! to what callers are told. Without Redis and without waiting, so that a test can lose, repeat
//! and delay every message.

use super::allowance::{Allowance, Draw};
use super::call::{Answer, Call, Counter, Readiness};
use super::draw::{Ask, Need, Reply};
use super::lease::Lease;
use crate::telemetry::{Count, Telemetry};
use contract::Timestamp;
use contract::id::OrgId;
use contract::snapshot::Metric;
use std::collections::HashMap;
use std::sync::Arc;

/// Counters of windows that are over in one call at most; the rest is told by the next.
const LATE_MAX: usize = 512;
/// How often an ask follows Redis into another window before it counts as unanswerable.
const TRIES_MAX: u8 = 8;

/// What goes to the counters of one org in one call.
#[derive(Default)]
pub(super) struct Batch {
    allowances: Vec<Arc<Allowance>>,
    /// Where an allowance stands in the list, by its address.
    place: HashMap<usize, usize>,
    asks: Vec<Ask>,
    /// One for each allowance, once it is planned.
    draws: Vec<Draw>,
    sent_ms: i64,
}

fn address(allowance: &Arc<Allowance>) -> usize {
    Arc::as_ptr(allowance).addr()
}

impl Batch {
    pub fn len(&self) -> usize {
        self.allowances.len()
    }

    pub fn ask(&mut self, ask: Ask) {
        for need in &ask.needs {
            self.place(need.hold.allowance());
        }
        self.asks.push(ask);
    }

    pub fn place(&mut self, allowance: &Arc<Allowance>) -> usize {
        *self.place.entry(address(allowance)).or_insert_with(|| {
            self.allowances.push(Arc::clone(allowance));
            self.allowances.len() - 1
        })
    }

    fn lease(&self) -> Option<Arc<Lease>> {
        self.allowances.first().map(|allowance| Arc::clone(&allowance.lease))
    }

    fn place_of(&self, need: &Need) -> Option<usize> {
        self.place.get(&address(need.hold.allowance())).copied()
    }

    /// Decides what to ask of the counters. With `drain`, nothing is kept that is not used.
    pub fn plan(
        &mut self,
        gateway: &str,
        number: u64,
        now: Timestamp,
        drain: bool,
    ) -> Option<Call> {
        let lease = self.lease()?;
        let org_id = self.allowances.first()?.org_id;
        let now = self.asks.iter().map(|ask| ask.now).fold(now, Timestamp::max);
        let moment = lease.moment(now);
        self.sent_ms = moment.steady_ms;
        // What is in hand by now goes to those who wait, before more is asked for.
        for need in self.asks.iter_mut().flat_map(|ask| &mut ask.needs) {
            need.missing -= need.hold.take_part(need.missing, moment);
        }
        self.draws = self.allowances.iter().map(|a| a.plan_draw(moment, drain)).collect();
        self.move_needs();
        // Behind what is drawn now comes what windows that are over should still hear of.
        for allowance in self.allowances.clone() {
            for draw in allowance.plan_late(moment, LATE_MAX.saturating_sub(self.draws.len())) {
                self.draws.push(draw);
                self.allowances.push(Arc::clone(&allowance));
            }
        }
        let counters = self.allowances.iter().zip(&self.draws).map(|(a, draw)| draw.counter(a));
        let pairs = |ask: &Ask| {
            let pair = |need: &Need| Some((self.place_of(need)?, need.missing));
            ask.needs.iter().filter_map(pair).collect()
        };
        Some(Call {
            org_id,
            gateway: gateway.to_owned(),
            number,
            now_ms: None,
            counters: counters.collect::<Vec<Counter>>(),
            asks: self.asks.iter().map(pairs).collect(),
        })
    }

    /// A window may have ended between the ask and now.
    fn move_needs(&mut self) {
        let (draws, place) = (&self.draws, &self.place);
        for need in self.asks.iter_mut().flat_map(|ask| &mut ask.needs) {
            let at = place.get(&address(need.hold.allowance()));
            if let Some(draw) = at.and_then(|at| draws.get(*at)) {
                need.move_to(draw.window);
            }
        }
    }

    pub fn overdrawn(&self) -> impl Iterator<Item = &Draw> {
        self.draws.iter().filter(|draw| draw.overdrawn > 0)
    }

    /// Takes up an answer, and tells those who wait. Returns who must ask again: those that Redis
    /// has sent to another window.
    pub fn settle(mut self, mut answer: Answer, telemetry: &Telemetry) -> Vec<Ask> {
        let Some(lease) = self.lease() else { return Vec::new() };
        if lease.is_too_late(self.sent_ms) {
            self.fail();
            return Vec::new();
        }
        lease.heard(self.sent_ms, answer.now_ms, answer.gateways, answer.counted);
        for (ask, verdict) in self.asks.iter().zip(&answer.verdicts) {
            for need in ask.needs.iter().filter(|_| *verdict == 0) {
                let place = self.place_of(need);
                if let Some(grant) = place.and_then(|place| answer.grants.get_mut(place)) {
                    grant.asked = grant.asked.saturating_add(need.missing);
                }
            }
        }
        let drawn = self.allowances.iter().zip(&self.draws).zip(&answer.grants);
        for ((allowance, draw), grant) in drawn {
            allowance.granted(draw, grant, self.sent_ms);
        }
        let mut again = Vec::new();
        for (mut ask, verdict) in std::mem::take(&mut self.asks).into_iter().zip(answer.verdicts) {
            // Verdicts count from one; zero is a grant.
            let Some(binding) = verdict.checked_sub(1).and_then(|at| ask.needs.get(at)) else {
                telemetry.count(Count::DrawGranted, 1);
                // A caller that has gone drops what it was granted, which gives it back.
                drop(ask.reply.send(Reply::Granted(taken(ask.needs))));
                continue;
            };
            let allowance = Arc::clone(binding.hold.allowance());
            let place = self.place_of(binding);
            let grant = place.and_then(|place| answer.grants.get(place));
            let reply = match grant.map_or(Readiness::Incomplete, |grant| grant.readiness) {
                Readiness::OtherWindow if ask.tries < TRIES_MAX => {
                    ask.tries += 1;
                    again.push(ask);
                    continue;
                }
                Readiness::OtherWindow | Readiness::Incomplete => {
                    telemetry.count(Count::DrawFailed, 1);
                    Reply::Unknown(allowance.limit())
                }
                Readiness::Ready => {
                    telemetry.count(Count::DrawRefused, 1);
                    let draw = place.and_then(|place| self.draws.get(place));
                    Reply::Refused(allowance.full(draw, self.sent_ms))
                }
            };
            drop(ask.reply.send(reply));
        }
        again
    }

    /// No answer came: what the counters hold is not certain, and callers are told so.
    pub fn fail(self) {
        for (allowance, draw) in self.allowances.iter().zip(&self.draws) {
            allowance.failed(draw);
        }
        for ask in self.asks {
            // A caller that has gone drops its needs, which gives them back.
            drop(ask.reply.send(Reply::Unreachable(ask.needs)));
        }
    }
}

/// The needs of a granted ask, now held in full.
fn taken(needs: Vec<Need>) -> Vec<(Metric, super::allowance::Hold)> {
    needs
        .into_iter()
        .map(|Need { metric, mut hold, missing, .. }| {
            hold.grow(missing);
            (metric, hold)
        })
        .collect()
}

/// The batches of one round: one being filled for each org, and those that are full.
#[derive(Default)]
pub(super) struct Batches {
    filling: HashMap<OrgId, Batch>,
    full: Vec<Batch>,
}

impl Batches {
    /// Counters in one script call at most: a script must not hold Redis up.
    const COUNTERS_MAX: usize = 256;

    /// The batch of an org, with room for `more` counters.
    pub fn room(&mut self, org: OrgId, more: usize) -> &mut Batch {
        let batch = self.filling.entry(org).or_default();
        if batch.len() + more > Self::COUNTERS_MAX {
            self.full.push(std::mem::take(batch));
        }
        batch
    }

    pub fn ask(&mut self, ask: Ask) {
        if let Some(org) = ask.needs.first().map(|need| need.hold.allowance().org_id) {
            self.room(org, ask.needs.len()).ask(ask);
        }
    }

    pub fn into_all(self) -> impl Iterator<Item = Batch> {
        self.full.into_iter().chain(self.filling.into_values())
    }
}
