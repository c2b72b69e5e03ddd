//! What a key's holder asks of its own use: passed on to the control API with the key, and answered
//! by it. It is no call: nothing is reserved or recorded for it, and no provider hears of it.

use crate::admit::Stamp;
use crate::answer::Answer;
use crate::fault::Fault;
use crate::provider::Address;
use crate::render;
use crate::worker::Worker;
use bytes::Bytes;
use contract::error::ErrorCode;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use std::time::Duration;
use tokio::time::timeout;

/// The control API answers by then, or not at all.
const WAIT: Duration = Duration::from_secs(10);
/// Bytes of its answer.
const ANSWER_MAX: usize = 4 * 1024 * 1024;
/// Of its answer's headers, these are passed on.
const PASSED: [HeaderName; 2] = [header::CONTENT_TYPE, header::RETRY_AFTER];

/// Where the control API is.
#[derive(Debug, Clone)]
pub struct Control {
    address: Address,
    host: HeaderValue,
    base: String,
}

impl Control {
    /// # Errors
    /// The address names no host that can be asked over HTTP; the error says so.
    pub fn at(url: &Uri) -> Result<Self, &'static str> {
        let wrong = "the control API's address is not one such as http://127.0.0.1:7101";
        let is_http = matches!(url.scheme_str(), Some("http" | "https"));
        let address = Address::of(url).filter(|_| is_http).ok_or(wrong)?;
        let host = url.authority().ok_or(wrong)?.as_str();
        let host = HeaderValue::from_str(host).map_err(|_| wrong)?;
        Ok(Self { address, host, base: url.path().trim_end_matches('/').to_owned() })
    }
}

/// Whether a request asks for what only the control API knows.
#[must_use]
pub fn is_asked(method: &Method, path: &str) -> bool {
    method == Method::GET && (path == "/v1/me/usage" || path.starts_with("/v1/requests/"))
}

/// Passes the request on, and its answer back.
///
/// # Errors
/// `service.unavailable`; `key.missing` when it carries none.
pub async fn pass(
    worker: &Worker,
    stamp: &Stamp,
    control: &Control,
    asked: &Request<Incoming>,
) -> Result<Response<Answer>, Fault> {
    let key = bearer(asked.headers())?;
    let query = asked.uri().query().map_or_else(String::new, |query| format!("?{query}"));
    let target = format!("{}{}{query}", control.base, asked.uri().path());
    let uri: Uri = target.parse().map_err(|_| away("the path is none"))?;
    let request = || {
        let mut request = Request::new(Full::new(Bytes::new()));
        *request.uri_mut() = uri.clone();
        request.headers_mut().insert(header::HOST, control.host.clone());
        request.headers_mut().insert(header::AUTHORIZATION, key.clone());
        request
    };
    let pool = worker.targets.pool(&control.address);
    let sent = timeout(WAIT, async {
        let (response, lease) =
            pool.send(WAIT, true, request).await.map_err(|error| error.to_string())?;
        let (head, body) = response.into_parts();
        let body = Limited::new(body, ANSWER_MAX).collect().await;
        let body = body.map_err(|error| error.to_string())?.to_bytes();
        lease.give_back();
        Ok::<_, String>((head, body))
    });
    let (head, body) = match sent.await {
        Ok(answered) => answered.map_err(away)?,
        Err(_) => return Err(away("no answer in time")),
    };
    let mut response = render::json(head.status, body, stamp);
    for name in PASSED {
        if let Some(value) = head.headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    Ok(response)
}

/// The key as the control API takes it, wherever the caller's library put it.
fn bearer(headers: &HeaderMap) -> Result<HeaderValue, Fault> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        return Ok(value.clone());
    }
    let keys = ["x-api-key", "api-key", "x-goog-api-key"];
    let key = keys.iter().find_map(|name| headers.get(*name)?.to_str().ok());
    let value = key.and_then(|key| HeaderValue::from_str(&format!("Bearer {key}")).ok());
    let mut value = value.ok_or_else(|| {
        let detail = "Send your API key as `Authorization: Bearer tg_…`.";
        Fault::client(ErrorCode::KeyMissing, detail)
    })?;
    value.set_sensitive(true);
    Ok(value)
}

fn away(cause: impl std::fmt::Display) -> Fault {
    let detail = "Usage and requests cannot be looked up now. Calls are not affected.";
    Fault::us(ErrorCode::Unavailable, detail).because(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_control_api_knows_is_passed_on() {
        let asked = |method: Method, path: &str| is_asked(&method, path);
        assert!(asked(Method::GET, "/v1/me/usage") && asked(Method::GET, "/v1/requests/req_1"));
        assert!(!asked(Method::POST, "/v1/me/usage") && !asked(Method::GET, "/v1/me"));
        assert!(!asked(Method::GET, "/v1/models") && !asked(Method::GET, "/v1/requests"));
    }

    #[test]
    fn an_address_that_cannot_be_asked_is_refused() {
        for url in ["/v1", "ftp://host/", "host:7101"] {
            assert!(Control::at(&url.parse().unwrap()).is_err(), "{url}");
        }
        let control = Control::at(&"https://api.example.com/tollgate/".parse().unwrap()).unwrap();
        assert_eq!((control.address.port, control.base.as_str()), (443, "/tollgate"));
    }
}
