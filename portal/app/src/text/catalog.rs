//! The catalogue and its products.

use crate::format;
use crate::text::prices;
use contract::api::rate::RateUsd;
use contract::snapshot::Modality;

pub const TITLE: &str = "Catalogue";
pub const LEAD: &str = "Every model your apps can call, with its price.";
pub const SEARCH: &str = "Search";
pub const MODALITY: &str = "Kind";
pub const ANY: &str = "All kinds";
pub const FILTER: &str = "Filter";
pub const CLEAR: &str = "Show everything";
pub const NONE: &str = "No product matches";
pub const NONE_WHY: &str = "Try fewer or other words, or show everything.";
pub const EMPTY: &str = "The catalogue is empty";
pub const EMPTY_WHY: &str = "Nothing has been published here yet.";
pub const MODELS: &str = "Models";

pub const PRICES: &str = "Models and prices";
pub const PRICES_NOTE: &str =
    "US dollars; rates of tokens are per million. Every call is priced to the nano-dollar.";
pub const NO_PRICE: &str = "No price in force: it cannot be called.";
pub const CONTEXT: &str = "Context";
pub const OUTPUT_MAX: &str = "Longest answer";
pub const REGIONS: &str = "Regions";
pub const PROVIDERS: &str = "Run by";
pub const NAME_IN_CALLS: &str = "Name in calls";
pub const THE_NAME: &str = "the model's name";
pub const STATE: &str = "State";
pub const NOT_STATED: &str = "not stated";

pub const PLANS: &str = "Plans";
pub const NO_PLANS: &str = "There is no plan yet, so nobody can subscribe.";
pub const NO_LIMITS: &str = "No limits of its own";
pub const AUTO: &str = "Active as soon as you subscribe";
pub const MANUAL: &str = "Waits for a person's approval";
pub const DEFAULT: &str = "New apps have it from the start";
pub const OTHER_PRICES: &str = "Prices on this plan";

pub const SUBSCRIBE: &str = "Subscribe an app";
pub const SUBSCRIBE_BUTTON: &str = "Subscribe";
pub const APP: &str = "App";
pub const PLAN: &str = "Plan";
pub const APP_UNKNOWN: &str = "Choose an app.";
pub const PLAN_UNKNOWN: &str = "Choose a plan.";
pub const ALL_SUBSCRIBED: &str = "All your apps are subscribed.";
pub const NO_APPS: &str = "There is no app to subscribe yet.";
pub const SUBSCRIBED: &str = "The app is subscribed.";
pub const SUBSCRIBED_APPS: &str = "Subscribed apps";
pub const SIGN_UP: &str = "Create an account to call it. No card needed.";
pub const SAMPLES: &str = "Call it";
pub const SAMPLES_WHY: &str = "With your key in TOLLGATE_API_KEY:";
pub const ABOUT: &str = "About";

/// What a model does.
#[must_use]
pub const fn modality(modality: Modality) -> &'static str {
    match modality {
        Modality::Chat => "Chat",
        Modality::Embedding => "Embeddings",
        Modality::Rerank => "Ranking",
        Modality::Predict => "Prediction",
        Modality::Image => "Pictures",
        Modality::Speech => "Speech",
        Modality::Transcription => "Transcription",
        Modality::Moderation => "Moderation",
    }
}

/// How many there are.
#[must_use]
pub fn found(count: usize, more: bool) -> String {
    match (count, more) {
        (1, false) => "1 product".to_owned(),
        (1, true) => "1 product on this page".to_owned(),
        (count, false) => format!("{count} products"),
        (count, true) => format!("{count} products on this page"),
    }
}

/// The lowest price; nothing when no model of it costs anything.
#[must_use]
pub fn from(price: Option<RateUsd>) -> String {
    price.map_or_else(|| prices::FREE.to_owned(), |price| format!("from {}", prices::amount(price)))
}

/// How many apps of the org are subscribed.
#[must_use]
pub fn subscribed(apps: u32) -> String {
    match apps {
        1 => "1 app subscribed".to_owned(),
        more => format!("{more} apps subscribed"),
    }
}

/// A number of tokens; zero means that nobody stated it.
#[must_use]
pub fn tokens(count: u32) -> String {
    match count {
        0 => NOT_STATED.to_owned(),
        count => format!("{} tokens", format::count(u64::from(count))),
    }
}

/// An app that cannot be chosen, and why.
#[must_use]
pub fn has_it(app: &str, plan: &str) -> String {
    format!("{app} (already subscribed: {plan})")
}

/// An app that cannot be chosen because it is disabled.
#[must_use]
pub fn is_disabled(app: &str) -> String {
    format!("{app} (disabled)")
}
