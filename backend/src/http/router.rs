//! Every route, a line each. The OpenAPI document comes from the same lines.

use super::{health, openapi};
use crate::app::App;
use crate::{identity, orgs};
use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes, and the document that describes them.
pub fn routes() -> (Router<App>, OpenApi) {
    let (router, api) = operations().split_for_parts();
    (router.route("/openapi.json", axum::routing::get(openapi::get_openapi)), openapi::finish(api))
}

fn operations() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::base())
        // health
        .routes(routes!(health::get_liveness))
        .routes(routes!(health::get_readiness))
        // identity
        .routes(routes!(identity::me::get_me))
        // orgs
        .routes(routes!(orgs::teams::create::create_team))
}
