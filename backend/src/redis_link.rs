//! How this program reaches Redis: one connection that reconnects by itself, made on first use, so
//! that the program starts while Redis is away.

use crate::config::Redis;
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Client, RedisResult};
use std::time::Duration;

/// A connection for commands that answer at once.
///
/// # Errors
/// The address is malformed.
pub fn connect(config: &Redis) -> RedisResult<ConnectionManager> {
    open(config, Duration::from_secs(3))
}

/// A connection for commands that wait up to `block` for something to happen.
///
/// # Errors
/// The address is malformed.
pub fn connect_blocking(config: &Redis, block: Duration) -> RedisResult<ConnectionManager> {
    open(config, block + Duration::from_secs(3))
}

fn open(config: &Redis, response: Duration) -> RedisResult<ConnectionManager> {
    let client = Client::open(config.url.as_str())?;
    // Whoever uses the connection has a loop of its own that tries again, so one attempt is enough.
    let settings = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(Duration::from_secs(2)))
        .set_response_timeout(Some(response))
        .set_number_of_retries(1)
        .set_min_delay(Duration::from_millis(50));
    ConnectionManager::new_lazy_with_config(client, settings)
}
