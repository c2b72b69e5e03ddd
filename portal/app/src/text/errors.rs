//! Why each error happens and what to do about it. `docs/errors/<code>` shows it.

use contract::error::ErrorCode;

/// One code explained.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explained {
    pub cause: &'static str,
    pub fix: &'static str,
    /// Whether sending the same again can help.
    pub retry: &'static str,
}

const NO: &str = "No: the same request gets the same answer.";
const LATER: &str = "Yes, after the time in Retry-After, or after a pause that grows.";
const ONCE: &str = "Yes, with growing pauses. Nothing was billed.";

const fn explained(cause: &'static str, fix: &'static str, retry: &'static str) -> Explained {
    Explained { cause, fix, retry }
}

/// Cause and remedy of `code`.
#[must_use]
pub fn explain(code: ErrorCode) -> Explained {
    request(code)
        .or_else(|| object(code))
        .or_else(|| caller(code))
        .or_else(|| key(code))
        .or_else(|| model(code))
        .or_else(|| limit(code))
        .or_else(|| upstream(code))
        .unwrap_or(UNEXPLAINED)
}

const UNEXPLAINED: Explained = explained(
    "The detail of the answer says what happened.",
    "Follow the detail. If it does not help, tell support the request id.",
    NO,
);

fn request(code: ErrorCode) -> Option<Explained> {
    use ErrorCode as C;
    Some(match code {
        C::RequestInvalid => explained(
            "One or more fields are missing, too long, or of the wrong kind.",
            "The list `errors` names each field by JSON pointer and says what it should be.",
            NO,
        ),
        C::RequestMalformed => explained(
            "A field that the gateway must understand has the wrong type, or the body is nested too deeply.",
            "The detail names the field. Compare it with your SDK's documentation.",
            NO,
        ),
        C::RequestNotJson => explained(
            "The body is empty, cut off, or not JSON.",
            "Send one JSON object with Content-Type: application/json. Check quoting in your shell.",
            NO,
        ),
        C::RequestTooLarge => explained(
            "The body is larger than this address takes.",
            "Send less: shorten the conversation, or split the work into several calls.",
            NO,
        ),
        C::RequestTimeout => explained(
            "The body arrived too slowly, or not to its end.",
            "Check the connection, and that Content-Length matches what you send.",
            "Yes.",
        ),
        C::RequestHeaderInvalid => explained(
            "A header holds characters that HTTP does not allow, or is too long.",
            "Look for line breaks and non-ASCII characters in the headers your program sets.",
            NO,
        ),
        C::RequestMediaType => explained(
            "Content-Type is missing or not one that this address reads.",
            "Send Content-Type: application/json.",
            NO,
        ),
        C::RequestMethod => explained(
            "The address exists, but not for this method.",
            "Look at the Allow header of the answer.",
            NO,
        ),
        C::RequestCursor => explained(
            "The cursor was changed on the way, or belongs to another list.",
            "Send `next` of the last page exactly as it came, with the same filters.",
            NO,
        ),
        C::RequestOrigin => explained(
            "A browser sent the request from a page of another site.",
            "Open the portal itself and do it there. Programs should use an API key, not a browser session.",
            NO,
        ),
        _ => return None,
    })
}

fn object(code: ErrorCode) -> Option<Explained> {
    use ErrorCode as C;
    Some(match code {
        C::RouteUnknown => explained(
            "No operation has this address. Often the base address has /v1 twice, or not at all.",
            "Set the SDK's base address to the gateway's address followed by /v1.",
            NO,
        ),
        C::NotFound => explained(
            "There is no such object, or it is not yours. The two look the same on purpose.",
            "Check the id and the organisation it belongs to.",
            NO,
        ),
        C::Conflict => explained(
            "The object is in a state in which this cannot be done.",
            "Read it again; the detail says which state it is in.",
            NO,
        ),
        C::NameTaken => explained(
            "Something of the same kind has this name already.",
            "Choose another name, or use the one that is there.",
            NO,
        ),
        C::VersionRequired => explained(
            "An edit must say which version it edits, so that nobody's change is lost.",
            "Read the object, then send its version as If-Match: \"<version>\".",
            NO,
        ),
        C::VersionStale => explained(
            "Somebody else changed the object after you read it.",
            "Read it again, look at what changed, and repeat your edit.",
            "Only with the new version.",
        ),
        C::IdempotencyRequired => explained(
            "Requests that create something must be safe to repeat.",
            "Send Idempotency-Key with a value of your own, new for each thing you create.",
            NO,
        ),
        C::IdempotencyMismatch => explained(
            "The same Idempotency-Key came with a different request before.",
            "Use a new key for a new request.",
            NO,
        ),
        C::IdempotencyInFlight => explained(
            "The first request with this key has not finished.",
            "Wait a moment, then repeat it with the same key: you get the first one's answer.",
            LATER,
        ),
        _ => return None,
    })
}

