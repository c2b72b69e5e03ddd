//! From values to the picture's units. Integers only: amounts of money pass through here.

/// Size of the picture in its own units.
pub(super) const WIDTH: u64 = 1000;
pub(super) const HEIGHT: u64 = 200;

/// The top of the scale: the next 1, 2 or 5 times a power of ten that is not below `value`.
pub(super) fn top(value: u64) -> u64 {
    let mut step = 1_u64;
    loop {
        for factor in [1, 2, 5] {
            match step.checked_mul(factor) {
                Some(top) if top >= value => return top,
                Some(_) => {}
                None => return u64::MAX,
            }
        }
        let Some(next) = step.checked_mul(10) else { return u64::MAX };
        step = next;
    }
}

/// How high `value` stands when `top` is the full height.
pub(super) fn height(value: u64, top: u64) -> u64 {
    let scaled = u128::from(value) * u128::from(HEIGHT) / u128::from(top.max(1));
    u64::try_from(scaled).unwrap_or(HEIGHT).min(HEIGHT)
}

/// Where the `index`-th of `count` equal slots begins.
pub(super) fn left(index: usize, count: usize) -> u64 {
    let (index, count) = (index as u64, (count as u64).max(1));
    index * WIDTH / count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_of_the_scale_is_round_and_never_below_the_value() {
        assert_eq!([0, 1, 3, 5, 7, 11, 999, 4001].map(top), [1, 1, 5, 5, 10, 20, 1000, 5000]);
        assert_eq!(top(u64::MAX), u64::MAX);
    }

    #[test]
    fn the_largest_amounts_fit_into_the_picture() {
        assert_eq!(height(u64::MAX, u64::MAX), HEIGHT);
        assert_eq!(height(1, 0), HEIGHT);
        assert_eq!(height(50, 100), HEIGHT / 2);
    }
}
