//! The dialect as its users see it: requests, answers, streams, and real traffic.

mod answer;
mod corpus;
mod request;
mod stream;

use super::{Host, Messages};
use crate::convert::{Address, Caller, Inbound as _, Outbound as _, Provider};
use crate::loss::Losses;
use crate::neutral::Request;
use crate::{Invalid, Wire};
use serde_json::Value;
use std::path::PathBuf;

const DIRECT: Messages = Messages { host: Host::Direct };

fn read(body: &Value) -> Result<Request, Invalid> {
    DIRECT.read_request(body.to_string().as_bytes(), &Address::default())
}

/// What is written for a model, and what the header says of it.
fn write_for(model: &str, request: &Request) -> Result<(Value, String), Invalid> {
    let mut losses = Losses::new(Wire::Messages);
    let to = Provider { model, output_tokens_max: 0 };
    let body = DIRECT.write_request(request, &to, &mut losses)?;
    Ok((serde_json::from_slice(&body).unwrap(), losses.header()))
}

const fn caller(asked: &Request) -> Caller<'_> {
    Caller { asked, id: "req_1", now: 1_760_000_000, stream_usage: true }
}

/// A fixture of this dialect.
fn golden(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/anthropic");
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn golden_json(name: &str) -> Value {
    serde_json::from_slice(&golden(name)).unwrap()
}