fn caller(code: ErrorCode) -> Option<Explained> {
    use ErrorCode as C;
    Some(match code {
        C::SessionMissing => {
            explained("Nobody is signed in, or the session has ended.", "Sign in again.", NO)
        }
        C::SignInRefused => explained(
            "Address and password do not belong together. Which of them is wrong is not said.",
            "Check both. After several attempts you have to wait.",
            NO,
        ),
        C::SignInThrottled => explained(
            "There were too many attempts for this address or from this network.",
            "Wait as long as Retry-After says.",
            LATER,
        ),
        C::EmailUnverified => explained(
            "The address of the account has not been confirmed yet.",
            "Open the link in the mail we sent, or ask for a new one on the sign-up page.",
            NO,
        ),
        C::TokenInvalid => explained(
            "The link was used already, is too old, or was cut by the mail program.",
            "Ask for a new mail. Copy the link as a whole.",
            NO,
        ),
        C::RoleForbidden => explained(
            "Your role in the organisation does not include this.",
            "Ask an owner or admin to do it, or to change your role.",
            NO,
        ),
        C::InvitationOther => explained(
            "The invitation was sent to another address than the one you are signed in with.",
            "Sign out, then open the link again and use the invited address.",
            NO,
        ),
        C::LastOwner => explained(
            "The organisation would be left without an owner.",
            "Make somebody else an owner first.",
            NO,
        ),
        _ => return None,
    })
}

fn key(code: ErrorCode) -> Option<Explained> {
    use ErrorCode as C;
    Some(match code {
        C::KeyMissing => explained(
            "The call has no Authorization header.",
            "Send Authorization: Bearer <key>. In an SDK, set the API key.",
            NO,
        ),
        C::KeyMalformed => explained(
            "The key is not one of ours, or lost characters while being copied: its checksum does not fit.",
            "Copy the key again as a whole. Look for quotes and line breaks around it.",
            NO,
        ),
        C::KeyUnknown => explained(
            "The key is well formed, but this installation never issued it.",
            "Check that key and address belong to the same installation.",
            NO,
        ),
        C::KeyRevoked => explained(
            "Somebody revoked the key.",
            "Create a new key for the app and put it where the old one was.",
            NO,
        ),
        C::KeyExpired => explained(
            "The key was made with an end date, and it has passed.",
            "Create a new key for the app.",
            NO,
        ),
        C::OrgSuspended => explained(
            "The operator has suspended the organisation.",
            "An owner of the organisation should contact the operator.",
            NO,
        ),
        C::AppDisabled => explained(
            "Somebody has disabled the app that the key belongs to.",
            "Enable the app on its page, or use a key of another app.",
            NO,
        ),
        _ => return None,
    })
}

fn model(code: ErrorCode) -> Option<Explained> {
    use ErrorCode as C;
    Some(match code {
        C::ModelUnknown => explained(
            "No model has this name. Names are exact.",
            "List the models your key may call with GET /v1/models, or look in the catalogue.",
            NO,
        ),
        C::ModelRetired => explained(
            "The model is no longer offered.",
            "Choose another model; its product's page names the successor where there is one.",
            NO,
        ),
        C::ModelBrownOut => explained(
            "The model goes away, and for a while a share of its calls is refused so that nobody misses it.",
            "Use its successor, which the answer names. Retry-After says when the while is over.",
            "After the while that Retry-After tells; better move to the successor.",
        ),
        C::ModelBrownOutGone => explained(
            "The model goes away, and for a while a share of its calls is refused as all will be.",
            "Use its successor, which the answer names.",
            NO,
        ),
        C::ModelOperation => explained(
            "The model exists, but does not do this: an embedding model does not chat.",
            "Choose a model of the right kind.",
            NO,
        ),
        C::ModelUnpriced => explained(
            "The model has no price in force, so a call could not be billed.",
            "The operator has to set a price. Meanwhile use another model.",
            "Later, when there is a price.",
        ),
        C::SubscriptionMissing => explained(
            "The key's app is not subscribed to a product that includes the model.",
            "Open the product in the catalogue and subscribe the app to a plan.",
            NO,
        ),
        C::SubscriptionInactive => explained(
            "The app's subscription is waiting, suspended, cancelled or expired.",
            "Look at the app's subscriptions; subscribe again if it has ended.",
            NO,
        ),
        C::SubscriptionExists => explained(
            "The app has a subscription to this product already.",
            "Cancel it first if you want another plan.",
            NO,
        ),
        _ => return None,
    })
}

