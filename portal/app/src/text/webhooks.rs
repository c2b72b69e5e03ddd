//! Webhooks.

pub const TITLE: &str = "Webhooks";
pub const LEAD: &str =
    "Signed messages to your own programs, for example when a budget reaches a threshold.";
pub const ADD: &str = "Add webhook";
pub const URL: &str = "Address";
pub const URL_HINT: &str = "https, of a host that is reachable from the internet.";
pub const NONE: &str = "No webhooks yet";
pub const NONE_WHY: &str = "Add one to have alerts arrive in a program of yours.";
pub const STATE: &str = "State";
pub const SINCE: &str = "Since";
pub const DELETE: &str = "Remove webhook";
pub const DELETED: &str = "The webhook is removed.";
pub const TEST: &str = "Send a test message";
pub const TESTED: &str = "The test message is on its way. It is listed below.";
pub const DELIVERIES: &str = "Messages";
pub const NO_DELIVERIES: &str = "Nothing was sent yet.";
pub const MESSAGE: &str = "Message";
pub const ATTEMPTS: &str = "Attempts";
pub const ANSWER: &str = "Last answer";
pub const AT: &str = "Queued (UTC)";
pub const SECRET: &str = "The secret of your webhook";
pub const SECRET_WARN: &str = "Copy it now: this is the only time it is shown.";
pub const SECRET_WHY: &str =
    "Your program checks signatures with it. If it gets lost, exchange it for a new one.";
pub const ROTATE: &str = "Exchange the secret";
pub const ROTATE_WHY: &str = "Messages are signed with both secrets for a day, so that your program can learn the new one in its own time.";
pub const OLD_UNTIL: &str = "The secret before this one signs until";
pub const THE_SECRET: &str = "the secret";
pub const STORED: &str = "I have stored it";
pub const VERIFY: &str = "How your program checks a message";
pub const VERIFY_WHY: &str = "Messages follow Standard Webhooks. Refuse what is older than five minutes, compare signatures in constant time, act once on each webhook-id, and answer 2xx within ten seconds: anything else is tried again for some hours.";
pub const CODE: &str = "check in Python";
/// With the standard library alone.
pub const SAMPLE: &str = r#"import base64, hashlib, hmac, time

def is_ours(secret, headers, body):  # body: the bytes as they came
    stamp = headers["webhook-timestamp"]
    if abs(time.time() - int(stamp)) > 300:
        return False
    key = base64.b64decode(secret.removeprefix("whsec_"))
    message = f'{headers["webhook-id"]}.{stamp}.'.encode() + body
    made = "v1," + base64.b64encode(hmac.new(key, message, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(made, one) for one in headers["webhook-signature"].split())"#;
