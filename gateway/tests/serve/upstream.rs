//! A provider written by hand: answers what a test says, and keeps what it was sent.

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};

/// Tokens that everything under Bedrock's paths is said to have read.
pub const BEDROCK_TOKENS: u64 = 7;

/// What was sent.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: Method,
    pub path: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

/// What is answered: status, content type, body.
pub type Reply = (u16, &'static str, Vec<u8>);
/// What is answered, with headers besides.
pub type ReplyWith = (Reply, Vec<(&'static str, String)>);

#[derive(Clone)]
pub struct Upstream {
    pub base_url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
}

impl Upstream {
    pub async fn start(reply: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(move |seen| (reply(seen), Vec::new())).await
    }

    pub async fn start_with(reply: impl Fn(&Seen) -> ReplyWith + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (kept, reply) = (Arc::clone(&seen), Arc::new(reply));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (kept, reply) = (Arc::clone(&kept), Arc::clone(&reply));
                let service = service_fn(move |request| {
                    answer(request, Arc::clone(&kept), Arc::clone(&reply))
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self { base_url, seen }
    }

    /// Answers every call alike.
    pub async fn always(status: u16, kind: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        Self::start(move |_| (status, kind, body.clone())).await
    }

    /// Answers every call with `first` and then with `piece` again and again, whatever bound it was
    /// given, until nobody reads any more.
    pub async fn endless(kind: &'static str, first: Vec<u8>, piece: Vec<u8>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}/v1", listener.local_addr().unwrap());
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (first, piece) = (Bytes::from(first.clone()), Bytes::from(piece.clone()));
                let service = service_fn(move |_: Request<Incoming>| {
                    let body = repeated(first.clone(), piece.clone());
                    let response = Response::builder().header("content-type", kind).body(body);
                    async { Ok::<_, Infallible>(response.unwrap()) }
                });
                let connection = hyper::server::conn::http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self { base_url, seen: Arc::default() }
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub fn last(&self) -> Seen {
        self.seen().pop().expect("nothing was sent")
    }
}

fn repeated(
    first: Bytes,
    piece: Bytes,
) -> impl hyper::body::Body<Data = Bytes, Error = Infallible> {
    let frames = futures::stream::unfold(Some(first), move |first| {
        let piece = piece.clone();
        async move {
            if first.is_none() {
                tokio::time::sleep(std::time::Duration::from_millis(1)).await;
            }
            Some((Ok(hyper::body::Frame::data(first.unwrap_or(piece))), None))
        }
    });
    http_body_util::StreamBody::new(frames)
}

async fn answer(
    request: Request<Incoming>,
    seen: Arc<Mutex<Vec<Seen>>>,
    reply: Arc<impl Fn(&Seen) -> ReplyWith>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path = head.uri.path_and_query().unwrap().to_string();
    let bedrock = path.contains("/model/");
    let one = Seen { method: head.method, path, headers: head.headers, body };
    let ((status, kind, body), more) = reply(&one);
    seen.lock().unwrap().push(one);
    let mut response = Response::builder().status(status).header("content-type", kind);
    for (name, value) in more {
        response = response.header(name, value);
    }
    if bedrock {
        response = response.header("x-amzn-bedrock-input-token-count", BEDROCK_TOKENS);
    }
    Ok(response.body(Full::from(body)).unwrap())
}
