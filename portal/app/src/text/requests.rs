//! Single requests.

pub const TITLE: &str = "Requests";
pub const LEAD: &str = "Every call that reached a provider, newest first.";
pub const FIND: &str = "Request id";
pub const FIND_HINT: &str = "From the header x-request-id of an answer.";
pub const OUTCOME: &str = "Outcome";
pub const ANY: &str = "Every outcome";
pub const ALL_APPS: &str = "All apps";
pub const APP: &str = "App";
pub const SHOW: &str = "Show";
pub const TIME: &str = "Time (UTC)";
pub const MODEL: &str = "Model";
pub const STATUS: &str = "Status";
pub const INPUT: &str = "Tokens in";
pub const OUTPUT: &str = "Tokens out";
pub const COST: &str = "Cost";
pub const DURATION: &str = "Duration";
pub const NONE: &str = "No requests";
pub const NONE_WHY: &str = "Nothing matches. Calls show here within seconds.";
pub const CLEAR: &str = "Show everything";

pub const REQUEST: &str = "Request";
pub const THE_ID: &str = "the request id";
pub const KEY: &str = "Key";
pub const OPERATION: &str = "Operation";
pub const STREAMED: &str = "streamed";
pub const ERROR: &str = "Error";
pub const ATTEMPTS: &str = "Attempts at providers";
pub const FIRST_TOKEN: &str = "First token after";
pub const TIMING: &str = "Timing";
pub const USE: &str = "Use and cost";
pub const CLASS: &str = "What";
pub const COUNT: &str = "How much";
pub const ESTIMATED: &str = "The provider reported no usage, so the gateway counted it.";
pub const RESERVED: &str = "Reserved while it ran";
pub const UNCHARGED: &str = "It failed before any content, so it costs nothing.";
pub const NOTHING: &str = "Nothing was used.";
pub const CLASSES: [&str; 10] = [
    "Input tokens",
    "Cached input tokens",
    "Cache write tokens",
    "Cache write tokens, one hour",
    "Audio input tokens",
    "Image input tokens",
    "Output tokens",
    "Reasoning tokens",
    "Audio output tokens",
    "Image output tokens",
];

pub const DECIDED: &str = "Reservation and price";
pub const ODD: &str = "The provider's report was not sound, so part of it was estimated or capped.";
pub const TAGS: &str = "Tags";
pub const TOPPED_UP: &str = "Reserved more";
pub const SETTLED: &str = "Settled at";
pub const PRICE: &str = "Version of the price";
pub const PLAN: &str = "Plan";
pub const VERSION: &str = "Version of the configuration";
pub const FAILED_ATTEMPTS: &str = "Other attempts";
pub const FAILED_FREE: &str = "What a provider charges for them is ours to bear.";
pub const DEPLOYMENT: &str = "Deployment";
pub const LIMITS: &str = "Limits";
pub const LIMIT: &str = "Limit";
pub const LIMIT_GONE: &str = "A limit that is gone";
pub const HELD: &str = "Held";
pub const USED: &str = "Used";
pub const LEDGER: &str = "Ledger";
pub const NOT_BOOKED: &str = "Nothing is booked: the call costs nothing, or it was not booked yet.";
