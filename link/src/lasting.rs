//! A connection that lasts: made on first use, so that a program starts while Redis is away, and
//! made anew after it failed, to whoever is the master then.

use crate::address::Address;
use crate::connection::Connection;
use redis::aio::ConnectionLike;
use redis::{Cmd, Pipeline, RedisError, RedisFuture, RedisResult, Value};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// After so many failures in a row a cluster's connection is made anew too.
const FAILURES_MAX: u32 = 3;

/// Clones share the connection. Whoever uses it has a loop of its own that tries again.
#[derive(Clone)]
pub struct Lasting {
    address: Address,
    answer_within: Duration,
    now: Arc<Mutex<Now>>,
}

#[derive(Default)]
struct Now {
    connection: Option<Connection>,
    /// Which connection this is, so that the failure of an old one does not cost the new one.
    number: u64,
    failures: u32,
}

impl Lasting {
    /// Not connected yet. An answer that takes longer than `answer_within` is a failure.
    #[must_use]
    pub fn new(address: Address, answer_within: Duration) -> Self {
        Self { address, answer_within, now: Arc::default() }
    }

    /// The connection and its number; makes one when there is none.
    async fn connection(&self) -> RedisResult<(Connection, u64)> {
        if let Some(known) = self.with(|now| now.connection.clone().map(|c| (c, now.number))) {
            return Ok(known);
        }
        let made = self.address.connect(self.answer_within).await?;
        Ok(self.with(|now| {
            now.number += 1;
            now.failures = 0;
            (now.connection.insert(made).clone(), now.number)
        }))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Now) -> T) -> T {
        work(&mut self.now.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn note(&self, number: u64, error: Option<&RedisError>) {
        self.with(|now| {
            if now.number != number {
                return;
            }
            match error {
                None => now.failures = 0,
                Some(error) if is_answer(error) => {}
                Some(_) => {
                    now.failures += 1;
                    let heals = now.connection.as_ref().is_some_and(Connection::heals);
                    if !heals || now.failures >= FAILURES_MAX {
                        now.connection = None;
                    }
                }
            }
        });
    }
}

/// Errors that belong to the dialogue and say nothing against the connection.
fn is_answer(error: &RedisError) -> bool {
    matches!(error.code(), Some("NOSCRIPT" | "BUSYGROUP" | "NOGROUP"))
}

impl fmt::Debug for Lasting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Lasting({:?})", self.address)
    }
}

impl ConnectionLike for Lasting {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        Box::pin(async move {
            let (mut connection, number) = self.connection().await?;
            let answer = connection.req_packed_command(cmd).await.and_then(Value::extract_error);
            self.note(number, answer.as_ref().err());
            answer
        })
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        Box::pin(async move {
            let (mut connection, number) = self.connection().await?;
            let answer = connection.req_packed_commands(pipeline, offset, count).await;
            // An error of one command stands among the answers.
            let inside = answer.iter().flatten().find_map(|value| match value {
                Value::ServerError(error) => Some(RedisError::from(error.clone())),
                _ => None,
            });
            self.note(number, answer.as_ref().err().or(inside.as_ref()));
            answer
        })
    }

    fn get_db(&self) -> i64 {
        self.with(|now| now.connection.as_ref().map_or(0, ConnectionLike::get_db))
    }
}
