//! How the gateways find the deployments, for operators.

use super::beats;
use super::told::{Found, Told};
use crate::db::{SystemTx, Tx as _};
use crate::http::{Answer, OperatorCtx, Result};
use contract::api::health::{DeploymentHealth, DeploymentsHealth};
use contract::id::{DeploymentId, ModelId};
use std::cmp::Reverse;
use uuid::Uuid;

/// How the gateways find the deployments: which they leave alone because it fails, how busy each is,
/// how long it takes.
#[utoipa::path(get, path = "/v1/admin/deployments/health", tag = "health",
    responses((status = 200, body = DeploymentsHealth)))]
pub async fn list_deployment_health(ctx: OperatorCtx) -> Result<Answer<DeploymentsHealth>> {
    let beats = beats(ctx.app()).await;
    let mut tx = ctx.system_tx("name the deployments that gateways tell of").await?;
    let at = tx.now();
    let told = beats.as_deref().map(|beats| Told::by(beats, at));
    let gateways = told.as_ref().map(|told| told.gateways);
    let deployments = named(&mut tx, &told.unwrap_or_default()).await?;
    Ok(Answer::ok(DeploymentsHealth { at, gateways, deployments }))
}

/// Those that are still there, the worst first.
async fn named(tx: &mut SystemTx, told: &Told) -> sqlx::Result<Vec<DeploymentHealth>> {
    let ids: Vec<Uuid> = told.by_id.keys().map(|id| id.0).collect();
    let rows = sqlx::query!(
        r#"select d.id as "id: DeploymentId", d.model_id as "model_id: ModelId",
             m.name as model_name, p.name as provider_name, d.region
           from deployments d join models m on m.id = d.model_id
           join providers p on p.id = d.provider_id
           where d.id = any($1)"#,
        &ids,
    )
    .fetch_all(tx.conn())
    .await?;
    let shown = rows.into_iter().filter_map(|row| {
        let found = *told.by_id.get(&row.id)?;
        let Found { breaker, share_percent, in_flight, answered, failed, opened, .. } = found;
        Some(DeploymentHealth {
            deployment_id: row.id,
            model_id: row.model_id,
            model_name: row.model_name,
            provider_name: row.provider_name,
            region: row.region,
            breaker,
            share_percent,
            in_flight,
            first_content_ms: millis(found.first_content_us),
            answer_ms: millis(found.answer_us),
            answered,
            failed,
            opened,
        })
    });
    let mut shown: Vec<_> = shown.collect();
    shown.sort_by(|a, b| {
        let key = |one: &DeploymentHealth| (Reverse(one.breaker), one.share_percent);
        key(a)
            .cmp(&key(b))
            .then_with(|| a.model_name.cmp(&b.model_name))
            .then(a.deployment_id.cmp(&b.deployment_id))
    });
    Ok(shown)
}

/// Rounded up; nothing where nobody knows.
pub fn millis(micros: u64) -> Option<u64> {
    (micros > 0).then(|| micros.div_ceil(1_000))
}
