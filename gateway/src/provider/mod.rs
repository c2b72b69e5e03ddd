//! Where calls go: for each provider its paths and credential, and a pool of connections to each
//! address. All of it belongs to one thread.

mod aws;
mod connect;
mod credential;
mod exchange;
mod pool;
mod token;

pub use aws::AwsKeys;
pub(crate) use connect::connect;
pub use connect::{ConnectError, tls_config, tls_config_of};
pub use credential::{Credential, Unusable};
pub use pool::{Lease, Pool, SendError};
pub use token::{Keeper, TokenError, TokenSource, keep_tokens};

use crate::fold::Folded;
use crate::pool::Replica;
use crate::snapshot::{ProviderView, Upstream};
use contract::id::ProviderId;
use contract::snapshot::Dialect;
use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// The path of OpenAI's chat.
pub const CHAT: &str = "/chat/completions";

/// An address that connections go to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    pub tls: bool,
    /// A name or an IP address, without brackets.
    pub host: String,
    pub port: u16,
}

impl Address {
    /// Where an absolute address leads. `None`: it names no host.
    pub fn of(uri: &Uri) -> Option<Self> {
        let tls = uri.scheme_str() == Some("https");
        let host = uri.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = uri.port_u16().unwrap_or(if tls { 443 } else { 80 });
        Some(Self { tls, host, port })
    }
}

/// A provider, ready to be sent requests.
#[derive(Debug)]
pub struct Target {
    pub pool: Rc<Pool>,
    pub host: HeaderValue,
    pub credential: Credential,
    /// The path of the provider's address, and whether it is with TLS.
    base: String,
    tls: bool,
    /// The version that goes into the query, and how it is called there.
    version: Option<(&'static str, String)>,
    /// Of paths that were called before: few, for they differ by model and operation only.
    known: RefCell<HashMap<String, Uri>>,
}

/// Paths that are kept; a caller may name a version of a model, so there might be any number.
const PATHS_MAX: usize = 256;

impl Target {
    /// Where a replica of the provider is.
    #[must_use]
    pub fn address_at(&self, replica: &Replica) -> Address {
        Address { tls: self.tls, host: replica.host.clone(), port: replica.port }
    }

    /// Where a path under the provider's address leads: path and query. `None` when it is none,
    /// for what the provider calls a model is in it.
    #[must_use]
    pub fn uri(&self, path: &str) -> Option<Uri> {
        if let Some(uri) = self.known.borrow().get(path) {
            return Some(uri.clone());
        }
        let mut text = format!("{}{path}", self.base);
        if let Some((name, version)) = &self.version {
            let mark = if text.contains('?') { "&" } else { "?" };
            text.extend([mark, *name, "=", version.as_str()]);
        }
        let uri = PathAndQuery::try_from(text).map(Uri::from).ok()?;
        let mut known = self.known.borrow_mut();
        if known.len() >= PATHS_MAX {
            known.clear();
        }
        known.insert(path.to_owned(), uri.clone());
        Some(uri)
    }
}

type Known = HashMap<ProviderId, (Arc<ProviderView>, Rc<Target>), Folded>;

/// The providers that one thread has called.
#[derive(Debug)]
pub struct Targets {
    tls: Arc<rustls::ClientConfig>,
    idle_connections_max: usize,
    pools: RefCell<HashMap<Address, Rc<Pool>>>,
    known: RefCell<Known>,
}

impl Targets {
    #[must_use]
    pub fn new(tls: Arc<rustls::ClientConfig>, idle_connections_max: usize) -> Self {
        Self { tls, idle_connections_max, pools: RefCell::default(), known: RefCell::default() }
    }

    /// The target of a provider; made anew when its record has changed. `None` when the provider
    /// cannot be called, which its view says too.
    pub fn of(&self, provider: &Arc<ProviderView>) -> Option<Rc<Target>> {
        if let Some((view, target)) = self.known.borrow().get(&provider.id())
            && Arc::ptr_eq(view, provider)
        {
            return Some(Rc::clone(target));
        }
        let target = Rc::new(self.make(provider, provider.upstream.as_ref().ok()?)?);
        let entry = (Arc::clone(provider), Rc::clone(&target));
        self.known.borrow_mut().insert(provider.id(), entry);
        Some(target)
    }

    /// The connections to an address.
    pub fn pool(&self, address: &Address) -> Rc<Pool> {
        let mut pools = self.pools.borrow_mut();
        let pool = pools.entry(address.clone()).or_insert_with_key(|address| {
            let tls = Arc::clone(&self.tls);
            Rc::new(Pool::new(address.clone(), tls, self.idle_connections_max))
        });
        Rc::clone(pool)
    }

    fn make(&self, provider: &ProviderView, upstream: &Upstream) -> Option<Target> {
        let base = &upstream.base;
        let address = Address::of(base)?;
        let path = base.path().trim_end_matches('/').to_owned();
        let pool = self.pool(&address);
        Some(Target {
            pool,
            host: HeaderValue::from_str(base.authority()?.as_str().rsplit('@').next()?).ok()?,
            credential: upstream.credential.clone(),
            base: path,
            tls: address.tls,
            version: provider.record.settings.api_version.clone().map(|version| {
                let watsonx = provider.record.dialect == Dialect::Watsonx;
                (if watsonx { "version" } else { "api-version" }, version)
            }),
            known: RefCell::default(),
        })
    }
}
