//! API keys. A secret is in exactly one answer: the one that creates it.

use super::shape;
use crate::id::{AppId, KeyId};
use crate::key::KeyEnv;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// Whether a key works, and if not, why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum KeyState {
    Active,
    Expired,
    Revoked,
}

shape! {
    /// `GET /v1/orgs/{org}/keys`.
    pub struct Key {
        pub id: KeyId,
        pub app_id: AppId,
        pub app_name: String,
        pub name: String,
        pub env: KeyEnv,
        /// What may be shown of it: `tg_live_AbC123dEf456…x9Yz`.
        pub masked: String,
        pub state: KeyState,
        pub created_by_name: String,
        pub created_at: DateTime<Utc>,
        pub expires_at: Option<DateTime<Utc>>,
        pub revoked_at: Option<DateTime<Utc>>,
        pub last_used_at: Option<DateTime<Utc>>,
        pub version: i64,
    }

    /// `POST /v1/orgs/{org}/keys`.
    pub struct CreateKey {
        pub app_id: AppId,
        pub name: String,
        pub env: KeyEnv,
        /// In the future; absent: the key does not expire.
        #[serde(default)]
        pub expires_at: Option<DateTime<Utc>>,
    }

    /// The answer that shows the secret, once.
    pub struct CreatedKey {
        pub key: Key,
        /// The whole key. Not stored; not shown again.
        pub secret: String,
    }
}
