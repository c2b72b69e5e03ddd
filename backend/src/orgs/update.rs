//! Renames an org. Its slug stays: addresses keep working.

use super::store;
use crate::audit::{self, Entry};
use crate::db::Tx as _;
use crate::http::{Answer, ApiError, Check, OrgCtx, Patch, Result};
use contract::api::orgs::{Org, UpdateOrg};
use contract::role::Action;

/// Renames an organisation.
#[utoipa::path(patch, path = "/v1/orgs/{org}", tag = "orgs",
    request_body = UpdateOrg, responses((status = 200, body = Org)))]
pub async fn update_org(ctx: OrgCtx, patch: Patch<UpdateOrg>) -> Result<Answer<Org>> {
    let mut tx = ctx.tenant_tx(Action::EditOrg).await?;
    let before = store::find_for_update(&mut tx).await?.ok_or_else(ApiError::not_found)?;
    let new = patch.over(&before, before.version)?;
    let mut check = Check::new();
    let name = check.line("/name", &new.name, 1..=100);
    check.done()?;
    let version = store::set_name(&mut tx, name).await?;
    let org = Org { name: name.to_owned(), version, ..before.clone() };
    audit::record(&mut tx, Entry::new("update_org", "org", org.id).before(&before).after(&org))
        .await?;
    tx.commit().await?;
    Ok(Answer::ok(org).version(version))
}
