//! Finding the replicas of a pool that has to be asked for. What must stay true: an answer that
//! fails, or that has nobody in it, takes no replica away; it is told as the pool's fault.

use super::Pool;
use super::kubernetes::Cluster;
use contract::snapshot::{Discovery, REPLICAS_MAX};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{sleep, timeout};

const RESOLVED_WITHIN: Duration = Duration::from_secs(5);

/// Looks for replicas for as long as it is run; returns at once where there is nothing to ask.
pub(super) async fn find(pool: Arc<Pool>, cluster: Cluster, now: impl Fn() -> u64) {
    loop {
        let policy = pool.policy();
        let (asked, every_s) = match &policy.found {
            Discovery::List { .. } => return,
            Discovery::Dns { name, port, every_s } => (resolve(name, *port).await, *every_s),
            Discovery::Kubernetes { namespace, service, port, every_s } => {
                (cluster.find(namespace, service, port).await, *every_s)
            }
        };
        match asked {
            Ok(addresses) if addresses.is_empty() => {
                pool.not_found("nobody is there; those that were found before are kept".into());
            }
            Ok(addresses) => pool.set_found(addresses),
            Err(why) => pool.not_found(format!("{why}; those that were found before are kept")),
        }
        pool.look_again(now());
        sleep(Duration::from_secs(every_s.max(1).into())).await;
    }
}

/// Every address of a name.
async fn resolve(name: &str, port: u16) -> Result<Vec<String>, String> {
    let found = timeout(RESOLVED_WITHIN, tokio::net::lookup_host((name, port))).await;
    let found = found.map_err(|_| format!("{name} was not resolved in time"))?;
    let found = found.map_err(|error| format!("{name} cannot be resolved: {error}"))?;
    Ok(found.take(REPLICAS_MAX + 1).map(|address| address.to_string()).collect())
}
