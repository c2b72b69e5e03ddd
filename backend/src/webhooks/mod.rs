//! Webhooks: signed messages to an org's own programs, by the rules of Standard Webhooks 1.0.
//! Queued in the transaction that causes them, sent by a job, tried for hours. A message may
//! arrive twice, under the same id.
//!
//! What must stay true: nobody makes this program call a private address. A host is resolved
//! here, every address is judged, and the connection goes to one that was; redirects are not
//! followed.

pub mod address;
pub mod create;
pub mod delete;
pub mod deliveries;
pub mod list;
pub mod rotate;
pub mod send;
pub mod sign;
mod store;
pub mod test;

use crate::db::{SystemTx, Tx};
use crate::jobs;
use chrono::TimeDelta;
use contract::Timestamp;
use contract::api::webhooks::EventKind;
use contract::id::{DeliveryId, EventId, OrgId, WebhookId};
use serde::Serialize;
use serde_json::Value;

/// Webhooks of one org.
pub const WEBHOOKS_MAX: i64 = 20;

/// Something that happened.
#[derive(Debug)]
pub struct Event {
    pub id: EventId,
    pub kind: EventKind,
    pub data: Value,
}

/// A message as it is sent.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "type")]
    kind: EventKind,
    timestamp: Timestamp,
    data: &'a Value,
}

/// Queues `event` to each of the org's webhooks that is not disabled.
///
/// # Errors
/// Postgres refused.
pub async fn queue(tx: &mut impl Tx, org: OrgId, event: &Event) -> sqlx::Result<()> {
    for webhook in store::open(tx, org).await? {
        queue_to(tx, org, webhook, event).await?;
    }
    Ok(())
}

/// Queues `event` to one webhook.
///
/// # Errors
/// Postgres refused.
pub async fn queue_to(
    tx: &mut impl Tx,
    org: OrgId,
    webhook: WebhookId,
    event: &Event,
) -> sqlx::Result<()> {
    let message = Message { kind: event.kind, timestamp: tx.now(), data: &event.data };
    let body = serde_json::to_string(&message).map_err(|e| sqlx::Error::Encode(e.into()))?;
    let delivery = tx.new_id(DeliveryId::new);
    store::insert_delivery(tx, org, (delivery, webhook), event, &body).await?;
    jobs::enqueue(tx, &send::SendWebhook { delivery }).await
}

/// How long it stays known what was sent.
const DELIVERIES_LAST: TimeDelta = TimeDelta::days(30);

/// Forgets messages of long ago.
///
/// # Errors
/// Postgres refused.
pub async fn delete_expired(tx: &mut SystemTx) -> sqlx::Result<()> {
    let before = tx.now() - DELIVERIES_LAST;
    store::delete_deliveries_before(tx, before).await
}

/// How long a secret that was exchanged goes on signing.
const OLD_SECRET_LASTS: TimeDelta = TimeDelta::hours(24);

/// What a webhook's secret is sealed for.
fn seal_context(id: WebhookId) -> String {
    format!("webhook/{id}")
}
