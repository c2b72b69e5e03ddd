//! In which order the places that may answer are tried. Whatever the way of picking, each place
//! comes once, and one that recovers comes first only as often as its share.

use crate::sticky;

/// A deployment as a plan sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Its number among the candidates.
    pub at: usize,
    /// Which it is: the same on every gateway and after every change.
    pub key: u64,
    /// Its share of the calls, relative to the others: 0 takes none.
    pub weight: u32,
    /// What it may have of that, in percent; less than 100 while it recovers.
    pub share: u8,
    /// Calls that it works on.
    pub in_flight: u32,
    /// How long it takes to its first token, lately and at worst, in microseconds; 0 where nobody
    /// knows yet, so that it is tried.
    pub latency_us: u64,
    /// What the call is expected to cost there, in nano-dollars.
    pub cost_nanos: i64,
}

impl Place {
    /// Hundredths of its weight that it may have.
    const fn effective(&self) -> u64 {
        self.weight as u64 * self.share as u64
    }

    /// How busy it is for its weight.
    fn busy(&self) -> u64 {
        // Fits: fewer than 2³² calls, and a billion is less than 2³⁰.
        (u64::from(self.in_flight) + 1) * 1_000_000_000 / self.effective().max(1)
    }

    /// How long a call would wait for it, for its weight.
    fn slow(&self) -> u128 {
        u128::from(self.latency_us) * u128::from(self.busy())
    }
}

/// How a place is picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// The first, as they are listed.
    Ordered,
    /// By chance, as often as its share of the weights.
    Weighted,
    /// The one with the fewest calls under way for its weight.
    LeastBusy,
    /// Of two by chance, the one that would answer sooner.
    Latency,
    /// The one where the call costs least.
    Cheapest,
}

/// Orders those of `places` that take calls, the first to be tried in front. With a `sticky` key,
/// the calls of one key go to one place as long as it is there, and keys are spread by weight; the
/// way of picking then orders the rest. `chance` gives 64 random bits.
pub fn order(
    way: Way,
    mut places: Vec<Place>,
    sticky: Option<u64>,
    mut chance: impl FnMut() -> u64,
) -> Vec<Place> {
    places.retain(|place| place.effective() > 0);
    if places.len() < 2 {
        return places;
    }
    let home = sticky.and_then(|key| take_home(&mut places, key));
    match way {
        Way::Ordered => recovering_later(&mut places, &mut chance),
        Way::Weighted => by_chance(&mut places, &mut chance),
        Way::LeastBusy => {
            places.sort_by_cached_key(|place| (place.busy(), chance()));
        }
        Way::Latency => sooner_of_two(&mut places, &mut chance),
        Way::Cheapest => {
            recovering_later(&mut places, &mut chance);
            places.sort_by_key(|place| place.cost_nanos);
        }
    }
    places.splice(0..0, home);
    places
}

/// The place that calls of a key go to.
fn take_home(places: &mut Vec<Place>, key: u64) -> Option<Place> {
    let worth = |place: &Place| sticky::worth(key, place.key, place.effective());
    let home = places.iter().max_by(|a, b| worth(a).total_cmp(&worth(b)))?.at;
    let at = places.iter().position(|place| place.at == home)?;
    Some(places.remove(at))
}

/// Each place that recovers goes to the end, but for its share of the calls.
fn recovering_later(places: &mut [Place], chance: &mut impl FnMut() -> u64) {
    places.sort_by_cached_key(|place| place.share < 100 && chance() % 100 >= place.share.into());
}

/// Draws one after another, each as often as its share of the weights left: the least of
/// exponential times with the weights as rates comes first (Efraimidis and Spirakis).
fn by_chance(places: &mut Vec<Place>, chance: &mut impl FnMut() -> u64) {
    let timed =
        places.drain(..).map(|place| (sticky::worth_of(chance(), place.effective()), place));
    let mut timed: Vec<_> = timed.collect();
    timed.sort_unstable_by(|(a, _), (b, _)| b.total_cmp(a));
    places.extend(timed.into_iter().map(|(_, place)| place));
}

