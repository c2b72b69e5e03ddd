//! Whether a call may be given the answer to another, and under which key. What must stay true:
//! what may differ from call to call, or does something, is never answered from memory.

use super::CacheAsked;
use super::key::{CacheSecret, KeyMaker, Tenant, TenantKey};
use crate::admit::Kind;
use crate::permit::Permit;
use crate::read::Call;
use crate::snapshot::DeploymentView;
use contract::snapshot::{CacheExact, CachePolicy};
use contract::usage::Operation;
use dialect::neutral::{Content, Part, Request, Source, ToolChoice};
use http::HeaderName;

/// How a call stands to the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stand {
    /// Its plan has none.
    Off,
    /// Its plan has one, and it is not for such calls, or its caller wants nothing of it.
    Past,
    Wanted(Wanted),
}

/// What a call may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub key: TenantKey,
    pub policy: CachePolicy,
    /// An answer that is there will do.
    pub looks: bool,
    /// Its answer may be kept.
    pub keeps: bool,
    /// The oldest answer that will do.
    pub ttl_ms: i64,
}

impl Wanted {
    /// How `permit` stands, if it is answered by `place`.
    #[must_use]
    pub fn of(secret: &CacheSecret, permit: &Permit, place: &DeploymentView) -> Stand {
        let (policy, call) = (permit.plan.cache, &permit.call);
        if policy.is_off() {
            return Stand::Off;
        }
        let asked = call.principal.passed_on.cache;
        if asked.no_store || !is_conversation(call) {
            return Stand::Past;
        }
        // What cannot be read is refused on the way, if it must be.
        let Ok(request) = call.neutral() else { return Stand::Past };
        if acts(request) || looks_elsewhere(request) {
            return Stand::Past;
        }
        let keeps = match policy.exact {
            CacheExact::Off => false,
            CacheExact::Deterministic => request.sampling.temperature == Some(0.0),
            CacheExact::All => true,
        };
        if !keeps && !policy.coalesce {
            return Stand::Past;
        }
        let Some(key) = key(secret, permit, place, request) else { return Stand::Past };
        let CacheAsked { no_cache, age_max_s, .. } = asked;
        let ttl_s = age_max_s.map_or(policy.ttl_s.into(), |max| max.min(policy.ttl_s.into()));
        let ttl_ms = i64::try_from(ttl_s.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let looks = !no_cache && ttl_ms > 0;
        Stand::Wanted(Self { key, policy, looks, keeps, ttl_ms })
    }
}

/// Only these are read into the neutral form.
fn is_conversation(call: &Call) -> bool {
    call.operation == Operation::Chat
        && call.native.is_none()
        && call.media.is_none()
        && matches!(call.kind, Kind::Usual)
}

/// Whether an answer may do something: call a tool, ours or the vendor's, or search.
fn acts(request: &Request) -> bool {
    let may_call = !request.tools.is_empty() && request.tool_choice != Some(ToolChoice::None);
    let searches = |name: &str| matches!(name, "web_search_options" | "search_parameters");
    may_call || request.extra.iter().any(|extra| searches(&extra.name))
}

/// Whether something of it is not in it: what is at an address may change.
fn looks_elsewhere(request: &Request) -> bool {
    request.turns.iter().flat_map(|turn| &turn.parts).any(is_elsewhere)
}

fn is_elsewhere(part: &Part) -> bool {
    match &part.content {
        Content::Image(media)
        | Content::Audio(media)
        | Content::Video(media)
        | Content::File(media) => matches!(media.source, Source::Url(_) | Source::Uploaded(..)),
        Content::ToolResult(result) => result.parts.iter().any(is_elsewhere),
        // Only its vendor knows what it is.
        Content::Native(_) => true,
        _ => false,
    }
}

/// Fields that only one dialect has and that change no answer: whether its vendor keeps it, and how a
/// stream is told.
const CHANGES_NOTHING: [&str; 2] = ["store", "stream_options"];

/// Everything that the answer depends on.
fn key(
    secret: &CacheSecret,
    permit: &Permit,
    place: &DeploymentView,
    request: &Request,
) -> Option<TenantKey> {
    let principal = &permit.call.principal;
    let (org, app) = (principal.key.org_id, &principal.app);
    let snapshot = &principal.stamp.snapshot;
    let tenant = Tenant::new(org, app.team_id, app.id, permit.plan.cache.scope);
    let mut key = KeyMaker::new(secret, &tenant);
    // What was thrown away is found no more.
    let product = snapshot.product(permit.plan.product_id);
    key.number(snapshot.org(org).map_or(0, |org| org.purges).into());
    key.number(product.map_or(0, |product| product.purges).into());
    key.add(permit.plan.product_id.0.as_bytes());
    // The model and its version; the route, because it may say in which regions.
    key.add(permit.model.record.id.0.as_bytes());
    key.add(place.record.model_id.0.as_bytes());
    key.add(place.record.upstream_model.as_bytes());
    let route = snapshot.route(permit.asked(), org).map(|route| &route.record);
    key.add(route.map(|route| route.id.0).unwrap_or_default().as_bytes());
    key.number(route.map_or(0, |route| route.version).into());
    key.number(permit.plan.output_tokens_max.unwrap_or_default().into());
    for name in ["anthropic-beta", "openai-beta"].map(HeaderName::from_static) {
        for (_, value) in principal.passed_on.within.iter().filter(|(other, _)| *other == name) {
            key.add(name.as_str().as_bytes());
            key.add(value.as_bytes());
        }
    }
    for extra in request.extra.iter().filter(|extra| !CHANGES_NOTHING.contains(&&*extra.name)) {
        key.add(extra.wire.as_str().as_bytes());
        key.add(extra.name.as_bytes());
        key.add(extra.value.to_string().as_bytes());
    }
    key.finish(|out| Ok(serde_json::to_writer(out, request)?)).ok()
}
