//! Pages for what went wrong.

pub const NOT_FOUND: &str = "There is nothing here";
pub const NOT_FOUND_WHY: &str =
    "The address leads nowhere, or to something that you cannot see. Check it for typing mistakes.";
pub const FORBIDDEN: &str = "Not with your role";
pub const OTHER_SITE: &str = "This form came from another site";
pub const OTHER_SITE_WHY: &str = "To protect your account, forms are only taken from the portal itself. Open the page here and \
     send it again.";
pub const UNAVAILABLE: &str = "We cannot answer right now";
pub const UNAVAILABLE_WHY: &str = "A part of the service is not reachable. Calls through the gateway are not affected. Try again \
     in a minute.";
pub const BROKEN: &str = "Something went wrong on our side";
pub const BROKEN_WHY: &str = "It is not your doing, and it has been written down. If it happens again, tell support the \
     request id.";
pub const REQUEST_ID: &str = "Request id";
pub const GO_HOME: &str = "Go to the start page";
pub const TRY_AGAIN: &str = "Try again";

/// Who could do it.
#[must_use]
pub fn needs_role(roles: &str) -> String {
    format!("This needs the role {roles}. An owner or admin of the organisation can change yours.")
}
