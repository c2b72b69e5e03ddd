//! The second room: who is calling. Decides from the snapshot, before a byte of the body is read.

use crate::admit::{Admitted, Stamp, Surface};
use crate::fault::Fault;
use crate::recall::CacheAsked;
use crate::snapshot::Snapshot;
use crate::worker::{InFlight, Worker};
use contract::Timestamp;
use contract::error::ErrorCode;
use contract::key::{KeyPepper, ParsedKey};
use contract::snapshot::{AppRecord, KeyRecord, Tag, TagFault};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use hyper::body::Incoming;
use std::rc::Rc;
use std::sync::Arc;

/// A request whose caller is known. Of its headers only what is passed on is kept.
#[derive(Debug)]
pub struct Principal {
    pub stamp: Rc<Stamp>,
    pub surface: Surface,
    /// Until it is read.
    pub body: Option<Incoming>,
    /// Of a call that somebody waits for.
    pub in_flight: Option<InFlight>,
    pub passed_on: PassedOn,
    /// What the caller says the call is for.
    pub tags: Box<[Tag]>,
    pub key: Arc<KeyRecord>,
    pub app: Arc<AppRecord>,
}

impl Principal {
    /// The same caller, of a copy of its call: nobody waits for that one, and it asks for nothing
    /// beside its answer.
    #[must_use]
    pub fn of_copy(&self, stamp: Rc<Stamp>) -> Self {
        Self {
            stamp,
            surface: Surface::Server,
            body: None,
            in_flight: None,
            passed_on: PassedOn { include_cost: false, ..self.passed_on.clone() },
            tags: self.tags.clone(),
            key: Arc::clone(&self.key),
            app: Arc::clone(&self.app),
        }
    }
}

/// Headers of a caller that a provider gets. Everything else stays here: credentials, cookies,
/// addresses, our own, and an idempotency key, which callers who share our credential would clash
/// on.
const PASSED_ON: [HeaderName; 2] =
    [HeaderName::from_static("traceparent"), HeaderName::from_static("tracestate")];
/// Those that only the caller's own dialect has a meaning for.
const PASSED_WITHIN: [HeaderName; 3] = [
    HeaderName::from_static("openai-beta"),
    HeaderName::from_static("anthropic-version"),
    HeaderName::from_static("anthropic-beta"),
];
const TAGS: HeaderName = HeaderName::from_static("x-tollgate-tags");
const INCLUDE_COST: HeaderName = HeaderName::from_static("x-tollgate-include-cost");

/// What is kept of a caller's headers.
#[derive(Debug, Clone, Default)]
pub struct PassedOn {
    /// For the provider.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// For a provider that is spoken to in the caller's dialect.
    pub within: Vec<(HeaderName, HeaderValue)>,
    /// The `Content-Type` of a body that is a form: its boundary is in it.
    pub form: Option<HeaderValue>,
    /// What some route looks at.
    pub asked: Vec<(HeaderName, HeaderValue)>,
    /// The caller wants to be told the cost.
    pub include_cost: bool,
    /// What the caller says of answers that are not made for it.
    pub cache: CacheAsked,
}

impl PassedOn {
    fn of(headers: &HeaderMap, snapshot: &Snapshot) -> Self {
        let mut kept = Self::default();
        for (name, value) in headers {
            if PASSED_ON.contains(name) {
                kept.headers.push((name.clone(), value.clone()));
            } else if PASSED_WITHIN.contains(name) {
                kept.within.push((name.clone(), value.clone()));
            }
            if snapshot.routes_look_at(name) {
                kept.asked.push((name.clone(), value.clone()));
            }
            kept.include_cost |= name == INCLUDE_COST && value == "1";
            if name == header::CACHE_CONTROL {
                kept.cache.add(value.as_bytes());
            }
            if name == header::CONTENT_TYPE && is_form(value) {
                kept.form = Some(value.clone());
            }
        }
        kept
    }
}

fn is_form(kind: &HeaderValue) -> bool {
    const FORM: &[u8] = b"multipart/form-data";
    kind.as_bytes().get(..FORM.len()).is_some_and(|start| start.eq_ignore_ascii_case(FORM))
}

