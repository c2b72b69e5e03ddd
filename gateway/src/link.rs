//! One connection to Redis, made when it is needed and dropped when it fails. Each background
//! task has its own, so that none waits behind another's blocking read. Whether a server, Sentinel
//! or a Cluster stands at the address is the connection's business alone.

use crate::telemetry::{Count, Telemetry};
use redis::{RedisError, RedisResult};
use redis_link::{Address, Connection};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What a link is for; its calls are counted by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The configuration.
    Follow,
    /// Allowances of limits.
    Draw,
    /// Usage.
    Ship,
    /// The heartbeat.
    Beat,
    /// Answers that are kept.
    Cache,
}

impl Purpose {
    /// What a call that worked counts as, and one that failed.
    const fn counts(self) -> (Count, Count) {
        match self {
            Self::Follow => (Count::RedisFollowOk, Count::RedisFollowFailed),
            Self::Draw => (Count::RedisDrawOk, Count::RedisDrawFailed),
            Self::Ship => (Count::RedisShipOk, Count::RedisShipFailed),
            Self::Beat => (Count::RedisBeatOk, Count::RedisBeatFailed),
            Self::Cache => (Count::RedisCacheOk, Count::RedisCacheFailed),
        }
    }
}

pub struct Link {
    address: Address,
    purpose: Purpose,
    answer_within: Duration,
    /// After a failure, nothing is tried for this long; doubled up to `pause_max`.
    pause: Duration,
    pause_max: Duration,
    retry_at: Option<Instant>,
    connection: Option<Connection>,
    /// Failures in a row.
    failures: u32,
    telemetry: Arc<Telemetry>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link(connected: {})", self.connection.is_some())
    }
}

const PAUSE_MIN: Duration = Duration::from_millis(50);
/// After so many failures in a row a connection that heals itself is dropped too.
const FAILURES_MAX: u32 = 5;

impl Link {
    /// A link that has not been tried. An answer that takes longer than `answer_within` counts
    /// as a failure.
    #[must_use]
    pub fn new(
        address: Address,
        purpose: Purpose,
        answer_within: Duration,
        telemetry: Arc<Telemetry>,
    ) -> Self {
        let pause_max = Duration::from_secs(1);
        let pause = PAUSE_MIN;
        Self {
            address,
            purpose,
            answer_within,
            pause,
            pause_max,
            retry_at: None,
            connection: None,
            failures: 0,
            telemetry,
        }
    }

    /// The connection; makes it when there is none.
    ///
    /// # Errors
    /// Redis is not reachable, or was not a moment ago.
    pub async fn connection(&mut self) -> RedisResult<Connection> {
        if let Some(connection) = &self.connection {
            return Ok(connection.clone());
        }
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return Err(RedisError::from(std::io::Error::from(std::io::ErrorKind::NotConnected)));
        }
        match self.address.connect(self.answer_within).await {
            Ok(connection) => Ok(self.connection.insert(connection).clone()),
            Err(error) => {
                self.fail();
                Err(error)
            }
        }
    }

    /// Runs `work` on the connection. After an error the connection is dropped, whatever the
    /// error was: the next one starts clean. Only a cluster's is kept for a few more: one of its
    /// nodes that fails must not cost the others theirs.
    ///
    /// # Errors
    /// Redis is not reachable, or refused.
    pub async fn run<T, F, Fut>(&mut self, work: F) -> RedisResult<T>
    where
        F: FnOnce(Connection) -> Fut,
        Fut: Future<Output = RedisResult<T>>,
    {
        let result = match self.connection().await {
            Ok(connection) => work(connection).await,
            Err(error) => Err(error),
        };
        self.heard(result.is_ok());
        result
    }

    /// Notes how something ended that was done on a connection of [`Link::connection`].
    pub fn heard(&mut self, is_ok: bool) {
        match is_ok {
            true => {
                self.telemetry.count(self.purpose.counts().0, 1);
                self.pause = PAUSE_MIN;
                self.retry_at = None;
                self.failures = 0;
            }
            false if self.connection.as_ref().is_some_and(Connection::heals) => {
                self.failures += 1;
                self.telemetry.count(self.purpose.counts().1, 1);
                if self.failures >= FAILURES_MAX {
                    self.fail();
                }
            }
            false => self.fail(),
        }
    }

    /// Whether the last attempt failed.
    #[must_use]
    pub fn is_down(&self) -> bool {
        self.retry_at.is_some()
    }

    /// Waits until another attempt is worth it.
    pub async fn rest(&self) {
        if let Some(at) = self.retry_at {
            tokio::time::sleep_until(at).await;
        }
    }

    /// Gives up the connection.
    pub fn fail(&mut self) {
        self.connection = None;
        self.failures = 0;
        if self.retry_at.is_none_or(|at| Instant::now() >= at) {
            self.telemetry.count(self.purpose.counts().1, 1);
            self.retry_at = Some(Instant::now() + self.pause);
            self.pause = (self.pause * 2).min(self.pause_max);
        }
    }
}
