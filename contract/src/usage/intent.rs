//! What a call is about to use: written down before its first byte goes upstream, so that a call
//! whose end nobody saw is still known.

use super::{LimitTouched, Operation, ShadowOf};
use crate::Timestamp;
use crate::id::{
    AppId, GatewayId, KeyId, ModelId, OrgId, PlanId, PriceId, ProductId, RequestId, SubscriptionId,
    TeamId,
};
use crate::money::Nanos;
use crate::snapshot::Tag;
use serde::{Deserialize, Serialize};

/// A call that may have begun to cost. Its [`super::UsageEvent`] follows under the same request
/// id; where none does, its gateway died. New fields are optional.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsageIntent {
    pub request_id: RequestId,
    /// When the gateway admitted the call.
    pub at: Timestamp,
    pub org_id: OrgId,
    pub team_id: TeamId,
    pub app_id: AppId,
    pub key_id: KeyId,
    pub subscription_id: SubscriptionId,
    pub product_id: ProductId,
    pub plan_id: PlanId,
    pub model_id: ModelId,
    pub operation: Operation,
    pub stream: bool,
    pub price_id: PriceId,
    /// What is held for it; raised by a further intent when a stream holds more.
    #[serde(default)]
    pub reserved_nanos: Nanos,
    pub gateway_id: GatewayId,
    pub config_version: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<Tag>,
    /// What is held of each limit that applies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits: Vec<LimitTouched>,
    /// Present when it is a copy of another call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<ShadowOf>,
}

/// An intent without its event, as a gateway ships it: an entry of
/// [`crate::channel::USAGE`], field `i`. An event of the same request that comes later, or came
/// before, is the truth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unsettled {
    pub intent: UsageIntent,
    /// The gateway process that made the call is gone: no event will come from its spool.
    pub ended: bool,
}
