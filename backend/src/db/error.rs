//! What Postgres refuses, in the caller's words: each constraint a caller can hit has its line.

use crate::http::ApiError;
use contract::error::{ErrorCode, FieldError};
use sqlx::error::DatabaseError;

/// Constraint name → code, the field to blame, and what to do. A constraint that is not here is a
/// bug of ours and answered as one.
const CONSTRAINTS: &[(&str, ErrorCode, &str, &str)] = &[
    (
        "people_email_key",
        ErrorCode::TokenInvalid,
        "",
        "The address was proven by another link. Sign in.",
    ),
    (
        "orgs_slug_key",
        ErrorCode::NameTaken,
        "/name",
        "An organisation with this name exists. Choose another.",
    ),
    (
        "teams_org_id_name_key",
        ErrorCode::NameTaken,
        "/name",
        "There is a team with this name. Choose another.",
    ),
    (
        "teams_org_id_slug_key",
        ErrorCode::NameTaken,
        "/name",
        "There is a team whose name reads the same. Choose another.",
    ),
    (
        "apps_org_id_name_key",
        ErrorCode::NameTaken,
        "/name",
        "There is an app with this name. Choose another.",
    ),
    (
        "apps_org_id_slug_key",
        ErrorCode::NameTaken,
        "/name",
        "There is an app whose name reads the same. Choose another.",
    ),
    ("apps_team_fkey", ErrorCode::RequestInvalid, "/team_id", "There is no such team."),
    (
        "api_keys_app_fkey",
        ErrorCode::Conflict,
        "",
        "The app has keys, and their history stays. Disable it instead.",
    ),
    (
        "invitations_org_id_email_key",
        ErrorCode::Conflict,
        "/email",
        "This address has an open invitation. Revoke it first to send another.",
    ),
    ("memberships_pkey", ErrorCode::Conflict, "", "The person is a member already."),
    (
        "providers_slug_key",
        ErrorCode::NameTaken,
        "/slug",
        "There is a provider with this slug. Choose another.",
    ),
    (
        "deployments_provider_id_fkey",
        ErrorCode::Conflict,
        "",
        "Models are deployed with this provider. Disable it instead, or remove the deployments first.",
    ),
    (
        "models_name_key",
        ErrorCode::NameTaken,
        "/name",
        "There is a model with this name. Choose another.",
    ),
    (
        "model_versions_label_key",
        ErrorCode::NameTaken,
        "/label",
        "The model has a version of this label. Choose another.",
    ),
    (
        "model_aliases_name_key",
        ErrorCode::NameTaken,
        "/name",
        "There is an alias with this name. Choose another.",
    ),
    (
        "deployments_address_key",
        ErrorCode::Conflict,
        "/upstream_model",
        "The model is deployed at this provider, upstream name and region already.",
    ),
    (
        "prices_model_id_plan_id_effective_from_key",
        ErrorCode::Conflict,
        "/effective_from",
        "There is a price that starts at this very instant. Choose another instant.",
    ),
    (
        "products_slug_key",
        ErrorCode::NameTaken,
        "/slug",
        "There is a product with this slug. Choose another.",
    ),
    (
        "plans_product_id_slug_key",
        ErrorCode::NameTaken,
        "/slug",
        "The product has a plan with this slug. Choose another.",
    ),
    (
        "plans_product_id_default_key",
        ErrorCode::Conflict,
        "/default_for_new_apps",
        "The product has a plan that new apps get already. An app has one subscription to a product.",
    ),
    (
        "subscriptions_app_id_product_id_key",
        ErrorCode::SubscriptionExists,
        "/app_id",
        "The app is subscribed to this product. Cancel that subscription first to change the plan.",
    ),
    (
        "limits_reach_key",
        ErrorCode::Conflict,
        "/window",
        "There is a limit of this metric and window on the same already. Change that one.",
    ),
    (
        "wallets_credited_nanos_check",
        ErrorCode::RequestInvalid,
        "/amount_usd",
        "The wallet would have been given more than a billion dollars in all. Use less.",
    ),
    (
        "budgets_org_id_name_key",
        ErrorCode::NameTaken,
        "/name",
        "There is a budget with this name. Choose another.",
    ),
    (
        "routes_model_id_key",
        ErrorCode::Conflict,
        "/model_id",
        "The model has a route already. Make a new version of that one.",
    ),
    (
        "webhooks_org_id_url_key",
        ErrorCode::Conflict,
        "/url",
        "There is a webhook with this address.",
    ),
];

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(db) => from_database(db.as_ref()),
            sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::WorkerCrashed => Some(unavailable()),
            _ => None,
        }
        .unwrap_or_else(|| Self::internal(error))
    }
}

fn unavailable() -> ApiError {
    ApiError::new(ErrorCode::Unavailable, "The database is not reachable. Try again shortly.")
        .retry_after(1)
}

fn from_database(error: &dyn DatabaseError) -> Option<ApiError> {
    if let Some(constraint) = error.constraint()
        && let Some((_, code, pointer, detail)) =
            CONSTRAINTS.iter().find(|(name, ..)| *name == constraint)
    {
        let refusal = ApiError::new(*code, *detail);
        return Some(if pointer.is_empty() {
            refusal
        } else {
            refusal.field(FieldError::new(*pointer, *detail))
        });
    }
    match error.code()?.as_ref() {
        // A text with a NUL, which JSON allows and Postgres does not.
        "22021" | "22P05" => Some(ApiError::new(
            ErrorCode::RequestInvalid,
            "A text holds a character that cannot be stored (U+0000). Remove it.",
        )),
        // Serialisation failure, deadlock, lock or statement timeout: nothing was written.
        "40001" | "40P01" | "55P03" | "57014" => Some(
            ApiError::new(ErrorCode::Overloaded, "The database is busy. Try again.").retry_after(1),
        ),
        // Shutting down, starting up, too many connections.
        "57P01" | "57P02" | "57P03" | "53300" => Some(unavailable()),
        _ => None,
    }
}
