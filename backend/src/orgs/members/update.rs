//! Changes a member's role: never to or from one above the caller's own.

use super::{model, store};
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, At, OrgCtx, Patch, Result};
use contract::api::orgs::{Member, UpdateMember};
use contract::id::PersonId;
use contract::role::Action;

/// Changes a member's role.
#[utoipa::path(patch, path = "/v1/orgs/{org}/members/{person}", tag = "members",
    request_body = UpdateMember, responses((status = 200, body = Member)))]
pub async fn update_member(
    ctx: OrgCtx,
    At(id): At<PersonId>,
    patch: Patch<UpdateMember>,
) -> Result<Answer<Member>> {
    let mut tx = ctx.tenant_tx(Action::EditMember).await?;
    let owners = store::count_owners_for_update(&mut tx).await?;
    let before = store::find_for_update(&mut tx, id).await?.ok_or_else(ApiError::not_found)?;
    let new = patch.over(&before, before.version)?;
    model::check_grant(ctx.role(), before.role)?;
    model::check_grant(ctx.role(), new.role)?;
    model::check_owners(before.role, Some(new.role), owners)?;

    let version = store::set_role(&mut tx, id, new.role).await?;
    let member = Member { role: new.role, version, ..before.clone() };
    let entry = Entry::new("update_member", "person", id).before(&before).after(&member);
    audit::record(&mut tx, entry).await?;
    tx.commit().await?;
    Ok(Answer::ok(member).version(version))
}
