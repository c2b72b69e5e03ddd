//! Organisations, members, invitations, teams.

use super::shape;
use crate::id::{InvitationId, OrgId, PersonId, TeamId};
use crate::role::Role;
use chrono::{DateTime, Utc};

shape! {
    /// `GET /v1/orgs/{org}`.
    pub struct Org {
        pub id: OrgId,
        pub slug: String,
        pub name: String,
        pub suspended: bool,
        /// The only regions where its calls may be answered, whatever routes say; empty: any.
        #[serde(default)]
        pub allowed_regions: Vec<String>,
        pub created_at: DateTime<Utc>,
        pub version: i64,
    }

    /// `POST /v1/orgs`: a further organisation; the caller becomes its owner.
    pub struct CreateOrg {
        pub name: String,
    }

    /// `PATCH /v1/orgs/{org}`.
    pub struct UpdateOrg {
        pub name: String,
        /// Absent: as it was. Empty: any region.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        pub allowed_regions: Option<Vec<String>>,
    }

    /// `GET /v1/orgs/{org}/members`.
    pub struct Member {
        pub person_id: PersonId,
        pub email: String,
        pub name: String,
        pub role: Role,
        pub joined_at: DateTime<Utc>,
        pub version: i64,
    }

    /// `PATCH /v1/orgs/{org}/members/{person}`.
    pub struct UpdateMember {
        pub role: Role,
    }

    /// `GET /v1/orgs/{org}/invitations`.
    pub struct Invitation {
        pub id: InvitationId,
        pub email: String,
        pub role: Role,
        pub created_at: DateTime<Utc>,
        pub expires_at: DateTime<Utc>,
    }

    /// `POST /v1/orgs/{org}/invitations`.
    pub struct CreateInvitation {
        pub email: String,
        pub role: Role,
    }

    /// `GET /v1/orgs/{org}/teams`.
    pub struct Team {
        pub id: TeamId,
        pub slug: String,
        pub name: String,
        /// What finance books the team's use on.
        pub cost_center: Option<String>,
        pub created_at: DateTime<Utc>,
        pub version: i64,
    }

    /// `POST /v1/orgs/{org}/teams`.
    pub struct CreateTeam {
        pub name: String,
        #[serde(default)]
        pub cost_center: Option<String>,
    }

    /// `PATCH /v1/orgs/{org}/teams/{team}`.
    pub struct UpdateTeam {
        pub name: String,
        #[serde(default)]
        pub cost_center: Option<String>,
    }
}
