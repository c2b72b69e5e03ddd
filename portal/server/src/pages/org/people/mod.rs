//! Members, invitations and teams of an organisation.

pub mod invite;
pub mod member;
pub mod members;
pub mod teams;

use contract::role::Role;
use portal_app::components::Choice;
use portal_app::text::people as text;

/// The roles that somebody with `role` may give.
fn grantable(role: Role) -> Vec<Choice> {
    Role::ALL
        .into_iter()
        .filter(|other| role.may_grant(*other))
        .map(|other| Choice::new(other.as_str(), text::role(other)))
        .collect()
}
