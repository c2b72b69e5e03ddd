//! Why an attempt failed, and whether another may follow: the table of what a provider's answers
//! mean.

use crate::fault::{Fault, Origin, Retry};
use crate::pool::Full;
use crate::provider::{ConnectError, SendError, TokenError};
use crate::telemetry::Count;
use bytes::Bytes;
use contract::error::ErrorCode;
use contract::id::ModelId;
use contract::snapshot::Fallbacks;
use dialect::Wire;
use dialect::convert::{Cause, ProviderError};
use http::{HeaderMap, StatusCode, header};
use std::time::Duration;

/// Whether another attempt is safe and may help.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    Again,
    Never,
}

/// One attempt that failed before anything reached the caller.
#[derive(Debug)]
pub struct Failure {
    pub fault: Fault,
    pub next: Next,
    pub count: Count,
    /// The status that the provider answered with; 0: it did not.
    pub answered: u16,
    /// What the provider says is at fault.
    pub cause: Cause,
}

impl Failure {
    /// The call itself is at fault: no other attempt would do better.
    #[must_use]
    pub fn never(fault: Fault) -> Self {
        Self {
            fault,
            next: Next::Never,
            count: Count::AttemptRefused,
            answered: 0,
            cause: Cause::Unknown,
        }
    }

    /// Whether it tells something of the deployment, which others that call it should know. What a
    /// caller can bring about by what it asks for must not: it would take the place from all.
    #[must_use]
    pub fn is_of_place(&self) -> bool {
        let told = match self.answered {
            0 => !matches!(self.count, Count::AttemptRefused | Count::PoolRefused),
            OK | 401 | 408 | 429 | 500.. => true,
            _ => false,
        };
        told && self.fault.origin != Origin::Client
    }

