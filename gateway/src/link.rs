//! One connection to Redis, made when it is needed and dropped when it fails. Each background
//! task has its own, so that none waits behind another's blocking read.

use crate::telemetry::{Count, Telemetry};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, RedisError, RedisResult};
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long to wait for a connection.
const CONNECT: Duration = Duration::from_secs(1);

pub struct Link {
    client: Client,
    answer_within: Duration,
    /// After a failure, nothing is tried for this long; doubled up to `pause_max`.
    pause: Duration,
    pause_max: Duration,
    retry_at: Option<Instant>,
    connection: Option<MultiplexedConnection>,
    telemetry: Arc<Telemetry>,
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Link(connected: {})", self.connection.is_some())
    }
}

const PAUSE_MIN: Duration = Duration::from_millis(50);

impl Link {
    /// A link that has not been tried. An answer that takes longer than `answer_within` counts
    /// as a failure.
    #[must_use]
    pub fn new(client: Client, answer_within: Duration, telemetry: Arc<Telemetry>) -> Self {
        let pause_max = Duration::from_secs(1);
        let pause = PAUSE_MIN;
        Self {
            client,
            answer_within,
            pause,
            pause_max,
            retry_at: None,
            connection: None,
            telemetry,
        }
    }

    /// The connection; makes it when there is none.
    ///
    /// # Errors
    /// Redis is not reachable, or was not a moment ago.
    pub async fn connection(&mut self) -> RedisResult<MultiplexedConnection> {
        if let Some(connection) = &self.connection {
            return Ok(connection.clone());
        }
        if self.retry_at.is_some_and(|at| Instant::now() < at) {
            return Err(RedisError::from(std::io::Error::from(std::io::ErrorKind::NotConnected)));
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(self.answer_within));
        match self.client.get_multiplexed_async_connection_with_config(&config).await {
            Ok(connection) => Ok(self.connection.insert(connection).clone()),
            Err(error) => {
                self.fail();
                Err(error)
            }
        }
    }

    /// Runs `work` on the connection. After an error the connection is dropped, whatever the
    /// error was: the next one starts clean.
    ///
    /// # Errors
    /// Redis is not reachable, or refused.
    pub async fn run<T, F, Fut>(&mut self, work: F) -> RedisResult<T>
    where
        F: FnOnce(MultiplexedConnection) -> Fut,
        Fut: Future<Output = RedisResult<T>>,
    {
        let result = match self.connection().await {
            Ok(connection) => work(connection).await,
            Err(error) => Err(error),
        };
        match &result {
            Ok(_) => {
                self.telemetry.count(Count::RedisOk, 1);
                self.pause = PAUSE_MIN;
                self.retry_at = None;
            }
            Err(_) => self.fail(),
        }
        result
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
        if self.retry_at.is_none_or(|at| Instant::now() >= at) {
            self.telemetry.count(Count::RedisFailed, 1);
            self.retry_at = Some(Instant::now() + self.pause);
            self.pause = (self.pause * 2).min(self.pause_max);
        }
    }
}
