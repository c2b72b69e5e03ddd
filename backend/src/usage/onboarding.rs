//! How far a new org has come: a key, a call, the call in usage.

use crate::db::Tx as _;
use crate::http::{Answer, OrgCtx, Result};
use contract::api::usage::Onboarding;
use contract::id::AppId;
use contract::role::Action;

/// The three steps of a new organisation, and what to try next.
#[utoipa::path(get, path = "/v1/orgs/{org}/onboarding", tag = "usage",
    responses((status = 200, body = Onboarding)))]
pub async fn get_onboarding(ctx: OrgCtx) -> Result<Answer<Onboarding>> {
    let mut tx = ctx.tenant_tx(Action::ViewUsage).await?;
    let org = tx.org_id();
    let first_key_at =
        sqlx::query_scalar!("select min(created_at) from api_keys").fetch_one(tx.conn()).await?;
    let first = sqlx::query!(
        "select at, ingested_at from usage_events where org_id = $1 and outcome = 'ok'
         order by at limit 1",
        org.0,
    )
    .fetch_optional(tx.conn())
    .await?;
    let app = sqlx::query_scalar!(
        r#"select id as "id: AppId" from apps where not disabled order by created_at, id limit 1"#
    )
    .fetch_optional(tx.conn())
    .await?;
    let sample_model = sqlx::query_scalar!(
        "select m.name from subscriptions s
           join product_models pm on pm.product_id = s.product_id
           join models m on m.id = pm.model_id
         where s.app_id = $1 and s.state = 'active' and m.state = 'active'
         order by m.modality = 'chat' desc, s.created_at, pm.position limit 1",
        app.map(|app| app.0),
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(Answer::ok(Onboarding {
        first_key_at,
        first_call_at: first.as_ref().map(|first| first.at),
        first_usage_at: first.as_ref().map(|first| first.ingested_at),
        app_id: app,
        sample_model,
    }))
}
