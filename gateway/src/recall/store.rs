//! Answers in the memory of this process, for all its threads: at most so many bytes, those that
//! nobody asked for lately leave first. What is too old is not there.

use super::kept::Kept;
use super::key::TenantKey;
use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 16;
/// What an answer takes beside its text.
const EACH: usize = 512;

#[derive(Debug)]
pub struct Store {
    shards: [Mutex<Shard>; SHARDS],
    /// Of one shard.
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct Shard {
    answers: HashMap<TenantKey, Place>,
    /// In the order of their coming, round and round.
    round: VecDeque<TenantKey>,
    bytes: usize,
}

#[derive(Debug)]
struct Place {
    kept: Arc<Kept>,
    bytes: usize,
    /// Asked for since the round last came by.
    wanted: AtomicBool,
}

impl Store {
    /// 0 bytes: nothing is kept.
    #[must_use]
    pub fn new(bytes_max: usize) -> Self {
        Self { shards: Default::default(), bytes_max: bytes_max / SHARDS }
    }

    /// The answer to `key`, at most `ttl_ms` old.
    #[must_use]
    pub fn find(&self, key: &TenantKey, now_ms: i64, ttl_ms: i64) -> Option<Arc<Kept>> {
        let shard = self.shard(key);
        let place = shard.answers.get(key)?;
        if !place.kept.is_fresh(now_ms, ttl_ms) {
            return None;
        }
        place.wanted.store(true, Ordering::Relaxed);
        Some(Arc::clone(&place.kept))
    }

    /// Keeps an answer of so many bytes, in the place of an older one.
    pub fn keep(&self, key: TenantKey, kept: Arc<Kept>, bytes: usize) {
        let bytes = bytes.saturating_add(EACH);
        if bytes > self.bytes_max {
            return;
        }
        let mut shard = self.shard(&key);
        let shard = &mut *shard;
        let place = Place { kept, bytes, wanted: AtomicBool::new(false) };
        shard.bytes += bytes;
        match shard.answers.insert(key, place) {
            Some(before) => shard.bytes -= before.bytes,
            None => shard.round.push_back(key),
        }
        while shard.bytes > self.bytes_max {
            let Some(oldest) = shard.round.pop_front() else { return };
            let wanted =
                shard.answers.get(&oldest).map(|place| place.wanted.swap(false, Ordering::Relaxed));
            if wanted == Some(true) {
                shard.round.push_back(oldest);
            } else if let Some(gone) = shard.answers.remove(&oldest) {
                shard.bytes -= gone.bytes;
            }
        }
    }

    /// How many answers there are, and of how many bytes.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        self.shards.iter().fold((0, 0), |(count, bytes), shard| {
            let shard = lock(shard);
            (count + shard.answers.len(), bytes + shard.bytes)
        })
    }

    fn shard(&self, key: &TenantKey) -> MutexGuard<'_, Shard> {
        let [first, ..] = &self.shards;
        lock(self.shards.get(usize::from(key.spread()) % SHARDS).unwrap_or(first))
    }
}

/// Nothing is left half done by who panics.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
