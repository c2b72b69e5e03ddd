//! What gateways say of themselves.

use crate::app::App;
use crate::redis_link;
use contract::channel::{GATEWAYS, GatewayBeat};
use std::time::Duration;

/// How long a page waits for Redis.
pub(super) const WAIT: Duration = Duration::from_secs(1);

/// The last word of every gateway heard of lately; `None` while Redis cannot be asked.
pub async fn beats(app: &App) -> Option<Vec<GatewayBeat>> {
    let mut redis = redis_link::connect(&app.config.redis).ok()?;
    let read =
        async { redis::cmd("HVALS").arg(GATEWAYS).query_async::<Vec<String>>(&mut redis).await };
    match tokio::time::timeout(WAIT, read).await {
        Ok(Ok(words)) => {
            let mut beats: Vec<GatewayBeat> =
                words.iter().filter_map(|word| serde_json::from_str(word).ok()).collect();
            beats.sort_by_key(|beat| beat.gateway_id);
            Some(beats)
        }
        Ok(Err(error)) => {
            tracing::warn!(%error, "gateways' beats cannot be read");
            None
        }
        Err(_) => None,
    }
}
