//! The audit log: `GET /v1/orgs/{org}/audit`. Query: `action`, `actor`, `cursor`, `limit`.

use super::shape;
use crate::id::AuditId;
use chrono::{DateTime, Utc};

shape! {
    pub struct AuditEntry {
        pub id: AuditId,
        pub at: DateTime<Utc>,
        /// The operation, for example `revoke_key`.
        pub action: String,
        /// Who: a person's name, or the part of the platform that acted.
        pub actor_name: String,
        pub actor_email: Option<String>,
        /// The actor's role at that time.
        pub actor_role: Option<String>,
        pub ip: Option<String>,
        /// Kind and id of what was acted on.
        pub object_kind: String,
        pub object_id: String,
        /// The object before and after, secrets masked.
        pub before: Option<serde_json::Value>,
        pub after: Option<serde_json::Value>,
        pub request_id: Option<String>,
        /// Hash of this entry and the one before it, hexadecimal.
        pub hash: String,
    }
}
