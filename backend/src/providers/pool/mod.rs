//! What the replicas of a provider may be: how they are found, where their metrics are, which of them
//! drain. No I/O.

mod address;

use crate::http::Check;
use address::{address, host};
use contract::api::providers::Provider;
use contract::error::FieldError;
use contract::snapshot::{
    Auth, Dialect, Discovery, POOL_QUEUE_MAX, POOL_WAIT_MAX_MS, PoolPolicy, REPLICAS_MAX, SCRAPE_MS,
};
use std::collections::HashSet;
use std::ops::RangeInclusive;
use url::Url;

/// Seconds between two looks at who the replicas are.
const EVERY_S: RangeInclusive<u32> = 1..=3_600;
const METRICS_PATH_MAX: usize = 200;

/// A pool as it is stored: every address in one form. What is wrong is blamed below `/pool`.
pub fn read(
    check: &mut Check,
    given: Option<&PoolPolicy>,
    (dialect, auth): (Dialect, Auth),
) -> Option<PoolPolicy> {
    let given = given?;
    if let Some(why) = unfit(dialect, auth) {
        check.that(false, "/pool", why);
    }
    let found = found(check, &given.found);
    let metrics_path = given.metrics_path.trim().to_owned();
    check.that(
        is_path(&metrics_path),
        "/pool/metrics_path",
        "write a path that begins with `/`, such as /metrics: at most 200 characters, no spaces, no `#`",
    );
    bounds(check, given);
    let draining = draining(check, &given.draining, &found);
    Some(PoolPolicy { found, metrics_path, draining, ..given.clone() })
}

/// Why such a provider has no replicas that one could choose among.
const fn unfit(dialect: Dialect, auth: Auth) -> Option<&'static str> {
    match (dialect, auth) {
        (Dialect::Bedrock | Dialect::Gemini | Dialect::Watsonx, _) => Some(
            "this dialect is spoken by a cloud, which chooses among its machines itself: leave the pool out",
        ),
        (_, Auth::AwsSigv4 | Auth::GoogleServiceAccount | Auth::IbmIam) => Some(
            "this kind of auth is a cloud's, made for one host: a pool's replicas take none, bearer, \
             api_key, x_api_key or google_api_key",
        ),
        _ => None,
    }
}

fn found(check: &mut Check, given: &Discovery) -> Discovery {
    let every = |check: &mut Check, every_s: u32| {
        let holds = EVERY_S.contains(&every_s);
        check.that(holds, "/pool/found/every_s", "use 1 to 3600 seconds");
    };
    match given {
        Discovery::List { addresses } => Discovery::List { addresses: listed(check, addresses) },
        Discovery::Dns { name, port, every_s } => {
            let name = name.trim().to_ascii_lowercase();
            if let Err(why) = host(&name) {
                check.that(false, "/pool/found/name", why);
            }
            check.that(*port > 0, "/pool/found/port", "use 1 to 65535");
            every(check, *every_s);
            Discovery::Dns { name, port: *port, every_s: *every_s }
        }
        Discovery::Kubernetes { namespace, service, port, every_s } => {
            let (namespace, service) = (namespace.trim().to_owned(), service.trim().to_owned());
            for (pointer, name, example) in [
                ("/pool/found/namespace", &namespace, "default"),
                ("/pool/found/service", &service, "vllm"),
            ] {
                let why = format!(
                    "write its name as the cluster has it, such as {example}: at most 63 small \
                     letters, digits and hyphens, a letter or digit first and last"
                );
                check.that(is_label(name), pointer, why);
            }
            let port = port.trim().to_owned();
            check.that(
                is_service_port(&port),
                "/pool/found/port",
                "write the port's name, such as http (at most 15 small letters, digits and hyphens), \
                 or its number, 1 to 65535",
            );
            every(check, *every_s);
            Discovery::Kubernetes { namespace, service, port, every_s: *every_s }
        }
    }
}

