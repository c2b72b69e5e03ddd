//! All SQL on overrides.

use crate::db::{TenantTx, Tx as _};
use crate::limits::model::shown;
use contract::Timestamp;
use contract::api::limits::LimitOverride;
use contract::id::{LimitId, LimitOverrideId};
use contract::snapshot::Metric;
use std::collections::HashMap;
use uuid::Uuid;

/// An override as it is stored.
#[derive(Debug, Clone)]
pub struct Row {
    pub id: LimitOverrideId,
    pub limit_id: LimitId,
    pub max: i64,
    pub starts_at: Timestamp,
    pub ends_at: Timestamp,
    pub reason: String,
    pub created_by_name: String,
    pub created_at: Timestamp,
}

impl Row {
    /// As the API shows it.
    #[must_use]
    pub fn shown(self, metric: Metric) -> LimitOverride {
        let (max, max_usd) = shown(metric, self.max);
        LimitOverride {
            id: self.id,
            max,
            max_usd,
            starts_at: self.starts_at,
            ends_at: self.ends_at,
            reason: self.reason,
            created_by_name: self.created_by_name,
            created_at: self.created_at,
        }
    }
}

/// The overrides of some limits that are not over, soonest first.
pub async fn open_of(
    tx: &mut TenantTx,
    limits: &[Uuid],
) -> sqlx::Result<HashMap<LimitId, Vec<Row>>> {
    let now = tx.now();
    let rows = sqlx::query_as!(
        Row,
        r#"select id as "id: LimitOverrideId", limit_id as "limit_id: LimitId", max, starts_at,
             ends_at, reason, created_by_name, created_at
           from limit_overrides where limit_id = any($1) and ends_at > $2 order by starts_at, id"#,
        limits,
        now,
    )
    .fetch_all(tx.conn())
    .await?;
    let mut by_limit: HashMap<LimitId, Vec<Row>> = HashMap::new();
    for row in rows {
        by_limit.entry(row.limit_id).or_default().push(row);
    }
    Ok(by_limit)
}

pub async fn insert(tx: &mut TenantTx, row: &Row) -> sqlx::Result<()> {
    let (org, by) = (tx.org_id(), tx.actor().person_id);
    sqlx::query!(
        "insert into limit_overrides (id, org_id, limit_id, max, starts_at, ends_at, reason,
           created_by, created_by_name, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        row.id.0,
        org.0,
        row.limit_id.0,
        row.max,
        row.starts_at,
        row.ends_at,
        row.reason,
        by.map(|person| person.0),
        row.created_by_name,
        row.created_at,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// Ends an override now; one that has not begun is taken away.
pub async fn end(tx: &mut TenantTx, id: LimitOverrideId) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!("delete from limit_overrides where id = $1 and starts_at >= $2", id.0, now)
        .execute(tx.conn())
        .await?;
    sqlx::query!(
        "update limit_overrides set ends_at = $2 where id = $1 and ends_at > $2",
        id.0,
        now
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}
