//! An organisation's home.

pub const TITLE: &str = "Home";
pub const START: &str = "Your first call";
pub const START_LEAD: &str = "Three steps, about two minutes.";
pub const STEP_KEY: &str = "Create a key";
pub const STEP_KEY_WHY: &str =
    "A key lets one app call models. It is shown once, so have a place for it ready.";
pub const STEP_KEY_BUTTON: &str = "Create key";
pub const STEP_KEY_DONE: &str = "You have a key.";
pub const STEP_KEY_ASK: &str =
    "Your role cannot create keys. Ask a developer, admin or owner for one.";
pub const FIRST_KEY_NAME: &str = "First key";
pub const STEP_CALL: &str = "Call a model";
pub const STEP_CALL_WHY: &str =
    "Put the key into your shell as TOLLGATE_API_KEY, then run one of these.";
pub const STEP_CALL_DONE: &str = "The first call came through.";
pub const WAITING: &str = "Waiting for your first call …";
pub const RELOAD: &str = "Reload to check";
pub const SEEN: &str = "Your first call came through.";
pub const STEP_USAGE: &str = "See it in usage";
pub const STEP_USAGE_WHY: &str = "Tokens and cost appear within seconds of the call.";
pub const STEP_USAGE_BUTTON: &str = "Open usage";
pub const NO_MODEL: &str =
    "Your app is not subscribed to a product with a model yet. Choose one in the catalogue.";
pub const OPEN_CATALOG: &str = "Open the catalogue";
pub const LAST_30_DAYS: &str = "Last 30 days";
pub const REQUESTS: &str = "Calls";
pub const ERRORS: &str = "Refused or failed";
pub const TOKENS: &str = "Tokens";
pub const SPEND: &str = "Spend";
pub const TOP_MODELS: &str = "By model";
pub const MODEL: &str = "Model";
pub const QUIET: &str = "No calls in the last 30 days";
pub const QUIET_WHY: &str = "When your apps call models, what they used shows here.";
pub const NEW_KEY: &str = "Create a key";
pub const SUSPENDED: &str = "This organisation is suspended: its keys are refused.";

/// Says how fresh the figures are.
#[must_use]
pub fn newest(when: &str) -> String {
    format!("Newest call counted: {when}.")
}
