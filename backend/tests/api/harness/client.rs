//! Calls the router as a caller would, without a socket.

use axum::Router;
use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

/// One caller.
#[derive(Clone)]
pub struct Client {
    router: Router,
    cookie: Option<String>,
}

pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
}

impl Reply {
    /// The body, which must be JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {:?}", self.text))
    }

    /// Asserts the status; shows the body when it is another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", self.text);
        self
    }

    /// Asserts a refusal: problem+json with this code, its status, and a request id.
    #[track_caller]
    pub fn refused(self, code: &str) -> Self {
        let body = self.json();
        assert_eq!(body["code"], code, "{}", self.text);
        assert_eq!(body["status"], self.status.as_u16(), "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(body["request_id"], self.header("x-request-id"));
        assert!(!body["detail"].as_str().unwrap().is_empty());
        self
    }

    /// The body without what differs from request to request.
    #[track_caller]
    pub fn comparable(&self) -> Value {
        let mut body = self.json();
        if let Some(id) = body.get_mut("request_id") {
            *id = Value::Null;
        }
        body
    }

    /// A header's value, empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON pointers that a refusal blames.
    pub fn pointers(&self) -> Vec<String> {
        let body = self.json();
        let errors = body["errors"].as_array().cloned().unwrap_or_default();
        errors.iter().map(|e| e["pointer"].as_str().unwrap().to_owned()).collect()
    }
}

impl Client {
    pub fn new(router: Router, cookie: Option<String>) -> Self {
        Self { router, cookie }
    }

    /// The same caller with another cookie.
    pub fn with_cookie(&self, cookie: &str) -> Self {
        Self::new(self.router.clone(), Some(cookie.to_owned()))
    }

    /// This caller with the cookie that `reply` sets.
    #[track_caller]
    pub fn signed_in_by(&self, reply: &Reply) -> Self {
        let cookie = reply.header("set-cookie").split(';').next().unwrap_or_default();
        assert!(cookie.starts_with("__Host-tollgate_session="), "{:?}", reply.headers);
        self.with_cookie(cookie)
    }

    pub fn cookie(&self) -> &str {
        self.cookie.as_deref().unwrap_or_default()
    }

    pub async fn get(&self, path: &str) -> Reply {
        self.send(self.request(Method::GET, path, None)).await
    }

    /// Posts with a fresh idempotency key.
    pub async fn post(&self, path: &str, body: Value) -> Reply {
        let key = data_encoding::HEXLOWER.encode(&backend::entropy::bytes::<8>());
        self.post_once(path, body, &key).await
    }

    /// Posts with this idempotency key.
    pub async fn post_once(&self, path: &str, body: Value, key: &str) -> Reply {
        let mut request = self.request(Method::POST, path, Some(body.to_string()));
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
        self.send(request).await
    }

    /// Patches the `version`.
    pub async fn patch(&self, path: &str, body: Value, version: i64) -> Reply {
        let mut request = self.request(Method::PATCH, path, Some(body.to_string()));
        request.headers_mut().insert("if-match", format!("\"{version}\"").parse().unwrap());
        self.send(request).await
    }

    pub async fn delete(&self, path: &str) -> Reply {
        self.send(self.request(Method::DELETE, path, None)).await
    }

    /// A request as this caller, to be changed before it is sent.
    pub fn request(&self, method: Method, path: &str, body: Option<String>) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(path);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        request.body(body.map_or_else(Body::empty, Body::from)).unwrap()
    }

    pub async fn send(&self, request: Request<Body>) -> Reply {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        Reply { status: head.status, headers: head.headers, text }
    }
}
