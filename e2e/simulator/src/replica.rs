//! A simulator that plays one replica of a model server: prompts are computed one after the other,
//! but for what is in its prefix cache; answers are written side by side, the slower the more of
//! them there are; what does not fit into the batch waits. Its metrics are told in vLLM's names.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::hash::{Hash as _, Hasher as _};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex as Turn, OwnedSemaphorePermit, Semaphore};

/// Bytes of a block of its prefix cache, of which a token has about four.
const BLOCK_BYTES: usize = 64;
const TOKENS_PER_BLOCK: u64 = 16;

/// How quick a replica is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speed {
    /// Microseconds for each token of a prompt that is not in the cache.
    pub prefill_us: u64,
    /// Microseconds for each token of an answer, and as many more for each other answer beside it.
    pub decode_us: u64,
    pub decode_more_us: u64,
    /// Answers that are written side by side.
    pub batch_max: usize,
    /// Blocks that its prefix cache holds.
    pub cache_blocks: usize,
}

impl Default for Speed {
    fn default() -> Self {
        Self {
            prefill_us: 100,
            decode_us: 10_000,
            decode_more_us: 1_000,
            batch_max: 8,
            cache_blocks: 4_096,
        }
    }
}

impl Speed {
    /// Reads `key=value` pairs separated by commas.
    ///
    /// # Errors
    /// A sentence that names what is not known or is no number.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut speed = Self::default();
        for pair in text.split(',').filter(|pair| !pair.is_empty()) {
            let (key, value) =
                pair.split_once('=').ok_or_else(|| format!("`{pair}`: expected key=value"))?;
            let number: u64 =
                value.parse().map_err(|_| format!("{pair}: expected a whole number"))?;
            let count = usize::try_from(number).unwrap_or(usize::MAX);
            match key {
                "prefill_us" => speed.prefill_us = number,
                "decode_us" => speed.decode_us = number,
                "decode_more_us" => speed.decode_more_us = number,
                "batch_max" => speed.batch_max = count.max(1),
                "cache_blocks" => speed.cache_blocks = count,
                _ => return Err(format!("a replica has no `{key}`")),
            }
        }
        Ok(speed)
    }
}

/// A replica that is played.
#[derive(Debug)]
pub struct Replica {
    speed: Speed,
    batch: Arc<Semaphore>,
    prefill: Turn<()>,
    queued: AtomicUsize,
    running: AtomicUsize,
    looked: AtomicU64,
    hits: AtomicU64,
    cache: Mutex<Cache>,
}

/// Blocks, the longest unused forgotten first.
#[derive(Debug, Default)]
struct Cache {
    used_at: HashMap<u64, u64>,
    by_use: BTreeMap<u64, u64>,
    now: u64,
}

impl Cache {
    /// Uses a block; whether it was there.
    fn take(&mut self, block: u64, max: usize) -> bool {
        self.now += 1;
        let before = self.used_at.insert(block, self.now);
        if let Some(before) = before {
            self.by_use.remove(&before);
        }
        self.by_use.insert(self.now, block);
        while self.used_at.len() > max {
            let Some((_, oldest)) = self.by_use.pop_first() else { break };
            self.used_at.remove(&oldest);
        }
        before.is_some()
    }
}

/// One call that a replica works on.
#[derive(Debug)]
pub(crate) struct Serving {
    replica: Arc<Replica>,
    _place: OwnedSemaphorePermit,
}

impl Serving {
    /// How long the next tokens take, beside all others that are written now.
    pub fn decode(&self, tokens: u64) -> Duration {
        let others = self.replica.running.load(Ordering::Relaxed).saturating_sub(1) as u64;
        let Speed { decode_us, decode_more_us, .. } = self.replica.speed;
        Duration::from_micros((decode_us + decode_more_us * others) * tokens)
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.replica.running.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counts one that waits.
struct Queued<'r>(&'r AtomicUsize);

impl Drop for Queued<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Replica {
    #[must_use]
    pub fn new(speed: Speed) -> Self {
        Self {
            batch: Arc::new(Semaphore::new(speed.batch_max)),
            speed,
            prefill: Turn::default(),
            queued: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            looked: AtomicU64::new(0),
            hits: AtomicU64::new(0),
            cache: Mutex::default(),
        }
    }

