//! The route table: a line per page and per form. A form posts to the address of its page, or to
//! one of its own beside it.

use crate::fault::Fault;
use crate::http::{arrival, assets, health, origin};
use crate::{App, actions as act, pages};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use http::header;
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::Predicate;

/// Every address of the portal, with the layers around it.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .merge(public())
        .merge(account())
        .merge(org())
        .fallback(|| async { Fault::NotFound })
        .method_not_allowed_fallback(|| async { Fault::NotFound })
        .layer(from_fn_with_state(Arc::clone(&app), origin::check))
        .layer(CatchPanicLayer::custom(|_| -> Response { Fault::Broken.into_response() }))
        .layer(from_fn_with_state(Arc::clone(&app), arrival::layer))
        .route("/assets/{name}", get(assets::file))
        .route("/favicon.svg", get(assets::favicon))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .layer(CompressionLayer::new().compress_when(is_public))
        .with_state(app)
}

fn public() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(pages::landing::page))
        .route("/signup", get(pages::auth::sign_up::page).post(act::auth::sign_up))
        .route("/signup/sent", get(pages::auth::check_mail::page))
        .route("/signup/resend", post(act::auth::resend))
        .route("/verify/{token}", get(pages::auth::verify::page).post(act::auth::verify))
        .route("/login", get(pages::auth::sign_in::page).post(act::auth::sign_in))
        .route("/logout", post(act::auth::sign_out))
        .route("/theme", post(act::theme))
        .route("/docs/quickstart", get(pages::docs::quickstart::page))
        .route("/docs/errors", get(pages::docs::errors::list))
        .route("/docs/errors/{code}", get(pages::docs::errors::page))
}

fn account() -> Router<Arc<App>> {
    Router::new()
        .route("/account", get(pages::account::page))
        .route("/orgs", get(pages::orgs::page).post(act::orgs::create))
}

fn org() -> Router<Arc<App>> {
    Router::new()
        .route("/o/{org}", get(pages::org::home::page))
        .route("/o/{org}/first-call", get(pages::org::home::first_call))
}

/// Private pages hold secrets beside what a visitor typed: compressing both together would let
/// their size tell.
fn is_public(
    status: http::StatusCode,
    version: http::Version,
    headers: &http::HeaderMap,
    extensions: &http::Extensions,
) -> bool {
    let private = headers.get(header::CACHE_CONTROL).is_some_and(|value| value == "no-store");
    let usual = tower_http::compression::predicate::DefaultPredicate::new();
    let _ = (status, version, extensions);
    !private && usual.should_compress(&http::Response::new(axum::body::Body::empty()))
}
