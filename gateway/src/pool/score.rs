//! Which of several replicas a call goes to: the one that costs it least. In calls, by thousandths:
//! each call that a replica works on counts one, each that waits in it three more, a full KV cache
//! four, and each KiB of the prompt that it has lately worked on takes one away.

use super::replica::Busy;

const CALL: i64 = 1_000;
/// A call that waits says that the replica has more than it can do.
const QUEUED: i64 = 3_000;
/// Of a cache that is full: what runs is pushed out and computed again.
const KV: i64 = 4_000;
/// Four blocks are a KiB, some 250 tokens that need not be computed.
const BLOCK: i64 = 250;
/// However long a prompt: no replica is buried under calls for the sake of its cache.
const MATCH_MAX: i64 = 8_000;

/// What a replica costs a call of which it knows so many blocks. Less is better.
#[must_use]
pub fn score(busy: Busy, matched: usize) -> i64 {
    let kv = i64::from(busy.kv_permille);
    let known = i64::try_from(matched).unwrap_or(i64::MAX).saturating_mul(BLOCK).min(MATCH_MAX);
    // What is in use of the cache hurts little until there is little left of it.
    i64::from(busy.calls) * CALL + i64::from(busy.queued) * QUEUED + kv * kv * KV / 1_000_000
        - known
}

/// The best; which of several equally good ones is a matter of chance.
#[must_use]
pub fn best<T>(scored: impl Iterator<Item = (i64, T)>, chance: u64) -> Option<T> {
    let (mut best, mut equals) = (None::<(i64, T)>, 1_u64);
    for (score, one) in scored {
        match &best {
            Some((least, _)) if score > *least => {}
            Some((least, _)) if score == *least => {
                equals += 1;
                // Each of `equals` is as likely as any other.
                if spread(chance, equals).is_multiple_of(equals) {
                    best = Some((score, one));
                }
            }
            _ => (best, equals) = (Some((score, one)), 1),
        }
    }
    best.map(|(_, one)| one)
}

/// A draw of its own for each step.
const fn spread(chance: u64, step: u64) -> u64 {
    let mixed =
        (chance ^ step.wrapping_mul(0x9E37_79B9_7F4A_7C15)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    (mixed ^ (mixed >> 32)) >> 16
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy(calls: u32, queued: u32, kv_permille: u16) -> Busy {
        Busy { calls, queued, kv_permille }
    }

    #[test]
    fn what_is_idle_or_knows_the_prompt_is_better() {
        let idle = score(busy(0, 0, 0), 0);
        assert!(
            score(busy(1, 0, 0), 0) > idle && score(busy(0, 1, 0), 0) > score(busy(1, 0, 0), 0)
        );
        assert!(score(busy(0, 0, 950), 0) > score(busy(3, 0, 0), 0), "a cache that is nearly full");
        assert!(score(busy(0, 0, 300), 0) < score(busy(1, 0, 0), 0), "one that is not");
        // 2 KiB of a prompt are worth two calls, and no prompt more than eight.
        assert!(score(busy(1, 0, 0), 8) < idle && score(busy(3, 0, 0), 8) > idle);
        assert!(score(busy(9, 0, 0), 100_000) > idle);
    }

    #[test]
    fn equally_good_ones_are_chosen_about_as_often() {
        let mut chosen = [0; 4];
        for chance in 0..40_000_u64 {
            let of = [(5, 0_usize), (3, 1), (3, 2), (3, 3)];
            chosen[best(of.into_iter(), chance.wrapping_mul(0x2545_F491_4F6C_DD1D)).unwrap()] += 1;
        }
        assert_eq!(chosen[0], 0);
        assert!(chosen[1..].iter().all(|times| (12_500..14_200).contains(times)), "{chosen:?}");
        assert_eq!(best(std::iter::empty::<(i64, ())>(), 1), None);
    }
}
