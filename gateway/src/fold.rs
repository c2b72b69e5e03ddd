//! A quick hash for keys that only we make: identifiers, and names that an operator chose. Nobody
//! outside puts a key into a map of ours, so none has to be kept from choosing one that collides.

use std::hash::{BuildHasherDefault, Hasher};

/// Hashes by [`Fold`].
pub type Folded = BuildHasherDefault<Fold>;

/// Folds words together by multiplication: identifiers are mostly random already.
#[derive(Debug, Default)]
pub struct Fold(u64);

const ODD: u64 = 0x9E37_79B9_7F4A_7C15;

impl Fold {
    fn fold(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(ODD);
    }
}

impl Hasher for Fold {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        for word in words {
            self.fold(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut word = [0; 8];
            for (slot, byte) in word.iter_mut().zip(rest) {
                *slot = *byte;
            }
            self.fold(u64::from_le_bytes(word));
        }
    }

    fn write_u8(&mut self, byte: u8) {
        self.fold(byte.into());
    }

    fn write_usize(&mut self, number: usize) {
        self.fold(number as u64);
    }

    /// Maps look at the low bits, of which a product's know only low bits: the upper half of a wide
    /// one knows them all.
    fn finish(&self) -> u64 {
        let wide = u128::from(self.0) * u128::from(ODD);
        let [low, high] = [wide & u128::from(u64::MAX), wide >> 64];
        u64::try_from(low ^ high).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::Timestamp;
    use contract::id::OrgId;
    use std::collections::HashSet;
    use std::hash::BuildHasher as _;

    /// How many of `hashes` look alike in the bits that a map begins with.
    fn alike(hashes: &[u64], bits: impl Fn(u64) -> u64) -> usize {
        hashes.len() - hashes.iter().map(|hash| bits(*hash)).collect::<HashSet<_>>().len()
    }

    #[test]
    fn identifiers_of_one_instant_and_names_that_differ_little_spread_over_a_map() {
        let at = Timestamp::from_timestamp(1_700_000_000, 0).unwrap();
        let ids = (0..1_000_u16).map(|n| {
            let [a, b] = n.to_le_bytes();
            Folded::default().hash_one(OrgId::new(at, &[7, 7, 7, 7, 7, 7, 7, 7, a, b]))
        });
        let names = (0..1_000).map(|n| Folded::default().hash_one(format!("model-{n}").as_str()));
        for hashes in [ids.collect::<Vec<_>>(), names.collect()] {
            assert_eq!(alike(&hashes, |hash| hash), 0);
            // By chance about 8 of 1,000 would meet among 65,536 places.
            assert!(alike(&hashes, |hash| hash & 0xffff) < 40);
            assert!(alike(&hashes, |hash| hash >> 48) < 40);
        }
    }
}
