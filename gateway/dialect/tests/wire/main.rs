//! What comes over the wire as it is not in any fixture: recorded traffic through every writer, and
//! bodies and streams that somebody got wrong.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "tests"
)]

#[path = "../golden/gist.rs"]
mod gist;
mod hostile;
mod kept;
mod recorded;
mod recordings;
mod said;
mod types;

use dialect::Wire;
use dialect::convert::{Address, Caller, Inbound, Outbound, Provider};
use dialect::neutral::Request;

const PROVIDER: Provider<'static> = Provider { model: "upstream-model", output_tokens_max: 8_192 };

fn callers() -> impl Iterator<Item = (Wire, &'static dyn Inbound)> {
    Wire::ALL.into_iter().filter_map(|wire| Some((wire, wire.inbound()?)))
}

fn providers() -> impl Iterator<Item = (Wire, &'static dyn Outbound)> {
    Wire::ALL.into_iter().filter_map(|wire| Some((wire, wire.outbound()?)))
}

/// Gemini's callers name the model in the address.
fn address(wire: Wire) -> Address<'static> {
    if wire == Wire::Gemini {
        return Address { model: Some("m"), stream: Some(false) };
    }
    Address::default()
}

fn to_caller(asked: &Request) -> Caller<'_> {
    Caller { asked, id: "req_1", now: 1_760_000_000, stream_usage: true }
}
