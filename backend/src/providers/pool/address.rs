//! Where a replica is: `host:port` in one form, and which hosts are none.

use contract::host::is_nobodys;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Names under which clouds tell machines their secrets.
const CLOUDS_OWN: [&str; 2] = ["metadata.google.internal", "metadata.goog"];

/// `host:port` in its one form.
///
/// # Errors
/// What is wrong with it and how to write it.
pub fn address(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.contains(['/', '@', '?', '#']) {
        return Err(format!("write {text} as host:port alone, such as 10.0.0.1:8000"));
    }
    let Some((name, port)) = text.rsplit_once(':') else {
        return Err(format!("{text} has no port: write host:port, such as 10.0.0.1:8000"));
    };
    if name.contains(':') && !(name.starts_with('[') && name.ends_with(']')) {
        return Err(format!("write {text} with brackets around the IPv6 address: [fd00::1]:8000"));
    }
    let number = port.parse::<u16>().ok().filter(|number| *number > 0);
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    let Some(number) = number.filter(|_| digits) else {
        return Err(format!("the port of {text} is not a number from 1 to 65535"));
    };
    Ok(format!("{}:{number}", host(name)?))
}

/// A name or an address of a machine, in its one form.
///
/// # Errors
/// What is wrong with it.
pub fn host(text: &str) -> Result<String, String> {
    let wrong = |what: &str| Err(format!("{text} {what}"));
    let name = text.to_ascii_lowercase();
    let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let bare = name.strip_suffix('.').unwrap_or(&name);
    let last = bare.rsplit('.').next().unwrap_or_default();
    let ip = if let Some(inner) = inner {
        let Ok(ip) = inner.parse::<Ipv6Addr>() else { return wrong("is no IPv6 address") };
        Some(IpAddr::V6(ip))
    } else if last.starts_with("0x") || !last.is_empty() && last.bytes().all(|b| b.is_ascii_digit())
    {
        let Ok(ip) = name.parse::<Ipv4Addr>() else { return wrong("is no IPv4 address") };
        Some(IpAddr::V4(ip))
    } else {
        None
    };
    if ip.is_some_and(is_nobodys) || CLOUDS_OWN.contains(&bare) {
        return wrong("is where a cloud tells machines their secrets, or no machine at all");
    }
    match ip {
        Some(IpAddr::V6(ip)) => Ok(format!("[{ip}]")),
        Some(IpAddr::V4(ip)) => Ok(ip.to_string()),
        None if is_name(bare) => Ok(name),
        None => wrong(
            "is no name of a machine: write labels of letters, digits and hyphens with dots between, \
             such as vllm.models.internal",
        ),
    }
}

/// Underscores are in the names of containers.
fn is_name(name: &str) -> bool {
    let label = |label: &str| {
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        (1..=63).contains(&label.len())
            && label.bytes().all(plain)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_one_form_however_it_was_written() {
        for (written, stored) in [
            (" 10.0.0.1:8000 ", "10.0.0.1:8000"),
            ("127.0.0.1:1", "127.0.0.1:1"),
            ("GPU-1.Models.Internal:08000", "gpu-1.models.internal:8000"),
            ("vllm_1:65535", "vllm_1:65535"),
            ("[FD00:0::1]:80", "[fd00::1]:80"),
            ("[::1]:80", "[::1]:80"),
        ] {
            assert_eq!(address(written).unwrap(), stored);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_how_to_write_one() {
        for (bad, word) in [
            ("", "has no port"),
            ("10.0.0.1", "has no port"),
            ("http://10.0.0.1:8000", "host:port alone"),
            ("10.0.0.1:8000/v1", "host:port alone"),
            ("me:secret@10.0.0.1:80", "host:port alone"),
            ("10.0.0.1:", "port of"),
            ("10.0.0.1:0", "port of"),
            ("10.0.0.1:+80", "port of"),
            ("10.0.0.1:70000", "port of"),
            ("fd00::1:8000", "brackets"),
            ("[fd00::g]:8000", "no IPv6"),
            ("10.0.0.256:80", "no IPv4"),
            ("2130706433:80", "no IPv4"),
            ("010.0.0.1:80", "no IPv4"),
            ("0x7f000001:80", "no IPv4"),
            ("10.0.0.1.:80", "no IPv4"),
            (":80", "no name"),
            ("a..b:80", "no name"),
            ("-a:80", "no name"),
            ("a b:80", "no name"),
            ("schlüssel:80", "no name"),
        ] {
            let why = address(bad).unwrap_err();
            assert!(why.contains(word), "{bad}: {why}");
        }
    }

    #[test]
    fn where_clouds_tell_machines_their_secrets_is_no_replica_however_it_is_written() {
        for bad in [
            "169.254.169.254:80",
            "[::ffff:169.254.169.254]:80",
            "[64:ff9b::a9fe:a9fe]:80",
            "[fe80::1]:80",
            "[fd00:ec2::254]:80",
            "100.100.100.200:80",
            "Metadata.Google.Internal.:80",
            "0.0.0.0:80",
            "[::]:80",
            "224.0.0.1:80",
            "255.255.255.255:80",
        ] {
            let why = address(bad).unwrap_err();
            assert!(why.contains("no machine at all"), "{bad}: {why}");
        }
    }
}
