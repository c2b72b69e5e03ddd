//! What gateways have drawn of a wallet's limit: calls that run, and what is set aside for more.

use crate::app::App;
use crate::redis_link;
use contract::channel;
use contract::id::{LimitId, OrgId};
use contract::money::Nanos;
use std::time::Duration;

/// How long a page waits for Redis.
const WAIT: Duration = Duration::from_secs(1);

/// All that gateways have drawn since the limit began; `None` while Redis cannot say.
pub async fn drawn(app: &App, org: OrgId, limit: LimitId) -> Option<Nanos> {
    let key = channel::limit_drawn(org, &limit.to_string(), &org.to_string(), 0);
    let mut redis = redis_link::connect(&app.config.redis).ok()?;
    let read =
        async { redis::cmd("HGET").arg(key).arg("t").query_async::<Option<i64>>(&mut redis).await };
    match tokio::time::timeout(WAIT, read).await {
        Ok(Ok(total)) => Some(Nanos(total.unwrap_or(0))),
        Ok(Err(error)) => {
            tracing::warn!(%error, "what gateways hold of a wallet cannot be read");
            None
        }
        Err(_) => None,
    }
}
