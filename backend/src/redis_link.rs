//! How this program reaches Redis: connections that last, made on first use, so that the program
//! starts while Redis is away.

use crate::config::Redis;
use redis_link::{Address, BadAddress, Lasting};
use std::time::Duration;

/// A connection for commands that answer at once.
///
/// # Errors
/// The address is malformed; the error says how.
pub fn connect(config: &Redis) -> Result<Lasting, BadAddress> {
    open(config, Duration::from_secs(3))
}

/// A connection for commands that wait up to `block` for something to happen.
///
/// # Errors
/// As [`connect`].
pub fn connect_blocking(config: &Redis, block: Duration) -> Result<Lasting, BadAddress> {
    open(config, block + Duration::from_secs(3))
}

fn open(config: &Redis, answer_within: Duration) -> Result<Lasting, BadAddress> {
    let address: Address = config.url.parse()?;
    Ok(Lasting::new(address, answer_within))
}
