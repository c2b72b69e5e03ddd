//! Whether a call may be given the answer to another, and under which key. What must stay true:
//! what may differ from call to call, or does something, is never answered from memory.

use super::CacheAsked;
use super::key::{CacheSecret, KeyMaker, Tenant, TenantKey};
use crate::admit::Kind;
use crate::permit::Permit;
use crate::read::Call;
use crate::snapshot::DeploymentView;
use contract::snapshot::{CacheExact, CachePolicy, CacheSemantic};
use contract::usage::Operation;
use dialect::json;
use dialect::neutral::{Content, Extra, Part, Request, Source, ToolChoice};
use http::HeaderName;
use std::io;

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
    /// Under which it shares the answer of a call under way: only with those that would be given the
    /// same kept ones.
    pub flight: TenantKey,
    pub policy: CachePolicy,
    /// By what it may be given the answer to a call that means the same.
    pub semantic: Option<CacheSemantic>,
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
        if asked.no_store {
            return Stand::Past;
        }
        // What cannot be read is refused on the way, if it must be.
        let known = match call.operation {
            Operation::Chat => of_conversation(secret, permit, place),
            operation if is_deterministic(operation) => {
                told_alike(secret, permit, place).map(|key| (key, true))
            }
            _ => None,
        };
        let Some((key, deterministic)) = known else { return Stand::Past };
        let keeps = match policy.exact {
            CacheExact::Off => false,
            CacheExact::Deterministic => deterministic,
            CacheExact::All => true,
        };
        if !keeps && !policy.coalesce {
            return Stand::Past;
        }
        let semantic = policy.semantic.filter(|_| keeps && call.operation == Operation::Chat);
        let flight = match semantic {
            None => key,
            Some(CacheSemantic { model_id, alike_min }) => {
                key.but_for(&[model_id.0.as_bytes(), &alike_min.to_le_bytes()[..]].concat())
            }
        };
        let CacheAsked { no_cache, age_max_s, .. } = asked;
        let ttl_s = age_max_s.map_or(policy.ttl_s.into(), |max| max.min(policy.ttl_s.into()));
        let ttl_ms = i64::try_from(ttl_s.saturating_mul(1_000)).unwrap_or(i64::MAX);
        let looks = !no_cache && ttl_ms > 0;
        Stand::Wanted(Self { key, flight, policy, semantic, looks, keeps, ttl_ms })
    }
}

/// Calls that are answered the same whenever they are made, in their caller's own words.
#[must_use]
pub const fn is_deterministic(operation: Operation) -> bool {
    matches!(operation, Operation::Embeddings | Operation::Rerank)
}

/// The key of an embedding or a ranking: its words are its dialect's, and it is answered in them.
fn told_alike(secret: &CacheSecret, permit: &Permit, place: &DeploymentView) -> Option<TenantKey> {
    let call = &permit.call;
    if call.native.is_some() {
        return None;
    }
    let mut maker = maker(secret, permit, place, &[]);
    maker.add(call.operation.as_str().as_bytes());
    maker.add(call.wire.as_str().as_bytes());
    maker.add(match call.kind {
        Kind::Batch => b"batch",
        Kind::First => b"first",
        _ => b"usual",
    });
    // Member by member as they came, so that what two readers may read as two is a call of its own.
    let walked = json::walk_object(&call.body, |member| match member.name(&call.body).as_deref() {
        // By whatever name it was called; and whose end user asks changes no answer.
        Some(b"model" | b"user") => {}
        name => {
            maker.add(name.unwrap_or_default());
            maker.add(member.raw(&call.body));
        }
    });
    walked.ok()?;
    maker.finish(|_| Ok(())).ok()
}

/// The key of a conversation, and whether it is to be answered the same whenever it is asked for.
fn of_conversation(
    secret: &CacheSecret,
    permit: &Permit,
    place: &DeploymentView,
) -> Option<(TenantKey, bool)> {
    let request = permit.call.neutral().ok().filter(|_| is_conversation(&permit.call))?;
    if acts(request) || looks_elsewhere(request) {
        return None;
    }
    let maker = maker(secret, permit, place, &request.extra);
    let key = maker.finish(|out| write(request, out)).ok()?;
    Some((key, request.sampling.temperature == Some(0.0)))
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

/// Everything that the answer to a call depends on but the words of its last question, which `rest` is
/// without; and by whom they are compared, for what two models tell cannot be.
pub(super) fn partition(
    secret: &CacheSecret,
    permit: &Permit,
    place: &DeploymentView,
    rest: &Request,
    by: &DeploymentView,
) -> Option<TenantKey> {
    let mut maker = maker(secret, permit, place, &rest.extra);
    maker.add(b"means the same");
    maker.add(by.record.model_id.0.as_bytes());
    maker.add(by.record.upstream_model.as_bytes());
    maker.add(by.record.version.as_deref().unwrap_or_default().as_bytes());
    maker.finish(|out| write(rest, out)).ok()
}

fn write(request: &Request, out: &mut dyn io::Write) -> io::Result<()> {
    Ok(serde_json::to_writer(out, request)?)
}

/// Everything that the answer depends on, but what the request's JSON has, which comes last.
fn maker(
    secret: &CacheSecret,
    permit: &Permit,
    place: &DeploymentView,
    extra: &[Extra],
) -> KeyMaker {
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
    for extra in extra.iter().filter(|extra| !CHANGES_NOTHING.contains(&&*extra.name)) {
        key.add(extra.wire.as_str().as_bytes());
        key.add(extra.name.as_bytes());
        key.add(extra.value.to_string().as_bytes());
    }
    key
}
