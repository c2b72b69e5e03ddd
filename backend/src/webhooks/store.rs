//! All SQL on webhooks and their deliveries.

use super::Event;
use crate::db::{SystemTx, TenantTx, Tx};
use crate::http::PageQuery;
use contract::Timestamp;
use contract::api::webhooks::{Delivery, DeliveryState, Webhook};
use contract::id::{DeliveryId, EventId, OrgId, WebhookId};
use contract::seal::Sealed;
use sqlx::types::Json;

pub(super) async fn insert(
    tx: &mut TenantTx,
    webhook: &Webhook,
    secret: &Sealed,
) -> sqlx::Result<()> {
    let org = tx.org_id();
    sqlx::query!(
        "insert into webhooks (id, org_id, url, secret, created_at, version)
         values ($1, $2, $3, $4, $5, $6)",
        webhook.id.0,
        org.0,
        webhook.url,
        Json(secret) as _,
        webhook.created_at,
        webhook.version,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn count(tx: &mut TenantTx) -> sqlx::Result<i64> {
    sqlx::query_scalar!(r#"select count(*) as "count!" from webhooks"#).fetch_one(tx.conn()).await
}

pub(super) async fn find(tx: &mut TenantTx, id: WebhookId) -> sqlx::Result<Option<Webhook>> {
    Ok(select(tx, Some(id), None).await?.pop())
}

pub(super) async fn list(tx: &mut TenantTx, page: &PageQuery) -> sqlx::Result<Vec<Webhook>> {
    select(tx, None, Some(page)).await
}

async fn select(
    tx: &mut TenantTx,
    id: Option<WebhookId>,
    page: Option<&PageQuery>,
) -> sqlx::Result<Vec<Webhook>> {
    let now = tx.now();
    sqlx::query_as!(
        Webhook,
        r#"select id as "id: WebhookId", url, disabled_at,
             case when old_secret_until > $5 then old_secret_until end as old_secret_until,
             created_at, version
           from webhooks
           where ($1::uuid is null or id = $1)
             and ($2::timestamptz is null or (created_at, id) < ($2, $3))
           order by created_at desc, id desc limit $4"#,
        id.map(|id| id.0),
        page.and_then(PageQuery::after_at),
        page.and_then(PageQuery::after_id),
        page.map(PageQuery::fetch),
        now,
    )
    .fetch_all(tx.conn())
    .await
}

/// Puts a new secret in the place of the one that is, which goes on signing until `until`.
pub(super) async fn set_secret(
    tx: &mut TenantTx,
    id: WebhookId,
    secret: &Sealed,
    until: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!(
        "update webhooks set old_secret = secret, old_secret_until = $3, secret = $2,
           version = version + 1
         where id = $1",
        id.0,
        Json(secret) as _,
        until,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn delete(tx: &mut TenantTx, id: WebhookId) -> sqlx::Result<()> {
    sqlx::query!("delete from webhooks where id = $1", id.0).execute(tx.conn()).await?;
    Ok(())
}

/// The org's webhooks that are not disabled.
pub(super) async fn open(tx: &mut impl Tx, org: OrgId) -> sqlx::Result<Vec<WebhookId>> {
    sqlx::query_scalar!(
        r#"select id as "id: WebhookId" from webhooks
           where org_id = $1 and disabled_at is null order by id"#,
        org.0,
    )
    .fetch_all(tx.conn())
    .await
}

pub(super) async fn disable(tx: &mut SystemTx, id: WebhookId) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "update webhooks set disabled_at = $2, version = version + 1
         where id = $1 and disabled_at is null",
        id.0,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

pub(super) async fn insert_delivery(
    tx: &mut impl Tx,
    org: OrgId,
    (id, webhook): (DeliveryId, WebhookId),
    event: &Event,
    body: &str,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "insert into webhook_deliveries (id, org_id, webhook_id, event_id, kind, body, created_at)
         values ($1, $2, $3, $4, $5, $6, $7)",
        id.0,
        org.0,
        webhook.0,
        event.id.0,
        event.kind.as_str(),
        body,
        now,
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A message that waits, and what sending it takes.
pub(super) struct Waiting {
    pub webhook: WebhookId,
    pub event: EventId,
    pub body: String,
    pub url: String,
    pub secret: Sealed,
    /// The one before, while it still signs.
    pub old_secret: Option<Sealed>,
    pub attempts: i32,
}

/// `None`: it was delivered, given up, or its webhook is gone or disabled.
pub(super) async fn find_waiting(
    tx: &mut SystemTx,
    id: DeliveryId,
) -> sqlx::Result<Option<Waiting>> {
    let now = tx.now();
    let row = sqlx::query!(
        r#"select webhook_id as "webhook: WebhookId", event_id as "event: EventId", body, url,
             secret as "secret: Json<Sealed>",
             case when old_secret_until > $2 then old_secret end as "old_secret: Json<Sealed>",
             attempts
           from webhook_deliveries d join webhooks w on w.id = d.webhook_id
           where d.id = $1 and delivered_at is null and failed_at is null and disabled_at is null"#,
        id.0,
        now,
    )
    .fetch_optional(tx.conn())
    .await?;
    Ok(row.map(|row| Waiting {
        webhook: row.webhook,
        event: row.event,
        body: row.body,
        url: row.url,
        secret: row.secret.0,
        old_secret: row.old_secret.map(|old| old.0),
        attempts: row.attempts,
    }))
}

/// How one attempt ended.
pub(super) struct Attempt<'a> {
    pub status: Option<u16>,
    pub error: Option<&'a str>,
    pub delivered: bool,
    pub is_final: bool,
}

pub(super) async fn set_attempt(
    tx: &mut SystemTx,
    id: DeliveryId,
    attempt: &Attempt<'_>,
) -> sqlx::Result<()> {
    let now = tx.now();
    sqlx::query!(
        "update webhook_deliveries set attempts = attempts + 1, last_status = $2, last_error = $3,
           delivered_at = $4, failed_at = $5
         where id = $1",
        id.0,
        attempt.status.map(i32::from),
        attempt.error,
        attempt.delivered.then_some(now),
        (attempt.is_final && !attempt.delivered).then_some(now),
    )
    .execute(tx.conn())
    .await?;
    Ok(())
}

/// A webhook's messages, newest first.
pub(super) async fn deliveries(
    tx: &mut TenantTx,
    webhook: WebhookId,
    page: &PageQuery,
) -> sqlx::Result<Vec<Delivery>> {
    let rows = sqlx::query!(
        r#"select id as "id: DeliveryId", event_id as "event_id: EventId", kind, attempts,
             last_status, last_error, created_at, delivered_at, failed_at
           from webhook_deliveries
           where webhook_id = $1 and ($2::timestamptz is null or (created_at, id) < ($2, $3))
           order by created_at desc, id desc limit $4"#,
        webhook.0,
        page.after_at(),
        page.after_id(),
        page.fetch(),
    )
    .fetch_all(tx.conn())
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Delivery {
            id: row.id,
            event_id: row.event_id,
            kind: row.kind,
            state: match (row.delivered_at, row.failed_at) {
                (Some(_), _) => DeliveryState::Delivered,
                (None, Some(_)) => DeliveryState::Failed,
                (None, None) => DeliveryState::Waiting,
            },
            attempts: row.attempts,
            last_status: row.last_status,
            last_error: row.last_error,
            created_at: row.created_at,
            delivered_at: row.delivered_at,
        })
        .collect())
}

pub(super) async fn delete_deliveries_before(
    tx: &mut SystemTx,
    before: Timestamp,
) -> sqlx::Result<()> {
    sqlx::query!("delete from webhook_deliveries where created_at <= $1", before)
        .execute(tx.conn())
        .await?;
    Ok(())
}
