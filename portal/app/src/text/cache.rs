//! Answers that are given again, in words.

use contract::snapshot::CacheSemantic;
use contract::snapshot::{CacheExact, CachePolicy, CacheScope};
use contract::usage::Cached;

pub const TITLE: &str = "Kept answers";
pub const EXACT: &str = "Answer the same call again with the answer that was kept";
pub const EXACT_HINT: &str = "Only whole answers are kept, and never those of calls with tools.";
pub const TTL: &str = "Keep answers for (seconds)";
pub const TTL_HINT: &str = "1 to 604800, which is a week.";
pub const TTL_BAD: &str = "Enter whole seconds, such as 3600.";
pub const SCOPE: &str = "Shared by";
pub const SCOPE_HINT: &str = "Never by two organisations.";
pub const SEMANTIC: &str = "Answer calls that mean the same, compared by";
pub const SEMANTIC_HINT: &str = "Only the words of the last question may differ, and it must name the same numbers. The embedding model is asked for each call that is not found in its own words: that is your cost, and takes its time.";
pub const SEMANTIC_NONE: &str = "nothing: only identical calls";
pub const SEMANTIC_BAD: &str = "Choose an embedding model.";
pub const ALIKE: &str = "How alike they must be (thousandths)";
pub const ALIKE_HINT: &str =
    "500 to 1000. Below 900 questions about other things are taken for the same.";
pub const ALIKE_BAD: &str = "Enter a whole number from 500 to 1000.";
/// What a plan begins with.
pub const ALIKE_USUAL: u16 = 960;
pub const HIT_PRICE: &str = "A kept answer costs (% of the call's price)";
pub const COALESCE: &str = "Share one answer among identical calls made at the same time";
pub const COALESCED_PRICE: &str = "A shared answer costs (% of the call's price)";
pub const PERCENT_BAD: &str = "Enter a whole number from 0 to 100.";
pub const PERCENT_HINT: &str = "0 to 100. Tokens count in limits as ever; money as it is charged.";

pub const PURGE: &str = "Throw away kept answers";
pub const PURGE_ORG: &str = "No call made from now on is given an answer that was kept before. Calls cost their full price until answers are kept again.";
pub const PURGE_PRODUCT: &str = "No call of this product made from now on, whichever organisation's, is given an answer that was kept before.";
pub const PURGED: &str = "Thrown away. Gateways hear of it within a second.";

pub const ANSWERED: &str = "Answered";

#[must_use]
pub const fn exact(exact: CacheExact) -> &'static str {
    match exact {
        CacheExact::Off => "Never",
        CacheExact::Deterministic => "Calls at temperature 0",
        CacheExact::All => "Calls at any temperature",
    }
}

#[must_use]
pub const fn scope(scope: CacheScope) -> &'static str {
    match scope {
        CacheScope::App => "the keys of one app",
        CacheScope::Team => "the apps of one team",
        CacheScope::Org => "the whole organisation",
    }
}

/// What a plan says of it, a sentence each; nothing where every call is made.
#[must_use]
pub fn points(cache: &CachePolicy) -> Vec<String> {
    let mut points = Vec::new();
    let of_price = |percent: u8| match percent {
        0 => "free".to_owned(),
        percent => format!("{percent} % of the call's price"),
    };
    let shared = scope(cache.scope);
    if cache.exact != CacheExact::Off {
        let calls = exact(cache.exact).to_lowercase();
        points.push(format!(
            "Answers to {calls} are kept for {} s within {shared}; one costs: {}",
            cache.ttl_s,
            of_price(cache.hit_price_percent)
        ));
    }
    if let Some(CacheSemantic { alike_min, .. }) = cache.semantic {
        points.push(format!(
            "So are calls whose last question means the same in other words (at least {}.{} % alike)",
            alike_min / 10,
            alike_min % 10
        ));
    }
    if !cache.is_off() {
        points.push(format!(
            "Identical calls at the same time within {shared} share one answer; a share costs: {}",
            of_price(cache.coalesced_price_percent)
        ));
    }
    points
}

/// How a call was answered that made no answer of its own.
#[must_use]
pub fn answered(cached: Cached, percent: Option<u8>) -> String {
    let how = match cached {
        Cached::Exact => "with a kept answer",
        Cached::Semantic => "with the kept answer to a call that means the same",
        Cached::Coalesced => "with the answer to an identical call",
    };
    match percent {
        Some(percent) => format!("{how}, for {percent} % of its price"),
        None => how.to_owned(),
    }
}
