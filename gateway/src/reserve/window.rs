//! From when to when a limit counts together, in milliseconds by the clock of Redis.

use contract::Timestamp;
use contract::snapshot::{LimitRecord, Metric, Window, Zone};

/// A window, or the bucket of a sliding limit: `[start, end)` in epoch milliseconds. One that
/// never ends is `[0, i64::MAX)`.
pub(super) type Bounds = (i64, i64);

/// A sliding limit counts whole buckets, this many and one more. It never admits more than its
/// maximum in any stretch of its length; of a steady rate it admits 64 parts of 65.
const BUCKETS: i64 = 64;

/// What decides where windows begin: while it stays, so does what was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    window: Window,
    zone: Zone,
    level: bool,
    /// For how long a bucket counts after its end; 0: not a sliding limit.
    pub span_ms: i64,
}

impl Shape {
    pub fn of(limit: &LimitRecord) -> Self {
        let level = is_level(limit);
        let span_s = limit.window.seconds().filter(|_| limit.sliding && !level).unwrap_or(0);
        let LimitRecord { window, zone, .. } = *limit;
        Self { window, zone, level, span_ms: span_s.saturating_mul(1_000) }
    }

    /// How many buckets one stretch of time has.
    pub const fn buckets(self) -> i64 {
        if self.span_ms > 0 { BUCKETS } else { 1 }
    }
}

/// Whether it counts what is held now, not what was used: it is given back when its holder ends.
pub(super) fn is_level(limit: &LimitRecord) -> bool {
    limit.metric == Metric::Concurrency
}

/// The window that holds an instant, in epoch milliseconds.
pub(super) fn window_at(limit: &LimitRecord, at_ms: i64) -> Bounds {
    let shape = Shape::of(limit);
    if shape.level {
        return (0, i64::MAX);
    }
    if shape.span_ms > 0 {
        let length = (shape.span_ms / BUCKETS).max(1);
        let start = at_ms.saturating_sub(at_ms.rem_euclid(length));
        return (start, start.saturating_add(length));
    }
    let (start, end) = limit.bounds(Timestamp::from_timestamp_millis(at_ms).unwrap_or_default());
    let millis =
        |seconds: i64| if seconds == i64::MAX { seconds } else { seconds.saturating_mul(1_000) };
    (millis(start), millis(end))
}

/// The length of what a limit counts together.
pub(super) fn length_ms(shape: Shape, window: Bounds) -> i64 {
    if shape.span_ms > 0 { shape.span_ms } else { window.1.saturating_sub(window.0) }
}
