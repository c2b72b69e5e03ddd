//! Members, invitations, teams.

use contract::role::Role;

pub const TITLE: &str = "Members";
pub const LEAD: &str = "Who works in this organisation, and what they may do.";
pub const INVITE: &str = "Invite somebody";
pub const NAME: &str = "Name";
pub const EMAIL: &str = "E-mail address";
pub const ROLE: &str = "Role";
pub const JOINED: &str = "Joined";
pub const YOU: &str = "you";
pub const ROLE_UNKNOWN: &str = "Choose one of the roles.";

pub const INVITE_LEAD: &str = "They get a mail with a link that works once, for 7 days.";
pub const INVITE_BUTTON: &str = "Send invitation";
pub const INVITED: &str = "The invitation is on its way.";
pub const INVITATIONS: &str = "Open invitations";
pub const SENT: &str = "Sent";
pub const EXPIRES: &str = "Expires";
pub const CHANGE: &str = "Change";
pub const WITHDRAW: &str = "Withdraw";
pub const WITHDRAWN: &str = "The invitation is withdrawn. Its link no longer works.";

pub const CHANGE_ROLE: &str = "Change role";
pub const ROLE_CHANGED: &str = "The role is changed.";
pub const REMOVE: &str = "Remove from the organisation";
pub const REMOVE_WHY: &str =
    "They lose access at once. Keys they created belong to their apps and keep working.";
pub const REMOVED: &str = "They no longer belong to the organisation.";

pub const TEAMS: &str = "Teams";
pub const TEAMS_LEAD: &str =
    "A team owns apps and carries a cost centre, so that costs can be split by it.";
pub const NEW_TEAM: &str = "New team";
pub const CREATE_TEAM: &str = "Create team";
pub const TEAM_CREATED: &str = "The team is ready.";
pub const COST_CENTER: &str = "Cost centre";
pub const COST_CENTER_HINT: &str = "What finance books the team's use on.";
pub const CREATED: &str = "Created";
pub const EDIT_TEAM: &str = "Edit team";
pub const SAVE: &str = "Save";
pub const SAVED: &str = "Saved.";
pub const NONE: &str = "none";
pub const NO_TEAMS: &str = "No teams yet";
pub const NO_TEAMS_WHY: &str = "Make one for each department that uses models.";

/// A role and what it may do, for a choice.
#[must_use]
pub const fn role(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner: everything, owners too",
        Role::Admin => "Admin: everything but owners and the organisation's name",
        Role::Developer => "Developer: apps, keys, subscriptions; sees usage",
        Role::Finance => "Finance: sees costs and usage; no keys, no requests",
        Role::Auditor => "Auditor: sees everything, changes nothing",
    }
}

/// A role in a word.
#[must_use]
pub const fn role_word(role: Role) -> &'static str {
    match role {
        Role::Owner => "Owner",
        Role::Admin => "Admin",
        Role::Developer => "Developer",
        Role::Finance => "Finance",
        Role::Auditor => "Auditor",
    }
}
