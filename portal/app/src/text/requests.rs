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
pub const TOKENS: &str = "Tokens and cost";
pub const CLASS: &str = "Class";
pub const COUNT: &str = "Tokens";
pub const ESTIMATED: &str = "The provider reported no usage, so the gateway counted these tokens.";
pub const RESERVED: &str = "Reserved while it ran";
pub const UNCHARGED: &str = "It failed before any content, so it costs nothing.";
pub const NO_TOKENS: &str = "No tokens were used.";
pub const CLASSES: [&str; 10] = [
    "Input",
    "Cached input",
    "Cache write",
    "Cache write, one hour",
    "Audio input",
    "Image input",
    "Output",
    "Reasoning",
    "Audio output",
    "Image output",
];