fn listed(check: &mut Check, given: &[String]) -> Vec<String> {
    let pointer = "/pool/found/addresses";
    check.that(!given.is_empty(), pointer, "list at least one replica, such as 10.0.0.1:8000");
    if given.len() > REPLICAS_MAX {
        let many = given.len();
        let why = format!(
            "these are {many} replicas, and a pool has at most {REPLICAS_MAX}: make another provider \
             of the others"
        );
        check.that(false, pointer, why);
        return Vec::new();
    }
    all(check, pointer, given)
}

/// Addresses in their one form, each once.
fn all(check: &mut Check, pointer: &str, given: &[String]) -> Vec<String> {
    let mut seen = HashSet::new();
    let each = given.iter().enumerate().map(|(place, text)| {
        let read = address(text).and_then(|one| {
            if seen.insert(one.clone()) { Ok(one) } else { Err(format!("{one} is here twice")) }
        });
        let at = |why| FieldError::new(format!("{pointer}/{place}"), why);
        check.take(read.map_err(at))
    });
    each.collect()
}

fn draining(check: &mut Check, given: &[String], found: &Discovery) -> Vec<String> {
    let pointer = "/pool/draining";
    let most = format!("at most {REPLICAS_MAX} replicas drain at once");
    check.that(given.len() <= REPLICAS_MAX, pointer, most);
    let draining = all(check, pointer, given);
    if let Discovery::List { addresses } = found {
        for (place, one) in draining.iter().enumerate() {
            let why =
                format!("{one} is none of the pool's addresses: list it, or leave it out here");
            let holds = one.is_empty() || addresses.contains(one);
            check.that(holds, &format!("{pointer}/{place}"), why);
        }
        check.that(!is_empty_by(addresses, &draining), pointer, NOBODY_LEFT);
    }
    draining
}

const NOBODY_LEFT: &str =
    "that would leave no replica to take calls: let one of them, or disable the provider";

/// Whether none is left that does not drain.
fn is_empty_by(addresses: &[String], draining: &[String]) -> bool {
    !addresses.is_empty() && addresses.iter().all(|one| draining.contains(one))
}

fn bounds(check: &mut Check, pool: &PoolPolicy) {
    check.that(
        SCRAPE_MS.contains(&pool.scrape_ms),
        "/pool/scrape_ms",
        "use 50 to 5000 milliseconds",
    );
    let port = "use 1 to 65535, or leave it out where the metrics are on the port of the calls";
    check.that(pool.metrics_port != Some(0), "/pool/metrics_port", port);
    let calls = "use 1 to 65535, or leave it out for no bound";
    check.that(pool.concurrency_max != Some(0), "/pool/concurrency_max", calls);
    check.that(
        pool.gpus > 0,
        "/pool/gpus",
        "use 1 to 255: what a replica's time costs is counted by it",
    );
    check.that(
        pool.queue.calls_max <= POOL_QUEUE_MAX,
        "/pool/queue/calls_max",
        "use 0 to 100000; 0 is for calls that never wait",
    );
    let waits = pool.queue.calls_max > 0;
    check.that(
        pool.queue.wait_ms_max <= POOL_WAIT_MAX_MS && (pool.queue.wait_ms_max > 0 || !waits),
        "/pool/queue/wait_ms_max",
        "use 1 to 120000 milliseconds; where no call is to wait, set calls_max to 0",
    );
}

fn is_path(path: &str) -> bool {
    path.starts_with('/')
        && path.len() <= METRICS_PATH_MAX
        && path.bytes().all(|b| b.is_ascii_graphic() && b != b'#')
}

/// A label as Kubernetes has it (RFC 1123).
fn is_label(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=63).contains(&name.len())
        && name.bytes().all(plain)
        && !name.starts_with('-')
        && !name.ends_with('-')
}

/// A port's name (RFC 6335), or its number.
fn is_service_port(port: &str) -> bool {
    if port.bytes().all(|b| b.is_ascii_digit()) {
        return port.parse::<u16>().is_ok_and(|number| number > 0);
    }
    port.len() <= 15 && is_label(port) && !port.contains("--")
}

