//! Signatures of thoughts: made from the dialect and the text, and checked when they come back, as
//! the vendors do. They keep nothing secret; a gateway that alters or swaps one is found out.

use crate::dialect::Wire;
use crate::vectors::fnv;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// The signature of a thought; `None` in the dialects that sign nothing.
pub(crate) fn of(wire: Wire, text: &str) -> Option<String> {
    let covered = match wire {
        Wire::Messages | Wire::Converse => text,
        // These seal what they hand out; the text beside it may be left out on the way back.
        Wire::Gemini | Wire::Responses => "",
        Wire::Chat | Wire::Cohere | Wire::Watsonx | Wire::Ollama => return None,
    };
    let hash = fnv(covered.as_bytes());
    Some(STANDARD.encode(format!("simulator/{}/{hash:016x}", wire.as_str())))
}

pub(crate) fn good(wire: Wire, text: &str, signature: &str) -> bool {
    of(wire, text).as_deref() == Some(signature)
}
