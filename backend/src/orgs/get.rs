//! One org.

use super::store;
use crate::http::{Answer, ApiError, OrgCtx, Result};
use contract::api::orgs::Org;
use contract::role::Action;

/// One organisation.
#[utoipa::path(get, path = "/v1/orgs/{org}", tag = "orgs", responses((status = 200, body = Org)))]
pub async fn get_org(ctx: OrgCtx) -> Result<Answer<Org>> {
    let mut tx = ctx.tenant_tx(Action::ViewOrg).await?;
    let org = store::find(&mut tx).await?.ok_or_else(ApiError::not_found)?;
    let version = org.version;
    Ok(Answer::ok(org).version(version))
}
