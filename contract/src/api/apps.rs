//! Apps: the programs that call the gateway.

use super::shape;
use crate::id::{AppId, TeamId};
use chrono::{DateTime, Utc};

shape! {
    /// `GET /v1/orgs/{org}/apps`.
    pub struct App {
        pub id: AppId,
        pub team_id: TeamId,
        pub team_name: String,
        pub slug: String,
        pub name: String,
        pub description: String,
        /// A disabled app's keys are refused with `app.disabled`.
        pub disabled: bool,
        pub created_at: DateTime<Utc>,
        pub version: i64,
    }

    /// `POST /v1/orgs/{org}/apps`. The app is subscribed to every auto-approved plan that is the
    /// default for new apps.
    pub struct CreateApp {
        pub name: String,
        /// Absent: the org's oldest team.
        #[serde(default)]
        pub team_id: Option<TeamId>,
        #[serde(default)]
        pub description: String,
    }

    /// `PATCH /v1/orgs/{org}/apps/{app}`.
    pub struct UpdateApp {
        pub name: String,
        #[serde(default)]
        pub description: String,
        #[serde(default)]
        pub disabled: bool,
    }
}
