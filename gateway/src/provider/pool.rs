//! Connections to one address, kept for reuse. The newest is used first; a connection that the
//! other side closed is replaced, and a request that it swallowed without a byte of answer is
//! sent once more.

use super::Address;
use super::connect::{ConnectError, connect};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::time::timeout;

/// A connection idle for longer is not trusted any more; many servers close at 60 s.
const IDLE_MAX: Duration = Duration::from_secs(50);

type Sender = SendRequest<Full<Bytes>>;

/// Why a request got no answer.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error(transparent)]
    Connect(#[from] ConnectError),
    #[error("sending: {0}")]
    Send(hyper::Error),
}

/// The connections of one thread to one address.
pub struct Pool {
    address: Address,
    tls: Arc<rustls::ClientConfig>,
    idle: RefCell<Vec<(Sender, Instant)>>,
    idle_max: usize,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").field("address", &self.address).finish_non_exhaustive()
    }
}

/// A connection in use. Given back it serves again; dropped it is closed.
pub struct Lease {
    pool: Rc<Pool>,
    sender: Sender,
}

impl std::fmt::Debug for Lease {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lease").field("pool", &self.pool).finish_non_exhaustive()
    }
}

impl Lease {
    /// Keeps the connection for another request. The answer must have been read to its end.
    pub fn give_back(self) {
        let mut idle = self.pool.idle.borrow_mut();
        let now = Instant::now();
        if idle.len() >= self.pool.idle_max
            || idle.first().is_some_and(|(_, since)| now.duration_since(*since) > IDLE_MAX)
        {
            // The oldest is at the front, and the least likely to be needed.
            idle.remove(0);
        }
        idle.push((self.sender, now));
    }
}

impl Pool {
    pub(super) fn new(address: Address, tls: Arc<rustls::ClientConfig>, idle_max: usize) -> Self {
        Self { address, tls, idle: RefCell::default(), idle_max: idle_max.max(1) }
    }

    /// Connections that wait for a request.
    #[must_use]
    pub fn idle(&self) -> usize {
        self.idle.borrow().len()
    }

    fn take(&self) -> Option<Sender> {
        let mut idle = self.idle.borrow_mut();
        let now = Instant::now();
        while let Some((sender, since)) = idle.pop() {
            if !sender.is_closed() && now.duration_since(since) <= IDLE_MAX {
                return Some(sender);
            }
        }
        None
    }

    /// Sends a request; the answer's head and the connection it came on. One that was idle and
    /// breaks was probably closed meanwhile: then a fresh one tells, if that may be tried
    /// (`repeats`). Where servers break connections because they fail, it would double what they get.
    ///
    /// # Errors
    /// No connection could be made in time, or a fresh one broke before the answer's head.
    pub async fn send(
        self: &Rc<Self>,
        connect_max: Duration,
        repeats: bool,
        request: impl Fn() -> Request<Full<Bytes>>,
    ) -> Result<(Response<Incoming>, Lease), SendError> {
        let lease = |sender| Lease { pool: Rc::clone(self), sender };
        while let Some(mut sender) = self.take() {
            if sender.ready().await.is_err() {
                continue;
            }
            match sender.send_request(request()).await {
                Ok(response) => return Ok((response, lease(sender))),
                Err(_stale) if repeats => break,
                Err(broken) => return Err(SendError::Send(broken)),
            }
        }
        let mut sender = timeout(connect_max, Box::pin(self.open()))
            .await
            .map_err(|_| ConnectError::Timeout)??;
        let response = sender.send_request(request()).await.map_err(SendError::Send)?;
        Ok((response, lease(sender)))
    }

    async fn open(&self) -> Result<Sender, ConnectError> {
        let wire = connect(&self.address, &self.tls).await?;
        let (sender, connection) = http1::handshake(TokioIo::new(wire)).await?;
        tokio::task::spawn_local(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "an upstream connection ended");
            }
        });
        Ok(sender)
    }
}
