//! Threads, listeners and connections: each worker thread has its own runtime, its own listening
//! socket on the shared address, and its own upstream connections.

use crate::admin;
use crate::answer::Answer;
use crate::chance::Chance;
use crate::serve::serve;
use crate::stall::Stall;
use crate::worker::{Gateway, Worker};
use anyhow::Context as _;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Collected};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use socket2::{Domain, Protocol, Socket, Type};
use std::convert::Infallible;
use std::future::{Future as _, poll_fn};
use std::net::{SocketAddr, TcpListener};
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4_096;
/// Bytes of a request's head, and of an answer that its caller has not taken yet.
const BUFFER_MAX: usize = 128 * 1024;
/// A pause after accepting failed, for example for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// The worker threads.
#[derive(Debug)]
pub struct Server {
    threads: Vec<std::thread::JoinHandle<()>>,
    /// Where they listen; the port is a real one also when 0 was asked for.
    pub address: SocketAddr,
    /// Cancel it to drain.
    pub drain: CancellationToken,
}

impl Server {
    /// Binds all listeners and starts `workers` threads.
    ///
    /// # Errors
    /// The address cannot be bound, or a thread cannot be started.
    pub fn start(
        gateway: &Arc<Gateway>,
        listen: SocketAddr,
        workers: usize,
        drain: CancellationToken,
    ) -> anyhow::Result<Self> {
        let first = bind(listen).with_context(|| format!("cannot listen on {listen}"))?;
        let address = first.local_addr()?;
        let mut listeners = vec![first];
        for _ in 1..workers.max(1) {
            listeners.push(bind(address).with_context(|| format!("cannot listen on {address}"))?);
        }
        let mut threads = Vec::with_capacity(listeners.len());
        for (n, listener) in listeners.into_iter().enumerate() {
            let (gateway, drain) = (Arc::clone(gateway), drain.clone());
            let body = move || {
                if let Err(error) = run(gateway, listener, drain) {
                    tracing::error!(%error, "a worker ended");
                }
            };
            threads.push(std::thread::Builder::new().name(format!("worker-{n}")).spawn(body)?);
        }
        Ok(Self { threads, address, drain })
    }

    /// Waits until every worker has drained. Blocks.
    pub fn join(self) {
        for thread in self.threads {
            if thread.join().is_err() {
                tracing::error!("a worker thread panicked");
            }
        }
    }
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// One worker thread, from its start to the end of its drain.
fn run(
    gateway: Arc<Gateway>,
    listener: TcpListener,
    drain: CancellationToken,
) -> anyhow::Result<()> {
    let chance =
        Chance::from_system().map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build_local(tokio::runtime::LocalOptions::default())?;
    let worker = Rc::new(Worker::new(gateway, chance));
    runtime.block_on(work(Rc::clone(&worker), listener, drain))?;
    worker.set_over();
    // What still runs is dropped with the runtime, and settles as it drops.
    drop(runtime);
    Ok(())
}

async fn work(
    worker: Rc<Worker>,
    listener: TcpListener,
    drain: CancellationToken,
) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    loop {
        let accepted = tokio::select! {
            biased;
            () = drain.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => {
                let connection = connection(Rc::clone(&worker), stream, drain.clone());
                tokio::task::spawn_local(worker.tasks.track_future(connection));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    worker.tasks.close();
    let deadline = worker.gateway.bounds.drain_timeout;
    if tokio::time::timeout(deadline, worker.tasks.wait()).await.is_err() {
        tracing::warn!(
            calls = worker.in_flight(),
            "the drain's time is over; what still runs is cut"
        );
    }
    Ok(())
}

/// Serves one connection until it closes, or until its request is done once the drain began.
async fn connection(worker: Rc<Worker>, stream: TcpStream, drain: CancellationToken) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone before it began");
        return;
    }
    let (head_timeout, stall_timeout) = {
        let bounds = &worker.gateway.bounds;
        (bounds.head_timeout, bounds.stall_timeout)
    };
    let service = service_fn(move |request| handle(Rc::clone(&worker), request));
    // A hundred headers are the most, as hyper has it: set, that costs clearing room for each.
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(BUFFER_MAX)
        .serve_connection(TokioIo::new(Stall::new(stream, stall_timeout)), service);
    let mut connection = pin!(connection);
    let mut drained = pin!(drain.cancelled());
    let (mut watching, mut told) = (false, false);
    let ended = poll_fn(|cx| {
        // The drain's waker is registered once; after that a look at the flag is enough.
        if !told && (drain.is_cancelled() || (!watching && drained.as_mut().poll(cx).is_ready())) {
            connection.as_mut().graceful_shutdown();
            told = true;
        }
        watching = true;
        match connection.as_mut().poll(cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(result) => Poll::Ready(result),
        }
    });
    if let Err(error) = ended.await {
        tracing::debug!(%error, "a connection ended");
    }
}

/// The probes, and everything else.
async fn handle(
    worker: Rc<Worker>,
    request: Request<Incoming>,
) -> Result<Response<Answer>, Infallible> {
    if let Some(probe) = admin::probe(&worker.gateway.tools, request.uri().path()) {
        let (head, body) = probe.into_parts();
        // A whole body in memory is there at once, and cannot fail.
        let body = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
        return Ok(Response::from_parts(head, Answer::Whole(body)));
    }
    Ok(serve(worker, request).await)
}
