//! Every route, a line each. The OpenAPI document comes from the same lines.

use super::{health, openapi};
use crate::app::App;
use crate::{
    audit, billing, budgets, cache, catalog, honesty, identity, keys, lifecycle, limits, models,
    orgs, own, providers, routes, usage, webhooks,
};
use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes, and the document that describes them.
pub fn routes() -> (Router<App>, OpenApi) {
    let (router, api) = operations()
        .merge(truth())
        .merge(spending())
        .merge(routing())
        .merge(lives())
        .split_for_parts();
    (router.route("/openapi.json", axum::routing::get(openapi::get_openapi)), openapi::finish(api))
}

fn operations() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(openapi::base()).merge(tenants()).merge(offers()).merge(spend())
}

/// People and organisations, and what they own.
fn tenants() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        // health
        .routes(routes!(health::get_liveness))
        .routes(routes!(health::get_readiness))
        // identity
        .routes(routes!(identity::sign_up::sign_up))
        .routes(routes!(identity::resend_verification::resend_verification))
        .routes(routes!(identity::verify_email::verify_email))
        .routes(routes!(identity::sign_in::sign_in))
        .routes(routes!(identity::sign_out::sign_out))
        .routes(routes!(identity::recover::recover))
        .routes(routes!(identity::reset_password::reset_password))
        .routes(routes!(identity::me::get_me))
        // orgs
        .routes(routes!(orgs::list::list_orgs))
        .routes(routes!(orgs::create::create_org))
        .routes(routes!(orgs::get::get_org))
        .routes(routes!(orgs::update::update_org))
        .routes(routes!(orgs::members::list::list_members))
        .routes(routes!(orgs::members::update::update_member))
        .routes(routes!(orgs::members::remove::remove_member))
        .routes(routes!(orgs::invitations::list::list_invitations))
        .routes(routes!(orgs::invitations::create::create_invitation))
        .routes(routes!(orgs::invitations::revoke::revoke_invitation))
        .routes(routes!(orgs::invitations::accept::accept_invitation))
        .routes(routes!(orgs::teams::list::list_teams))
        .routes(routes!(orgs::teams::create::create_team))
        .routes(routes!(orgs::teams::update::update_team))
        .routes(routes!(orgs::apps::list::list_apps))
        .routes(routes!(orgs::apps::create::create_app))
        .routes(routes!(orgs::apps::get::get_app))
        .routes(routes!(orgs::apps::update::update_app))
        .routes(routes!(orgs::apps::delete::delete_app))
        // keys
        .routes(routes!(keys::list::list_keys))
        .routes(routes!(keys::create::create_key))
        .routes(routes!(keys::get::get_key))
        .routes(routes!(keys::revoke::revoke_key))
        // audit
        .routes(routes!(audit::list::list_audit_entries))
}

/// What is offered, and who may call it.
fn offers() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        // providers
        .routes(routes!(providers::create::create_provider, providers::list::list_providers))
        .routes(routes!(
            providers::get::get_provider,
            providers::update::update_provider,
            providers::delete::delete_provider
        ))
        .routes(routes!(providers::test::test_provider))
        .routes(routes!(providers::drain::drain_replica))
        .routes(routes!(providers::replicas::list_replicas))
        // models
        .routes(routes!(models::create::create_model, models::list::list_models))
        .routes(routes!(models::get::get_model, models::update::update_model))
        .routes(routes!(models::create_deployment::create_deployment))
        .routes(routes!(models::update_deployment::update_deployment))
        .routes(routes!(models::create_price::create_price, models::list_prices::list_prices))
        // products and plans
        .routes(routes!(
            catalog::create_product::create_product,
            catalog::list_products::list_products
        ))
        .routes(routes!(catalog::get_product::get_product, catalog::update_product::update_product))
        .routes(routes!(catalog::create_plan::create_plan, catalog::list_plans::list_plans))
        .routes(routes!(catalog::update_plan::update_plan))
        .routes(routes!(catalog::update_plan_limits::update_plan_limits))
        // catalogue
        .routes(routes!(catalog::browse::list_catalog))
        .routes(routes!(catalog::browse::get_catalog_product))
        .routes(routes!(catalog::browse::list_org_catalog))
        .routes(routes!(catalog::browse::get_org_catalog_product))
        // subscriptions
        .routes(routes!(
            catalog::subscriptions::create::create_subscription,
            catalog::subscriptions::list::list_subscriptions
        ))
        .routes(routes!(catalog::subscriptions::cancel::cancel_subscription))
}

