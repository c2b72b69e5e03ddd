//! Webhooks: signed messages to an org's own programs: `/v1/orgs/{org}/webhooks`.
//!
//! Each message is a POST of JSON with the headers of Standard Webhooks: `webhook-id` (the same
//! for each attempt: act on it once), `webhook-timestamp` (seconds; refuse what is older than
//! five minutes) and `webhook-signature` (`v1,` and the base64 of the HMAC-SHA256 of
//! `<id>.<timestamp>.<body>` under the bytes that the secret encodes after `whsec_`; there may be
//! several, with spaces between). Compare signatures in constant time.

use super::shape;
use crate::id::{DeliveryId, EventId, WebhookId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What an org's programs can hear of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum EventKind {
    /// A budget reached one of its thresholds.
    #[serde(rename = "budget.threshold_reached")]
    BudgetThresholdReached,
    /// Somebody asked for a message to try the webhook.
    #[serde(rename = "webhook.test")]
    WebhookTest,
}

impl EventKind {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BudgetThresholdReached => "budget.threshold_reached",
            Self::WebhookTest => "webhook.test",
        }
    }
}

/// How far one message has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum DeliveryState {
    /// It will be tried, or tried again.
    Waiting,
    /// The receiver answered 2xx.
    Delivered,
    /// It was tried as often as it is; the receiver never took it.
    Failed,
}

shape! {
    pub struct Webhook {
        pub id: WebhookId,
        pub url: String,
        /// Absent: it is sent to. It is disabled when its receiver answers 410.
        pub disabled_at: Option<DateTime<Utc>>,
        /// Until when messages are signed with the secret before this one too; absent: it is over.
        #[serde(default)]
        pub old_secret_until: Option<DateTime<Utc>>,
        pub created_at: DateTime<Utc>,
        pub version: i64,
    }

    /// `POST /v1/orgs/{org}/webhooks`.
    pub struct CreateWebhook {
        /// `https://…`, of a host that is reachable from the internet.
        pub url: String,
    }

    /// `POST /v1/orgs/{org}/webhooks/{webhook}/test`.
    pub struct TestWebhook {}

    /// `POST /v1/orgs/{org}/webhooks/{webhook}/rotate`.
    pub struct RotateWebhook {}

    /// The answer that shows the secret, once.
    pub struct CreatedWebhook {
        pub webhook: Webhook,
        /// `whsec_` and 32 bytes in base64. Kept sealed; not shown again.
        pub secret: String,
    }

    /// One message on its way to one webhook.
    pub struct Delivery {
        pub id: DeliveryId,
        /// What the receiver sees as `webhook-id`.
        pub event_id: EventId,
        pub kind: String,
        pub state: DeliveryState,
        pub attempts: i32,
        /// The HTTP status of the last answer, if there was one.
        pub last_status: Option<i32>,
        /// Why the last attempt failed, for a person.
        pub last_error: Option<String>,
        pub created_at: DateTime<Utc>,
        pub delivered_at: Option<DateTime<Utc>>,
    }
}