/// Whether what is sent to the replicas of `before` is sent to nobody else by `after`.
#[must_use]
pub fn reaches_no_other(before: Option<&PoolPolicy>, after: Option<&PoolPolicy>) -> bool {
    match (before.map(|pool| &pool.found), after.map(|pool| &pool.found)) {
        (None, None) => true,
        (Some(Discovery::List { addresses: old }), Some(Discovery::List { addresses: new })) => {
            new.iter().all(|one| old.contains(one))
        }
        (
            Some(Discovery::Dns { name, port, .. }),
            Some(Discovery::Dns { name: same, port: as_before, .. }),
        ) => name == same && port == as_before,
        (
            Some(Discovery::Kubernetes { namespace, service, port, .. }),
            Some(Discovery::Kubernetes { namespace: n, service: s, port: p, .. }),
        ) => (namespace, service, port) == (n, s, p),
        _ => false,
    }
}

/// The pool with one replica draining, or not any more.
///
/// # Errors
/// At `/address`: it is no address, none of the list's, or the last that takes calls.
pub fn drained(pool: &PoolPolicy, text: &str, draining: bool) -> Result<PoolPolicy, FieldError> {
    let refuse = |why: String| FieldError::new("/address", why);
    let one = address(text).map_err(refuse)?;
    let mut after = pool.clone();
    if !draining {
        after.draining.retain(|known| *known != one);
        return Ok(after);
    }
    if pool.draining.contains(&one) {
        return Ok(after);
    }
    if pool.draining.len() >= REPLICAS_MAX {
        let why = format!("{REPLICAS_MAX} replicas drain already: let those that are gone go");
        return Err(refuse(why));
    }
    after.draining.push(one.clone());
    if let Discovery::List { addresses } = &pool.found {
        if !addresses.contains(&one) {
            return Err(refuse(format!("{one} is none of the pool's addresses")));
        }
        if is_empty_by(addresses, &after.draining) {
            return Err(refuse(NOBODY_LEFT.to_owned()));
        }
    }
    Ok(after)
}

/// Where the provider, or one of its replicas that takes calls, is asked for its models.
///
/// # Errors
/// Only gateways find the replicas.
pub fn probed(provider: &Provider) -> Result<String, &'static str> {
    let Some(pool) = &provider.pool else { return Ok(provider.base_url.clone()) };
    let replica = match &pool.found {
        Discovery::List { addresses } => {
            addresses.iter().find(|one| !pool.draining.contains(one)).cloned()
        }
        Discovery::Dns { name, port, .. } => Some(format!("{name}:{port}")),
        Discovery::Kubernetes { .. } => None,
    };
    let replica = replica.ok_or(
        "Only gateways ask the cluster for this pool's replicas: see under Replicas how they find them.",
    )?;
    at(&provider.base_url, &replica)
        .ok_or("The base address does not go with this pool's replicas.")
}

