//! The dead letters, newest first.

use super::store;
use crate::http::{Answer, ApiError, OperatorCtx, PageQuery, Result};
use crate::usage::report::asked;
use axum::extract::FromRequestParts;
use contract::api::dead_letters::DeadLetter;
use contract::page::Page;
use http::request::Parts;

/// Whether those are meant too that are booked by now.
#[derive(Debug, Clone, Copy)]
pub struct All(bool);

impl<S: Send + Sync> FromRequestParts<S> for All {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        let mut errors = Vec::new();
        let all = asked::read(parts, "state", state, &mut errors);
        if errors.is_empty() { Ok(Self(all == Some(true))) } else { Err(ApiError::invalid(errors)) }
    }
}

fn state(text: &str) -> Result<bool, String> {
    match text {
        "open" => Ok(false),
        "all" => Ok(true),
        _ => Err("Use open or all.".to_owned()),
    }
}

/// Usage events that could not be booked, newest first: the open ones, or all.
#[utoipa::path(get, path = "/v1/admin/dead-letters", tag = "usage",
    params(("state" = Option<String>, Query, description = "`open` (the default) or `all`"),
        ("cursor" = Option<String>, Query), ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<DeadLetter>)))]
pub async fn list_dead_letters(
    ctx: OperatorCtx,
    All(all): All,
    page: PageQuery,
) -> Result<Answer<Page<DeadLetter>>> {
    let mut tx = ctx.system_tx("list dead letters").await?;
    let rows = store::list(&mut tx, all, &page).await?;
    Ok(Answer::ok(page.page(rows, |row| (row.at, row.id.0))))
}
