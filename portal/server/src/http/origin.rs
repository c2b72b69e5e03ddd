//! A form is taken only from a page of our own. Browsers say where a request comes from, and a
//! page cannot forge it; a request that says nothing is refused too.

use crate::App;
use crate::fault::Fault;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::{HeaderMap, Method, header};
use std::sync::Arc;

/// Lets safe methods pass, and others when they come from here.
pub async fn check(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let own = app.config.portal_url.origin().ascii_serialization();
    if safe || is_ours(request.headers(), &own) {
        next.run(request).await
    } else {
        Fault::OtherSite.into_response()
    }
}

/// `Origin` must be the portal's configured address, or the very host this request was sent to;
/// `Sec-Fetch-Site`, where the browser sends it, must agree.
fn is_ours(headers: &HeaderMap, own: &str) -> bool {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let site = headers.get("sec-fetch-site").map(|value| value.as_bytes());
    if site.is_some_and(|site| site != b"same-origin") {
        return false;
    }
    match text(header::ORIGIN) {
        Some(origin) => {
            let host = origin.split_once("://").map(|(_, host)| host);
            origin == own || (host.is_some() && host == text(header::HOST))
        }
        None => site.is_some(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        is_ours(&headers, "https://portal.example")
    }

    #[test]
    fn only_a_page_of_the_same_origin_may_post() {
        assert!(ours(&[("origin", "https://portal.example")]));
        assert!(ours(&[("origin", "http://127.0.0.1:7102"), ("host", "127.0.0.1:7102")]));
        assert!(ours(&[("sec-fetch-site", "same-origin"), ("origin", "https://portal.example")]));
        assert!(ours(&[("sec-fetch-site", "same-origin")]));
    }

    #[test]
    fn other_sites_and_the_silent_are_refused() {
        assert!(!ours(&[]));
        assert!(!ours(&[("origin", "null"), ("host", "null")]));
        assert!(!ours(&[("origin", "https://evil.example"), ("host", "portal.example")]));
        assert!(!ours(&[("origin", "https://portal.example.evil.example")]));
        assert!(!ours(&[("sec-fetch-site", "cross-site"), ("origin", "https://portal.example")]));
        assert!(!ours(&[("sec-fetch-site", "same-site"), ("origin", "https://portal.example")]));
    }
}
