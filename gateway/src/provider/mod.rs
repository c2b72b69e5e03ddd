//! Where calls go: for each provider its paths and credential, and a pool of connections to each
//! address. All of it belongs to one thread.

mod connect;
mod pool;

pub use connect::{ConnectError, tls_config};
pub use pool::{Lease, Pool, SendError};

use crate::snapshot::{ProviderView, Upstream};
use contract::id::ProviderId;
use contract::usage::Operation;
use http::uri::PathAndQuery;
use http::{HeaderName, HeaderValue, Uri};
use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

/// An address that connections go to.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Address {
    pub tls: bool,
    /// A name or an IP address, without brackets.
    pub host: String,
    pub port: u16,
}

/// A provider, ready to be sent requests.
#[derive(Debug)]
pub struct Target {
    pub pool: Rc<Pool>,
    pub host: HeaderValue,
    pub auth: Option<(HeaderName, HeaderValue)>,
    chat: Uri,
    embeddings: Uri,
}

impl Target {
    /// The path of an operation, in the provider's dialect.
    #[must_use]
    pub fn path(&self, operation: Operation) -> &Uri {
        match operation {
            Operation::Chat => &self.chat,
            Operation::Embeddings => &self.embeddings,
        }
    }
}

type Known = HashMap<ProviderId, (Arc<ProviderView>, Rc<Target>)>;

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
        let target = Rc::new(self.make(provider.upstream.as_ref().ok()?)?);
        let entry = (Arc::clone(provider), Rc::clone(&target));
        self.known.borrow_mut().insert(provider.id(), entry);
        Some(target)
    }

    fn make(&self, upstream: &Upstream) -> Option<Target> {
        let base = &upstream.base;
        let tls = base.scheme_str() == Some("https");
        let host = base.host()?.trim_start_matches('[').trim_end_matches(']').to_owned();
        let port = base.port_u16().unwrap_or(if tls { 443 } else { 80 });
        let address = Address { tls, host, port };
        let path = |operation: &str| {
            let base = base.path().trim_end_matches('/');
            PathAndQuery::try_from(format!("{base}{operation}")).map(Uri::from).ok()
        };
        let pool =
            Rc::clone(self.pools.borrow_mut().entry(address).or_insert_with_key(|address| {
                let tls = Arc::clone(&self.tls);
                Rc::new(Pool::new(address.clone(), tls, self.idle_connections_max))
            }));
        Some(Target {
            pool,
            host: HeaderValue::from_str(base.authority()?.as_str().rsplit('@').next()?).ok()?,
            auth: upstream.auth.clone(),
            chat: path("/chat/completions")?,
            embeddings: path("/embeddings")?,
        })
    }
}
