//! What was to lead where from when on.

use super::store;
use crate::http::page::query_param;
use crate::http::{Answer, ApiError, OperatorCtx, PageQuery, Result};
use crate::lifecycle::store as lifecycle;
use axum::extract::FromRequestParts;
use contract::api::lifecycle::CutOver;
use contract::error::FieldError;
use contract::page::Page;
use http::request::Parts;

/// The name that the list is narrowed to.
#[derive(Debug)]
pub struct OfName(Option<String>);

impl<S: Send + Sync> FromRequestParts<S> for OfName {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Ok(Self(query_param(parts, "name")))
    }
}

/// Cut-overs of all names or of one, the newest first: those to come, done and cancelled.
#[utoipa::path(get, path = "/v1/admin/cut-overs", tag = "models",
    params(("name" = Option<String>, Query), ("cursor" = Option<String>, Query),
        ("limit" = Option<u16>, Query)),
    responses((status = 200, body = Page<CutOver>)))]
pub async fn list_cut_overs(
    ctx: OperatorCtx,
    OfName(name): OfName,
    page: PageQuery,
) -> Result<Answer<Page<CutOver>>> {
    let mut tx = ctx.system_tx("list cut-overs").await?;
    let names = lifecycle::names(&mut tx).await?;
    let of = match name {
        None => None,
        Some(name) => Some(names.find(&name).map(|name| name.node).ok_or_else(|| {
            let detail = "There is no model and no alias of this name.";
            ApiError::invalid(vec![FieldError::new("?name", detail)])
        })?),
    };
    let rows = store::list(&mut tx, &names, &page, of).await?;
    let rows = page.page(rows, |row| (row.shown.created_at, row.shown.id.0));
    Ok(Answer::ok(rows.map(|row| row.shown)))
}
