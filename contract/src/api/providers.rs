//! Operator: who runs models, under `/v1/admin/providers`.

use super::shape;
use crate::id::ProviderId;
use crate::snapshot::{Auth, Dialect, ProviderSettings};
use chrono::{DateTime, Utc};

shape! {
    /// A provider. Its credential is written and never read back.
    pub struct Provider {
        pub id: ProviderId,
        pub slug: String,
        pub name: String,
        pub base_url: String,
        /// What it is spoken to in, unless `also` has the caller's own dialect.
        pub dialect: Dialect,
        /// Other dialects that it serves under the same address.
        #[serde(default)]
        pub also: Vec<Dialect>,
        pub auth: Auth,
        #[serde(default)]
        pub settings: ProviderSettings,
        pub has_credential: bool,
        pub disabled: bool,
        pub deployment_count: u32,
        pub created_at: DateTime<Utc>,
        pub version: i64,
    }

    pub struct CreateProvider {
        pub slug: String,
        pub name: String,
        /// `http` or `https`, without a query; the operation's path is appended.
        pub base_url: String,
        pub dialect: Dialect,
        #[serde(default)]
        pub also: Vec<Dialect>,
        pub auth: Auth,
        #[serde(default)]
        pub settings: ProviderSettings,
        /// Sealed at once; needed unless `auth` is `none`.
        #[serde(default)]
        pub credential: Option<String>,
    }

    pub struct UpdateProvider {
        pub name: String,
        pub base_url: String,
        #[serde(default)]
        pub also: Vec<Dialect>,
        pub auth: Auth,
        #[serde(default)]
        pub settings: ProviderSettings,
        /// Absent: the stored credential stays.
        #[serde(default)]
        pub credential: Option<String>,
        #[serde(default)]
        pub disabled: bool,
    }

    /// `POST /v1/admin/providers/{provider}/test`.
    pub struct ProviderTest {
        pub ok: bool,
        pub duration_ms: u32,
        /// What happened, for a person.
        pub detail: String,
        /// What the provider offers, where it says.
        pub upstream_models: Vec<String>,
    }
}
