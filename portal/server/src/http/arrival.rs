//! The outermost layer: what is known of a request before anybody looks at it, and what every
//! answer gets on its way out: cookies, security headers, and a page where there is only a fault.

use super::{cookies, headers};
use crate::fault::Fault;
use crate::{App, pages};
use axum::extract::{ConnectInfo, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use contract::id::CallId;
use data_encoding::HEXLOWER;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// One request, as its page, its form and the control API client see it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Arrival(Arc<Facts>);

#[derive(Debug)]
struct Facts {
    request_id: String,
    nonce: String,
    theme: &'static str,
    path: String,
    here: String,
    reads: bool,
    looks_ahead: bool,
    client: Option<IpAddr>,
    session: Option<String>,
    visitor: OnceLock<String>,
    set_cookies: Mutex<Vec<HeaderValue>>,
}

impl Arrival {
    fn new(app: &App, request: &Request) -> Result<Self, getrandom::Error> {
        let headers = request.headers();
        let (path, here) = (request.uri().path(), request.uri().path_and_query());
        let mut entropy = [0; 10];
        getrandom::fill(&mut entropy)?;
        let visitor = OnceLock::new();
        if let Some(known) = cookies::read(headers, cookies::VISITOR).filter(|v| is_token(v)) {
            let _ = visitor.set(known);
        }
        Ok(Self(Arc::new(Facts {
            request_id: CallId::new(app.clock.now(), &entropy).to_string(),
            nonce: token()?,
            theme: theme_of(cookies::read(headers, portal_app::islands::THEME_COOKIE).as_deref()),
            path: path.to_owned(),
            here: here.map_or("/", |both| both.as_str()).to_owned(),
            looks_ahead: headers.contains_key("sec-purpose") || *request.method() == Method::HEAD,
            reads: matches!(*request.method(), Method::GET | Method::HEAD),
            client: client(app, request),
            session: cookies::read(headers, cookies::SESSION),
            visitor,
            set_cookies: Mutex::default(),
        })))
    }

    #[must_use]
    pub fn request_id(&self) -> &str {
        &self.0.request_id
    }

    #[must_use]
    pub fn nonce(&self) -> &str {
        &self.0.nonce
    }

    /// `system`, `light` or `dark`.
    #[must_use]
    pub fn theme(&self) -> &'static str {
        self.0.theme
    }

    #[must_use]
    pub fn path(&self) -> &str {
        &self.0.path
    }

    /// Path and query.
    #[must_use]
    pub fn here(&self) -> &str {
        &self.0.here
    }

    /// GET or HEAD.
    #[must_use]
    pub fn reads(&self) -> bool {
        self.0.reads
    }

    /// Does nobody see the answer yet? A browser that fetches ahead must use nothing up.
    #[must_use]
    pub fn looks_ahead(&self) -> bool {
        self.0.looks_ahead
    }

    /// Where the visitor's connection comes from.
    #[must_use]
    pub fn client(&self) -> Option<IpAddr> {
        self.0.client
    }

    /// The session the request came with.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.0.session.as_deref()
    }

    /// The session the visitor will have after this answer.
    #[must_use]
    pub fn session_after(&self) -> Option<String> {
        let lines = self.0.set_cookies.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = lines.iter().rev().filter_map(cookies::set);
        let mut changed = changed.filter(|(name, _)| name == cookies::SESSION);
        changed.next().map_or_else(
            || self.0.session.clone(),
            |(_, value)| Some(value).filter(|value| !value.is_empty()),
        )
    }

    /// The browser's own mark, if it has one yet.
    #[must_use]
    pub fn visitor(&self) -> Option<&str> {
        self.0.visitor.get().map(String::as_str)
    }

    /// The browser's own mark; a new one is set as a cookie.
    ///
    /// # Errors
    /// [`Fault::Broken`] when the machine gives no randomness.
    pub fn visitor_or_new(&self) -> Result<&str, Fault> {
        if self.0.visitor.get().is_none() {
            let fresh = token().map_err(|_| Fault::Broken)?;
            if let (Some(line), Ok(())) = (cookies::visitor(&fresh), self.0.visitor.set(fresh)) {
                self.set_cookie(line);
            }
        }
        self.visitor().ok_or(Fault::Broken)
    }

    /// Sends a `Set-Cookie` line with the answer.
    pub fn set_cookie(&self, line: HeaderValue) {
        self.0.set_cookies.lock().unwrap_or_else(PoisonError::into_inner).push(line);
    }

    /// Takes back a session that the control API has just given.
    pub fn refuse_session(&self) {
        let is_session = |line: &HeaderValue| {
            cookies::set(line).is_some_and(|(name, _)| name == cookies::SESSION)
        };
        let mut lines = self.0.set_cookies.lock().unwrap_or_else(PoisonError::into_inner);
        lines.retain(|line| !is_session(line));
    }

    fn leave(&self, headers: &mut HeaderMap, https: bool) {
        headers::secure(headers, self.nonce(), https);
        let lines = self.0.set_cookies.lock().unwrap_or_else(PoisonError::into_inner);
        for line in lines.iter() {
            headers.append(http::header::SET_COOKIE, line.clone());
        }
        if let Ok(id) = HeaderValue::from_str(self.request_id()) {
            headers.insert(REQUEST_ID, id);
        }
    }
}

