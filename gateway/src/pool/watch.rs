//! What goes on beside the calls: for each pool one task that looks for its replicas, and for each
//! replica one that reads its metrics.

use super::Pool;
use super::fetch::Fetcher;
use super::find::find;
use super::kubernetes::Cluster;
use super::replica::Replica;
use crate::background::Tools;
use crate::clock::Clock;
use crate::provider::{Address, Credential};
use crate::snapshot::ProviderView;
use contract::id::ProviderId;
use dialect::metrics::Page;
use http::{HeaderMap, HeaderValue, Uri};
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::{AbortHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often it is looked whether pools or replicas have come or gone.
const LOOK: Duration = Duration::from_millis(100);
/// A replica has so long to answer, or so many intervals.
const WITHIN_MIN: Duration = Duration::from_secs(1);

/// Watches the pools of the configuration for ever.
pub async fn watch(tools: Tools, cluster: Cluster, tls: Arc<rustls::ClientConfig>) {
    let mut tasks = JoinSet::new();
    let mut watched: HashMap<ProviderId, Watched> = HashMap::new();
    let mut every = interval(LOOK);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        every.tick().await;
        while tasks.try_join_next().is_some() {}
        let snapshot = tools.snapshot.load();
        watched.retain(|id, _| snapshot.pools().any(|view| view.id() == *id));
        for view in snapshot.pools() {
            let Some(pool) = &view.pool else { continue };
            pool.tidy();
            let known = watched.get(&view.id()).is_some_and(|one| Arc::ptr_eq(&one.view, view));
            if !known {
                let (clock, cluster) = (tools.clock.clone(), cluster.clone());
                let finds = find(Arc::clone(pool), cluster, move || clock.uptime_ms());
                let finds = tasks.spawn(finds);
                let view = Arc::clone(view);
                watched.insert(view.id(), Watched { view, finds, reads: HashMap::new() });
            }
            if let Some(one) = watched.get_mut(&view.id()) {
                one.read(pool, &mut tasks, &tools.clock, &tls);
            }
        }
    }
}

/// One pool's tasks; they end with it.
struct Watched {
    /// By whose record they were begun.
    view: Arc<ProviderView>,
    finds: AbortHandle,
    reads: HashMap<String, AbortHandle>,
}

impl Watched {
    fn read(
        &mut self,
        pool: &Arc<Pool>,
        tasks: &mut JoinSet<()>,
        clock: &Clock,
        tls: &Arc<rustls::ClientConfig>,
    ) {
        let replicas = pool.replicas();
        self.reads.retain(|address, task| {
            let stays = replicas.iter().any(|one| one.address == *address);
            if !stays {
                task.abort();
            }
            stays
        });
        for replica in replicas.iter() {
            if self.reads.contains_key(&replica.address) {
                continue;
            }
            let Some(fetcher) = fetcher(&self.view, pool, replica, tls) else { continue };
            let reads = read(Arc::clone(pool), Arc::clone(replica), fetcher, clock.clone());
            self.reads.insert(replica.address.clone(), tasks.spawn(reads));
        }
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.finds.abort();
        self.reads.values().for_each(AbortHandle::abort);
    }
}

/// Asks a replica for its metrics, with the provider's key where that is a header: some servers want
/// it for every page.
fn fetcher(
    view: &ProviderView,
    pool: &Pool,
    replica: &Replica,
    tls: &Arc<rustls::ClientConfig>,
) -> Option<Fetcher> {
    let upstream = view.upstream.as_ref().ok()?;
    let port = pool.policy().metrics_port.unwrap_or(replica.port);
    let is_tls = upstream.base.scheme_str() == Some("https");
    let address = Address { tls: is_tls, host: replica.host.clone(), port };
    let host = replica.address.rsplit_once(':').map(|(host, _)| format!("{host}:{port}"))?;
    let mut headers = HeaderMap::new();
    if let Credential::Header(name, value) = &upstream.credential {
        headers.insert(name.clone(), value.clone());
    }
    Some(Fetcher::new(address, HeaderValue::from_str(&host).ok()?, headers, Arc::clone(tls)))
}

async fn read(pool: Arc<Pool>, replica: Arc<Replica>, mut fetcher: Fetcher, clock: Clock) {
    let policy = pool.policy();
    let scrape = Duration::from_millis(u64::from(policy.scrape_ms).max(1));
    let path: Uri = match policy.metrics_path.parse() {
        Ok(path) => path,
        Err(_) => return replica.is_unreadable("the path of its metrics is none".into()),
    };
    let within = scrape.max(WITHIN_MIN);
    let mut every = interval(scrape);
    every.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let _: Instant = every.tick().await;
        let mut page = Page::of(policy.server);
        let fetched = fetcher.get(&path, within, |part| page.take(part)).await;
        let now_ms = clock.uptime_ms();
        match fetched.and_then(|()| page.end().map_err(|nonsense| nonsense.to_string())) {
            Ok(reading) => replica.reads(reading, now_ms),
            Err(why) => replica.is_unreadable(why),
        }
        pool.look_again(now_ms);
    }
}
