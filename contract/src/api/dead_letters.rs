//! Operator: usage events that could not be booked, under `/v1/admin/dead-letters`.

use super::shape;
use crate::id::{LetterId, OrgId, RequestId};
use crate::money::Usd;
use chrono::{DateTime, Utc};

shape! {
    /// A usage event that could not be booked, kept whole. What it says of itself is not proven.
    pub struct DeadLetter {
        pub id: LetterId,
        /// When it was kept.
        pub at: DateTime<Utc>,
        /// Why it could not be booked.
        pub reason: String,
        /// The call that it says it is of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub request_id: Option<RequestId>,
        /// The organisation that it says made the call.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub org_id: Option<OrgId>,
        /// What it says the call cost.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub said_usd: Option<Usd>,
        /// The event as it came.
        pub body: String,
        /// When it was booked after all; absent while it is open.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub replayed_at: Option<DateTime<Utc>>,
    }
}
