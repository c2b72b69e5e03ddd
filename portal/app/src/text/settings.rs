//! The organisation itself.

pub const TITLE: &str = "Settings";
pub const NAME: &str = "Name";
pub const NAME_HINT: &str = "Shown to its members. Addresses keep the short name.";
pub const SLUG: &str = "Short name";
pub const ID: &str = "Id";
pub const THE_ID: &str = "the id";
pub const SINCE: &str = "Since";
pub const REGIONS: &str = "Regions";
pub const REGIONS_HINT: &str =
    "The only ones where its calls may be answered, with commas between. Empty: any.";
pub const ANY_REGION: &str = "any";
pub const RENAME: &str = "Save";
pub const RENAMED: &str = "The organisation is changed.";
pub const NEEDS_OWNER: &str = "Only an owner can rename it.";