    /// Tokens of prompts that were looked for in the prefix cache, and those that were there.
    #[must_use]
    pub fn cached(&self) -> (u64, u64) {
        (self.looked.load(Ordering::Relaxed), self.hits.load(Ordering::Relaxed))
    }

    /// Takes a call: waits for a place in the batch, then computes its prompt.
    pub(crate) async fn serve(self: &Arc<Self>, prompt: &[u8]) -> Option<Serving> {
        self.queued.fetch_add(1, Ordering::Relaxed);
        let queued = Queued(&self.queued);
        let place = Arc::clone(&self.batch).acquire_owned().await.ok()?;
        drop(queued);
        self.running.fetch_add(1, Ordering::Relaxed);
        let serving = Serving { replica: Arc::clone(self), _place: place };
        let tokens = self.uncached(prompt);
        let turn = self.prefill.lock().await;
        tokio::time::sleep(Duration::from_micros(self.speed.prefill_us * tokens)).await;
        drop(turn);
        Some(serving)
    }

    /// Tokens of a prompt that have to be computed.
    fn uncached(&self, prompt: &[u8]) -> u64 {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut chain, mut known, mut blocks, mut hits) = (DefaultHasher::new(), true, 0, 0);
        for block in prompt.chunks_exact(BLOCK_BYTES) {
            block.hash(&mut chain);
            known &= cache.take(chain.finish(), self.speed.cache_blocks);
            blocks += 1;
            hits += u64::from(known);
        }
        self.looked.fetch_add(blocks * TOKENS_PER_BLOCK, Ordering::Relaxed);
        self.hits.fetch_add(hits * TOKENS_PER_BLOCK, Ordering::Relaxed);
        (blocks - hits) * TOKENS_PER_BLOCK + 1
    }

    /// Its metrics, as vLLM tells them.
    pub(crate) fn page(&self) -> String {
        let (looked, hits) = self.cached();
        let running = self.running.load(Ordering::Relaxed);
        let share = |of: usize, max: usize| {
            u32::try_from(of * 1_000 / max.max(1)).map_or(1.0, |permille| f64::from(permille) / 1e3)
        };
        let mut page = String::new();
        let labels = "{engine=\"0\",model_name=\"sim-chat\"}";
        for (name, kind, value) in [
            ("num_requests_running", "gauge", format!("{running}.0")),
            ("num_requests_waiting", "gauge", self.queued.load(Ordering::Relaxed).to_string()),
            ("kv_cache_usage_perc", "gauge", share(running, self.speed.batch_max).to_string()),
            ("prefix_cache_queries_total", "counter", looked.to_string()),
            ("prefix_cache_hits_total", "counter", hits.to_string()),
        ] {
            // Writing to a text does not fail.
            let _ = writeln!(page, "# TYPE vllm:{name} {kind}\nvllm:{name}{labels} {value}");
        }
        page
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_cached_is_not_computed_again_and_what_does_not_fit_waits() {
        let speed = Speed::parse("prefill_us=1000,batch_max=1,cache_blocks=100").unwrap();
        let replica = Arc::new(Replica::new(speed));
        let begun = tokio::time::Instant::now();
        let first = replica.serve(&[b'a'; 64 * 10]).await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(161));
        assert_eq!(first.decode(2), Duration::from_millis(20));
        let second = replica.serve(&[b'a'; 64 * 10]);
        let waits = tokio::time::timeout(Duration::from_millis(5), second).await;
        assert!(
            waits.is_err()
                && replica.page().contains("waiting{engine=\"0\",model_name=\"sim-chat\"} 0")
        );
        drop(first);
        let _second = replica.serve(&[b'a'; 64 * 10]).await.unwrap();
        assert_eq!(replica.cached(), (320, 160));
        assert!(Speed::parse("wings=2").is_err() && Speed::parse("batch_max=x").is_err());
    }
}
