//! What an org's routes may name.

use super::store;
use crate::http::{Answer, OrgCtx, Result};
use contract::api::routes::RoutePlace;
use contract::role::Action;

/// The deployments that the org's routes may name: those of the models that its apps are subscribed
/// to, by the model's name.
#[utoipa::path(get, path = "/v1/orgs/{org}/routes/places", tag = "routes",
    responses((status = 200, body = Vec<RoutePlace>)))]
pub async fn list_route_places(ctx: OrgCtx) -> Result<Answer<Vec<RoutePlace>>> {
    let mut tx = ctx.tenant_tx(Action::ViewRoutes).await?;
    Ok(Answer::ok(store::places(&mut tx, Some(ctx.org_id())).await?))
}