    /// Which of a route's other models may answer instead: none where the request itself is at fault.
    #[must_use]
    pub fn fallbacks<'r>(&self, route: &'r Fallbacks) -> &'r [ModelId] {
        match self.cause {
            Cause::ContextFull => &route.context,
            Cause::ContentPolicy => &route.content,
            _ if self.fault.origin == Origin::Client => &[],
            _ => &route.general,
        }
    }

    /// The provider speaks no dialect that has such calls.
    #[must_use]
    pub fn not_served() -> Self {
        let detail = "The model's provider does not serve this kind of call.";
        Self::never(Fault::client(ErrorCode::ModelOperation, detail).at("model"))
    }

    /// A status that is not a success, from a provider that is spoken to in another dialect than
    /// the caller's: its sentence is passed on, not its shape.
    #[must_use]
    pub fn of_words(status: StatusCode, headers: &HeaderMap, said: ProviderError) -> Self {
        let refused = said.cause == Cause::Credentials;
        let meant = if refused { StatusCode::UNAUTHORIZED } else { status };
        let mut failure = Self::of_status(meant, headers, Bytes::new(), Wire::Chat);
        let code = match said.cause {
            Cause::ContextFull => ErrorCode::UpstreamContextFull,
            Cause::ContentPolicy => ErrorCode::UpstreamPolicy,
            Cause::Refused => ErrorCode::UpstreamRefused,
            Cause::RateLimited => ErrorCode::UpstreamRateLimited,
            Cause::Quota | Cause::Overloaded => ErrorCode::UpstreamFailed,
            Cause::Unknown | Cause::Credentials => failure.fault.code,
        };
        let fault = &mut failure.fault;
        fault.code = code;
        if code.status() < 500 && code != ErrorCode::UpstreamRateLimited {
            fault.origin = Origin::Client;
            fault.retry = Retry::Useless;
            failure.next = Next::Never;
            if let Some(message) = &said.message {
                fault.detail = message.clone().into();
            }
            fault.param = said.param.map(Into::into);
        }
        if let Some(message) = said.message {
            let kind = said.kind.unwrap_or_default();
            failure.fault.more_mut().cause = Some(format!("status {status}: {kind} {message}"));
        }
        (failure.answered, failure.cause) = (status.as_u16(), said.cause);
        failure
    }

    /// The pool has no place for the call. Another deployment may have one.
    #[must_use]
    pub fn no_place(full: Full) -> Self {
        let (code, detail, retry_after) = match full {
            Full::Nowhere => (
                ErrorCode::UpstreamNone,
                "No replica of the model takes calls at the moment.",
                None,
            ),
            Full::Left => (ErrorCode::PoolFull, "The caller left while the call waited.", None),
            Full::Line { retry_after } => (
                ErrorCode::PoolFull,
                "Every replica of the model is busy, and as many calls wait as may.",
                Some(retry_after),
            ),
            Full::Waited { retry_after } => (
                ErrorCode::PoolFull,
                "Every replica of the model is busy, and none had room in the time that a call may \
                 wait.",
                Some(retry_after),
            ),
        };
        let fault = Fault { retry_after, ..Fault::us(code, detail) };
        Self {
            fault,
            next: Next::Again,
            count: Count::PoolRefused,
            answered: 0,
            cause: Cause::Unknown,
        }
    }

    /// No token could be had to call with.
    #[must_use]
    pub fn no_token(error: TokenError) -> Self {
        let detail = "The provider's tokens cannot be fetched. The operator has to mend that; \
                      your key is fine.";
        let fault = Fault::upstream(ErrorCode::UpstreamAuth, detail).because(error);
        Self {
            fault,
            next: Next::Again,
            count: Count::AttemptUnreachable,
            answered: 0,
            cause: Cause::Unknown,
        }
    }

    /// No connection, or it broke before the answer's head.
    #[must_use]
    pub fn unreachable(error: &SendError) -> Self {
        let (code, detail, count) = match error {
            SendError::Connect(ConnectError::Timeout) => {
                (ErrorCode::UpstreamTimeout, TIMEOUT, Count::AttemptTimedOut)
            }
            _ => (
                ErrorCode::UpstreamFailed,
                "The provider could not be reached.",
                Count::AttemptUnreachable,
            ),
        };
        let fault = Fault::upstream(code, detail).because(error);
        Self { fault, next: Next::Again, count, answered: 0, cause: Cause::Unknown }
    }

    /// Nothing came in time.
    #[must_use]
    pub fn timeout() -> Self {
        Self {
            fault: Fault::upstream(ErrorCode::UpstreamTimeout, TIMEOUT),
            next: Next::Again,
            count: Count::AttemptTimedOut,
            answered: 0,
            cause: Cause::Unknown,
        }
    }

    /// The answer ended before it was whole, or before a stream's content.
    #[must_use]
    pub fn cut(cause: impl std::fmt::Display) -> Self {
        let detail = "The provider ended the answer before it was whole.";
        Self {
            fault: Fault::upstream(ErrorCode::UpstreamCut, detail).because(cause),
            next: Next::Again,
            count: Count::AttemptCut,
            answered: OK,
            cause: Cause::Unknown,
        }
    }

    /// A success that is not an answer.
    #[must_use]
    pub fn malformed(cause: impl std::fmt::Display) -> Self {
        let detail = "The provider answered with something that is not an answer.";
        Self {
            fault: Fault::upstream(ErrorCode::UpstreamMalformed, detail).because(cause),
            next: Next::Again,
            count: Count::AttemptRefused,
            answered: OK,
            cause: Cause::Unknown,
        }
    }

    /// A stream that the provider broke off before its content.
    #[must_use]
    pub fn broken_off() -> Self {
        let detail = "The provider broke the answer off.";
        Self {
            fault: Fault::upstream(ErrorCode::UpstreamFailed, detail),
            next: Next::Again,
            count: Count::AttemptRefused,
            answered: OK,
            cause: Cause::Unknown,
        }
    }

    /// A status that is not a success. `body` is what came with it, in the dialect `wire`, which is
    /// the caller's too.
    #[must_use]
    pub fn of_status(status: StatusCode, headers: &HeaderMap, body: Bytes, wire: Wire) -> Self {
        let answered = status.as_u16();
        let blames_request = answered == 500 && dialect::openai::is_refusal(&body);
        let status = if blames_request { StatusCode::BAD_REQUEST } else { status };
        // 409: another request holds a lock. 520 to 524: a proxy of Cloudflare's has no connection.
        let again = matches!(status.as_u16(), 408 | 409 | 429 | 500 | 502..=504 | 520..=524 | 529);
        let fault = match status.as_u16() {
            400 | 413 | 415 | 422 => refused(status, body, wire),
            401 | 403 => Fault::upstream(
                ErrorCode::UpstreamAuth,
                "The provider refused our credentials. The operator has to mend that; your key is \
                 fine.",
            )
            .useless_to_retry(),
            404 => Fault::upstream(
                ErrorCode::UpstreamFailed,
                "The provider does not know the address or the model that this model is served by. \
                 The operator has to mend that.",
            )
            .useless_to_retry(),
            408 | 504 => Fault::upstream(ErrorCode::UpstreamTimeout, TIMEOUT),
            429 => Fault::upstream(
                ErrorCode::UpstreamRateLimited,
                "The provider is limiting requests. Try again shortly.",
            ),
            _ => Fault::upstream(ErrorCode::UpstreamFailed, "The provider failed."),
        };
        let fault = fault.because(format_args!("status {status}"));
        Self {
            fault: Fault { retry_after: retry_after(headers), ..fault },
            next: if again { Next::Again } else { Next::Never },
            count: Count::AttemptRefused,
            answered,
            cause: Cause::Unknown,
        }
    }
}

/// Of an answer whose head was a success.
const OK: u16 = 200;
const TIMEOUT: &str = "The provider did not answer in time.";

