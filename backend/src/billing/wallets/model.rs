//! Which credits a call draws on. No I/O.

use chrono::TimeDelta;
use contract::Timestamp;
use contract::id::CreditId;
use contract::money::Nanos;

/// How long after gateways were told that a credit ended a call may still be one that they admitted
/// on its strength.
pub const GRACE: TimeDelta = TimeDelta::seconds(60);

/// A credit with something left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Open {
    pub id: CreditId,
    pub remaining: Nanos,
    /// When gateways were told that it is over.
    pub ended_at: Option<Timestamp>,
}

impl Open {
    /// May a call of this instant be paid with it?
    #[must_use]
    pub fn pays_for(&self, at: Timestamp) -> bool {
        self.ended_at.is_none_or(|ended| at < ended + GRACE)
    }
}

/// How a cost was shared out.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Allocation {
    /// What each credit gives, in the order in which they are drawn.
    pub draws: Vec<(CreditId, Nanos)>,
    /// What no credit could give without going below the floor.
    pub short: Nanos,
}

impl Allocation {
    #[must_use]
    pub fn drawn(&self) -> Nanos {
        self.draws.iter().fold(Nanos::ZERO, |sum, (_, amount)| sum.saturating_add(*amount))
    }
}

/// Takes `cost`, of something that happened `at`, from `credits` in their order, as long as what
/// remains of them is not below `floor`.
pub fn allocate(credits: &mut [Open], floor: Nanos, at: Timestamp, cost: Nanos) -> Allocation {
    let open = credits.iter().filter(|credit| credit.pays_for(at));
    let whole = open.fold(Nanos::ZERO, |sum, credit| sum.saturating_add(credit.remaining));
    let mut free = whole.saturating_sub(floor).max(Nanos::ZERO);
    let mut allocation = Allocation { draws: Vec::new(), short: cost.max(Nanos::ZERO) };
    for credit in credits.iter_mut().filter(|credit| credit.pays_for(at)) {
        let amount = allocation.short.min(credit.remaining).min(free);
        if amount > Nanos::ZERO {
            credit.remaining = credit.remaining.saturating_sub(amount);
            free = free.saturating_sub(amount);
            allocation.short = allocation.short.saturating_sub(amount);
            allocation.draws.push((credit.id, amount));
        }
    }
    allocation
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    fn at(second: i64) -> Timestamp {
        chrono::DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    fn credit(n: u128, remaining: i64, ended: Option<i64>) -> Open {
        let id = CreditId(Uuid::from_u128(n));
        Open { id, remaining: Nanos(remaining), ended_at: ended.map(at) }
    }

    #[test]
    fn credits_are_drawn_in_order_down_to_the_floor_and_not_one_nano_dollar_below() {
        let mut credits = [credit(1, 5, None), credit(2, 5, None)];
        let first = allocate(&mut credits, Nanos(3), at(0), Nanos(6));
        let ids: Vec<_> = first.draws.iter().map(|(id, n)| (id.0.as_u128(), n.0)).collect();
        assert_eq!((ids, first.short), (vec![(1, 5), (2, 1)], Nanos::ZERO));
        let second = allocate(&mut credits, Nanos(3), at(0), Nanos(6));
        assert_eq!((second.drawn(), second.short), (Nanos(1), Nanos(5)));
    }

    #[test]
    fn a_credit_that_ended_pays_only_for_calls_that_were_admitted_on_its_strength() {
        let mut credits = [credit(1, 5, Some(0)), credit(2, 5, None)];
        let late = allocate(&mut credits.clone(), Nanos::ZERO, at(60), Nanos(7));
        assert_eq!((late.drawn(), late.short), (Nanos(5), Nanos(2)));
        let early = allocate(&mut credits, Nanos::ZERO, at(59), Nanos(7));
        assert_eq!(early.short, Nanos::ZERO);
    }

    fn credits() -> impl Strategy<Value = Vec<Open>> {
        let one = (0..1_000_i64, proptest::option::of(-100..100_i64));
        proptest::collection::vec(one, 0..8).prop_map(|list| {
            let numbered = list.into_iter().enumerate();
            numbered.map(|(n, (left, ended))| credit(n as u128, left, ended)).collect()
        })
    }

    proptest! {
        #[test]
        fn whatever_is_drawn_no_nano_dollar_is_lost_or_made_and_the_floor_holds(
            before in credits(), floor in 0..2_000_i64,
            costs in proptest::collection::vec((0..700_i64, -100..200_i64), 1..10),
        ) {
            let mut credits = before.clone();
            let sum = |list: &[Open]| list.iter().map(|credit| credit.remaining.0).sum::<i64>();
            let (mut drawn, whole) = (0, sum(&before));
            for (cost, second) in costs {
                let payers: Vec<_> = credits.iter().filter(|c| c.pays_for(at(second))).cloned().collect();
                let part = allocate(&mut credits, Nanos(floor), at(second), Nanos(cost));
                prop_assert_eq!(part.drawn().0 + part.short.0, cost);
                prop_assert!(part.draws.iter().all(|(_, amount)| *amount > Nanos::ZERO));
                // Short only when nothing more could be given.
                let left = sum(&payers) - part.drawn().0;
                prop_assert!(part.short == Nanos::ZERO || left <= floor.max(0));
                // In order: one is touched only when all before it that may pay are empty.
                let order: Vec<_> = payers.iter().map(|payer| payer.id).collect();
                for pair in part.draws.windows(2) {
                    let place = |id| order.iter().position(|other| *other == id);
                    prop_assert!(place(pair[0].0) < place(pair[1].0));
                }
                drawn += part.drawn().0;
            }
            prop_assert_eq!(sum(&credits) + drawn, whole);
            prop_assert!(credits.iter().all(|credit| credit.remaining >= Nanos::ZERO));
            prop_assert!(drawn == 0 || sum(&credits) >= floor);
        }
    }
}
