//! Keeps what belongs together together: rendezvous hashing, so that a key's place changes only
//! when that place goes, and tickets, so that a key is always on the same side of a test.

/// A 64-bit hash that is the same everywhere and always: FNV-1a, mixed so that every bit counts
/// (the finaliser of MurmurHash3).
#[must_use]
pub fn hash(bytes: &[u8]) -> u64 {
    let fnv = bytes.iter().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    mix(fnv)
}

/// What an identifier is told apart by: the same everywhere and always.
#[must_use]
pub const fn of_id(bits: u128) -> u64 {
    #[expect(clippy::cast_possible_truncation, reason = "the two halves")]
    let (high, low) = ((bits >> 64) as u64, bits as u64);
    mix(high ^ mix(low))
}

const fn mix(mut bits: u64) -> u64 {
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xff51_afd7_ed55_8ccd);
    bits ^= bits >> 33;
    bits = bits.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    bits ^ bits >> 33
}

/// How much a key is worth to a place: it goes where it is worth most.
pub(crate) fn worth(key: u64, place: u64, weight: u64) -> f64 {
    worth_of(mix(key ^ place.rotate_left(32)), weight)
}

/// An exponential time with the weight as its rate, turned round: more weight is more worth.
pub(crate) fn worth_of(bits: u64, weight: u64) -> f64 {
    /// 53 bits are what a float holds.
    const SPAN: f64 = (1_u64 << 53) as f64;
    let unit = ((bits >> 11) as f64 + 0.5) / SPAN;
    unit.ln() / weight.max(1) as f64
}

/// A key's ticket of 10,000 in the test or rollout called `name`.
#[must_use]
pub fn ticket(key: u64, name: &str) -> u32 {
    let drawn = mix(key ^ hash(name.as_bytes()).rotate_left(17));
    u32::try_from(drawn % 10_000).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tickets_are_even_and_of_different_tests_independent() {
        let keys: Vec<u64> = (0..20_000_u64).map(|key| hash(&key.to_le_bytes())).collect();
        let side = |name: &'static str, key: &u64| ticket(*key, name) < 5_000;
        let count = |pick: &dyn Fn(&u64) -> bool| keys.iter().filter(|key| pick(key)).count();
        let (a, b) = (count(&|key| side("a", key)), count(&|key| side("b", key)));
        let both = count(&|key| side("a", key) && side("b", key));
        for (n, wanted) in [(a, 10_000), (b, 10_000), (both, 5_000)] {
            assert!(n.abs_diff(wanted) < 300, "{a} {b} {both}");
        }
    }

    #[test]
    fn hashes_are_the_same_on_every_machine() {
        assert_eq!(hash(b"acme"), 0x3a25_b665_6ba9_cfc6);
    }
}
