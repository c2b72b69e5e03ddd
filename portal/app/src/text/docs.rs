//! Documentation pages.

pub const QUICKSTART: &str = "Quickstart";
pub const QUICKSTART_LEAD: &str = "From nothing to a metered call with the SDK you already use.";
pub const KEY: &str = "1. Get a key";
pub const KEY_TEXT: &str = "Create an account, confirm your address, and press Create key on the home page. The key is \
     shown once. Keep it in a secret store or an environment variable, never in code.";
pub const CALL: &str = "2. Call a model";
pub const CALL_TEXT: &str =
    "Point your SDK at the gateway and send the key as the API key. Everything else stays.";
pub const STREAM: &str = "3. Stream, if you like";
pub const STREAM_TEXT: &str = "Set stream to true. Tokens are counted either way.";
pub const SEE: &str = "4. See what it cost";
pub const SEE_TEXT: &str = "Usage and costs show the call within seconds. Every answer carries x-request-id: search for \
     it, or tell it to support.";
pub const ERRORS: &str = "Error codes";
pub const ERRORS_LEAD: &str =
    "Every refusal has a stable code. Programs may rely on it; the sentences may change.";
pub const CODE: &str = "Code";
pub const STATUS: &str = "Status";
pub const MEANING: &str = "Meaning";
pub const CAUSE: &str = "Why it happens";
pub const FIX: &str = "What to do";
pub const RETRY: &str = "Retry";
