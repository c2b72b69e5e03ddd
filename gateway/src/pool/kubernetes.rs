//! The endpoints of a service, as the API server of the cluster says that the gateway runs in: by
//! the account that is mounted into every pod, and the EndpointSlices of the service.

use super::fetch::Fetcher;
use crate::provider::Address;
use contract::snapshot::REPLICAS_MAX;
use http::{HeaderMap, HeaderValue, Uri, header};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Bytes of an answer that are read: a slice has a hundred endpoints, of some 500 bytes each.
const ANSWER_BYTES_MAX: usize = 4 << 20;
const WITHIN: Duration = Duration::from_secs(5);

/// Where the API server is, and the account to ask it with. The defaults are those of a pod.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Cluster {
    /// Host of the cluster's API server, where pools are discovered by a service of it. Every pod is
    /// told of it.
    #[arg(long = "kubernetes-host", env = "KUBERNETES_SERVICE_HOST", hide = true)]
    pub host: Option<String>,
    /// Its port.
    #[arg(
        long = "kubernetes-port",
        env = "KUBERNETES_SERVICE_PORT",
        default_value_t = 443,
        hide = true
    )]
    pub port: u16,
    /// Folder with the account's `token` and the cluster's `ca.crt`.
    #[arg(
        long = "kubernetes-account",
        env = "TOLLGATE_KUBERNETES_ACCOUNT",
        default_value = "/var/run/secrets/kubernetes.io/serviceaccount"
    )]
    pub account: PathBuf,
    /// Asks without TLS: of a proxy such as `kubectl proxy`, which has its own.
    #[arg(long = "kubernetes-plain", env = "TOLLGATE_KUBERNETES_PLAIN", hide = true)]
    pub plain: bool,
}

#[derive(Deserialize)]
struct Slices {
    items: Vec<Slice>,
}

#[derive(Deserialize)]
struct Slice {
    #[serde(rename = "addressType")]
    address_type: String,
    #[serde(default)]
    endpoints: Vec<Endpoint>,
    #[serde(default)]
    ports: Option<Vec<Port>>,
}

#[derive(Deserialize)]
struct Endpoint {
    addresses: Vec<String>,
    #[serde(default)]
    conditions: Conditions,
}

#[derive(Default, Deserialize)]
struct Conditions {
    /// Absent is unknown, which counts as ready.
    ready: Option<bool>,
    terminating: Option<bool>,
}

#[derive(Deserialize)]
struct Port {
    name: Option<String>,
    port: Option<u16>,
}

impl Cluster {
    /// The addresses of the endpoints of a service that are ready; `port` is a port's name or number.
    ///
    /// # Errors
    /// A sentence: not in a cluster, not allowed, no answer that makes sense.
    pub async fn find(
        &self,
        namespace: &str,
        service: &str,
        port: &str,
    ) -> Result<Vec<String>, String> {
        let host = self.host.as_deref().ok_or(
            "the gateway runs in no Kubernetes cluster: KUBERNETES_SERVICE_HOST is not set",
        )?;
        let token = read(&self.account.join("token")).await?;
        let token = String::from_utf8(token).map_err(|_| "the account's token is no text")?;
        let bearer = HeaderValue::from_str(&format!("Bearer {}", token.trim()));
        let mut bearer = bearer.map_err(|_| "the account's token is no token")?;
        bearer.set_sensitive(true);
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, bearer);
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        let address = Address { tls: !self.plain, host: host.to_owned(), port: self.port };
        let name = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        let name = HeaderValue::from_str(&format!("{name}:{}", self.port));
        let name = name.map_err(|_| "KUBERNETES_SERVICE_HOST is no host")?;
        let tls = Arc::new(self.trust().await?);
        let path = format!(
            "/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices\
             ?labelSelector=kubernetes.io%2Fservice-name%3D{service}"
        );
        let path: Uri = path.parse().map_err(|_| "namespace and service make no address")?;
        let mut answer = Vec::new();
        let take = |part: &[u8]| {
            answer.extend_from_slice(part);
            answer.len() <= ANSWER_BYTES_MAX
        };
        let mut fetcher = Fetcher::new(address, name, headers, tls);
        let fetched = fetcher.get(&path, WITHIN, take).await;
        fetched.map_err(|why| format!("the cluster's API server: {why}"))?;
        endpoints(&answer, port)
    }

    /// Only the cluster's own authority is believed.
    async fn trust(&self) -> Result<rustls::ClientConfig, String> {
        let mut roots = rustls::RootCertStore::empty();
        if !self.plain {
            let pem = read(&self.account.join("ca.crt")).await?;
            for certificate in CertificateDer::pem_slice_iter(&pem) {
                let certificate = certificate.map_err(|_| "ca.crt is no certificate")?;
                roots.add(certificate).map_err(|error| format!("ca.crt: {error}"))?;
            }
        }
        crate::provider::tls_config_of(roots).map_err(|error| error.to_string())
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, String> {
    let read = tokio::fs::read(path).await;
    read.map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// The addresses in an answer of the API server.
///
/// # Errors
/// It is none, or no endpoint has such a port.
pub fn endpoints(answer: &[u8], port: &str) -> Result<Vec<String>, String> {
    let slices: Slices = serde_json::from_slice(answer)
        .map_err(|error| format!("the cluster's answer is no list of EndpointSlices: {error}"))?;
    let mut addresses = Vec::new();
    let mut portless = None;
    for slice in slices.items.iter().filter(|slice| slice.address_type != "FQDN") {
        let ports = slice.ports.as_deref().unwrap_or_default();
        let named = ports.iter().find(|one| {
            one.name.as_deref().unwrap_or_default() == port
                || one.port.is_some_and(|number| port.parse() == Ok(number))
        });
        let Some(number) = named.and_then(|one| one.port) else {
            portless = ports.iter().find_map(|one| one.name.clone()).or(portless);
            continue;
        };
        for endpoint in &slice.endpoints {
            let Conditions { ready, terminating } = endpoint.conditions;
            let is_ready = ready.unwrap_or(true) && !terminating.unwrap_or(false);
            // All addresses of one endpoint are the same machine.
            let Some(address) = endpoint.addresses.first().filter(|_| is_ready) else { continue };
            let is_six = slice.address_type == "IPv6";
            let host = if is_six { format!("[{address}]") } else { address.clone() };
            addresses.push(format!("{host}:{number}"));
        }
    }
    if let Some(other) = portless.filter(|_| addresses.is_empty()) {
        return Err(format!("the service has no port {port:?}; one of its ports is {other:?}"));
    }
    addresses.truncate(REPLICAS_MAX + 1);
    Ok(addresses)
}

#[cfg(test)]
mod tests;
