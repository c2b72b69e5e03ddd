//! What one call holds of all its limits: taken together or not at all, extended while it runs,
//! settled once.

use super::Amounts;
use super::allowance::{Allowance, Hold, Take};
use super::draw::{Ask, Need, Reply, Request};
use super::lease::Moment;
use super::live::Alive;
use super::refusal::{Refused, Standing};
use contract::Timestamp;
use contract::money::Nanos;
use contract::snapshot::{AtLimit, LimitRecord, Metric};
use contract::usage::LimitTouched;
use std::cmp::Reverse;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};

/// Few calls are under more limits.
const LIMITS_USUAL: usize = 8;

/// Amounts being taken from several limits. Dropped before it is finished, all of it goes back.
#[derive(Default)]
pub(super) struct Taking {
    holds: Vec<(Metric, Hold)>,
    needs: Vec<Need>,
    /// Of the limits without room, the one that decides.
    full: Option<Standing>,
    /// All limits of a call are an org's, and share a lease.
    moment: Option<Moment>,
}

impl Taking {
    /// Takes what there is of `amount` in memory.
    pub fn take(
        &mut self,
        allowance: &Arc<Allowance>,
        limit: &Arc<LimitRecord>,
        amount: i64,
        now: Timestamp,
    ) {
        let metric = limit.metric;
        let moment = *self.moment.get_or_insert_with(|| allowance.lease.moment(now));
        match allowance.take(limit, amount, moment) {
            Take::Taken { hold, refill } => {
                if refill {
                    allowance.balance();
                }
                if self.holds.capacity() == 0 {
                    self.holds.reserve(LIMITS_USUAL);
                }
                self.holds.push((metric, hold));
            }
            Take::Short { hold, missing } => {
                self.needs.push(Need { metric, hold, amount, missing });
            }
            Take::Full(standing) => self.fill(standing),
        }
    }

    fn fill(&mut self, standing: Standing) {
        self.full = Some(Standing::tighter(self.full.take(), standing));
    }

    /// What is held, what is missing, and the limit without room.
    #[cfg(test)]
    pub fn parts(self) -> (Vec<(Metric, Hold)>, Vec<Need>, Option<Standing>) {
        (self.holds, self.needs, self.full)
    }

    /// Whether all of it was taken in memory.
    fn is_whole(&self) -> bool {
        self.needs.is_empty() && self.full.is_none()
    }

    /// Draws what is missing, if anything is.
    ///
    /// # Errors
    /// [`Refused`] names the limit that has no room, or that cannot be asked.
    pub async fn finish(
        self,
        draws: Option<&mpsc::Sender<Request>>,
        now: Timestamp,
    ) -> Result<Vec<(Metric, Hold)>, Refused> {
        let Self { mut holds, mut needs, full, .. } = self;
        // Nothing decides against a limit that refuses; against others, one still to be asked may.
        let decided = full.as_ref().is_some_and(|full| full.limit.at_limit == AtLimit::Deny);
        if !needs.is_empty() && !decided {
            // The first that the counters have no room for is named: the one that decides.
            needs.sort_by_cached_key(|need| Reverse(need.hold.allowance().standing().weight()));
            match (Box::pin(draw(draws, needs, now)).await, &full) {
                (Ok(drawn), _) => holds.extend(drawn),
                (Err(Refused::Limit(other)), Some(full)) => {
                    return Err(Refused::Limit(Standing::tighter(Some(full.clone()), other)));
                }
                (Err(refused), _) => return Err(refused),
            }
        }
        match full {
            Some(standing) => Err(Refused::Limit(standing)),
            None => Ok(holds),
        }
    }
}

async fn draw(
    draws: Option<&mpsc::Sender<Request>>,
    needs: Vec<Need>,
    now: Timestamp,
) -> Result<Vec<(Metric, Hold)>, Refused> {
    let Some(limit) = needs.first().map(|need| need.hold.allowance().limit()) else {
        return Ok(Vec::new());
    };
    let Some(draws) = draws else { return without_redis(needs, now) };
    let (reply, answer) = oneshot::channel();
    let sent = draws.send(Request::Ask(Ask { needs, now, tries: 0, reply })).await;
    let answer = match sent {
        Ok(()) => answer.await.map_err(|_| Refused::Unknown(limit))?,
        Err(mpsc::error::SendError(Request::Ask(ask))) => Reply::Unreachable(ask.needs),
        Err(_) => return Err(Refused::Unknown(limit)),
    };
    match answer {
        Reply::Granted(holds) => Ok(holds),
        Reply::Refused(standing) => Err(Refused::Limit(standing)),
        Reply::Unknown(limit) => Err(Refused::Unknown(limit)),
        Reply::Unreachable(needs) => without_redis(needs, now),
    }
}

