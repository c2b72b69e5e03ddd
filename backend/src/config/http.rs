//! How the control API listens, and whose word it takes for a client's address.

use std::net::{IpAddr, SocketAddr};

#[derive(Debug, Clone, clap::Args)]
pub struct Http {
    /// Where the control API listens.
    #[arg(long, env = "TOLLGATE_API_LISTEN", default_value = "127.0.0.1:7101")]
    pub api_listen: SocketAddr,
    /// Where a worker serves /metrics and /livez; nowhere if it is not set. For the inside only.
    #[arg(long, env = "TOLLGATE_METRICS_LISTEN")]
    pub metrics_listen: Option<SocketAddr>,
    /// Peers whose X-Forwarded-For is believed: the portal server and any reverse proxy, as
    /// addresses or networks (10.0.0.0/8), separated by commas.
    #[arg(
        long,
        env = "TOLLGATE_TRUSTED_PROXIES",
        default_value = "127.0.0.0/8,::1/128",
        value_delimiter = ','
    )]
    pub trusted_proxies: Vec<Network>,
}

impl Http {
    /// The client's address: the last one a trusted peer names, else the peer itself.
    #[must_use]
    pub fn client_ip(&self, peer: Option<IpAddr>, forwarded_for: Option<&str>) -> Option<IpAddr> {
        let peer = peer?;
        if !self.trusted_proxies.iter().any(|network| network.contains(peer)) {
            return Some(peer);
        }
        let named = forwarded_for.and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
        Some(named.unwrap_or(peer))
    }
}

/// A block of addresses, `address/prefix`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        let (base, ip, width) = match (self.base, ip.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(ip)) => {
                (u128::from(u32::from(base)), u128::from(u32::from(ip)), 32)
            }
            (IpAddr::V6(base), IpAddr::V6(ip)) => (u128::from(base), u128::from(ip), 128),
            _ => return false,
        };
        let free = u32::from(width - self.prefix.min(width));
        base.checked_shr(free).unwrap_or(0) == ip.checked_shr(free).unwrap_or(0)
    }
}

impl std::str::FromStr for Network {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is neither an address nor a network such as 10.0.0.0/8");
        let (base, prefix) = text.split_once('/').unwrap_or((text, ""));
        let base: IpAddr = base.trim().parse().map_err(|_| wrong())?;
        let width = if base.is_ipv4() { 32 } else { 128 };
        let prefix =
            if prefix.is_empty() { width } else { prefix.trim().parse().map_err(|_| wrong())? };
        if prefix > width { Err(wrong()) } else { Ok(Self { base, prefix }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn http(trusted: &str) -> Http {
        Http {
            api_listen: "127.0.0.1:0".parse().unwrap(),
            metrics_listen: None,
            trusted_proxies: trusted.split(',').map(|n| n.parse().unwrap()).collect(),
        }
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_trusted_peer_names_the_client() {
        let http = http("10.0.0.0/8,::1");
        let seen = |peer, header| http.client_ip(Some(ip(peer)), header);
        assert_eq!(seen("10.2.3.4", Some("1.1.1.1, 2.2.2.2")), Some(ip("2.2.2.2")));
        assert_eq!(seen("11.2.3.4", Some("2.2.2.2")), Some(ip("11.2.3.4")));
        assert_eq!(seen("::1", Some("not an address")), Some(ip("::1")));
        assert_eq!(seen("::ffff:10.1.1.1", Some("2.2.2.2")), Some(ip("2.2.2.2")));
    }

    #[test]
    fn a_network_that_is_none_is_refused() {
        for text in ["10.0.0.0/33", "nonsense", "10.0.0.0/x", ""] {
            assert!(text.parse::<Network>().is_err(), "{text}");
        }
        assert!("0.0.0.0/0".parse::<Network>().unwrap().contains(ip("9.9.9.9")));
    }
}
