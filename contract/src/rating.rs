//! Rating over a period: included quantities, volume tiers and a minimum on top of a price per class.
//!
//! Use is rated model by model: each has the whole of what is included, and counts its tiers for itself.
//! A version of a model's price is charged the difference that its use makes: what all use costs with it,
//! less what it cost before. So tiers go on counting where a price changes, the order of calls makes no
//! difference, and rounding happens once a version. The minimum is asked once, over all models.

use crate::money::{Nanos, Rates};
use crate::usage::{Tokens, Units, Used};
use serde::{Deserialize, Serialize};

/// The most tiers that a tariff has.
pub const TIERS_MAX: usize = 10;

/// What is used in a period: everything countable, and calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Volume {
    pub calls: u64,
    pub tokens: Tokens,
    pub units: Units,
}

/// From so many tokens of a class on, tokens of that class cost these rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tier {
    /// Tokens of one class in the period, the included ones not counted.
    pub above: u64,
    /// What tokens beyond cost; only rates of tokens count.
    pub rates: Rates,
}

/// What a plan makes of a price over a calendar month of UTC.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tariff {
    /// Not charged for.
    pub included: Volume,
    /// By `above`, rising. Below the first one the price's own rates hold.
    pub tiers: Vec<Tier>,
    /// Charged at least.
    pub minimum: Nanos,
}

/// Why tiers are none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TariffFault {
    #[error("a tariff has at most 10 tiers")]
    TooMany,
    #[error("each tier begins above the one before it, the first above 0")]
    Order,
    #[error("a rate or the minimum is below zero")]
    Negative,
}

impl Volume {
    #[must_use]
    pub fn of_call(used: &Used) -> Self {
        Self { calls: 1, tokens: used.tokens, units: used.units }
    }

    /// Both together.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.each(other, u64::saturating_add)
    }

    /// What of it goes beyond `other`.
    #[must_use]
    pub fn beyond(&self, other: &Self) -> Self {
        self.each(other, u64::saturating_sub)
    }

    fn each(&self, other: &Self, of: fn(u64, u64) -> u64) -> Self {
        let (a, b) = (&self.tokens, &other.tokens);
        let (c, d) = (&self.units, &other.units);
        Self {
            calls: of(self.calls, other.calls),
            tokens: Tokens {
                input: of(a.input, b.input),
                cached_input: of(a.cached_input, b.cached_input),
                cache_write: of(a.cache_write, b.cache_write),
                cache_write_1h: of(a.cache_write_1h, b.cache_write_1h),
                audio_input: of(a.audio_input, b.audio_input),
                image_input: of(a.image_input, b.image_input),
                output: of(a.output, b.output),
                reasoning: of(a.reasoning, b.reasoning),
                audio_output: of(a.audio_output, b.audio_output),
                image_output: of(a.image_output, b.image_output),
            },
            units: Units {
                images: of(c.images, d.images),
                characters: of(c.characters, d.characters),
                audio_ms: of(c.audio_ms, d.audio_ms),
                searches: of(c.searches, d.searches),
                rows: of(c.rows, d.rows),
                compute_ms: of(c.compute_ms, d.compute_ms),
            },
        }
    }

    /// Of each class of tokens, what lies above `from` and not above `to`; nothing else.
    fn tokens_between(&self, from: u64, to: u64) -> Tokens {
        let part = |count: u64| count.min(to).saturating_sub(from);
        let t = &self.tokens;
        Tokens {
            input: part(t.input),
            cached_input: part(t.cached_input),
            cache_write: part(t.cache_write),
            cache_write_1h: part(t.cache_write_1h),
            audio_input: part(t.audio_input),
            image_input: part(t.image_input),
            output: part(t.output),
            reasoning: part(t.reasoning),
            audio_output: part(t.audio_output),
            image_output: part(t.image_output),
        }
    }
}

impl Tariff {
    /// Whether it can be rated by.
    ///
    /// # Errors
    /// Says what is wrong.
    pub fn check(&self) -> Result<(), TariffFault> {
        if self.tiers.len() > TIERS_MAX {
            return Err(TariffFault::TooMany);
        }
        let mut last = 0;
        for tier in &self.tiers {
            if tier.above <= last {
                return Err(TariffFault::Order);
            }
            last = tier.above;
            if tier.rates.lowest() < Nanos::ZERO {
                return Err(TariffFault::Negative);
            }
        }
        if self.minimum < Nanos::ZERO { Err(TariffFault::Negative) } else { Ok(()) }
    }