/// Two by chance, the sooner of them first, until none is left.
fn sooner_of_two(places: &mut Vec<Place>, chance: &mut impl FnMut() -> u64) {
    let mut left = std::mem::take(places);
    let mut draw = |len: usize| usize::try_from(chance() % len.max(1) as u64).unwrap_or(0);
    while left.len() > 1 {
        let one = left.swap_remove(draw(left.len()));
        let at = draw(left.len());
        match left.get_mut(at) {
            Some(other) if other.slow() < one.slow() => places.push(std::mem::replace(other, one)),
            _ => places.push(one),
        }
    }
    places.extend(left);
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// wyrand, as the gateway's own.
    fn seeded(seed: u64) -> impl FnMut() -> u64 {
        let mut state = seed;
        move || {
            state = state.wrapping_add(0xa076_1d64_78bd_642f);
            let wide = u128::from(state) * u128::from(state ^ 0xe703_7ed1_a0b4_28db);
            (wide >> 64) as u64 ^ wide as u64
        }
    }

    fn place(at: usize) -> Place {
        let key = sticky::hash(&at.to_le_bytes());
        Place { at, key, weight: 100, share: 100, in_flight: 0, latency_us: 0, cost_nanos: 0 }
    }

    fn places(n: usize) -> Vec<Place> {
        (0..n).map(place).collect()
    }

    /// How often each came first in `calls` calls.
    fn firsts(way: Way, places: &[Place], calls: u64) -> Vec<u64> {
        let mut chance = seeded(7);
        let mut firsts = vec![0; places.len()];
        for _ in 0..calls {
            firsts[order(way, places.to_vec(), None, &mut chance)[0].at] += 1;
        }
        firsts
    }

    /// Whether `n` of `calls` is what a share of `part` gives, within five deviations.
    fn is_share(n: u64, calls: u64, part: f64) -> bool {
        let (n, calls) = (n as f64, calls as f64);
        (n - calls * part).abs() <= 5.0 * (calls * part * (1.0 - part)).sqrt()
    }

    #[test]
    fn weighted_picks_give_each_its_share_and_none_to_those_without_weight() {
        let mut three = places(4);
        (three[0].weight, three[1].weight, three[2].weight, three[3].weight) = (70, 20, 10, 0);
        let firsts = firsts(Way::Weighted, &three, 20_000);
        for (n, part) in firsts.iter().zip([0.7, 0.2, 0.1, 0.0]) {
            assert!(is_share(*n, 20_000, part), "{firsts:?}");
        }
    }

    #[test]
    fn a_place_that_recovers_comes_first_as_often_as_its_share() {
        let mut two = places(2);
        two[0].share = 10;
        let ordered = firsts(Way::Ordered, &two, 20_000);
        assert!(is_share(ordered[0], 20_000, 0.1), "{ordered:?}");
        // Ten parts beside a hundred.
        let weighted = firsts(Way::Weighted, &two, 20_000);
        assert!(is_share(weighted[0], 20_000, 10.0 / 110.0), "{weighted:?}");
    }

    #[test]
    fn the_least_busy_for_its_weight_comes_first_and_equals_take_turns() {
        let mut three = places(3);
        (three[0].in_flight, three[1].in_flight, three[2].in_flight) = (5, 4, 9);
        (three[2].weight, three[1].weight) = (300, 50);
        // 6 on 100, 5 on 50, 10 on 300.
        let firsts_of = |places: &[Place]| firsts(Way::LeastBusy, places, 1_000);
        assert_eq!(firsts_of(&three), [0, 0, 1_000]);
        let equal = firsts_of(&places(2));
        assert!(is_share(equal[0], 1_000, 0.5), "{equal:?}");
    }

    #[test]
    fn of_two_the_sooner_is_picked_so_the_slowest_never_is() {
        let mut three = places(3);
        (three[0].latency_us, three[1].latency_us, three[2].latency_us) = (100, 200, 900);
        let firsts = firsts(Way::Latency, &three, 9_000);
        // The fastest is one of two in two thirds of the draws.
        assert!(is_share(firsts[0], 9_000, 2.0 / 3.0) && firsts[2] == 0, "{firsts:?}");
    }

    #[test]
    fn the_cheapest_comes_first_and_the_dearest_last() {
        let mut three = places(3);
        (three[0].cost_nanos, three[1].cost_nanos, three[2].cost_nanos) = (9, 1, 4);
        let order: Vec<_> =
            order(Way::Cheapest, three, None, seeded(1)).iter().map(|place| place.at).collect();
        assert_eq!(order, [1, 2, 0]);
    }

    #[test]
    fn keys_stay_where_they_are_when_a_place_goes_and_spread_by_weight() {
        let mut before = places(4);
        before[0].weight = 300;
        let mut chance = seeded(3);
        let mut home = |places: &[Place], key: u64| {
            let key = sticky::hash(&key.to_le_bytes());
            order(Way::Weighted, places.to_vec(), Some(key), &mut chance)[0].at
        };
        let after: Vec<_> = before.iter().filter(|place| place.at != 2).copied().collect();
        let mut at_first = 0;
        for key in 0..12_000 {
            let (was, is) = (home(&before, key), home(&after, key));
            assert!(was == is || was == 2, "{key} moved from {was} to {is}");
            assert_eq!(was, home(&before, key));
            at_first += u64::from(was == 0);
        }
        assert!(is_share(at_first, 12_000, 0.5), "{at_first}");
    }

    proptest! {
        #[test]
        fn each_place_that_takes_calls_comes_exactly_once(
            drawn in prop::collection::vec(
                (0_u32..3, 0_u8..=100, 0_u32..9, 0_u64..9, -5_i64..5), 0..40,
            ),
            way in prop::sample::select(vec![
                Way::Ordered, Way::Weighted, Way::LeastBusy, Way::Latency, Way::Cheapest,
            ]),
            sticky: Option<u64>, seed: u64,
        ) {
            let places: Vec<Place> = drawn.into_iter().enumerate().map(|(at, drawn)| {
                let (weight, share, in_flight, latency_us, cost_nanos) = drawn;
                Place { weight, share, in_flight, latency_us, cost_nanos, ..place(at) }
            }).collect();
            let takes = |p: &&Place| p.weight > 0 && p.share > 0;
            let wanted: Vec<usize> = places.iter().filter(takes).map(|p| p.at).collect();
            let ordered = order(way, places.clone(), sticky, seeded(seed));
            let mut got: Vec<usize> = ordered.iter().map(|p| p.at).collect();
            got.sort_unstable();
            prop_assert_eq!(got, wanted);
        }
    }
}
