//! Machines that programs of ours call because somebody said so.

use std::net::{IpAddr, Ipv4Addr};

/// Whether no model server can be there: link-local addresses, where clouds tell machines their
/// secrets, and those of more or less than one machine.
#[must_use]
pub fn is_nobodys(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast()
                || ip.is_multicast()
                || ip == Ipv4Addr::new(100, 100, 100, 200)
        }
        IpAddr::V6(ip) => match ip.segments() {
            [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
                let [a, b] = high.to_be_bytes();
                let [c, d] = low.to_be_bytes();
                is_nobodys(IpAddr::V4(Ipv4Addr::new(a, b, c, d)))
            }
            [0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254] => true,
            _ => ip.is_unicast_link_local() || ip.is_unspecified() || ip.is_multicast(),
        },
    }
}
