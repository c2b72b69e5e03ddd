//! Who is in an org and what they did: members, invitations, teams, the audit log.

use super::{Backend, Query};
use crate::fault::Fault;
use contract::api::audit::AuditEntry;
use contract::api::orgs::{
    CreateInvitation, CreateTeam, Invitation, Member, Org, Team, UpdateMember, UpdateOrg,
    UpdateTeam,
};
use contract::page::Page;

impl Backend<'_> {
    /// # Errors
    /// Refusals of the name; `object.version_stale`.
    pub async fn update_org(
        &self,
        org: &str,
        version: i64,
        body: &UpdateOrg,
    ) -> Result<Org, Fault> {
        self.patch(&["orgs", org], version, body).await
    }

    /// # Errors
    /// `role.forbidden`.
    pub async fn all_members(&self, org: &str) -> Result<Vec<Member>, Fault> {
        self.all(&["orgs", org, "members"], &[]).await
    }

    /// # Errors
    /// `role.forbidden`, `role.last_owner`, `object.version_stale`.
    pub async fn update_member(
        &self,
        org: &str,
        person: &str,
        version: i64,
        body: &UpdateMember,
    ) -> Result<Member, Fault> {
        self.patch(&["orgs", org, "members", person], version, body).await
    }

    /// # Errors
    /// `role.forbidden`, `role.last_owner`.
    pub async fn remove_member(&self, org: &str, person: &str) -> Result<(), Fault> {
        self.delete(&["orgs", org, "members", person]).await
    }

    /// # Errors
    /// `role.forbidden`.
    pub async fn all_invitations(&self, org: &str) -> Result<Vec<Invitation>, Fault> {
        self.all(&["orgs", org, "invitations"], &[]).await
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_invitation(
        &self,
        org: &str,
        key: &str,
        body: &CreateInvitation,
    ) -> Result<Invitation, Fault> {
        self.post(&["orgs", org, "invitations"], key, body).await
    }

    /// # Errors
    /// Not found.
    pub async fn delete_invitation(&self, org: &str, invitation: &str) -> Result<(), Fault> {
        self.delete(&["orgs", org, "invitations", invitation]).await
    }

    /// # Errors
    /// Not found for everybody who is not a member.
    pub async fn all_teams(&self, org: &str) -> Result<Vec<Team>, Fault> {
        self.all(&["orgs", org, "teams"], &[]).await
    }

    /// # Errors
    /// Not found.
    pub async fn team(&self, org: &str, team: &str) -> Result<Team, Fault> {
        let teams = self.all_teams(org).await?;
        teams.into_iter().find(|one| one.id.to_string() == team).ok_or(Fault::NotFound)
    }

    /// # Errors
    /// Refusals of fields.
    pub async fn create_team(
        &self,
        org: &str,
        key: &str,
        body: &CreateTeam,
    ) -> Result<Team, Fault> {
        self.post(&["orgs", org, "teams"], key, body).await
    }

    /// # Errors
    /// Refusals of fields; `object.version_stale`.
    pub async fn update_team(
        &self,
        org: &str,
        team: &str,
        version: i64,
        body: &UpdateTeam,
    ) -> Result<Team, Fault> {
        self.patch(&["orgs", org, "teams", team], version, body).await
    }

    /// # Errors
    /// `role.forbidden`; refusals of the filter.
    pub async fn audit(
        &self,
        org: &str,
        query: Query<'_>,
        cursor: Option<String>,
    ) -> Result<Page<AuditEntry>, Fault> {
        self.page(&["orgs", org, "audit"], query, cursor).await
    }
}
