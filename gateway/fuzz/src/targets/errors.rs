//! What comes with a status that is no success, and what callers are told of it.

use super::{callers, must_be_json};
use crate::Knobs;
use contract::error::ErrorCode;
use dialect::sse;
use dialect::{Problem, Wire};

const STATUS: [u16; 8] = [400, 401, 403, 404, 413, 429, 500, 529];

pub fn run(knobs: Knobs, text: &[u8]) {
    let status = STATUS.get(knobs.pick(STATUS.len())).copied().unwrap_or(500);
    for wire in Wire::ALL {
        let Some(provider) = wire.outbound() else { continue };
        let read = provider.read_error(status, text);
        let problem = Problem {
            code: ErrorCode::UpstreamRateLimited,
            status,
            message: read.message.as_deref().unwrap_or_default(),
            param: read.param.as_deref(),
            request_id: "req_1",
        };
        for (to, caller) in callers(knobs) {
            must_be_json(to.as_str(), &caller.error_body(&problem));
            let event = caller.error_event(&problem);
            if let Some(data) = sse::data(&event) {
                must_be_json(to.as_str(), &data);
            }
        }
    }
}
