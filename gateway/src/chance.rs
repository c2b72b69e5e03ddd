//! A worker's source of chance: request ids, weights, jitter. Fast, seeded by the system, and
//! never used for a secret.

use contract::id::IdEntropy;
use std::cell::Cell;

/// wyrand: one multiplication a draw.
#[derive(Debug)]
pub struct Chance(Cell<u64>, u16);

impl Chance {
    /// Seeded by the system's own randomness.
    ///
    /// # Errors
    /// The system has none to give.
    pub fn from_system() -> Result<Self, getrandom::Error> {
        let mut lane = [0; 2];
        getrandom::fill(&mut lane)?;
        Ok(Self(Cell::new(getrandom::u64()?), u16::from_le_bytes(lane)))
    }

    /// Always the same sequence. For tests.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Cell::new(seed), 0)
    }

    pub fn next(&self) -> u64 {
        let state = self.0.get().wrapping_add(0xa076_1d64_78bd_642f);
        self.0.set(state);
        let wide = u128::from(state) * u128::from(state ^ 0xe703_7ed1_a0b4_28db);
        let [low, high] = [wide & u128::from(u64::MAX), wide >> 64];
        u64::try_from(low ^ high).unwrap_or(0)
    }

    /// A number below `bound`, or 0 when `bound` is 0.
    pub fn below(&self, bound: u64) -> u64 {
        // Multiply and shift: the bias is below bound / 2⁶⁴.
        u64::try_from((u128::from(self.next()) * u128::from(bound)) >> 64).unwrap_or(0)
    }

    /// The random part of an id. The lane keeps workers apart even if their states ever meet.
    pub fn id_entropy(&self) -> IdEntropy {
        let [a, b, c, d, e, f, g, h] = self.next().to_le_bytes();
        let [x, y] = self.1.to_le_bytes();
        [a, b, c, d, e, f, g, h, x, y]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hundred_thousand_ids_are_all_different() {
        let chance = Chance::seeded(1);
        let ids: std::collections::HashSet<_> = (0..100_000).map(|_| chance.id_entropy()).collect();
        assert_eq!(ids.len(), 100_000);
    }

    #[test]
    fn numbers_below_a_bound_are_spread_over_it() {
        let chance = Chance::seeded(7);
        let mut seen = [0_u32; 10];
        for _ in 0..10_000 {
            seen[usize::try_from(chance.below(10)).unwrap()] += 1;
        }
        assert!(seen.iter().all(|n| (800..1_200).contains(n)), "{seen:?}");
        assert_eq!(chance.below(0), 0);
    }
}
