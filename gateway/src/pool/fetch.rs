//! Asking one address for one page again and again, in the background: a connection that is kept,
//! a bound in time, and a body that is read only as far as it makes sense.

use crate::provider::{Address, connect};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, Uri, header};
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Asks one address.
#[derive(Debug)]
pub struct Fetcher {
    address: Address,
    tls: Arc<rustls::ClientConfig>,
    /// Headers of every request, who is asked among them.
    headers: HeaderMap,
    kept: Option<SendRequest<Empty<Bytes>>>,
}

impl Fetcher {
    /// `headers` come with every request; `host` is what the address calls itself.
    #[must_use]
    pub fn new(
        address: Address,
        host: HeaderValue,
        mut headers: HeaderMap,
        tls: Arc<rustls::ClientConfig>,
    ) -> Self {
        headers.insert(header::HOST, host);
        Self { address, tls, headers, kept: None }
    }

    /// Gets a page, of which each part goes to `take` for as long as that wants more.
    ///
    /// # Errors
    /// A sentence: no connection, no success, not within the time.
    pub async fn get(
        &mut self,
        path: &Uri,
        within: Duration,
        take: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), String> {
        match timeout(within, self.ask(path, take)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(why)) => {
                self.kept = None;
                Err(why)
            }
            Err(_) => {
                self.kept = None;
                Err(format!("no answer within {} ms", within.as_millis()))
            }
        }
    }

    async fn ask(&mut self, path: &Uri, mut take: impl FnMut(&[u8]) -> bool) -> Result<(), String> {
        let mut kept = self.kept.take().filter(|kept| !kept.is_closed());
        if let Some(sender) = &mut kept
            && sender.ready().await.is_err()
        {
            kept = None;
        }
        let mut sender = match kept {
            Some(kept) => kept,
            None => self.open().await?,
        };
        let mut request = Request::new(Empty::new());
        request.uri_mut().clone_from(path);
        request.headers_mut().clone_from(&self.headers);
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        let (head, mut body) = answer.into_parts();
        if head.status != StatusCode::OK {
            return Err(format!("answered with {}", head.status));
        }
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| error.to_string())?;
            if frame.data_ref().is_some_and(|bytes| !take(bytes)) {
                // The rest would have to be read before the connection serves again.
                return Ok(());
            }
        }
        self.kept = Some(sender);
        Ok(())
    }

    async fn open(&self) -> Result<SendRequest<Empty<Bytes>>, String> {
        let wire = connect(&self.address, &self.tls).await.map_err(|error| error.to_string())?;
        let opened = handshake(TokioIo::new(wire)).await;
        let (sender, connection) = opened.map_err(|error| error.to_string())?;
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection to a page ended");
            }
        });
        Ok(sender)
    }
}
