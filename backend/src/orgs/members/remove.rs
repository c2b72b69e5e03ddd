//! Removes a member, or leaves. Keys they made stay: programs depend on them.

use super::{model, store};
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{ApiError, At, OrgCtx, Result};
use contract::id::PersonId;
use contract::role::Action;
use http::StatusCode;

/// Removes a member. Everybody may remove themselves.
#[utoipa::path(delete, path = "/v1/orgs/{org}/members/{person}", tag = "members",
    responses((status = 204)))]
pub async fn remove_member(ctx: OrgCtx, At(id): At<PersonId>) -> Result<StatusCode> {
    let leaves = id == ctx.person().id;
    let mut tx = ctx.tenant_tx(if leaves { Action::ViewOrg } else { Action::RemoveMember }).await?;
    let owners = store::count_owners_for_update(&mut tx).await?;
    let before = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    if !leaves {
        model::check_grant(ctx.role(), before.role)?;
    }
    model::check_owners(before.role, None, owners)?;
    store::delete(&mut tx, id).await?;
    audit::record(&mut tx, Entry::new("remove_member", "person", id).before(&before)).await?;
    tx.commit().await?;
    Ok(StatusCode::NO_CONTENT)
}
