//! Where messages may go: which addresses of a webhook are well formed, and which hosts are
//! reachable from the internet rather than from within.

use contract::error::FieldError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use url::{Host, Url};

const URL_MAX: usize = 2_000;

/// Why a message has nowhere to go.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Nowhere {
    #[error("the host has no address: {0}")]
    Unknown(String),
    #[error("the host's address is not one of the internet")]
    Private,
}

/// Reads the address of a webhook. `local`: hosts within are allowed, and plain HTTP.
///
/// # Errors
/// What is wrong with it, at `/url`.
pub fn read(text: &str, local: bool) -> Result<Url, FieldError> {
    let refuse = |why: &str| Err(FieldError::new("/url", why));
    let text = text.trim();
    if text.len() > URL_MAX {
        return refuse("Use at most 2000 characters.");
    }
    let Ok(url) = Url::parse(text) else {
        return refuse("Write a whole address, such as https://example.com/hooks.");
    };
    match url.scheme() {
        "https" => {}
        "http" if local => {}
        "http" => return refuse("Use https: messages tell what is yours."),
        _ => return refuse("Use an address that begins with https://."),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("Leave the name and password out; messages are signed instead.");
    }
    if url.fragment().is_some() {
        return refuse("Leave out what comes after `#`; it is never sent.");
    }
    let ip = match url.host() {
        None => return refuse("Name a host, such as example.com."),
        Some(Host::Domain(name)) => {
            let within = name == "localhost" || name.ends_with(".localhost");
            if within && !local {
                return refuse("Use a host that is reachable from the internet.");
            }
            return Ok(url);
        }
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
    };
    if !local && !is_public(ip) {
        return refuse("Use a host that is reachable from the internet.");
    }
    Ok(url)
}

/// The addresses that a message to `url` may be sent to, as its host resolves now.
///
/// # Errors
/// The host has no address, or one that is not of the internet. One is enough to refuse them all:
/// such a host is made to mislead.
pub async fn resolve(url: &Url, local: bool) -> Result<Vec<SocketAddr>, Nowhere> {
    let port = url.port_or_known_default().unwrap_or(443);
    let found: Vec<SocketAddr> = match url.host() {
        None => Vec::new(),
        Some(Host::Ipv4(ip)) => vec![(ip, port).into()],
        Some(Host::Ipv6(ip)) => vec![(ip, port).into()],
        Some(Host::Domain(name)) => tokio::net::lookup_host((name, port))
            .await
            .map_err(|error| Nowhere::Unknown(error.to_string()))?
            .collect(),
    };
    if found.is_empty() {
        return Err(Nowhere::Unknown("no record".into()));
    }
    if !local && !found.iter().all(|address| is_public(address.ip())) {
        return Err(Nowhere::Private);
    }
    Ok(found)
}

/// Whether an address is one of the internet: not of this machine, of a network within, of a cloud's
/// own services, or reserved (the special-purpose registries of IANA).
#[must_use]
pub fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    let reserved = match (a, b, c) {
        (0 | 10 | 127, ..) => true,
        // Shared by carriers' customers; some clouds have services there.
        (100, 64..=127, _) => true,
        (169, 254, _) | (192, 168, _) => true,
        (172, 16..=31, _) => true,
        (192, 0, 0 | 2) | (192, 88, 99) => true,
        (198, 18 | 19, _) | (198, 51, 100) | (203, 0, 113) => true,
        // Multicast, and what comes after it.
        (224.., ..) => true,
        _ => false,
    };
    !reserved
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    let [first, second, ..] = segments;
    // What carries a v4 address is as public as that one.
    let [.., high, low] = segments;
    let [a, b] = high.to_be_bytes();
    let [c, d] = low.to_be_bytes();
    let carried = Ipv4Addr::new(a, b, c, d);
    match segments {
        [0, 0, 0, 0, 0, 0xffff, _, _] | [0x64, 0xff9b, 0, 0, 0, 0, _, _] => is_public_v4(carried),
        [0x2002, high, low, ..] => {
            let [a, b] = high.to_be_bytes();
            let [c, d] = low.to_be_bytes();
            is_public_v4(Ipv4Addr::new(a, b, c, d))
        }
        // Only 2000::/3 is given out, and of it not documentation, benchmarks, Teredo and the like.
        _ => {
            let given_out = first & 0xe000 == 0x2000;
            let special = match first {
                0x2001 => second < 0x200 || second == 0xdb8,
                0x3fff => second < 0x1000,
                _ => false,
            };
            given_out && !special
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn addresses_within_are_never_taken_for_the_internet_in_any_notation() {
        for within in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.0.1",
            "192.0.0.192",
            "192.0.2.1",
            "198.18.0.1",
            "198.51.100.7",
            "203.0.113.7",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "::127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
            "2001:db8::1",
            "2001::1",
            "100::1",
            "3fff::1",
        ] {
            assert!(!is_public(ip(within)), "{within}");
        }
        for public in [
            "1.1.1.1",
            "8.8.8.8",
            "172.15.0.1",
            "172.32.0.1",
            "100.63.0.1",
            "100.128.0.1",
            "192.1.2.3",
            "198.20.0.1",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:8.8.8.8",
            "2002:808:808::",
            "64:ff9b::808:808",
        ] {
            assert!(is_public(ip(public)), "{public}");
        }
    }

    #[test]
    fn an_address_that_must_not_be_called_is_refused_for_what_is_wrong_with_it() {
        let why = |text: &str| read(text, false).unwrap_err().detail;
        assert!(why("hooks").contains("whole address"));
        assert!(why("http://example.com/").contains("Use https"));
        assert!(why("ftp://example.com/").contains("https://"));
        assert!(why("https://me:secret@example.com/").contains("password"));
        assert!(why("https://example.com/#x").contains('#'));
        assert!(why(&format!("https://example.com/{}", "a".repeat(2_000))).contains("2000"));
        for within in [
            "https://127.0.0.1/",
            "https://localhost/",
            "https://a.localhost/",
            "https://[::1]/",
            // Other ways to write 127.0.0.1, which the URL standard reads as such.
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://[::ffff:7f00:1]/",
            "https://169.254.169.254/latest",
        ] {
            assert!(why(within).contains("internet"), "{within}");
            assert!(read(within, true).is_ok(), "{within}");
        }
        assert_eq!(
            read(" https://example.com/x ", false).unwrap().as_str(),
            "https://example.com/x"
        );
    }

    #[tokio::test]
    async fn a_name_is_judged_by_what_it_resolves_to() {
        let url = Url::parse("https://localhost/").unwrap();
        assert_eq!(resolve(&url, false).await, Err(Nowhere::Private));
        assert!(resolve(&url, true).await.is_ok());
        let nowhere = Url::parse("https://nowhere.invalid/").unwrap();
        assert!(matches!(resolve(&nowhere, true).await, Err(Nowhere::Unknown(_))));
    }
}
