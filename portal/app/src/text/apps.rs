//! Apps and their subscriptions.

pub const TITLE: &str = "Apps";
pub const LEAD: &str = "An app is a program of yours that calls models. It holds keys and subscriptions, and its use is counted for its team.";
pub const NEW: &str = "New app";
pub const NEW_LEAD: &str =
    "It is subscribed to the standard plans at once and can call models as soon as it has a key.";
pub const CREATE: &str = "Create app";
pub const CREATED: &str = "The app is ready. Create a key for it next.";
pub const NAME: &str = "Name";
pub const NAME_HINT: &str = "Shown in usage and costs.";
pub const TEAM: &str = "Team";
pub const TEAM_HINT: &str = "Its use is counted for this team. It cannot be changed later.";
pub const TEAM_UNKNOWN: &str = "Choose a team.";
pub const DESCRIPTION: &str = "Description";
pub const STATE: &str = "State";
pub const CREATED_AT: &str = "Created";
pub const ID: &str = "Id";
pub const THE_ID: &str = "the id";
pub const NONE: &str = "No apps yet";
pub const NONE_WHY: &str =
    "Create one for each program that calls models: then you see what each one uses.";
pub const NONE_ASK: &str = "A developer, admin or owner can create one.";
pub const EDIT: &str = "Edit";
pub const EDIT_TITLE: &str = "Edit app";
pub const SAVE: &str = "Save";
pub const SAVED: &str = "Saved.";
pub const USAGE: &str = "Usage";
pub const KEYS: &str = "Keys";
pub const NEW_KEY: &str = "Create key";
pub const NO_KEYS: &str = "It has no key yet, so it cannot call anything.";

pub const SUBSCRIPTIONS: &str = "Subscriptions";
pub const PRODUCT: &str = "Product";
pub const PLAN: &str = "Plan";
pub const SINCE: &str = "Since";
pub const CHANGE: &str = "Change";
pub const CANCEL: &str = "Cancel subscription";
pub const CANCEL_SHORT: &str = "Cancel";
pub const CANCELLED: &str =
    "The subscription is cancelled. Its models are refused within a second.";
pub const NO_SUBSCRIPTIONS: &str = "It is subscribed to nothing, so every call is refused.";
pub const ADD_SUBSCRIPTION: &str = "Find a product";

pub const DISABLE: &str = "Disable app";
pub const DISABLE_WHY: &str =
    "All its keys are refused within a second, until you enable it again. Nothing is deleted.";
pub const DISABLED: &str = "The app is disabled. Its keys are refused within a second.";
pub const DISABLED_NOW: &str = "This app is disabled: all its keys are refused.";
pub const ENABLE: &str = "Enable app";
pub const ENABLED: &str = "The app is enabled. Its keys work again.";

/// Asks before a subscription ends.
#[must_use]
pub fn cancel_question(product: &str, app: &str) -> String {
    format!("{app} loses access to the models of {product} within a second.")
}
