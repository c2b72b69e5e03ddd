//! The person's own pages.

pub const ACCOUNT: &str = "Your account";
pub const NAME: &str = "Name";
pub const EMAIL: &str = "E-mail address";
pub const SINCE: &str = "Member since";
pub const ORGS: &str = "Organisations";
pub const ORGS_LEAD: &str = "Choose where to work.";
pub const NO_ORGS: &str = "You belong to no organisation";
pub const NO_ORGS_WHY: &str = "Ask an owner or admin for an invitation, or make your own.";
pub const NEW_ORG: &str = "New organisation";
pub const NEW_ORG_NAME: &str = "Name";
pub const NEW_ORG_HINT: &str = "You become its owner.";
pub const NEW_ORG_BUTTON: &str = "Create organisation";
pub const ORG_MADE: &str = "The organisation is ready.";
pub const OPERATOR: &str = "You are an operator of this installation.";
