//! Every error a caller can meet: a stable code, its HTTP status, and the problem+json body
//! (RFC 9457) that carries it. A code never changes its meaning; `docs/errors/<code>` explains it.

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $status:literal, $title:literal;)*) => {
        /// A stable error code, `<area>.<what>`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum ErrorCode { $($(#[$doc])* $name,)* }

        impl ErrorCode {
            /// Every code, for the error catalogue.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $text,)* }
            }

            /// The HTTP status it is answered with.
            #[must_use]
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// One short sentence, the same for every occurrence.
            #[must_use]
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }

            #[must_use]
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$name),)* _ => None }
            }
        }
    };
}

codes! {
    // The request itself.
    RequestInvalid = "request.invalid", 422, "Some fields are not valid.";
    RequestMalformed = "request.malformed", 400, "A field of the request is not valid.";
    RequestNotJson = "request.not_json", 400, "The body is not valid JSON.";
    RequestTooLarge = "request.too_large", 413, "The body is too large.";
    RequestTimeout = "request.timeout", 408, "The request did not arrive in time.";
    RequestHeaderInvalid = "request.header_invalid", 400, "A header is not valid.";
    RequestMediaType = "request.media_type", 415, "The content type is not supported.";
    RequestMethod = "request.method", 405, "The method is not allowed here.";
    RequestCursor = "request.cursor", 400, "The page cursor is not one of ours.";
    RequestOrigin = "request.origin", 403, "The request came from another site.";
    RouteUnknown = "route.unknown", 404, "There is nothing at this address.";
    NotFound = "object.not_found", 404, "There is no such object.";
    Conflict = "object.conflict", 409, "The object is in a state that does not allow this.";
    NameTaken = "object.name_taken", 409, "The name is already in use.";
    VersionRequired = "object.version_required", 428, "Send If-Match with the version you edited.";
    VersionStale = "object.version_stale", 412, "Somebody else changed the object since you read it.";
    IdempotencyRequired = "idempotency.required", 400, "Send an Idempotency-Key.";
    IdempotencyMismatch = "idempotency.mismatch", 422, "The Idempotency-Key was used with another request.";
    IdempotencyInFlight = "idempotency.in_flight", 409, "The first request with this Idempotency-Key is still running.";

    // Who is calling the control API.
    SessionMissing = "session.missing", 401, "Sign in first.";
    SignInRefused = "session.refused", 401, "The e-mail address or the password is not right.";
    SignInThrottled = "session.throttled", 429, "Too many attempts. Wait before trying again.";
    EmailUnverified = "session.email_unverified", 403, "Verify your e-mail address first.";
    TokenInvalid = "session.token_invalid", 410, "The link is no longer valid.";
    RoleForbidden = "role.forbidden", 403, "Your role does not allow this.";
    InvitationOther = "invitation.other_address", 403, "The invitation is for another address.";
    LastOwner = "role.last_owner", 409, "An organisation keeps at least one owner.";

    // Keys.
    KeyMissing = "key.missing", 401, "No API key was sent.";
    KeyMalformed = "key.malformed", 401, "The API key is not well formed.";
    KeyUnknown = "key.unknown", 401, "The API key is not known.";
    KeyRevoked = "key.revoked", 401, "The API key was revoked.";
    KeyExpired = "key.expired", 401, "The API key has expired.";
    OrgSuspended = "org.suspended", 403, "The organisation is suspended.";
    AppDisabled = "app.disabled", 403, "The app is disabled.";

    // Models and subscriptions.
    ModelUnknown = "model.unknown", 404, "There is no such model.";
    ModelRetired = "model.retired", 404, "The model was retired.";
    ModelBrownOut = "model.brown_out", 503, "The model is going away and refuses a share of its calls for now.";
    ModelBrownOutGone = "model.brown_out_gone", 410, "The model is going away and refuses a share of its calls for now.";
    ModelOperation = "model.operation", 400, "The model does not offer this operation.";
    ModelUnpriced = "model.unpriced", 503, "The model has no price in force.";
    SubscriptionMissing = "subscription.missing", 403, "The app is not subscribed to a product with this model.";
    SubscriptionInactive = "subscription.inactive", 403, "The subscription is not active.";
    SubscriptionExists = "subscription.exists", 409, "The app is already subscribed to this product.";

    // Limits and money.
    LimitRequests = "limit.requests", 429, "The request limit is used up for now.";
    LimitTokens = "limit.tokens", 429, "The token limit is used up for now.";
    LimitConcurrency = "limit.concurrency", 429, "Too many calls at once.";
    LimitCompute = "limit.compute", 429, "The limit on compute is used up for now.";
    LimitQuota = "limit.quota", 403, "The plan's quota is used up.";
    LimitMoney = "limit.money", 402, "The spending limit is used up.";
    BudgetExhausted = "budget.exhausted", 402, "The budget is used up.";
    WalletEmpty = "wallet.empty", 402, "The prepaid credit is used up.";
    BudgetThrottled = "budget.throttled", 429, "The budget is used up, and calls are slowed down.";

    // Upstream.
    UpstreamRefused = "upstream.refused", 400, "The provider refused the request.";
    UpstreamContextFull = "upstream.context_full", 400, "The conversation is longer than the model's window.";
    UpstreamPolicy = "upstream.content_policy", 400, "The provider's policy forbids the content.";
    UpstreamRateLimited = "upstream.rate_limited", 429, "The provider is limiting requests.";
    UpstreamAuth = "upstream.auth", 502, "The provider refused our credentials.";
    UpstreamFailed = "upstream.failed", 502, "The provider failed.";
    UpstreamMalformed = "upstream.malformed", 502, "The provider answered with something that is not an answer.";
    UpstreamCut = "upstream.cut", 502, "The provider ended the answer too early.";
    UpstreamTimeout = "upstream.timeout", 504, "The provider did not answer in time.";
    ResidencyNone = "residency.none", 403, "No deployment is in a region where the call may be answered.";
    UpstreamNone = "upstream.none", 503, "No deployment of the model is available.";
    PoolFull = "pool.full", 503, "Every replica of the model is busy, and no place became free in time.";

    // Us.
    Overloaded = "service.overloaded", 503, "The service is busy. Try again shortly.";
    StaleConfig = "service.stale_config", 503, "The gateway's configuration is too old to be trusted.";
    SpoolFull = "service.spool_full", 503, "Usage cannot be recorded, so no new work is accepted.";
    Unavailable = "service.unavailable", 503, "A part of the service is not reachable.";
    Draining = "service.draining", 503, "This instance is shutting down.";
    Internal = "service.internal", 500, "Something went wrong on our side.";
}

