//! Records of a tenant: who may call.

use super::cache::{Purges, never};
use crate::Timestamp;
use crate::id::{AppId, KeyId, OrgId, PlanId, ProductId, SubscriptionId, TeamId};
use crate::key::KeyEnv;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrgRecord {
    pub id: OrgId,
    pub slug: String,
    /// A suspended org's keys are refused with `org.suspended`.
    #[serde(default)]
    pub suspended: bool,
    #[serde(default, skip_serializing_if = "never")]
    pub purges: Purges,
    /// The only regions where its calls may be answered, whatever routes say; empty: any.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub allowed_regions: Vec<String>,
}

impl OrgRecord {
    /// One that may call, from anywhere to anywhere.
    #[must_use]
    pub fn new(id: OrgId, slug: impl Into<String>) -> Self {
        let slug = slug.into();
        Self { id, slug, suspended: false, purges: 0, allowed_regions: Vec::new() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppRecord {
    pub id: AppId,
    pub org_id: OrgId,
    pub team_id: TeamId,
    #[serde(default)]
    pub disabled: bool,
}

/// A key. Revoked and expired keys stay in the snapshot for a while, so that their callers learn
/// why they are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyRecord {
    pub id: KeyId,
    pub org_id: OrgId,
    pub app_id: AppId,
    pub env: KeyEnv,
    pub public_id: String,
    /// The live secrets; two during a rotation's overlap.
    pub secrets: Vec<KeySecret>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revoked_at: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySecret {
    /// Keyed hash, 64 hexadecimal characters.
    pub hash: crate::key::KeyHash,
    /// When this secret stops working before the key does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// `requested → active → suspended → cancelled / expired`, or `refused`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
pub enum SubscriptionState {
    Requested,
    Active,
    Suspended,
    Cancelled,
    Expired,
    Refused,
}

impl SubscriptionState {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Active => "active",
            Self::Suspended => "suspended",
            Self::Cancelled => "cancelled",
            Self::Expired => "expired",
            Self::Refused => "refused",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SubscriptionRecord {
    pub id: SubscriptionId,
    pub org_id: OrgId,
    pub app_id: AppId,
    pub product_id: ProductId,
    pub plan_id: PlanId,
    pub state: SubscriptionState,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}
