//! Limits that plans bring: those on an app's subscriptions, and the SQL that keeps them.

use super::model::{Shape, without_redis};
use super::store::zone;
use crate::db::{SystemTx, TenantTx, Tx as _};
use contract::id::{AppId, LimitId, ModelId, PlanId, SubscriptionId};
use contract::snapshot::{LimitRecord, LimitScope, Metric, Window};

/// A plan's limit as it counts for one subscription.
#[derive(Debug)]
pub struct OnSubscription {
    pub record: LimitRecord,
    /// Of the product and of the plan: many products have a plan of the same name.
    pub plan_name: String,
    pub model_name: Option<String>,
    pub subscription_id: SubscriptionId,
}

/// The limits that the active subscriptions of an app bring; with `model`, of those that open it.
pub async fn of_app(
    tx: &mut TenantTx,
    app: AppId,
    model: Option<ModelId>,
) -> sqlx::Result<Vec<OnSubscription>> {
    let now = tx.now();
    let rows = sqlx::query!(
        r#"select l.id as "id: LimitId", l.plan_id as "plan_id: PlanId", l.metric as "metric: Metric",
             l.time_window as "window: Window", l.sliding, l.time_zone, l.max,
             l.model_id as "model_id: ModelId", m.name as "model_name?", l.without_redis_percent,
             o.name || ', ' || p.name as "plan_name!", s.id as "subscription_id: SubscriptionId"
           from subscriptions s
             join plans p on p.id = s.plan_id
             join products o on o.id = p.product_id
             join plan_limits l on l.plan_id = p.id
             left join models m on m.id = l.model_id
           where s.app_id = $1 and s.state = 'active' and (s.expires_at is null or s.expires_at > $2)
             and ($3::uuid is null or exists (select from product_models b
               where b.product_id = s.product_id and b.model_id = $3))
           order by s.created_at, l.id"#,
        app.0,
        now,
        model.map(|id| id.0),
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            let much = (row.metric, row.window, row.max);
            Ok(OnSubscription {
                record: LimitRecord {
                    sliding: row.sliding,
                    zone: zone(&row.time_zone)?,
                    model_id: row.model_id,
                    without_redis: without_redis(row.without_redis_percent),
                    ..LimitRecord::new(row.id, None, LimitScope::Plan(row.plan_id), much)
                },
                plan_name: row.plan_name,
                model_name: row.model_name,
                subscription_id: row.subscription_id,
            })
        })
        .collect()
}

/// A plan's limit as it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    pub id: LimitId,
    pub shape: Shape,
    pub max: i64,
    pub without_redis_percent: u8,
}

/// The limits of a plan, oldest first.
pub async fn of_plan(tx: &mut SystemTx, plan: PlanId) -> sqlx::Result<Vec<Stored>> {
    let rows = sqlx::query!(
        r#"select id as "id: LimitId", metric as "metric: Metric", time_window as "window: Window",
             sliding, time_zone, model_id as "model_id: ModelId", max, without_redis_percent
           from plan_limits where plan_id = $1 order by id"#,
        plan.0,
    )
    .fetch_all(tx.conn())
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Stored {
                id: row.id,
                shape: Shape {
                    metric: row.metric,
                    window: row.window,
                    sliding: row.sliding,
                    zone: zone(&row.time_zone)?,
                    model_id: row.model_id,
                },
                max: row.max,
                without_redis_percent: u8::try_from(row.without_redis_percent).unwrap_or(0),
            })
        })
        .collect()
}

/// Writes a plan's limit, new or as it is now.
pub async fn put(tx: &mut SystemTx, plan: PlanId, limit: &Stored) -> sqlx::Result<()> {
    sqlx::query!(
        "insert into plan_limits (id, plan_id, metric, time_window, sliding, time_zone, model_id, max,
           without_redis_percent)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         on conflict (id) do update set time_zone = excluded.time_zone, max = excluded.max,
           without_redis_percent = excluded.without_redis_percent",
        limit.id.0,
        plan.0,
        limit.shape.metric.as_str(),
        limit.shape.window.as_str(),
        limit.shape.sliding,
        limit.shape.zone.name(),
        limit.shape.model_id.map(|id| id.0),
        limit.max,
        i16::from(limit.without_redis_percent),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub async fn delete(tx: &mut SystemTx, id: LimitId) -> sqlx::Result<()> {
    sqlx::query!("delete from plan_limits where id = $1", id.0).execute(tx.conn()).await?;
    Ok(())
}
