//! What runs by the clock. Any number of workers may look at it: each period is queued once.

use super::{Job, queue, registry};
use crate::app::App;

/// A job that is queued once each period.
#[derive(Debug)]
pub(super) struct Every {
    kind: &'static str,
    period_s: i64,
}

impl Every {
    pub const fn minute<J: Job>() -> Self {
        Self { kind: J::KIND, period_s: 60 }
    }

    pub const fn hour<J: Job>() -> Self {
        Self { kind: J::KIND, period_s: 3600 }
    }

    pub const fn day<J: Job>() -> Self {
        Self { kind: J::KIND, period_s: 86_400 }
    }
}

/// Queues what this period has not seen yet.
pub(super) async fn queue_due(app: &App) -> sqlx::Result<()> {
    let now = app.clock.now().timestamp();
    for every in registry::SCHEDULE {
        queue::queue_slot(app, every.kind, now.div_euclid(every.period_s)).await?;
    }
    Ok(())
}
