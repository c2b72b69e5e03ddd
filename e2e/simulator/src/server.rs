//! Listening, and which path leads where. Loopback only: anyone may set the switches.

use crate::answer;
use crate::control;
use crate::dialect::{Wire, route};
use crate::mailbox::{self, Mail, Mailbox};
use crate::play::{Body, Dropped, json, whole};
use crate::record::{Log, Seen, Served, Stats};
use crate::replica::{Replica, Speed};
use crate::switches::Switches;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The largest request body.
const BODY_MAX: usize = 64 << 20;

/// How a simulator is started.
#[derive(Debug, Clone)]
pub struct Options {
    /// Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the mailbox takes mail over SMTP; absent: it takes none.
    pub smtp_listen: Option<SocketAddr>,
    /// Model calls without this bearer token (or `api-key`) are refused with 401.
    pub required_key: Option<String>,
    /// Switches in force for every call.
    pub switches: Switches,
    /// Plays a replica of a model server: chat takes as long as it would there, and there are metrics.
    pub replica: Option<Speed>,
}

impl Options {
    #[must_use]
    pub fn at(listen: SocketAddr) -> Self {
        let switches = Switches::default();
        Self { listen, smtp_listen: None, required_key: None, switches, replica: None }
    }
}

/// A running simulator. Dropped or stopped, it closes its port and drops its connections.
#[derive(Debug)]
pub struct Handle {
    pub addr: SocketAddr,
    /// Where the mailbox takes mail.
    pub smtp_addr: Option<SocketAddr>,
    log: Log,
    mailbox: Mailbox,
    replica: Option<Arc<Replica>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Handle {
    /// Its own address; each dialect's base is a path below.
    #[must_use]
    pub fn root(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The base address to register as a provider's: `http://127.0.0.1:7103/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.addr)
    }

    /// Everything remembered, oldest first.
    #[must_use]
    pub fn served(&self) -> Vec<Served> {
        self.log.served()
    }

    #[must_use]
    pub fn find(&self, request_id: &str) -> Option<Served> {
        self.log.find(request_id)
    }

    #[must_use]
    pub fn stats(&self) -> Stats {
        self.log.stats()
    }

    /// The last model call as it arrived.
    #[must_use]
    pub fn last(&self) -> Seen {
        self.log.last()
    }

    /// The mails kept, newest first; only those to `to`, if given.
    #[must_use]
    pub fn mails(&self, to: Option<&str>) -> Vec<Mail> {
        self.mailbox.list(to)
    }

    /// Tokens of prompts that the replica looked for in its prefix cache, and those that were there.
    #[must_use]
    pub fn cached(&self) -> (u64, u64) {
        self.replica.as_ref().map(|replica| replica.cached()).unwrap_or_default()
    }

    /// Sets the switches of every call.
    pub fn set_switches(&self, switches: Switches) {
        self.log.set_defaults(switches);
    }

    /// Forgets all calls and goes back to the switches of the start.
    pub fn reset(&self) {
        self.log.reset();
    }

    /// Closes the port and drops every connection, as if the provider had died.
    pub async fn stop(mut self) {
        self.accepting.abort();
        // The task ends as cancelled; that is what was asked for.
        let _ = (&mut self.accepting).await;
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Starts a simulator with no key and no switches.
///
/// # Errors
/// The address cannot be listened on.
pub async fn start(listen: SocketAddr) -> io::Result<Handle> {
    start_with(Options::at(listen)).await
}

/// Starts a simulator on the current runtime.
///
/// # Errors
/// The address cannot be listened on.
pub async fn start_with(options: Options) -> io::Result<Handle> {
    let listener = TcpListener::bind(options.listen).await?;
    let smtp = match options.smtp_listen {
        Some(address) => Some(TcpListener::bind(address).await?),
        None => None,
    };
    let smtp_addr = smtp.as_ref().map(TcpListener::local_addr).transpose()?;
    let addr = listener.local_addr()?;
    let (log, mailbox) = (Log::new(options.switches), Mailbox::default());
    let replica = options.replica.map(|speed| Arc::new(Replica::new(speed)));
    let shared = Shared {
        replica: replica.clone(),
        log: log.clone(),
        mailbox: mailbox.clone(),
        smtp_addr,
        required_key: options.required_key,
    };
    let accepting = tokio::spawn(accept_both(listener, smtp, Arc::new(shared)));
    Ok(Handle { addr, smtp_addr, log, mailbox, replica, accepting })
}

pub(crate) struct Shared {
    pub log: Log,
    pub mailbox: Mailbox,
    pub smtp_addr: Option<SocketAddr>,
    pub required_key: Option<String>,
    pub replica: Option<Arc<Replica>>,
}

async fn accept_both(listener: TcpListener, smtp: Option<TcpListener>, shared: Arc<Shared>) {
    let mailbox = shared.mailbox.clone();
    match smtp {
        Some(smtp) => {
            tokio::join!(accept(listener, shared), mailbox::accept(smtp, mailbox));
        }
        None => accept(listener, shared).await,
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    // Connections live in this set, so that ending this task ends them.
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    shared.log.connected();
                    connections.spawn(connection(stream, shared.clone()));
                }
                Err(error) => {
                    tracing::warn!(%error, "cannot accept");
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(stream: TcpStream, shared: Arc<Shared>) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::warn!(%error, "cannot set TCP_NODELAY");
    }
    let reset = Arc::new(AtomicBool::new(false));
    let wants_reset = reset.clone();
    let service = service_fn(move |request| {
        let (shared, reset) = (shared.clone(), reset.clone());
        Box::pin(async move { serve(&shared, &reset, request).await })
    });
    let mut serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service);
    if let Err(error) = poll_fn(|cx| serving.poll_without_shutdown(cx)).await {
        tracing::debug!(%error, "connection ended");
    }
    let stream = serving.into_parts().io.into_inner();
    if wants_reset.load(Ordering::Relaxed)
        && let Err(error) = stream.set_zero_linger()
    {
        tracing::warn!(%error, "cannot reset a connection");
    }
}

async fn serve(
    shared: &Shared,
    reset: &AtomicBool,
    request: Request<Incoming>,
) -> Result<Response<Body>, Dropped> {
    let (parts, incoming) = request.into_parts();
    let body = match Limited::new(incoming, BODY_MAX).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            let text = format!("the body could not be read: {error}\n");
            return Ok(whole(StatusCode::BAD_REQUEST, "text/plain; charset=utf-8", text));
        }
    };
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or(""));
    if parts.method == Method::POST
        && let Some(target) = route(path)
    {
        let seen = Seen { path: path.to_owned(), headers: parts.headers, body };
        return answer::answer(shared, reset, target, query, seen).await;
    }
    match (&parts.method, path) {
        (&Method::GET, "/v1/models") => Ok(answer::models()),
        (&Method::GET, "/metrics") if let Some(replica) = &shared.replica => {
            let html = "<!doctype html><title>Sign in</title>".to_owned();
            let (kind, page) = match shared.log.defaults().blind {
                true => ("text/html", html),
                false => ("text/plain; version=0.0.4", replica.page()),
            };
            Ok(whole(StatusCode::OK, kind, page))
        }
        (&Method::POST, "/identity/token" | "/token") => Ok(token(shared)),
        (&Method::GET, "/" | "/livez") => {
            let text = "The Tollgate simulator. No model runs here.\n".to_owned();
            Ok(whole(StatusCode::OK, "text/plain; charset=utf-8", text))
        }
        (method, path) if path.starts_with("/_sim/") => {
            Ok(control::answer(shared, method, path, query, &body))
        }
        (method, path) if path.starts_with("/mailbox") => {
            Ok(mailbox::answer(&shared.mailbox, shared.smtp_addr, method, path, query))
        }
        (method, path) => {
            let why = format!("The simulator has nothing at {method} {path}.");
            let code = Some("route_unknown");
            Ok(answer::refuse(Wire::Chat, StatusCode::NOT_FOUND, code, &why, None))
        }
    }
}

/// An access token, as IBM's and Google's token services answer. Nothing is checked: what counts is
/// how often one is fetched.
fn token(shared: &Shared) -> Response<Body> {
    let token = format!("simulated-token-{}", shared.log.issue());
    let answer = serde_json::json!({
        "access_token": token, "token_type": "Bearer", "expires_in": 3600,
    });
    json(StatusCode::OK, &answer)
}
