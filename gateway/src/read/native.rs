//! Calls in a provider's own words: what passes to whom, and under which path.

use crate::admit::{Native, decode};
use crate::fault::Fault;
use crate::snapshot::{ProviderView, Snapshot};
use contract::error::ErrorCode;
use contract::id::ProviderId;
use dialect::native::{self, Native as Known};
use dialect::sigv4::segment;

/// Where such a call goes.
#[derive(Debug)]
pub struct NativeCall {
    pub provider: ProviderId,
    /// The path under the provider's address, around the model's name where it has that.
    around: (String, String),
    named: bool,
    /// Without what says who calls.
    query: String,
}

impl NativeCall {
    /// The path and query under the provider's address.
    #[must_use]
    pub fn path(&self, upstream_model: &str) -> String {
        let (before, after) = &self.around;
        let model = if self.named { segment(upstream_model) } else { String::new() };
        format!("/{before}{model}{after}{}", self.query)
    }
}

/// Finds the provider and the call; what the path says of the model is given beside it.
///
/// # Errors
/// `route.unknown`: there is no such provider, or it has no such call that passes.
pub fn find(
    snapshot: &Snapshot,
    asked: &Native,
) -> Result<(NativeCall, Known, Option<String>), Fault> {
    let provider = snapshot.provider(&asked.provider).ok_or_else(|| {
        let detail = format!("There is no provider `{}`.", shown(&asked.provider));
        Fault::client(ErrorCode::RouteUnknown, detail)
    })?;
    let path = under(provider, &asked.path);
    let speaks = |wire| provider.speech.iter().any(|tongue| tongue.wire == wire);
    let known = native::find(path, speaks).ok_or_else(|| {
        let listed = native::listed(speaks);
        let detail = format!(
            "`{}` does not pass to `{}`: tenants share the account there, so only calls pass that keep \
             nothing and tell what they cost. They are: {listed}.",
            shown(path),
            asked.provider
        );
        Fault::client(ErrorCode::RouteUnknown, detail)
    })?;
    let at = known.model.clone().unwrap_or(path.len()..path.len());
    let piece = |range: std::ops::Range<usize>| path.get(range).unwrap_or_default().to_owned();
    let call = NativeCall {
        provider: provider.id(),
        around: (piece(0..at.start), piece(at.end..path.len())),
        named: known.model.is_some(),
        query: query(asked.query.as_deref(), provider),
    };
    let model = known.model.is_some().then(|| decode(&piece(at)));
    Ok((call, known, model))
}

/// The path under the provider's address: vendors' SDKs send it whole, with the address's own.
fn under<'a>(provider: &ProviderView, path: &'a str) -> &'a str {
    let base = provider.upstream.as_ref().map_or("", |upstream| upstream.base.path());
    let base = base.trim_matches('/');
    let rest = path.strip_prefix(base).and_then(|rest| rest.strip_prefix('/'));
    rest.filter(|_| !base.is_empty()).unwrap_or(path)
}

/// The caller's query without its key, and without the version where the provider's record has one.
fn query(query: Option<&str>, provider: &ProviderView) -> String {
    let versioned = provider.record.settings.api_version.is_some();
    let stays =
        |name: &str| name != "key" && !(versioned && matches!(name, "api-version" | "version"));
    let pairs = query.unwrap_or_default().split('&');
    let kept = pairs.filter(|pair| {
        !pair.is_empty() && stays(pair.split_once('=').map_or(*pair, |(name, _)| name))
    });
    let kept: Vec<_> = kept.collect();
    if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) }
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
