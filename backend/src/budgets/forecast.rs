//! What a period will have cost at its end. Whole numbers only.

use chrono::TimeDelta;
use contract::api::budgets::Forecast;
use contract::money::{Nanos, Usd};

/// With fewer full days there is nothing to go by.
pub(super) const DAYS_MIN: usize = 7;
pub(super) const DAYS_MAX: i32 = 28;
const DAY_MS: i128 = 86_400_000;

/// From what was `spent`, the time `left` and what each of the last full `days` cost.
pub(super) fn forecast(spent: i64, left: TimeDelta, days: &[i64]) -> Option<Forecast> {
    if days.len() < DAYS_MIN {
        return None;
    }
    let mut sorted = days.to_vec();
    sorted.sort_unstable();
    let last = sorted.len() - 1;
    let of_day = |nth: usize| i128::from(sorted.get(nth).copied().unwrap_or(0));
    let left_ms = i128::from(left.num_milliseconds().max(0));
    let at_pace = |per: i128, days: i128| {
        let more = per.saturating_mul(left_ms) / (DAY_MS * days);
        i64::try_from(i128::from(spent).saturating_add(more)).unwrap_or(i64::MAX)
    };
    let sum = days.iter().map(|day| i128::from(*day)).sum();
    let at_end = at_pace(sum, i128::try_from(days.len()).unwrap_or(1));
    // A few dear days can lift the average above the upper quarter.
    let low = at_pace(of_day(last / 4), 1).min(at_end);
    let high = at_pace(of_day((last * 3).div_ceil(4)), 1).max(at_end);
    let usd = |nanos| Usd(Nanos(nanos));
    Some(Forecast {
        at_end_usd: usd(at_end),
        low_usd: usd(low),
        high_usd: usd(high),
        days: u16::try_from(days.len()).unwrap_or(u16::MAX),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nanos(forecast: &Forecast) -> [i64; 3] {
        [forecast.low_usd, forecast.at_end_usd, forecast.high_usd].map(|usd| usd.0.0)
    }

    #[test]
    fn less_than_a_week_is_too_little_to_go_by() {
        assert_eq!(forecast(5, TimeDelta::days(3), &[1; 6]), None);
        assert!(forecast(5, TimeDelta::days(3), &[1; 7]).is_some());
    }

    #[test]
    fn even_days_go_on_evenly_and_uneven_ones_open_the_range() {
        let even = forecast(100, TimeDelta::days(10), &[10; 7]).unwrap();
        assert_eq!((nanos(&even), even.days), ([200, 200, 200], 7));
        let uneven = forecast(0, TimeDelta::hours(36), &[0, 2, 4, 6, 8, 10, 12]).unwrap();
        assert_eq!(nanos(&uneven), [3, 9, 15]);
        let one_dear = forecast(0, TimeDelta::days(1), &[0, 0, 0, 0, 0, 0, 700]).unwrap();
        assert_eq!(nanos(&one_dear), [0, 100, 100]);
    }

    #[test]
    fn nothing_is_left_at_the_end_and_amounts_never_wrap() {
        let over = forecast(7, TimeDelta::seconds(-1), &[9; 7]).unwrap();
        assert_eq!(nanos(&over), [7, 7, 7]);
        let huge = forecast(i64::MAX, TimeDelta::days(366), &[i64::MAX; 28]).unwrap();
        assert_eq!(nanos(&huge), [i64::MAX; 3]);
    }

    proptest! {
        #[test]
        fn the_forecast_lies_in_its_range_and_not_below_what_was_spent(
            spent in 0..i64::MAX, left in 0_i64..40_000_000,
            days in proptest::collection::vec(0..i64::MAX, 7..28),
        ) {
            let made = forecast(spent, TimeDelta::seconds(left), &days).unwrap();
            let [low, at_end, high] = nanos(&made);
            prop_assert!(spent <= low && low <= at_end && at_end <= high);
        }
    }
}
