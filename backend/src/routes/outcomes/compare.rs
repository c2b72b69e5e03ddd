//! Whether two sides differ: in how often their calls fail, and in what a call costs. Differences
//! come with the interval in which they lie in 95 of 100 such tests. Whole numbers throughout.

/// Deviations that 95 percent lie within, in hundredths.
const DEVIATIONS: u128 = 196;
/// Parts of a rate: a millionth.
const MILLION: u128 = 1_000_000;

/// How two sides are compared, as readers are told.
pub(super) const METHOD: &str = "Differences with the interval that holds the true one in 95 of 100 \
    tests: of failures as Agresti and Caffo have it (one failure and one success added to each side), \
    of costs by the normal approximation with each side's own deviation.";

/// What is known of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Side {
    pub calls: u64,
    pub errors: u64,
    /// Nano-dollars, and the sum of the squares of what each call cost.
    pub cost: u64,
    pub cost_squares: u128,
}

/// A difference, and the interval in which it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Difference {
    pub value: i64,
    pub low: i64,
    pub high: i64,
}

/// By how much more often calls of `one` fail than of `other`, in millionths of them.
pub(super) fn of_errors(one: Side, other: Side) -> Option<Difference> {
    if one.calls == 0 || other.calls == 0 {
        return None;
    }
    let rate = |side: Side| u128::from(side.errors) * MILLION / u128::from(side.calls);
    let adjusted = |side: Side| {
        let calls = u128::from(side.calls) + 2;
        let rate = (u128::from(side.errors) + 1) * MILLION / calls;
        (rate, rate * (MILLION - rate.min(MILLION)) / calls)
    };
    let ((a, a_variance), (b, b_variance)) = (adjusted(one), adjusted(other));
    let half = DEVIATIONS * (a_variance + b_variance).isqrt() / 100;
    Some(around(minus(rate(one), rate(other)), minus(a, b), half))
}

/// By how much more a call of `one` costs than one of `other`, in nano-dollars.
pub(super) fn of_costs(one: Side, other: Side) -> Option<Difference> {
    if one.calls < 2 || other.calls < 2 {
        return None;
    }
    let mean = |side: Side| u128::from(side.cost) / u128::from(side.calls);
    // Of the mean: the variance of the costs, by how many there are.
    let variance = |side: Side| {
        let (calls, sum) = (u128::from(side.calls), u128::from(side.cost));
        let of_mean = sum.saturating_mul(sum) / calls;
        side.cost_squares.saturating_sub(of_mean) / (calls - 1) / calls
    };
    let half = DEVIATIONS.saturating_mul((variance(one) + variance(other)).isqrt()) / 100;
    let value = minus(mean(one), mean(other));
    Some(around(value, value, half))
}

fn around(value: i64, middle: i64, half: u128) -> Difference {
    let half = i64::try_from(half).unwrap_or(i64::MAX);
    Difference { value, low: middle.saturating_sub(half), high: middle.saturating_add(half) }
}

fn minus(one: u128, other: u128) -> i64 {
    let whole = |number: u128| i64::try_from(number).unwrap_or(i64::MAX);
    whole(one).saturating_sub(whole(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn side(calls: u64, errors: u64) -> Side {
        Side { calls, errors, ..Side::default() }
    }

    #[test]
    fn failures_differ_surely_only_where_there_are_enough_of_them() {
        // 10 of 100 beside 2 of 100: (11/102, 3/102), deviation of 0.0349.
        let told = of_errors(side(100, 10), side(100, 2)).unwrap();
        assert_eq!(told.value, 80_000);
        assert!(
            (told.low - 10_000).abs() < 1_500 && (told.high - 146_900).abs() < 1_500,
            "{told:?}"
        );
        let told = of_errors(side(20, 2), side(20, 1)).unwrap();
        assert!(told.low < 0 && told.high > 0, "{told:?}");
        assert_eq!(of_errors(side(0, 0), side(20, 1)), None);
    }

    #[test]
    fn costs_differ_by_their_means_and_by_how_much_they_vary() {
        let of = |costs: &[u64]| Side {
            calls: costs.len() as u64,
            errors: 0,
            cost: costs.iter().sum(),
            cost_squares: costs.iter().map(|cost| u128::from(*cost).pow(2)).sum(),
        };
        let told = of_costs(of(&[100, 200, 300]), of(&[100, 100, 100])).unwrap();
        // Means of 200 and 100; a variance of 10,000 of three: a deviation of 57.
        assert_eq!(told, Difference { value: 100, low: -11, high: 211 });
        assert_eq!(of_costs(of(&[1]), of(&[1, 2])), None);
    }

    proptest! {
        #[test]
        fn no_numbers_overflow(
            calls in any::<(u64, u64)>(), errors in any::<(u64, u64)>(), cost in any::<(u64, u64)>(),
            squares in any::<(u128, u128)>(),
        ) {
            let side = |calls: u64, errors: u64, cost, squares: u128| Side {
                calls, errors: errors.min(calls), cost, cost_squares: squares / 4,
            };
            let one = side(calls.0, errors.0, cost.0, squares.0);
            let other = side(calls.1, errors.1, cost.1, squares.1);
            for told in [of_errors(one, other), of_costs(one, other)].into_iter().flatten() {
                prop_assert!(told.low <= told.high);
            }
        }
    }
}