/// What was used, what it cost, and what bounds it.
fn spend() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        // usage
        .routes(routes!(usage::report::series::get_usage))
        .routes(routes!(usage::report::costs::get_costs))
        .routes(routes!(usage::report::costs_csv::get_costs_csv))
        .routes(routes!(usage::requests::list::list_requests))
        .routes(routes!(usage::requests::get::get_request))
        .routes(routes!(usage::onboarding::get_onboarding))
        .routes(routes!(usage::letters::list::list_dead_letters))
        .routes(routes!(usage::letters::replay::replay_dead_letter))
        // billing
        .routes(routes!(billing::wallets::get::get_wallet))
        .routes(routes!(billing::list::list_ledger))
        .routes(routes!(billing::tariffs::list::list_plan_months))
        .routes(routes!(billing::tenants::list_accounts))
        .routes(routes!(billing::tenants::get_account))
        .routes(routes!(billing::tenants::get_account_wallet))
        .routes(routes!(billing::tenants::list_account_ledger))
        .routes(routes!(billing::wallets::credit::create_credit))
        .routes(routes!(billing::wallets::update::update_billing))
        .routes(routes!(billing::corrections::create_correction))
        // limits
        .routes(routes!(limits::create::create_limit, limits::list::list_limits))
        .routes(routes!(limits::effective::list_effective_limits))
        .routes(routes!(
            limits::get::get_limit,
            limits::update::update_limit,
            limits::delete::delete_limit
        ))
        .routes(routes!(limits::overrides::create::create_limit_override))
        .routes(routes!(limits::overrides::end::end_limit_override))
}

/// What an org means to spend, and who hears of it.
fn spending() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        // budgets
        .routes(routes!(budgets::create::create_budget, budgets::list::list_budgets))
        .routes(routes!(
            budgets::get::get_budget,
            budgets::update::update_budget,
            budgets::delete::delete_budget
        ))
        .routes(routes!(budgets::raise::raise_budget))
        .routes(routes!(budgets::end_raise::end_budget_raise))
        .routes(routes!(budgets::alerts::list_budget_alerts))
        // webhooks
        .routes(routes!(webhooks::create::create_webhook, webhooks::list::list_webhooks))
        .routes(routes!(webhooks::delete::delete_webhook))
        .routes(routes!(webhooks::rotate::rotate_webhook))
        .routes(routes!(webhooks::test::test_webhook))
        .routes(routes!(webhooks::deliveries::list_webhook_deliveries))
}

/// Where calls go.
fn routing() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(routes::create::create_route, routes::list::list_routes))
        .routes(routes!(routes::places::list_route_places))
        .routes(routes!(
            routes::get::get_route,
            routes::update::update_route,
            routes::delete::delete_route
        ))
        .routes(routes!(routes::activate::activate_route))
        .routes(routes!(routes::versions::list_route_versions))
        .routes(routes!(routes::outcomes::get::get_route_outcomes))
        // of the platform
        .routes(routes!(routes::create::create_platform_route, routes::list::list_platform_routes))
        .routes(routes!(
            routes::get::get_platform_route,
            routes::update::update_platform_route,
            routes::delete::delete_platform_route
        ))
        .routes(routes!(routes::activate::activate_platform_route))
        .routes(routes!(routes::versions::list_platform_route_versions))
        .routes(routes!(routes::outcomes::get::get_platform_route_outcomes))
        .routes(routes!(routes::explain::explain_route))
        // answers that are kept
        .routes(routes!(cache::purge::purge_org_cache))
        .routes(routes!(cache::purge::purge_product_cache))
}

/// Versions and names of models, and how they end.
fn lives() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(lifecycle::versions::create::create_model_version))
        .routes(routes!(lifecycle::versions::update::update_model_version))
        .routes(routes!(
            lifecycle::aliases::create::create_alias,
            lifecycle::aliases::list::list_aliases
        ))
        .routes(routes!(lifecycle::aliases::delete::delete_alias))
        .routes(routes!(
            lifecycle::cut_overs::create::create_cut_over,
            lifecycle::cut_overs::list::list_cut_overs
        ))
        .routes(routes!(lifecycle::cut_overs::cancel::cancel_cut_over))
        .routes(routes!(lifecycle::cut_overs::roll_back::roll_back_cut_over))
        .routes(routes!(lifecycle::brown_outs::create::create_brown_out))
        .routes(routes!(lifecycle::brown_outs::delete::delete_brown_out))
        .routes(routes!(lifecycle::affected::list_affected_apps))
        .routes(routes!(lifecycle::affected::list_app_deprecations))
}

/// What is not known of calls, how well the money is, and what a key is told of its own use.
fn truth() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(usage::unknowns::list::list_unknowns))
        .routes(routes!(usage::unknowns::list::list_all_unknowns))
        .routes(routes!(usage::unknowns::resolve::resolve_unknown))
        .routes(routes!(honesty::get::get_health))
        .routes(routes!(honesty::deployments::list_deployment_health))
        // with a key
        .routes(routes!(own::usage::get_key_usage))
        .routes(routes!(own::request::get_own_request))
}
