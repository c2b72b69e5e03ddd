//! How long calls took, counted in buckets that each end half a doubling after the one before: what
//! is read from them is at most two fifths off.

/// Buckets of a count: up to half an hour.
const BUCKETS: usize = 42;

/// Where a bucket ends, in milliseconds, itself included.
const fn end(bucket: usize) -> u64 {
    let doubled = 1_u64 << (bucket / 2);
    if bucket.is_multiple_of(2) { doubled } else { doubled * 1_414 / 1_000 }
}

/// Counts one more call.
pub(super) fn count(buckets: &mut Vec<i64>, ms: u32) {
    let bucket = (0..BUCKETS - 1).find(|bucket| u64::from(ms) <= end(*bucket));
    let bucket = bucket.unwrap_or(BUCKETS - 1);
    if buckets.len() <= bucket {
        buckets.resize(bucket + 1, 0);
    }
    if let Some(count) = buckets.get_mut(bucket) {
        *count += 1;
    }
}

/// How long all but the slowest took, so that `percent` of them are within, in milliseconds.
pub(super) fn percentile(buckets: &[i64], percent: u64) -> Option<u64> {
    let counts = || buckets.iter().map(|count| count.unsigned_abs());
    let all: u64 = counts().sum();
    let rank = (all * percent).div_ceil(100).max(1);
    let mut below = 0;
    for (bucket, count) in counts().enumerate() {
        if count > 0 && below + count >= rank {
            let from = bucket.checked_sub(1).map_or(0, end);
            return Some(from + (end(bucket) - from) * (rank - below) / count);
        }
        below += count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn no_calls_have_no_percentile() {
        assert_eq!((percentile(&[], 50), percentile(&[0, 0], 95)), (None, None));
    }

    proptest! {
        #[test]
        fn a_percentile_is_within_half_a_doubling_of_the_true_one(
            mut took in prop::collection::vec(1_u32..1_000_000, 1..200), percent in 1_u64..=100,
        ) {
            let mut buckets = Vec::new();
            took.iter().for_each(|ms| count(&mut buckets, *ms));
            took.sort_unstable();
            let nth = (took.len() as u64 * percent).div_ceil(100).max(1) - 1;
            let (real, told) = (f64::from(took[nth as usize]), percentile(&buckets, percent).unwrap());
            let told = told as f64;
            prop_assert!(told <= real * 1.5 + 2.0 && told * 1.5 + 2.0 >= real, "{real} {told}");
        }
    }
}
