//! All that is kept and shared: answers in this process and in Redis, what their questions mean, and
//! calls under way.

use super::compare::Compared;
use super::flight::Flights;
use super::kept::Kept;
use super::key::TenantKey;
use super::near::{Near, Question};
use super::shelf::{Librarian, Shelf};
use super::store::Store;
use contract::seal::{BlobSeal, MasterKey};
use std::sync::Arc;
use std::time::Duration;

/// Bounds of what is kept.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct CacheBounds {
    /// Bytes of answers that are kept in memory; 0 keeps none there.
    #[arg(long = "cache-bytes-max", env = "TOLLGATE_CACHE_BYTES_MAX", default_value_t = CacheBounds::USUAL.bytes_max)]
    pub bytes_max: usize,
    /// Bytes of answers that are kept in Redis for each organisation; 0 keeps none there.
    #[arg(
        long = "cache-redis-bytes-max",
        env = "TOLLGATE_CACHE_REDIS_BYTES_MAX",
        default_value_t = CacheBounds::USUAL.redis_bytes_max
    )]
    pub redis_bytes_max: usize,
    /// Bytes of what questions mean that are kept in memory; 0 keeps none there.
    #[arg(
        long = "cache-questions-bytes-max",
        env = "TOLLGATE_CACHE_QUESTIONS_BYTES_MAX",
        default_value_t = CacheBounds::USUAL.questions_bytes_max
    )]
    pub questions_bytes_max: usize,
    /// Milliseconds that a call waits for an embedding model to tell what it means.
    #[arg(
        long = "cache-compare-ms",
        env = "TOLLGATE_CACHE_COMPARE_MS",
        default_value_t = CacheBounds::USUAL.compare_ms
    )]
    pub compare_ms: u64,
}

impl CacheBounds {
    pub const USUAL: Self = Self {
        bytes_max: 256 << 20,
        redis_bytes_max: 16 << 20,
        questions_bytes_max: 64 << 20,
        compare_ms: 300,
    };
}

impl Default for CacheBounds {
    fn default() -> Self {
        Self::USUAL
    }
}

/// An answer longer than this is not kept.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Answers to questions alike that are looked for; where none is there any more, the call is made.
const TRIED_MAX: usize = 3;
/// What answers in Redis are sealed as.
const SEALED_AS: &str = "tollgate kept answers 1";

/// Where answers are kept and calls under way are known. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Recall {
    pub store: Arc<Store>,
    pub flights: Arc<Flights>,
    pub near: Arc<Near>,
    shelf: Shelf,
    pub(super) compare_within: Duration,
}

impl Recall {
    /// With the half that is to run in the background.
    #[must_use]
    pub fn new(bounds: CacheBounds, master: &MasterKey) -> (Self, Librarian) {
        let seal = BlobSeal::new(master, SEALED_AS);
        let (shelf, librarian) = Librarian::new(bounds.redis_bytes_max, seal);
        let recall = Self {
            store: Arc::new(Store::new(bounds.bytes_max)),
            flights: Arc::default(),
            near: Arc::new(Near::new(bounds.questions_bytes_max)),
            shelf,
            compare_within: Duration::from_millis(bounds.compare_ms),
        };
        (recall, librarian)
    }

    /// What is in this process, else in Redis.
    pub async fn find(&self, key: TenantKey, now_ms: i64, ttl_ms: i64) -> Option<Arc<Kept>> {
        if let Some(kept) = self.store.find(&key, now_ms, ttl_ms) {
            return Some(kept);
        }
        let found = self.shelf.find(key, now_ms, ttl_ms).await?;
        self.store.keep(key, Arc::clone(&found.kept), found.bytes);
        Some(found.kept)
    }

    /// The answer to the question that is most like one, if one is alike enough; and how alike.
    pub async fn find_alike(
        &self,
        compared: &Compared,
        alike_min: u16,
        (now_ms, ttl_ms): (i64, i64),
    ) -> Option<(u16, Arc<Kept>)> {
        let Compared { partition, means } = compared;
        if self.near.wants(partition, now_ms)
            && let Some(list) = self.shelf.list(*partition, Question::written_len(means)).await
        {
            let told = list.iter().filter_map(|entry| Question::read(partition, entry)).collect();
            self.near.told(*partition, told, now_ms);
        }
        let found = self.near.find(partition, means, alike_min, (now_ms, ttl_ms));
        for (alike, answer) in found.into_iter().take(TRIED_MAX) {
            if let Some(kept) = self.find(answer, now_ms, ttl_ms).await {
                return Some((alike, kept));
            }
            self.near.forget(*partition, &answer);
        }
        None
    }

    /// Keeps an answer here and in Redis for so long; calls that mean the same find it, too, where
    /// it is known what it answers.
    pub fn keep(&self, key: TenantKey, kept: &Arc<Kept>, compared: Option<Compared>, ttl_ms: i64) {
        let Some(bytes) = kept.write().filter(|bytes| bytes.len() <= ANSWER_BYTES_MAX) else {
            return;
        };
        self.store.keep(key, Arc::clone(kept), bytes.len());
        self.shelf.keep(key, &bytes, kept.at_ms, ttl_ms);
        if let Some(Compared { partition, means }) = compared {
            let question = Question { answer: key, means, at_ms: kept.at_ms };
            self.shelf.add(partition, &question.write(), kept.at_ms, ttl_ms);
            self.near.add(partition, question);
        }
    }
}
