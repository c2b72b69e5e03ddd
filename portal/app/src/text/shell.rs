//! What stands around every page.

pub const PRODUCT: &str = "Tollgate";
pub const SKIP: &str = "Skip to the content";
pub const MENU: &str = "Menu";
pub const MAIN_NAV: &str = "Main";
pub const SIGN_IN: &str = "Sign in";
pub const SIGN_UP: &str = "Sign up";
pub const SIGN_OUT: &str = "Sign out";
pub const ACCOUNT: &str = "Account";
pub const ORGANISATION: &str = "Organisation";
pub const ALL_ORGS: &str = "All organisations";
pub const OPERATOR: &str = "Operator";
pub const QUICKSTART: &str = "Quickstart";
pub const ERRORS: &str = "Error codes";
