//! The route table: a line per page and per form. A form posts to the address of its page, or to
//! one of its own beside it.

use crate::fault::Fault;
use crate::http::{arrival, assets, health, origin};
use crate::{App, actions as act, pages};
use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use std::sync::Arc;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;

/// Every address of the portal, with the layers around it.
pub fn router(app: Arc<App>) -> Router {
    Router::new()
        .merge(public())
        .merge(account())
        .merge(org())
        .merge(org_people())
        .merge(org_spend())
        .merge(routing())
        .merge(admin())
        .fallback(|| async { Fault::NotFound })
        .method_not_allowed_fallback(|| async { Fault::NotFound })
        .layer(from_fn_with_state(Arc::clone(&app), origin::check))
        .layer(CatchPanicLayer::custom(|_| -> Response { Fault::Broken.into_response() }))
        .layer(from_fn_with_state(Arc::clone(&app), arrival::layer))
        .route("/assets/{name}", get(assets::file))
        .route("/favicon.svg", get(assets::favicon))
        .route("/livez", get(health::livez))
        .route("/readyz", get(health::readyz))
        .layer(CompressionLayer::new().compress_when(holds_no_secrets))
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
        .route("/recover", get(pages::auth::recover::ask).post(act::auth::recover))
        .route("/recover/sent", get(pages::auth::recover::sent))
        .route("/recover/{token}", get(pages::auth::recover::choose).post(act::auth::reset))
        .route("/invite/{token}", get(pages::auth::invite::page).post(act::auth::join))
        .route("/logout", post(act::auth::sign_out))
        .route("/theme", post(act::theme))
        .route("/catalog", get(pages::catalog::list::public))
        .route("/catalog/{product}", get(pages::catalog::product::public))
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
    use pages::org::limits;
    Router::new()
        .route("/o/{org}", get(pages::org::home::page))
        .route("/o/{org}/first-call", get(pages::org::home::first_call))
        .route("/o/{org}/catalog", get(pages::catalog::list::org))
        .route("/o/{org}/catalog/{product}", get(pages::catalog::product::org))
        .route("/o/{org}/catalog/{product}/subscribe", post(act::catalog::subscribe))
        .route("/o/{org}/apps", get(pages::org::apps::list::page).post(act::apps::create))
        .route("/o/{org}/apps/new", get(pages::org::apps::new::page))
        .route("/o/{org}/apps/{app}", get(pages::org::apps::app::page))
        .route("/o/{org}/apps/{app}/edit", get(pages::org::apps::edit::page).post(act::apps::edit))
        .route("/o/{org}/apps/{app}/disable", post(act::apps::disable))
        .route("/o/{org}/apps/{app}/enable", post(act::apps::enable))
        .route("/o/{org}/subscriptions/{subscription}/cancel", post(act::apps::cancel_subscription))
        .route("/o/{org}/limits", get(limits::list::page).post(act::limits::create_any))
        .route("/o/{org}/limits/{subject}", get(limits::limit::page).post(act::limits::create))
        .route("/o/{org}/limits/{subject}/delete", post(act::limits::delete_own))
        .route("/o/{org}/limits/{subject}/{limit}/delete", post(act::limits::delete))
        .route("/o/{org}/limits/{subject}/overrides", post(act::limits::add_override))
        .route(
            "/o/{org}/limits/{subject}/overrides/{override}/end",
            post(act::limits::end_override),
        )
        .route("/o/{org}/keys", get(pages::org::keys::list::page).post(act::keys::create))
        .route("/o/{org}/keys/new", get(pages::org::keys::new::page))
        .route("/o/{org}/keys/created/{key}", get(pages::org::keys::created::page))
        .route("/o/{org}/keys/{key}", get(pages::org::keys::key::page))
        .route("/o/{org}/keys/{key}/first-call", get(pages::org::keys::key::first_call))
        .route(
            "/o/{org}/keys/{key}/revoke",
            get(pages::org::keys::revoke::page).post(act::keys::revoke),
        )
        .route("/o/{org}/usage", get(pages::org::usage::page))
        .route("/o/{org}/requests", get(pages::org::requests::list))
        .route("/o/{org}/requests/{request}", get(pages::org::requests::page))
        .route("/o/{org}/costs", get(pages::org::costs::page))
        .route("/o/{org}/costs.csv", get(pages::org::costs::csv))
        .route("/o/{org}/billing", get(pages::org::billing::page))
        .route("/o/{org}/unknowns", get(pages::org::unknowns::page))
}

fn org_people() -> Router<Arc<App>> {
    use pages::org::people;
    Router::new()
        .route("/o/{org}/members", get(people::members::page))
        .route("/o/{org}/members/invite", get(people::invite::page).post(act::people::invite))
        .route(
            "/o/{org}/members/{person}",
            get(people::member::page).post(act::people::change_role),
        )
        .route("/o/{org}/members/{person}/remove", post(act::people::remove))
        .route("/o/{org}/invitations/{invitation}/delete", post(act::people::withdraw))
        .route("/o/{org}/teams", get(people::teams::list).post(act::people::create_team))
        .route("/o/{org}/teams/new", get(people::teams::new))
        .route("/o/{org}/teams/{team}", get(people::teams::edit).post(act::people::edit_team))
        .route("/o/{org}/audit", get(pages::org::audit::page))
        .route("/o/{org}/settings", get(pages::org::settings::page).post(act::people::rename))
        .route("/o/{org}/settings/purge", post(act::orgs::purge_cache))
}

