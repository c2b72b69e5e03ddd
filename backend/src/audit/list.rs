//! Reads the log, newest first.

use super::store;
use crate::http::page::{query_id, query_param};
use crate::http::{Answer, ApiError, OrgCtx, PageQuery, Result};
use axum::extract::FromRequestParts;
use contract::api::audit::AuditEntry;
use contract::id::PersonId;
use contract::page::Page;
use contract::role::Action;
use http::request::Parts;
use uuid::Uuid;

/// `?action=revoke_key&actor=per_…`.
#[derive(Debug)]
pub struct Filter {
    action: Option<String>,
    actor: Option<PersonId>,
}

impl<S: Send + Sync> FromRequestParts<S> for Filter {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self> {
        Ok(Self { action: query_param(parts, "action"), actor: query_id(parts, "actor")? })
    }
}

/// The organisation's audit log, newest first.
#[utoipa::path(get, path = "/v1/orgs/{org}/audit", tag = "audit",
    params(
        ("action" = Option<String>, Query, description = "Only this operation."),
        ("actor" = Option<PersonId>, Query, description = "Only what this person did.")),
    responses((status = 200, body = Page<AuditEntry>)))]
pub async fn list_audit_entries(
    ctx: OrgCtx,
    Filter { action, actor }: Filter,
    page: PageQuery,
) -> Result<Answer<Page<AuditEntry>>> {
    let mut tx = ctx.tenant_tx(Action::ViewAudit).await?;
    // The place in the chain is the order; it rides in the cursor's id.
    let before = page.after_id().and_then(|id| i64::try_from(id.as_u128()).ok());
    let rows = store::list(&mut tx, action.as_deref(), actor, before, page.fetch()).await?;
    let page = page.page(rows, |row| {
        (row.entry.at, Uuid::from_u128(u128::try_from(row.seq).unwrap_or_default()))
    });
    Ok(Answer::ok(page.map(|row| row.entry)))
}