impl std::fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for ErrorCode {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.as_str())
    }
}

/// One field that is not valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct FieldError {
    /// JSON pointer into the request body (`/email`), or `?name` for a query parameter.
    pub pointer: String,
    /// What is wrong and how to fix it.
    pub detail: String,
}

impl FieldError {
    #[must_use]
    pub fn new(pointer: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), detail: detail.into() }
    }
}

/// The body of every refusal of the control API: `application/problem+json`, RFC 9457.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Problem {
    /// Address of the page that explains the code.
    #[serde(rename = "type")]
    pub kind: String,
    pub title: String,
    pub status: u16,
    /// What happened this time and what to do about it.
    pub detail: String,
    /// The stable code, for programs.
    pub code: String,
    /// Give this to support.
    pub request_id: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

impl Problem {
    /// The relative address of a code's page; the portal serves it.
    #[must_use]
    pub fn type_of(code: ErrorCode) -> String {
        format!("/docs/errors/{}", code.as_str())
    }

    #[must_use]
    pub fn new(code: ErrorCode, detail: impl Into<String>, request_id: impl Into<String>) -> Self {
        Self {
            kind: Self::type_of(code),
            title: code.title().to_owned(),
            status: code.status(),
            detail: detail.into(),
            code: code.as_str().to_owned(),
            request_id: request_id.into(),
            errors: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_reads_back_and_is_an_error_status() {
        for code in ErrorCode::ALL {
            assert_eq!(ErrorCode::parse(code.as_str()), Some(*code));
            assert!((400..600).contains(&code.status()), "{code}");
        }
    }

    #[test]
    fn no_two_codes_share_a_text() {
        let mut texts: Vec<_> = ErrorCode::ALL.iter().map(|c| c.as_str()).collect();
        texts.sort_unstable();
        texts.dedup();
        assert_eq!(texts.len(), ErrorCode::ALL.len());
    }
}