fn org_spend() -> Router<Arc<App>> {
    use pages::org::{budgets, webhooks};
    Router::new()
        .route("/o/{org}/budgets", get(budgets::list::page).post(act::budgets::create))
        .route("/o/{org}/budgets/new", get(budgets::new::page))
        .route("/o/{org}/budgets/{budget}", get(budgets::budget::page).post(act::budgets::edit))
        .route("/o/{org}/budgets/{budget}/raise", post(act::budgets::raise))
        .route("/o/{org}/budgets/{budget}/raises/{raise}/end", post(act::budgets::end_raise))
        .route("/o/{org}/budgets/{budget}/delete", post(act::budgets::delete))
        .route("/o/{org}/webhooks", get(webhooks::list).post(act::webhooks::create))
        .route("/o/{org}/webhooks/{webhook}", get(webhooks::page))
        .route("/o/{org}/webhooks/{webhook}/secret", get(webhooks::secret))
        .route("/o/{org}/webhooks/{webhook}/test", post(act::webhooks::test))
        .route("/o/{org}/webhooks/{webhook}/rotate", post(act::webhooks::rotate))
        .route("/o/{org}/webhooks/{webhook}/delete", post(act::webhooks::delete))
}

/// Where calls go: an organisation's own routes, and the platform's.
fn routing() -> Router<Arc<App>> {
    use act::routes as act;
    use pages::{admin, org};
    Router::new()
        .route("/o/{org}/routes", get(org::routes::list).post(act::org::create))
        .route("/o/{org}/routes/new", get(org::routes::new))
        .route("/o/{org}/routes/explain", get(org::routes::explain).post(act::org::explain))
        .route("/o/{org}/routes/{route}", get(org::routes::page).post(act::org::edit))
        .route("/o/{org}/routes/{route}/active", post(act::org::activate))
        .route("/o/{org}/routes/{route}/delete", post(act::org::delete))
        .route("/admin/routes", get(admin::routes::list).post(act::admin::create))
        .route("/admin/routes/new", get(admin::routes::new))
        .route("/admin/routes/explain", get(admin::routes::explain).post(act::admin::explain))
        .route("/admin/routes/{route}", get(admin::routes::page).post(act::admin::edit))
        .route("/admin/routes/{route}/active", post(act::admin::activate))
        .route("/admin/routes/{route}/delete", post(act::admin::delete))
}

fn admin() -> Router<Arc<App>> {
    use act::admin as act;
    use pages::admin::{
        aliases, dead_letters, health, models, orgs, products, providers, unknowns,
    };
    Router::new()
        .route("/admin/dead-letters", get(dead_letters::page))
        .route("/admin/dead-letters/{letter}/replay", post(act::dead_letters::replay))
        .route("/admin/providers", get(providers::list::page).post(act::providers::create))
        .route("/admin/providers/new", get(providers::list::new))
        .route(
            "/admin/providers/{provider}",
            get(providers::provider::page).post(act::providers::edit),
        )
        .route("/admin/providers/{provider}/test", post(act::providers::test))
        .route("/admin/providers/{provider}/replicas", get(providers::replicas::page))
        .route("/admin/providers/{provider}/drain", post(act::pool::drain))
        .route("/admin/models", get(models::list::page).post(act::models::create))
        .route("/admin/models/new", get(models::new::page))
        .route("/admin/models/{model}", get(models::model::page).post(act::models::edit))
        .route("/admin/models/{model}/deployments", post(act::models::add_deployment))
        .route("/admin/models/{model}/deployments/{deployment}", post(act::models::edit_deployment))
        .route("/admin/models/{model}/prices", post(act::models::add_price))
        .route("/admin/models/{model}/life", get(models::life::page))
        .route("/admin/models/{model}/versions", post(act::lifecycle::add_version))
        .route("/admin/models/{model}/versions/{version}", post(act::lifecycle::edit_version))
        .route("/admin/models/{model}/brown-outs", post(act::lifecycle::add_brown_out))
        .route(
            "/admin/models/{model}/brown-outs/{brown_out}/delete",
            post(act::lifecycle::delete_brown_out),
        )
        .route("/admin/aliases", get(aliases::page).post(act::lifecycle::add_alias))
        .route("/admin/aliases/{alias}/delete", post(act::lifecycle::delete_alias))
        .route("/admin/cut-overs", post(act::lifecycle::cut_over))
        .route("/admin/cut-overs/{cut_over}/cancel", post(act::lifecycle::cancel))
        .route("/admin/cut-overs/{cut_over}/rollback", post(act::lifecycle::roll_back))
        .route("/admin/products", get(products::list::page).post(act::products::create))
        .route("/admin/products/new", get(products::new::page))
        .route("/admin/products/{product}", get(products::product::page).post(act::products::edit))
        .route("/admin/products/{product}/purge", post(act::cache::purge))
        .route("/admin/products/{product}/plans", post(act::products::add_plan))
        .route(
            "/admin/products/{product}/plans/{plan}",
            get(products::plan::page).post(act::products::edit_plan_limits),
        )
        .route("/admin/products/{product}/plans/{plan}/terms", post(act::products::edit_plan))
        .route("/admin/orgs", get(orgs::list))
        .route("/admin/orgs/{org}", get(orgs::page))
        .route("/admin/orgs/{org}/billing", post(act::billing::change))
        .route("/admin/orgs/{org}/credits", post(act::billing::credit))
        .route("/admin/orgs/{org}/ledger/{transaction}/correct", post(act::billing::correct))
        .route("/admin/unknowns", get(unknowns::page))
        .route("/admin/unknowns/{request}/resolve", post(act::billing::resolve))
        .route("/admin/health", get(health::page))
}

/// Pages of somebody signed in hold secrets beside what a visitor typed: compressing both
/// together would let their size tell.
fn holds_no_secrets(
    _: http::StatusCode,
    _: http::Version,
    _: &http::HeaderMap,
    extensions: &http::Extensions,
) -> bool {
    extensions.get::<arrival::OfNobody>().is_some()
}
