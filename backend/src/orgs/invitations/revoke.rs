//! Takes an invitation back.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{ApiError, At, OrgCtx, Result};
use contract::id::InvitationId;
use contract::role::Action;
use http::StatusCode;

/// Takes an invitation back: its link no longer works.
#[utoipa::path(delete, path = "/v1/orgs/{org}/invitations/{invitation}", tag = "members",
    responses((status = 204)))]
pub async fn revoke_invitation(ctx: OrgCtx, At(id): At<InvitationId>) -> Result<StatusCode> {
    let mut tx = ctx.tenant_tx(Action::InviteMember).await?;
    let was = store::delete(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    audit::record(&mut tx, Entry::new("revoke_invitation", "invitation", id).before(&was)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
