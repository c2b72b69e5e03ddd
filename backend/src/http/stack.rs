//! What every request passes, outermost first, a line per layer.

use super::layer::{authenticate, call, origin, problem};
use super::{ApiError, router};
use crate::app::App;
use crate::identity::session;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::response::{IntoResponse as _, Response};
use http::header::{CACHE_CONTROL, HeaderName, HeaderValue, X_CONTENT_TYPE_OPTIONS};
use std::any::Any;
use std::time::Duration;
use tower::ServiceBuilder;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::timeout::TimeoutLayer;

/// The routes that need no session. Everything else is refused without one.
pub const OPEN: &[(&str, &str)] = &[
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("GET", "/openapi.json"),
    ("POST", "/v1/sign-up"),
    ("POST", "/v1/verify-email"),
    ("POST", "/v1/resend-verification"),
    ("POST", "/v1/sign-in"),
    ("POST", "/v1/recover"),
    ("POST", "/v1/reset-password"),
    ("GET", "/v1/catalog"),
    ("GET", "/v1/catalog/{product}"),
];

/// The routes that take an API key instead of a session.
pub const WITH_KEY: &[(&str, &str)] = &[("GET", "/v1/me/usage"), ("GET", "/v1/requests/{request}")];

pub const BODY_BYTES_MAX: usize = 1024 * 1024;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);

/// The whole service.
pub fn service(app: &App) -> Router {
    let (routes, _) = router::routes();
    routes
        .route_layer(from_fn_with_state(app.clone(), authenticate::layer))
        .layer(
            ServiceBuilder::new()
                .layer(from_fn_with_state(app.clone(), call::layer))
                .layer(header(CACHE_CONTROL, "no-store"))
                .layer(header(X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .layer(header(
                    HeaderName::from_static("content-security-policy"),
                    "default-src 'none'; frame-ancestors 'none'",
                ))
                .layer(header(HeaderName::from_static("referrer-policy"), "no-referrer"))
                .layer(from_fn(problem::layer))
                .layer(CatchPanicLayer::custom(panicked))
                .layer(TimeoutLayer::with_status_code(
                    http::StatusCode::SERVICE_UNAVAILABLE,
                    REQUEST_TIMEOUT,
                ))
                .layer(from_fn_with_state(app.clone(), origin::layer))
                .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
                .layer(session::layer(app)),
        )
        .with_state(app.clone())
}

fn header(name: HeaderName, value: &'static str) -> SetResponseHeaderLayer<HeaderValue> {
    SetResponseHeaderLayer::if_not_present(name, HeaderValue::from_static(value))
}

fn panicked(cause: Box<dyn Any + Send>) -> Response {
    let what = cause
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| cause.downcast_ref::<&str>().copied())
        .unwrap_or("a panic without words");
    ApiError::internal(anyhow::anyhow!("panic: {what}")).into_response()
}