    /// What all that was used in a period costs under `rates`, without the minimum. Never falls
    /// when more is used.
    #[must_use]
    pub fn cost(&self, rates: &Rates, used: &Volume) -> Nanos {
        let paid = used.beyond(&self.included);
        let ends = self.tiers.iter().map(|tier| tier.above).chain([u64::MAX]);
        let begins = [(0, rates)].into_iter().chain(self.tiers.iter().map(|t| (t.above, &t.rates)));
        let tokens = begins.zip(ends).fold(0_i128, |sum, ((from, rates), to)| {
            sum.saturating_add(rates.tokens_in_parts(&paid.tokens_between(from, to)))
        });
        let rest = rates.rest_in_parts(paid.calls, &paid.units);
        Rates::from_parts(tokens.saturating_add(rest))
    }

    /// What a call is billed that uses `used` after `before` was used in its period.
    #[must_use]
    pub fn bill(&self, rates: &Rates, before: &Volume, used: &Volume) -> Nanos {
        self.cost(rates, &before.and(used)).saturating_sub(self.cost(rates, before))
    }

    /// What a model's use in a period costs: `versions` are those of its price, in the order in which
    /// they were in force, with what was used under each.
    #[must_use]
    pub fn cost_of(&self, versions: &[(Rates, Volume)]) -> Nanos {
        let none = (Volume::default(), Nanos::ZERO);
        let (_, cost) = versions.iter().fold(none, |(before, sum), (rates, used)| {
            (before.and(used), sum.saturating_add(self.bill(rates, &before, used)))
        });
        cost
    }

    /// The same with the minimum of `days` out of `of` days, rounded half up.
    #[must_use]
    pub fn for_days(&self, days: u32, of: u32) -> Self {
        let (days, of) = (i128::from(days.min(of)), i128::from(of.max(1)));
        let parts = i128::from(self.minimum.0).saturating_mul(days);
        let minimum = parts.saturating_add(of / 2) / of;
        Self { minimum: i64::try_from(minimum).map_or(Nanos::MAX, Nanos), ..self.clone() }
    }

