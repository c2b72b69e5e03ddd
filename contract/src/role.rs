//! Who may do what: one table. The backend enforces it, the portal hides buttons with it.

use serde::{Deserialize, Serialize};

/// What a person is in an org, strongest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[cfg_attr(
    feature = "sqlx",
    derive(sqlx::Type),
    sqlx(type_name = "text", rename_all = "snake_case")
)]
pub enum Role {
    Owner,
    Admin,
    Developer,
    Finance,
    Auditor,
}

impl Role {
    pub const ALL: [Self; 5] =
        [Self::Owner, Self::Admin, Self::Developer, Self::Finance, Self::Auditor];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Developer => "developer",
            Self::Finance => "finance",
            Self::Auditor => "auditor",
        }
    }

    /// May this role perform `action` in its own org?
    #[must_use]
    pub const fn may(self, action: Action) -> bool {
        use Action as A;
        use Role as R;
        match action {
            A::ViewOrg | A::ViewCatalog => true,
            A::ViewMembers => matches!(self, R::Owner | R::Admin | R::Developer | R::Auditor),
            A::ViewTeams | A::ViewApps | A::ViewUsage | A::ViewSubscriptions => true,
            A::ViewKeys => matches!(self, R::Owner | R::Admin | R::Developer | R::Auditor),
            A::ViewRequests => matches!(self, R::Owner | R::Admin | R::Developer | R::Auditor),
            A::ViewCosts | A::ViewBudgets => {
                matches!(self, R::Owner | R::Admin | R::Finance | R::Auditor)
            }
            A::EditBudget => matches!(self, R::Owner | R::Admin | R::Finance),
            A::ViewWebhooks => matches!(self, R::Owner | R::Admin | R::Auditor),
            A::ViewRoutes => matches!(self, R::Owner | R::Admin | R::Developer | R::Auditor),
            A::ViewAudit => matches!(self, R::Owner | R::Admin | R::Auditor),
            A::EditOrg => matches!(self, R::Owner),
            A::InviteMember
            | A::EditMember
            | A::RemoveMember
            | A::EditTeam
            | A::EditLimit
            | A::EditRoute
            | A::PurgeCache
            | A::EditWebhook => matches!(self, R::Owner | R::Admin),
            A::EditApp | A::CreateKey | A::RevokeKey | A::Subscribe => {
                matches!(self, R::Owner | R::Admin | R::Developer)
            }
        }
    }

    /// A member grants at most what they hold: owners anything, admins anything but owner.
    #[must_use]
    pub const fn may_grant(self, other: Self) -> bool {
        match self {
            Self::Owner => true,
            Self::Admin => !matches!(other, Self::Owner),
            _ => false,
        }
    }
}

/// Everything a member can do in an org.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    ViewOrg,
    ViewCatalog,
    ViewMembers,
    ViewTeams,
    ViewApps,
    ViewKeys,
    ViewSubscriptions,
    ViewUsage,
    ViewRequests,
    ViewCosts,
    ViewBudgets,
    ViewWebhooks,
    ViewRoutes,
    ViewAudit,
    EditOrg,
    InviteMember,
    EditMember,
    RemoveMember,
    EditTeam,
    EditApp,
    EditLimit,
    EditBudget,
    EditWebhook,
    EditRoute,
    PurgeCache,
    CreateKey,
    RevokeKey,
    Subscribe,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finance_sees_money_but_neither_keys_nor_requests() {
        assert!(Role::Finance.may(Action::ViewCosts));
        assert!(!Role::Finance.may(Action::ViewKeys));
        assert!(!Role::Finance.may(Action::ViewRequests));
        assert!(Role::Finance.may(Action::ViewSubscriptions), "plans are what budgets are set on");
    }

    #[test]
    fn nobody_grants_above_their_own_role() {
        assert!(!Role::Admin.may_grant(Role::Owner));
        assert!(Role::Owner.may_grant(Role::Owner));
        assert!(Role::ALL.iter().all(|other| !Role::Developer.may_grant(*other)));
    }

    #[test]
    fn an_auditor_changes_nothing() {
        use Action as A;
        for action in [
            A::EditOrg,
            A::InviteMember,
            A::EditMember,
            A::RemoveMember,
            A::EditTeam,
            A::EditApp,
            A::EditLimit,
            A::EditBudget,
            A::EditWebhook,
            A::EditRoute,
            A::PurgeCache,
            A::CreateKey,
            A::RevokeKey,
            A::Subscribe,
        ] {
            assert!(!Role::Auditor.may(action), "{action:?}");
        }
    }
}
