//! Is the process alive; is it ready for requests.

use super::{Answer, ApiError, Result};
use crate::app::App;
use axum::extract::State;
use contract::error::ErrorCode;
use serde::Serialize;

/// What a probe reads.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Health {
    pub status: &'static str,
}

/// The process is alive.
#[utoipa::path(get, path = "/livez", tag = "health", responses((status = 200, body = Health)))]
pub async fn get_liveness() -> Answer<Health> {
    Answer::ok(Health { status: "alive" })
}

/// Postgres is there and migrated.
#[utoipa::path(get, path = "/readyz", tag = "health", responses((status = 200, body = Health)))]
pub async fn get_readiness(State(app): State<App>) -> Result<Answer<Health>> {
    if app.db.is_ready().await.unwrap_or(false) {
        return Ok(Answer::ok(Health { status: "ready" }));
    }
    Err(ApiError::new(ErrorCode::Unavailable, "Postgres is not reachable or not migrated yet.")
        .retry_after(1))
}
