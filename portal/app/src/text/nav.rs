//! The rail and the header's menus.

pub const BUILD: &str = "Build";
pub const OBSERVE: &str = "Observe";
pub const SPEND: &str = "Spend";
pub const MANAGE: &str = "Manage";
pub const OPERATE: &str = "Operate";
pub const HOME: &str = "Home";
pub const CATALOG: &str = "Catalogue";
pub const APPS: &str = "Apps";
pub const KEYS: &str = "Keys";
pub const USAGE: &str = "Usage";
pub const REQUESTS: &str = "Requests";
pub const BUDGETS: &str = "Budgets";
pub const COSTS: &str = "Costs";
pub const LIMITS: &str = "Limits";
pub const MEMBERS: &str = "Members";
pub const TEAMS: &str = "Teams";
pub const WEBHOOKS: &str = "Webhooks";
pub const AUDIT: &str = "Audit log";
pub const SETTINGS: &str = "Settings";
pub const PROVIDERS: &str = "Providers";
pub const MODELS: &str = "Models";
pub const PRODUCTS: &str = "Products";
pub const DEAD_LETTERS: &str = "Dead letters";
