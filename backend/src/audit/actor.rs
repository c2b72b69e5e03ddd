//! Who acts.

use contract::id::{CallId, PersonId};
use std::net::IpAddr;

/// The person, or the part of the platform, behind a transaction.
#[derive(Debug, Clone)]
pub struct Actor {
    pub person_id: Option<PersonId>,
    /// A person's name, or the part of the platform.
    pub name: String,
    pub email: Option<String>,
    /// The role it acts in: a member's role, or `operator`.
    pub role: Option<&'static str>,
    pub ip: Option<IpAddr>,
    pub call: Option<CallId>,
}

impl Actor {
    /// A part of the platform itself: a job, the publisher, a command.
    #[must_use]
    pub fn platform(part: &str) -> Self {
        Self {
            person_id: None,
            name: part.to_owned(),
            email: None,
            role: None,
            ip: None,
            call: None,
        }
    }
}
