//! Calls in a provider's own words: what passes to whom, and under which path.

use crate::admit::{Native, decode};
use crate::fault::Fault;
use crate::snapshot::{ProviderView, Snapshot};
use contract::error::ErrorCode;
use contract::id::ProviderId;
use dialect::convert::Address;
use dialect::native::{self, Native as Known};
use dialect::openai::{self, Ask};
use dialect::sigv4::segment;
use dialect::{Invalid, Wire};

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
/// `request.malformed`: the query asks for another form of the answer than can be metered.
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
    if known.wire == Wire::Gemini {
        answered_as_known(asked.query.as_deref(), known.stream == Some(true))?;
    }
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

/// Reads a body whose path may say whether the answer is streamed.
///
/// # Errors
/// As [`openai::read_call`]; `request.malformed` where the body says otherwise than the path.
pub fn read(body: &[u8], wire: Wire, at: &Address<'_>) -> Result<Ask, Invalid> {
    let mut ask = openai::read_call(body, wire, &Address { model: at.model, stream: None })?;
    if let Some(stream) = at.stream {
        // Anthropic's models at others' addresses stream as the body says, whatever the path.
        if wire == Wire::Messages && at.model.is_some() && ask.stream != stream {
            let detail = format!(
                "The address is that of {} and `stream` says otherwise: make them agree.",
                if stream { "a stream" } else { "a whole answer" }
            );
            return Err(Invalid::at("stream", detail));
        }
        ask.stream = stream;
    }
    Ok(ask)
}

/// The parameters of a query, names with `%xx` resolved.
fn parameters(query: Option<&str>) -> impl Iterator<Item = (String, &str)> {
    let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs.map(|pair| (decode(pair.split_once('=').map_or(pair, |(name, _)| name)), pair))
}

/// Refuses what would make Google answer in a form that cannot be read, or without what was used.
fn answered_as_known(query: Option<&str>, streamed: bool) -> Result<(), Invalid> {
    let form = if streamed { "alt=sse" } else { "alt=json" };
    let (mut asked_for, mut other) = (false, None);
    for (name, pair) in parameters(query) {
        match name.trim_start_matches('$') {
            "alt" if pair == form => asked_for = true,
            "alt" | "fields" | "callback" => other = Some(name),
            _ => {}
        }
    }
    if let Some(name) = other {
        let detail = format!("`{name}` cannot be set here but as `{form}`: the answer is metered.");
        return Err(Invalid::at(name, detail));
    }
    if streamed && !asked_for {
        let detail = "A stream passes as events: add `?alt=sse`. As one JSON list it is served \
                      under /v1beta/models/{model}:streamGenerateContent.";
        return Err(Invalid::at("alt", detail));
    }
    Ok(())
}

/// The caller's query without its key, and without the version where the provider's record has one.
fn query(query: Option<&str>, provider: &ProviderView) -> String {
    let versioned = provider.record.settings.api_version.is_some();
    let stays = |name: &str| match name {
        "key" | "$key" | "access_token" | "oauth_token" => false,
        "api-version" | "version" => !versioned,
        _ => true,
    };
    let kept = parameters(query).filter(|(name, _)| stays(name));
    let kept: Vec<_> = kept.map(|(_, pair)| pair).collect();
    if kept.is_empty() { String::new() } else { format!("?{}", kept.join("&")) }
}

fn shown(text: &str) -> String {
    text.chars().take(80).collect()
}
