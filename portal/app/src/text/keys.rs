//! API keys.

pub const TITLE: &str = "Keys";
pub const LEAD: &str = "A key lets one app call models. Its secret is shown once, when it is made.";
pub const NEW: &str = "Create key";
pub const NAME: &str = "Name";
pub const APP: &str = "App";
pub const KEY: &str = "Key";
pub const STATE: &str = "State";
pub const CREATED: &str = "Created";
pub const CREATED_BY: &str = "Created by";
pub const EXPIRES: &str = "Expires";
pub const REVOKED_AT: &str = "Revoked";
pub const LAST_USED: &str = "Last used";
pub const ENV: &str = "Environment";
pub const NONE: &str = "No keys yet";
pub const NONE_WHY: &str = "Create one to call your first model.";
pub const NONE_ASK: &str = "A developer, admin or owner can create one.";

pub const NEW_LEAD: &str = "You see the secret once, on the next page.";
pub const NAME_HINT: &str =
    "Says where the key is used, so that you know what stops when you revoke it.";
pub const APP_HINT: &str = "The key may call what this app is subscribed to.";
pub const ENV_HINT: &str = "Test keys start with tg_test_, so that nobody takes one for the other.";
pub const LIVE: &str = "Live";
pub const TEST: &str = "Test";
pub const EXPIRY: &str = "Expires after";
pub const EXPIRY_HINT: &str = "A key that expires does less harm when it leaks.";
pub const EXPIRY_UNKNOWN: &str = "Choose one of the times offered.";
pub const DAYS_30: &str = "30 days";
pub const DAYS_90: &str = "90 days";
pub const YEAR: &str = "1 year";
pub const NEVER: &str = "Never";
pub const NO_APPS: &str = "There is no app to make a key for";
pub const NO_APPS_WHY: &str = "A key belongs to an app. Create the app first.";
pub const APP_UNKNOWN: &str = "Choose an app.";
pub const ENV_UNKNOWN: &str = "Choose live or test.";

pub const REVEAL: &str = "Your new key";
pub const REVEAL_WARN: &str = "Copy it now: this is the only time it is shown.";
pub const REVEAL_WHY: &str = "We keep a fingerprint of it, not the key. If it gets lost, create another and revoke this one.";
pub const THE_KEY: &str = "the key";
pub const USE_IT: &str = "Use it now";
pub const USE_IT_WHY: &str =
    "Paste this into a terminal. It is a real call and is billed like one.";
pub const CURL: &str = "curl with the key";
pub const AS_ENV: &str = "As an environment variable";
pub const ENV_LINE: &str = "environment variable";
pub const WAITING: &str = "Waiting for the first call with this key …";
pub const SEEN: &str = "The first call with this key came through.";
pub const SEE_USAGE: &str = "See it in usage";
pub const STORED: &str = "I have stored it";
pub const SHOWN: &str = "This key was shown before";
pub const SHOWN_WHY: &str = "A key is shown once, right after it is made. If you have no copy, create another and revoke this one.";
pub const SEE_KEY: &str = "See the key's details";

pub const REVOKE: &str = "Revoke key";
pub const REVOKE_SURE: &str = "Revoke this key";
pub const KEEP: &str = "Keep it";
pub const REVOKED: &str = "The key is revoked. Gateways refuse it within a second.";
pub const REVOKED_BEFORE: &str = "This key was revoked before.";
pub const CONSEQUENCE: &str = "Calls with it are refused within a second. This cannot be undone.";
pub const REQUESTS: &str = "Requests with this key";
pub const NEVER_USED: &str = "It has never been used.";
pub const DEFAULT_NAME: &str = "Key of";

/// When it was last used, as part of the question whether to revoke it.
#[must_use]
pub fn last_used(ago: &str) -> String {
    format!("It was last used {ago}.")
}

/// What is left for the app.
#[must_use]
pub fn others(app: &str, count: usize) -> String {
    match count {
        0 => format!("{app} has no other working key: all its calls will fail."),
        1 => format!("{app} has 1 other working key."),
        more => format!("{app} has {more} other working keys."),
    }
}