/// 128 random bits as text.
///
/// # Errors
/// When the machine gives no randomness.
pub fn token() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(HEXLOWER.encode(&bytes))
}

fn is_token(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

pub(crate) fn theme_of(text: Option<&str>) -> &'static str {
    match text {
        Some("light") => "light",
        Some("dark") => "dark",
        _ => "system",
    }
}

fn client(app: &App, request: &Request) -> Option<IpAddr> {
    let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip());
    if !app.config.behind_proxy {
        return peer;
    }
    let forwarded = request.headers().get_all("x-forwarded-for").iter().next_back();
    let last =
        forwarded.and_then(|line| line.to_str().ok()?.rsplit(',').next()?.trim().parse().ok());
    last.or(peer)
}

/// Marks the answer to a request without a session: nothing in it is worth guessing.
#[derive(Debug, Clone, Copy)]
pub struct OfNobody;

/// The layer itself.
pub async fn layer(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let Ok(arrival) = Arrival::new(&app, &request) else {
        return http::StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    request.extensions_mut().insert(arrival.clone());
    let method = request.method().clone();
    let mut response = next.run(request).await;
    if let Some(fault) = response.extensions_mut().remove::<Fault>() {
        if matches!(fault, Fault::Broken | Fault::Unreachable) {
            tracing::error!(request_id = arrival.request_id(), ?fault, "no page");
        }
        response = drawn(&app, &arrival, &fault);
    }
    if arrival.session().is_none() {
        response.extensions_mut().insert(OfNobody);
    }
    arrival.leave(response.headers_mut(), app.config.is_https());
    tracing::info!(
        request_id = arrival.request_id(),
        %method,
        path = shown_path(arrival.path()),
        status = response.status().as_u16(),
        "answered"
    );
    response
}

/// A path for the log: what follows `/verify/` and its like is a secret.
fn shown_path(path: &str) -> &str {
    const SECRET: [(&str, &str); 3] =
        [("/verify/", "/verify/…"), ("/recover/", "/recover/…"), ("/invite/", "/invite/…")];
    let secret = SECRET.into_iter().find(|(start, _)| path.starts_with(start));
    secret.map_or(path, |(_, shown)| shown)
}

fn drawn(app: &App, arrival: &Arrival, fault: &Fault) -> Response {
    if matches!(fault, Fault::SignIn) {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        if arrival.reads() {
            query.append_pair("next", arrival.here());
        }
        return Redirect::to(&format!("/login?{}", query.finish())).into_response();
    }
    pages::fault::page(app, arrival, fault)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_token_of_a_mailed_link_is_not_logged() {
        assert_eq!(shown_path("/verify/s3cret"), "/verify/…");
        assert_eq!(shown_path("/recover/s3cret"), "/recover/…");
        assert_eq!(shown_path("/invite/s3cret"), "/invite/…");
        assert_eq!(shown_path("/o/acme"), "/o/acme");
    }

    #[test]
    fn a_visitor_mark_is_ours_or_it_is_none() {
        assert!(is_token(&token().unwrap()));
        assert!(!is_token("../../etc"));
    }
}
