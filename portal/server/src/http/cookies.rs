//! The cookies: the control API's session, passed through untouched, and our own two.

use cookie::{Cookie, SameSite};
use http::{HeaderMap, HeaderValue, header};

/// Set and read by the control API; we only carry it.
pub const SESSION: &str = "__Host-tollgate_session";
/// Tells one browser from another, for flash. Holds nothing and grants nothing.
pub const VISITOR: &str = "__Host-tollgate_visit";

/// The value of a cookie of the request.
#[must_use]
pub fn read(headers: &HeaderMap, name: &str) -> Option<String> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value.to_owned())
}

/// The visitor cookie; lives as long as the browser's session.
#[must_use]
pub fn visitor(value: &str) -> Option<HeaderValue> {
    let cookie = Cookie::build((VISITOR, value))
        .path("/")
        .secure(true)
        .http_only(true)
        .same_site(SameSite::Lax);
    HeaderValue::from_str(&cookie.to_string()).ok()
}

/// The name and value that a `Set-Cookie` line sets; an empty value when it removes.
#[must_use]
pub fn set(line: &HeaderValue) -> Option<(String, String)> {
    let cookie = Cookie::parse(line.to_str().ok()?).ok()?;
    Some((cookie.name().to_owned(), cookie.value().to_owned()))
}