    /// Whether it includes nothing, has no tiers and asks nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// What is still charged at the end of a period in which `billed` was.
    #[must_use]
    pub fn top_up(&self, billed: Nanos) -> Nanos {
        self.minimum.saturating_sub(billed).max(Nanos::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rates(input: i64, output: i64) -> Rates {
        Rates { input: Nanos(input), output: Nanos(output), ..Rates::FREE }
    }

    fn tokens(input: u64, output: u64) -> Volume {
        Volume::of_call(&Used::from(Tokens { input, output, ..Tokens::NONE }))
    }

    #[test]
    fn what_is_included_is_free_and_what_is_beyond_a_tier_costs_that_tier() {
        let tariff = Tariff {
            included: Volume { tokens: Tokens { input: 10, ..Tokens::NONE }, ..Volume::default() },
            tiers: vec![Tier { above: 100, rates: rates(1_000_000, 0) }],
            minimum: Nanos(500),
        };
        let list = rates(2_000_000, 3_000_000);
        let bill =
            |before: u64, used: u64| tariff.bill(&list, &tokens(before, 0), &tokens(used, 0)).0;
        assert_eq!(bill(0, 10), 0);
        assert_eq!(bill(10, 100), 200);
        // 50 at the list price, up to 110 with the included ones; 90 of the tier.
        assert_eq!(bill(60, 140), 50 * 2 + 90);
        assert_eq!((tariff.top_up(Nanos(200)), tariff.top_up(Nanos(501))), (Nanos(300), Nanos(0)));
    }

    #[test]
    fn without_a_tariff_a_call_is_billed_its_price() {
        let (list, used) = (
            rates(1_234_567, 7_654_321),
            Used::from(Tokens { input: 999, output: 77, ..Tokens::NONE }),
        );
        let bill = Tariff::default().bill(&list, &Volume::default(), &Volume::of_call(&used));
        assert_eq!(bill, list.price(&used));
    }

    #[test]
    fn tiers_go_on_counting_where_a_price_changes() {
        let tariff = Tariff {
            included: Volume { tokens: Tokens { input: 10, ..Tokens::NONE }, ..Volume::default() },
            tiers: vec![Tier { above: 100, rates: rates(1_000_000, 0) }],
            minimum: Nanos::ZERO,
        };
        let (old, new) = (rates(2_000_000, 0), rates(4_000_000, 0));
        let cost = |a, b| tariff.cost_of(&[(old, tokens(a, 0)), (new, tokens(b, 0))]).0;
        // What is included is given once, not once a price; 100 tokens are below the tier.
        assert_eq!(cost(60, 0), 50 * 2);
        assert_eq!(cost(60, 50), 50 * 2 + 50 * 4);
        assert_eq!(cost(60, 70), 50 * 2 + 50 * 4 + 20);
        assert_eq!(cost(0, 60), 50 * 4);
    }

    #[test]
    fn the_minimum_is_asked_for_the_days_of_a_subscription() {
        let tariff = Tariff { minimum: Nanos(31), ..Tariff::default() };
        let asked = |days| tariff.for_days(days, 31).minimum.0;
        assert_eq!([asked(0), asked(1), asked(30), asked(31), asked(99)], [0, 1, 30, 31, 31]);
        let tariff = Tariff { minimum: Nanos(10), ..Tariff::default() };
        assert_eq!((tariff.for_days(1, 30).minimum.0, tariff.for_days(2, 30).minimum.0), (0, 1));
        let most = Tariff { minimum: Nanos::MAX, ..Tariff::default() };
        assert_eq!(most.for_days(28, 28).minimum, Nanos::MAX);
        assert_eq!(most.for_days(0, 0).minimum, Nanos::ZERO);
    }

    #[test]
    fn tiers_out_of_order_and_rates_below_zero_are_refused() {
        let tier = |above, input| Tier { above, rates: rates(input, 0) };
        let tariff = |tiers| Tariff { tiers, ..Tariff::default() };
        assert_eq!(tariff(vec![tier(0, 1)]).check(), Err(TariffFault::Order));
        assert_eq!(tariff(vec![tier(5, 1), tier(5, 1)]).check(), Err(TariffFault::Order));
        assert_eq!(tariff(vec![tier(5, -1)]).check(), Err(TariffFault::Negative));
        assert_eq!(
            tariff((1..12).map(|n| tier(n, 1)).collect()).check(),
            Err(TariffFault::TooMany)
        );
        assert_eq!(tariff(vec![tier(5, 1), tier(6, 0)]).check(), Ok(()));
    }

    fn volume() -> impl Strategy<Value = Volume> {
        (0..5_000_u64, 0..5_000_u64, 0..500_u64, 0..50_u64, 0..9_u64).prop_map(
            |(input, output, cached_input, searches, calls)| Volume {
                calls,
                tokens: Tokens { input, output, cached_input, ..Tokens::NONE },
                units: Units { searches, ..Units::NONE },
            },
        )
    }

    fn tariff() -> impl Strategy<Value = Tariff> {
        let tiers = proptest::collection::btree_map(
            1..9_000_u64,
            (0..9_000_000_i64, 0..9_000_000_i64),
            0..5,
        );
        (volume(), tiers).prop_map(|(included, tiers)| {
            let tiers = tiers.into_iter();
            let tiers = tiers.map(|(above, (i, o))| Tier { above, rates: rates(i, o) }).collect();
            Tariff { included, tiers, minimum: Nanos::ZERO }
        })
    }

    proptest! {
        #[test]
        fn a_periods_bills_sum_to_its_cost_in_whatever_order_its_calls_arrive(
            tariff in tariff(), input in 0..9_000_000_i64, output in 0..9_000_000_i64,
            per_call in 0..9_000_i64, calls in proptest::collection::vec(volume(), 1..12),
            seed in any::<u64>(),
        ) {
            let list = Rates { per_call: Nanos(per_call), ..rates(input, output) };
            let sum = |calls: &[Volume]| {
                let (mut before, mut billed) = (Volume::default(), 0);
                for call in calls {
                    let bill = tariff.bill(&list, &before, call);
                    assert!(bill >= Nanos::ZERO, "{bill:?}");
                    billed += bill.0;
                    before = before.and(call);
                }
                (billed, tariff.cost(&list, &before).0)
            };
            let (billed, cost) = sum(&calls);
            prop_assert_eq!(billed, cost);
            let mut other = calls.clone();
            let turn = usize::try_from(seed % 12).unwrap() % other.len();
            other.rotate_left(turn);
            other.reverse();
            prop_assert_eq!(sum(&other), (billed, cost));
        }

        #[test]
        fn no_volume_overflows(tariff in tariff(), count in any::<u64>(), rate in any::<i64>()) {
            let list = rates(rate.saturating_abs(), rate.saturating_abs());
            let all = Volume {
                calls: count,
                tokens: Tokens { input: count, output: count, ..Tokens::NONE },
                units: Units { images: count, ..Units::NONE },
            };
            let cost = tariff.cost(&list, &all);
            prop_assert!(cost >= Nanos::ZERO);
            prop_assert!(tariff.bill(&list, &all, &all) >= Nanos::ZERO);
        }
    }
}
