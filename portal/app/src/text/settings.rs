//! The organisation itself.

pub const TITLE: &str = "Settings";
pub const NAME: &str = "Name";
pub const NAME_HINT: &str = "Shown to its members. Addresses keep the short name.";
pub const SLUG: &str = "Short name";
pub const ID: &str = "Id";
pub const THE_ID: &str = "the id";
pub const SINCE: &str = "Since";
pub const RENAME: &str = "Rename";
pub const RENAMED: &str = "The organisation has its new name.";
pub const NEEDS_OWNER: &str = "Only an owner can rename it.";
