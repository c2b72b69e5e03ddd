//! The place where the current snapshot hangs: one writer in the background, a cheap read for
//! every request, and the age that decides whether it may still be trusted.

use super::Snapshot;
use arc_swap::ArcSwap;
use contract::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::time::Duration;

/// Shared by all; cheap to clone.
#[derive(Debug, Clone)]
pub struct Handle(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    current: Arc<ArcSwap<Snapshot>>,
    /// When Redis last confirmed that the snapshot is current, in epoch milliseconds; 0: never.
    confirmed_ms: AtomicI64,
    age_max: Duration,
    source: AtomicU8,
}

/// How the snapshot is kept current at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// Not yet.
    Starting,
    /// Changes are followed.
    Current,
    /// Redis is gone.
    Unreachable,
    /// Redis holds an older configuration than this gateway, or none.
    Behind,
}

/// Why the snapshot may not be used: `service.stale_config`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Stale {
    #[error("no configuration has arrived yet")]
    Never,
    #[error("the configuration was last confirmed {age_s} s ago; at most {max_s} s are allowed")]
    Old { age_s: u64, max_s: u64 },
}

impl Handle {
    #[must_use]
    pub fn new(first: Snapshot, age_max: Duration) -> Self {
        Self(Arc::new(Inner {
            current: Arc::new(ArcSwap::from_pointee(first)),
            confirmed_ms: AtomicI64::new(0),
            age_max,
            source: AtomicU8::new(Source::Starting as u8),
        }))
    }

    /// The current snapshot.
    #[must_use]
    pub fn load(&self) -> Arc<Snapshot> {
        self.0.current.load_full()
    }

    /// A reader for one thread: a look at the current snapshot without touching a shared counter.
    #[must_use]
    pub fn reader(&self) -> Reader {
        Reader(arc_swap::Cache::new(Arc::clone(&self.0.current)))
    }

    /// Time since Redis last confirmed the snapshot; `None` when it never did.
    #[must_use]
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        let confirmed = self.0.confirmed_ms.load(Ordering::Relaxed);
        let age = now.timestamp_millis().saturating_sub(confirmed);
        (confirmed != 0).then(|| Duration::from_millis(u64::try_from(age).unwrap_or(0)))
    }

    /// Whether calls may be decided with the snapshot.
    ///
    /// # Errors
    /// [`Stale`] when there is none, or it is older than allowed.
    pub fn check(&self, now: Timestamp) -> Result<(), Stale> {
        match self.age(now) {
            None => Err(Stale::Never),
            Some(age) if age > self.0.age_max => {
                Err(Stale::Old { age_s: age.as_secs(), max_s: self.0.age_max.as_secs() })
            }
            Some(_) => Ok(()),
        }
    }

    /// Hangs up a new snapshot.
    pub fn store(&self, next: Snapshot) {
        self.0.current.store(Arc::new(next));
    }

    /// Notes that the snapshot was current at `at`.
    pub fn confirm(&self, at: Timestamp) {
        self.0.confirmed_ms.store(at.timestamp_millis(), Ordering::Relaxed);
    }

    /// How the snapshot is kept current at the moment.
    #[must_use]
    pub fn source(&self) -> Source {
        let held = self.0.source.load(Ordering::Relaxed);
        let known = [Source::Current, Source::Unreachable, Source::Behind];
        known.into_iter().find(|one| *one as u8 == held).unwrap_or(Source::Starting)
    }

    pub(super) fn set_source(&self, source: Source) {
        self.0.source.store(source as u8, Ordering::Relaxed);
    }

    /// When Redis last confirmed the snapshot.
    #[must_use]
    pub fn confirmed_at(&self) -> Option<Timestamp> {
        let confirmed = self.0.confirmed_ms.load(Ordering::Relaxed);
        (confirmed != 0).then(|| chrono::DateTime::from_timestamp_millis(confirmed)).flatten()
    }
}

/// One thread's view of a [`Handle`].
#[derive(Debug, Clone)]
pub struct Reader(arc_swap::Cache<Arc<ArcSwap<Snapshot>>, Arc<Snapshot>>);

impl Reader {
    /// The current snapshot.
    pub fn current(&mut self) -> &Arc<Snapshot> {
        self.0.load()
    }
}