/// Finds the key, proves its secret, and that key, app and org may call now. The credential does
/// not leave this room.
///
/// # Errors
/// `key.missing`, `key.malformed`, `key.unknown`, `key.revoked`, `key.expired`, `app.disabled`,
/// `org.suspended`; `request.header_invalid` for tags that are not well formed.
pub fn identify(worker: &Worker, admitted: Admitted) -> Result<Principal, Fault> {
    let text = credential(&admitted.headers, admitted.query_key.as_deref())?;
    let stamp = &admitted.stamp;
    let (key, app) = known(&worker.gateway.pepper, &stamp.snapshot, text, stamp.at)?;
    let passed_on = PassedOn::of(&admitted.headers, &stamp.snapshot);
    let tags = tags(&admitted.headers)?;
    let Admitted { stamp, surface, body, in_flight, .. } = admitted;
    let (body, in_flight) = (Some(body), Some(in_flight));
    Ok(Principal { stamp, surface, body, in_flight, passed_on, tags, key, app })
}

/// The tags of a call: `x-tollgate-tags: cost-centre=42, feature=search`, in one header or several.
fn tags(headers: &HeaderMap) -> Result<Box<[Tag]>, Fault> {
    let mut tags = Vec::new();
    for value in headers.get_all(TAGS) {
        let read = text(value).map_or(Err(TagFault::Value), |text| Tag::read(text, &mut tags));
        read.map_err(|fault| {
            Fault::client(
                ErrorCode::RequestHeaderInvalid,
                format!("The header {TAGS} is not valid: {fault}."),
            )
        })?;
    }
    Ok(tags.into_boxed_slice())
}

fn text(value: &HeaderValue) -> Option<&str> {
    std::str::from_utf8(value.as_bytes()).ok().map(str::trim)
}

/// The key's text: `Authorization: Bearer`, else `x-api-key`, `api-key`, `x-goog-api-key`, else
/// the query's.
fn credential<'a>(headers: &'a HeaderMap, query: Option<&'a str>) -> Result<&'a str, Fault> {
    let malformed = || {
        Fault::client(
            ErrorCode::KeyMalformed,
            "The API key is not well formed. Send it whole, as `Authorization: Bearer tg_live_…`.",
        )
    };
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let value = text(value).ok_or_else(malformed)?;
        let (scheme, key) = value.split_once(' ').ok_or_else(malformed)?;
        return if scheme.eq_ignore_ascii_case("bearer") {
            Ok(key.trim())
        } else {
            Err(malformed())
        };
    }
    let named = ["x-api-key", "api-key", "x-goog-api-key"];
    match (named.into_iter().find_map(|name| headers.get(name)), query) {
        (Some(value), _) => text(value).ok_or_else(malformed),
        (None, Some(key)) => Ok(key),
        (None, None) => Err(Fault::client(
            ErrorCode::KeyMissing,
            "No API key was sent. Send one of your app's keys as `Authorization: Bearer tg_live_…`.",
        )),
    }
}

fn known(
    pepper: &KeyPepper,
    snapshot: &Snapshot,
    text: &str,
    now: Timestamp,
) -> Result<(Arc<KeyRecord>, Arc<AppRecord>), Fault> {
    let parsed = ParsedKey::parse(text).ok_or_else(|| {
        Fault::client(
            ErrorCode::KeyMalformed,
            "The API key is not well formed: it was cut or mistyped. Keys look like \
             `tg_live_…` and are 57 characters long or so; copy it again.",
        )
    })?;
    let unknown = || Fault::client(ErrorCode::KeyUnknown, "The API key is not known here.");
    let key = snapshot.key(parsed.public_id).filter(|key| key.env == parsed.env);
    let key = key.ok_or_else(unknown)?;
    let hash = pepper.hash(&parsed);
    // Every secret is compared, so that the time taken tells nothing of which one fits.
    let mut fits = None;
    for secret in &key.secrets {
        if secret.hash == hash {
            fits = Some(secret);
        }
    }
    let secret = fits.ok_or_else(unknown)?;
    if key.revoked_at.is_some_and(|at| at <= now) {
        return Err(Fault::client(ErrorCode::KeyRevoked, "The API key was revoked. Use another."));
    }
    let expired = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
    if expired(key.expires_at) || expired(secret.expires_at) {
        return Err(Fault::client(
            ErrorCode::KeyExpired,
            "The API key has expired. Make a new one in the portal.",
        ));
    }
    // A key without its app or org is a snapshot that cannot be right: refuse.
    let app =
        snapshot.app(key.app_id).filter(|app| app.org_id == key.org_id).ok_or_else(unknown)?;
    let org = snapshot.org(key.org_id).ok_or_else(unknown)?;
    if org.suspended {
        return Err(Fault::client(
            ErrorCode::OrgSuspended,
            "The organisation is suspended. Its owner can find out why.",
        ));
    }
    if app.disabled {
        return Err(Fault::client(
            ErrorCode::AppDisabled,
            "The app is disabled. A member of its team can enable it.",
        ));
    }
    Ok((Arc::clone(key), Arc::clone(app)))
}