/// The request itself is at fault, and the provider says why: its own words go to the caller.
fn refused(status: StatusCode, body: Bytes, wire: Wire) -> Fault {
    let sentence: &[u8] = if wire == Wire::Cohere { b"message" } else { b"error" };
    let mut fault = Fault::client(ErrorCode::UpstreamRefused, "The provider refused the request.");
    fault.retry = Retry::Useless;
    let mut says_why = false;
    let walked = dialect::json::walk_object(&body, |member| {
        says_why |= member.name(&body).is_some_and(|name| name.as_ref() == sentence);
    });
    if walked.is_ok() && says_why {
        fault.more_mut().answer = Some((status, body));
    }
    fault
}

/// How long a provider asks to wait.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    number("retry-after-ms")
        .map(Duration::from_millis)
        .or_else(|| number(header::RETRY_AFTER.as_str()).map(Duration::from_secs))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(status: u16, body: &str) -> Failure {
        let status = StatusCode::from_u16(status).unwrap();
        Failure::of_status(status, &HeaderMap::new(), Bytes::from(body.to_owned()), Wire::Chat)
    }

    #[test]
    fn each_status_has_its_meaning() {
        use ErrorCode as C;
        for (status, code, answered, next) in [
            (400, C::UpstreamRefused, 400, Next::Never),
            (401, C::UpstreamAuth, 502, Next::Never),
            (403, C::UpstreamAuth, 502, Next::Never),
            (404, C::UpstreamFailed, 502, Next::Never),
            (408, C::UpstreamTimeout, 504, Next::Again),
            (409, C::UpstreamFailed, 502, Next::Again),
            (422, C::UpstreamRefused, 400, Next::Never),
            (429, C::UpstreamRateLimited, 429, Next::Again),
            (500, C::UpstreamFailed, 502, Next::Again),
            (501, C::UpstreamFailed, 502, Next::Never),
            (503, C::UpstreamFailed, 502, Next::Again),
            (504, C::UpstreamTimeout, 504, Next::Again),
            (522, C::UpstreamFailed, 502, Next::Again),
            (529, C::UpstreamFailed, 502, Next::Again),
            (302, C::UpstreamFailed, 502, Next::Never),
        ] {
            let failure = of(status, "not ours");
            assert_eq!(
                (failure.fault.code, failure.fault.status().as_u16(), failure.next),
                (code, answered, next),
                "{status}"
            );
        }
    }

    #[test]
    fn what_a_caller_can_bring_about_says_nothing_of_the_deployment() {
        let refusal = r#"{"error":{"message":"too large","type":"server_error"}}"#;
        for (failure, of_place) in [
            (of(429, ""), true),
            (of(500, ""), true),
            (of(401, ""), true),
            (Failure::timeout(), true),
            (Failure::cut("early"), true),
            (Failure::malformed("HTML"), true),
            (of(400, refusal), false),
            (of(403, ""), false),
            (of(404, ""), false),
            (of(409, ""), false),
            (Failure::not_served(), false),
        ] {
            assert_eq!(failure.is_of_place(), of_place, "{failure:?}");
        }
        let blames = r#"{"error":{"code":500,"message":"input (3002 tokens) is too large to process. increase the physical batch size (current batch size: 512)","type":"server_error"}}"#;
        assert!(!of(500, blames).is_of_place());
    }

    #[test]
    fn a_refusal_of_the_request_goes_to_the_caller_in_the_providers_words() {
        let body = r#"{"error":{"message":"max_tokens is too large","code":null}}"#;
        let failure = of(422, body);
        assert_eq!(failure.fault.status(), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(failure.fault.more.unwrap().answer.unwrap().1, body);
        // Cohere's are a message without a shell around it, which nobody else's SDK would read.
        let body = Bytes::from_static(br#"{"id":"i","message":"no"}"#);
        let passes = |wire| {
            let status = StatusCode::BAD_REQUEST;
            let fault = Failure::of_status(status, &HeaderMap::new(), body.clone(), wire).fault;
            fault.more.is_some_and(|more| more.answer.is_some())
        };
        assert!(passes(Wire::Cohere) && !passes(Wire::Chat));
    }

    #[test]
    fn a_failure_that_blames_the_request_is_a_refusal() {
        let body = r#"{"error":{"code":500,"message":"input (3002 tokens) is too large to process. increase the physical batch size (current batch size: 512)","type":"server_error"}}"#;
        let failure = of(500, body);
        let answered = (failure.fault.code, failure.fault.status(), failure.next);
        assert_eq!(answered, (ErrorCode::UpstreamRefused, StatusCode::BAD_REQUEST, Next::Never));
        assert_eq!(failure.fault.more.unwrap().answer.unwrap().1, body);
    }

    #[test]
    fn the_wait_a_provider_asks_for_is_read_to_the_millisecond() {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", "7".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_secs(7)));
        headers.insert("retry-after-ms", "250".parse().unwrap());
        assert_eq!(retry_after(&headers), Some(Duration::from_millis(250)));
        headers.clear();
        headers.insert("retry-after", "Wed, 21 Oct 2026 07:28:00 GMT".parse().unwrap());
        assert_eq!(retry_after(&headers), None);
    }
}
