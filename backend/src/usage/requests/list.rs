//! The org's requests, newest first.

use super::store::{self, Filter};
use crate::http::{Answer, ApiError, OrgCtx, PageQuery, Result};
use crate::usage::report::asked::{id, instant, read};
use axum::extract::FromRequestParts;
use contract::api::usage::RequestRow;
use contract::id::{AppId, KeyId, ModelId};
use contract::page::Page;
use contract::role::Action;
use contract::usage::Outcome;
use http::request::Parts;

impl<S: Send + Sync> FromRequestParts<S> for Filter {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut errors = Vec::new();
        let filter = Self {
            app: read(parts, "app", id, &mut errors),
            key: read(parts, "key", id, &mut errors),
            model: read(parts, "model", id, &mut errors),
            outcome: read(parts, "outcome", outcome, &mut errors),
            from: read(parts, "from", instant, &mut errors),
            to: read(parts, "to", instant, &mut errors),
        };
        if errors.is_empty() { Ok(filter) } else { Err(ApiError::invalid(errors)) }
    }
}

fn outcome(text: &str) -> Result<Outcome, String> {
    match text {
        "ok" => Ok(Outcome::Ok),
        "upstream_error" => Ok(Outcome::UpstreamError),
        "upstream_cut" => Ok(Outcome::UpstreamCut),
        "client_gone" => Ok(Outcome::ClientGone),
        "budget_exhausted" => Ok(Outcome::BudgetExhausted),
        _ => Err("Use ok, upstream_error, upstream_cut, client_gone or budget_exhausted.".into()),
    }
}

/// The org's requests, newest first: what each used and cost. Neither prompts nor answers.
#[utoipa::path(get, path = "/v1/orgs/{org}/requests", tag = "usage",
    params(("app" = Option<AppId>, Query), ("key" = Option<KeyId>, Query),
        ("model" = Option<ModelId>, Query), ("outcome" = Option<Outcome>, Query),
        ("from" = Option<String>, Query), ("to" = Option<String>, Query),
        ("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<RequestRow>)))]
pub async fn list_requests(
    ctx: OrgCtx,
    filter: Filter,
    page: PageQuery,
) -> Result<Answer<Page<RequestRow>>> {
    let mut tx = ctx.tenant_tx(Action::ViewRequests).await?;
    let rows = store::list(&mut tx, &filter, &page).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.at, row.id.0))))
}