/// Each limit's own rule for when Redis cannot be asked.
fn without_redis(needs: Vec<Need>, now: Timestamp) -> Result<Vec<(Metric, Hold)>, Refused> {
    let mut holds = Vec::with_capacity(needs.len());
    for mut need in needs {
        let allowance = Arc::clone(need.hold.allowance());
        need.move_to(allowance.turn(allowance.lease.moment(now)));
        match allowance.take_alone(need.missing) {
            None => return Err(Refused::Unknown(allowance.limit())),
            Some(Err(standing)) => return Err(Refused::Limit(standing)),
            Some(Ok(())) => need.hold.grow(need.missing),
        }
        holds.push((need.metric, need.hold));
    }
    Ok(holds)
}

/// What is held besides, for a reservation to add.
#[derive(Debug)]
#[must_use = "what is dropped is given back"]
pub struct More {
    holds: Vec<(Metric, Hold)>,
    money: Nanos,
}

/// What a call holds while it runs. Settle it with what was really used; dropped unsettled, all
/// of it goes back.
#[derive(Debug)]
#[must_use = "a reservation that is dropped is given back"]
pub struct Reservation {
    holds: Vec<(Metric, Hold)>,
    money: Nanos,
    alive: Alive,
}

impl Reservation {
    pub(super) fn new(holds: Vec<(Metric, Hold)>, money: Nanos, alive: Alive) -> Self {
        Self { holds, money, alive }
    }

    /// The money that was estimated, whether or not a limit counts it.
    #[must_use]
    pub fn money(&self) -> Nanos {
        self.money
    }

    /// How each limit stands, for the headers of the answer.
    pub fn standings(&self) -> impl Iterator<Item = Standing> {
        self.holds.iter().map(|(_, hold)| hold.allowance().standing())
    }

    /// Takes `more` from every limit that the reservation holds, or nothing at all. Waits for
    /// Redis only when an allowance is used up.
    ///
    /// # Errors
    /// [`Refused`] names the binding limit; what was held before stays held.
    pub async fn extend(&mut self, more: &Amounts, now: Timestamp) -> Result<(), Refused> {
        let more = self.more(more, now).await?;
        self.add(more);
        Ok(())
    }

    /// Asks for more while what is held stays at hand; [`Reservation::add`] what it comes to.
    /// Dropped, it gives everything back.
    ///
    /// # Errors
    /// [`Refused`] names the binding limit.
    pub fn more(
        &self,
        more: &Amounts,
        now: Timestamp,
    ) -> impl Future<Output = Result<More, Refused>> + 'static {
        let taking = self.taking(more, now);
        // What draws is reached through any allowance; without limits there is nothing to draw.
        let draws = self.holds.first().and_then(|(_, hold)| hold.allowance().draws());
        let money = more.money;
        async move { Ok(More { holds: taking.finish(draws.as_ref(), now).await?, money }) }
    }

    /// Holds what was asked for of the same limits besides.
    pub fn add(&mut self, more: More) {
        for (_, more) in more.holds {
            let same =
                |held: &&mut (Metric, Hold)| Arc::ptr_eq(held.1.allowance(), more.allowance());
            match self.holds.iter_mut().find(same) {
                Some((_, hold)) => hold.join(more),
                // Taken for the holds that are here: there is one for each.
                None => drop(more),
            }
        }
        self.money = Nanos(self.money.0.saturating_add(more.money.0.max(0)));
        self.alive.holds(self.money);
    }

    /// The same out of memory alone: false, and nothing is taken, when Redis would have to be
    /// asked or a limit has no room. [`Reservation::extend`] says which.
    #[must_use]
    pub fn try_extend(&mut self, more: &Amounts, now: Timestamp) -> bool {
        let taking = self.taking(more, now);
        let whole = taking.is_whole();
        if whole {
            self.add(More { holds: taking.holds, money: more.money });
        }
        whole
    }

    fn taking(&self, more: &Amounts, now: Timestamp) -> Taking {
        let mut taking = Taking::default();
        for (metric, hold) in &self.holds {
            let allowance = hold.allowance();
            let limit = allowance.limit();
            // It was let in while there was room, and nothing is sent on half way.
            let amount = if limit.at_limit.lets_by() { 0 } else { more.of(*metric) };
            taking.take(allowance, &limit, amount, now);
        }
        taking
    }

    /// What is held of each limit, and what of `used` counts there.
    #[must_use]
    pub fn touched(&self, used: &Amounts) -> Vec<LimitTouched> {
        let of = |(metric, hold): &(Metric, Hold)| LimitTouched {
            limit_id: hold.allowance().limit_id,
            window_start: hold.window_start(),
            held: hold.held(),
            used: used.of(*metric),
        };
        self.holds.iter().map(of).collect()
    }

    /// Keeps what was really used and gives back the rest. More than was reserved is taken too,
    /// even past the limit: it was spent.
    pub fn settle(self, used: &Amounts) {
        for (metric, hold) in self.holds {
            hold.settle(used.of(metric));
        }
    }
}