fn limit(code: ErrorCode) -> Option<Explained> {
    use ErrorCode as C;
    Some(match code {
        C::LimitRequests => explained(
            "Too many calls in the window of the tightest limit that applies.",
            "Slow down. The answer names the limit and says when it has room again.",
            LATER,
        ),
        C::LimitTokens => explained(
            "Too many tokens in the window of the tightest limit that applies.",
            "Send shorter prompts, set a smaller max_tokens, or wait.",
            LATER,
        ),
        C::LimitConcurrency => explained(
            "Too many calls are running at the same time.",
            "Let some finish first, or queue them on your side.",
            LATER,
        ),
        C::LimitCompute => explained(
            "The model servers worked longer, or predicted more rows, than the tightest limit allows.",
            "Send smaller batches, or wait.",
            LATER,
        ),
        C::LimitQuota => explained(
            "What the plan includes for its day, week, month or longer is used up.",
            "Change to a plan with a larger quota, or wait for the time that the answer names.",
            "When the quota starts again.",
        ),
        C::LimitMoney => explained(
            "What the call may cost does not fit into what the spending limit has left.",
            "Raise the limit, wait for its window to end, or set a smaller max_tokens.",
            "When the limit has room again.",
        ),
        C::BudgetExhausted => explained(
            "The budget that covers this call is used up.",
            "The message names it and says when it starts again. An owner, admin or finance member can raise it for a while, or change it.",
            "When the budget has room again.",
        ),
        C::BudgetThrottled => explained(
            "The budget that covers this call is used up, and calls run at a part of its pace only.",
            "Wait as long as Retry-After says: by then there is room for a call like this one. An owner, admin or finance member can raise the budget.",
            "After the time in Retry-After.",
        ),
        C::WalletEmpty => explained(
            "The organisation pays in advance, and its credit does not cover what the call may cost.",
            "Buy credit, or set a smaller max_tokens.",
            "When there is credit again.",
        ),
        _ => return None,
    })
}

fn upstream(code: ErrorCode) -> Option<Explained> {
    use ErrorCode as C;
    Some(match code {
        C::UpstreamRateLimited => explained(
            "The provider limits how much we may send it right now.",
            "Wait as long as Retry-After says.",
            LATER,
        ),
        C::UpstreamAuth => explained(
            "The provider does not accept the credentials the operator gave us.",
            "The operator has to check the provider's credential.",
            "Later, when the operator has mended it.",
        ),
        C::UpstreamFailed => explained(
            "The provider answered with an error of its own.",
            "If it lasts, use another model.",
            ONCE,
        ),
        C::UpstreamMalformed => explained(
            "What the provider sent is not an answer in its own format.",
            "If it lasts, tell support the request id.",
            ONCE,
        ),
        C::UpstreamCut => explained(
            "The provider closed the connection in the middle of the answer.",
            "Repeat the call. What was delivered before the cut is billed.",
            "Yes.",
        ),
        C::UpstreamTimeout => explained(
            "The provider took longer than we wait.",
            "Ask for a shorter answer, or stream it: then the first part comes early.",
            "Yes, with growing pauses.",
        ),
        C::ResidencyNone => explained(
            "The model's route names the regions where calls may be answered, and no deployment \
             there can take the call.",
            "Ask who looks after the route to add a region, or use another model.",
            NO,
        ),
        C::UpstreamNone => explained(
            "No place where the model runs can take the call at the moment.",
            "Wait, or use another model.",
            ONCE,
        ),
        C::PoolFull => explained(
            "Every replica of the model works on as many calls as it may, and none became free.",
            "Wait as long as Retry-After says; if it happens often, ask for a plan that goes first.",
            ONCE,
        ),
        C::Overloaded => explained(
            "More work arrived than this instance takes on at once.",
            "Spread your calls.",
            LATER,
        ),
        C::StaleConfig => explained(
            "The gateway has not heard from its control plane for too long to trust what it knows.",
            "The operator has to look at it.",
            LATER,
        ),
        C::SpoolFull => explained(
            "The gateway cannot write down what calls use, and does not serve what it cannot account for.",
            "The operator has to make room on the gateway's disk.",
            LATER,
        ),
        C::Unavailable => explained(
            "A part of the service that this needs is not reachable.",
            "Wait a little.",
            LATER,
        ),
        C::Draining => explained(
            "This instance is being stopped and takes no new work.",
            "Open a new connection: another instance answers.",
            "Yes, at once.",
        ),
        C::Internal => explained(
            "An error of ours. It has been written down.",
            "If it happens again, tell support the request id.",
            "Yes, once.",
        ),
        _ => return refused_upstream(code),
    })
}

fn refused_upstream(code: ErrorCode) -> Option<Explained> {
    use ErrorCode as C;
    Some(match code {
        C::UpstreamRefused => explained(
            "The provider did not accept the request; its own words are in the detail.",
            "Change what the provider complains about.",
            NO,
        ),
        C::UpstreamContextFull => explained(
            "The conversation, or what it asks for, is longer than the model can take.",
            "Shorten it, or use a model with a larger window.",
            NO,
        ),
        C::UpstreamPolicy => explained(
            "The provider's own filter refused the content.",
            "Change the content, or use a model of another provider.",
            NO,
        ),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_an_explanation_of_its_own() {
        let bare: Vec<_> =
            ErrorCode::ALL.iter().filter(|code| explain(**code) == UNEXPLAINED).collect();
        assert!(bare.is_empty(), "explain these in text/errors.rs: {bare:?}");
    }
}