/// The base address with another host and port.
fn at(base_url: &str, replica: &str) -> Option<String> {
    let mut url = Url::parse(base_url).ok()?;
    let (host, port) = replica.rsplit_once(':')?;
    url.set_host(Some(host)).ok()?;
    url.set_port(Some(port.parse().ok()?)).ok()?;
    Some(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::ApiError;
    use contract::snapshot::{PoolQueue, ReplicaServer};

    fn list(addresses: &[&str]) -> Discovery {
        Discovery::List { addresses: addresses.iter().map(|&one| one.to_owned()).collect() }
    }

    fn pool(found: Discovery, draining: &[&str]) -> PoolPolicy {
        PoolPolicy {
            server: ReplicaServer::Vllm,
            found,
            metrics_path: "/metrics".to_owned(),
            metrics_port: None,
            scrape_ms: 100,
            concurrency_max: Some(8),
            queue: PoolQueue::default(),
            affinity: true,
            gpus: 1,
            draining: draining.iter().map(|&one| one.to_owned()).collect(),
        }
    }

    /// What is blamed.
    fn blamed(pool: &PoolPolicy) -> Vec<String> {
        let mut check = Check::new();
        read(&mut check, Some(pool), (Dialect::Openai, Auth::None));
        match check.done() {
            Ok(()) => Vec::new(),
            Err(ApiError::Refused(refusal)) => {
                refusal.errors.iter().map(|error| error.pointer.clone()).collect()
            }
            Err(other) => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_pool_is_kept_with_its_addresses_in_one_form() {
        let mut check = Check::new();
        let given = pool(list(&[" GPU-1:8000", "10.0.0.1:08000 "]), &["gpu-1:8000 "]);
        let kept = read(&mut check, Some(&given), (Dialect::Openai, Auth::Bearer)).unwrap();
        check.done().unwrap();
        assert_eq!(kept, pool(list(&["gpu-1:8000", "10.0.0.1:8000"]), &["gpu-1:8000"]));
        let mut check = Check::new();
        assert_eq!(read(&mut check, None, (Dialect::Bedrock, Auth::AwsSigv4)), None);
        check.done().unwrap();
    }

    #[test]
    fn each_wrong_value_of_a_pool_is_blamed_where_it_is() {
        let many: Vec<String> = (0..300).map(|n| format!("gpu-{n}:80")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        for (found, draining, pointers) in [
            (list(&[]), &[][..], &["/pool/found/addresses"][..]),
            (list(&many), &[], &["/pool/found/addresses"]),
            (list(&["a:80", "A:080"]), &[], &["/pool/found/addresses/1"]),
            (list(&["a:80", "b"]), &["c:80"], &["/pool/found/addresses/1", "/pool/draining/0"]),
            (list(&["a:80", "b:80"]), &["b:80", "b:80"], &["/pool/draining/1"]),
            (list(&["a:80", "b:80"]), &["b:80", "a:80"], &["/pool/draining"]),
        ] {
            assert_eq!(blamed(&pool(found, draining)), pointers);
        }
        let dns =
            |name: &str, port, every_s| Discovery::Dns { name: name.to_owned(), port, every_s };
        assert_eq!(blamed(&pool(dns("vllm.models.svc.", 8000, 5), &["10.0.0.9:80"])), [""; 0]);
        assert_eq!(
            blamed(&pool(dns("-vllm", 0, 0), &[])),
            ["/pool/found/name", "/pool/found/port", "/pool/found/every_s"]
        );
        assert_eq!(blamed(&pool(dns("169.254.169.254", 80, 3_601), &[])).len(), 2);
        let cluster = |namespace: &str, service: &str, port: &str| Discovery::Kubernetes {
            namespace: namespace.to_owned(),
            service: service.to_owned(),
            port: port.to_owned(),
            every_s: 10,
        };
        for good in ["http", "http-metrics", "8000", "65535"] {
            assert_eq!(blamed(&pool(cluster("default", "vllm-7b", good), &[])), [""; 0]);
        }
        for bad in ["", "0", "65536", "HTTP", "a-name-too-long-x", "a--b", "-a"] {
            assert_eq!(blamed(&pool(cluster("a", "b", bad), &[])), ["/pool/found/port"], "{bad}");
        }
        assert_eq!(
            blamed(&pool(cluster("../kube-system", "a/b", "http"), &[])),
            ["/pool/found/namespace", "/pool/found/service"]
        );
        let wrong = PoolPolicy {
            metrics_path: "metrics".to_owned(),
            metrics_port: Some(0),
            scrape_ms: 49,
            concurrency_max: Some(0),
            queue: PoolQueue { calls_max: 100_001, wait_ms_max: 120_001 },
            gpus: 0,
            ..pool(list(&["a:80"]), &[])
        };
        let fields = [
            "metrics_path",
            "scrape_ms",
            "metrics_port",
            "concurrency_max",
            "gpus",
            "queue/calls_max",
            "queue/wait_ms_max",
        ];
        assert_eq!(blamed(&wrong), fields.map(|field| format!("/pool/{field}")));
        let never = PoolQueue { calls_max: 0, wait_ms_max: 0 };
        assert_eq!(blamed(&PoolPolicy { queue: never, ..pool(list(&["a:80"]), &[]) }), [""; 0]);
        let unwaiting = PoolQueue { calls_max: 1, wait_ms_max: 0 };
        let waits = PoolPolicy { queue: unwaiting, ..pool(list(&["a:80"]), &[]) };
        assert_eq!(blamed(&waits), ["/pool/queue/wait_ms_max"]);
    }

    #[test]
    fn a_clouds_provider_has_no_replicas_of_ours() {
        assert_eq!(unfit(Dialect::Openai, Auth::Bearer), None);
        assert_eq!(unfit(Dialect::Ollama, Auth::None), None);
        for (dialect, auth) in [
            (Dialect::Bedrock, Auth::Bearer),
            (Dialect::Gemini, Auth::GoogleApiKey),
            (Dialect::Openai, Auth::AwsSigv4),
            (Dialect::Openai, Auth::GoogleServiceAccount),
            (Dialect::Watsonx, Auth::IbmIam),
        ] {
            assert!(unfit(dialect, auth).is_some(), "{dialect:?} {auth:?}");
        }
    }

    #[test]
    fn a_credential_follows_to_fewer_replicas_and_never_to_others() {
        let of = |found: Discovery| Some(pool(found, &[]));
        let follows = |before: Option<PoolPolicy>, after: Option<PoolPolicy>| {
            reaches_no_other(before.as_ref(), after.as_ref())
        };
        let dns = |name: &str, every_s| Discovery::Dns { name: name.to_owned(), port: 80, every_s };
        assert!(follows(None, None));
        assert!(follows(of(list(&["a:80", "b:80"])), of(list(&["b:80"]))));
        assert!(follows(of(dns("a", 5)), of(dns("a", 10))));
        for (before, after) in [
            (None, of(list(&["a:80"]))),
            (of(list(&["a:80"])), None),
            (of(list(&["a:80"])), of(list(&["a:80", "evil:80"]))),
            (of(list(&["a:80"])), of(list(&["a:81"]))),
            (of(dns("a", 5)), of(dns("b", 5))),
            (of(list(&["a:80"])), of(dns("a", 5))),
        ] {
            assert!(!follows(before.clone(), after.clone()), "{before:?} {after:?}");
        }
    }

    #[test]
    fn a_replica_is_drained_once_and_never_the_last_one() {
        let two = pool(list(&["a:80", "b:80"]), &[]);
        let one = drained(&two, " A:80 ", true).unwrap();
        assert_eq!(one.draining, ["a:80"]);
        assert_eq!(drained(&one, "a:80", true).unwrap(), one);
        assert_eq!(drained(&one, "a:80", false).unwrap(), two);
        assert_eq!(drained(&two, "c:80", false).unwrap(), two);
        for (address, word) in [("b:80", "no replica"), ("c:80", "none of"), ("c", "port")] {
            let error = drained(&one, address, true).unwrap_err();
            assert_eq!(error.pointer, "/address");
            assert!(error.detail.contains(word), "{}", error.detail);
        }
        let dns = Discovery::Dns { name: "a".to_owned(), port: 80, every_s: 5 };
        let found = drained(&pool(dns, &[]), "10.0.0.1:80", true).unwrap();
        assert_eq!(found.draining, ["10.0.0.1:80"]);
    }

    #[test]
    fn a_replica_is_asked_under_the_path_of_the_base_address() {
        let at = |base, replica| at(base, replica).unwrap();
        assert_eq!(at("http://pool/v1", "10.0.0.1:8000"), "http://10.0.0.1:8000/v1");
        assert_eq!(at("http://pool:1", "[fd00::1]:8000"), "http://[fd00::1]:8000");
        assert_eq!(at("https://pool/v1", "gpu-1:8443"), "https://gpu-1:8443/v1");
    }
}
