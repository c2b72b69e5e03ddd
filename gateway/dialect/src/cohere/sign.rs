//! How signatures travel: the vendor has none, so other providers' are carried in fields of our
//! own, which its SDKs keep. `signature` of a block or a call is its own; `encrypted` of a
//! thinking block is a thought that only its provider can read. A plan has no place for one: it is
//! on an empty thought right after the plan.

use super::WIRE;
use crate::Invalid;
use crate::fields::Fields;
use crate::neutral::{Content, Part, Signature};

pub(super) const SIGNATURE: &str = "signature";
pub(super) const HIDDEN: &str = "encrypted";

/// Takes a signature from an object that carries one.
pub(super) fn take(fields: &mut Fields, name: &str) -> Result<Option<Signature>, Invalid> {
    let text = fields.string(name)?;
    Ok(text.as_deref().and_then(of))
}

/// What a field says.
pub(super) fn of(text: &str) -> Option<Signature> {
    (!text.is_empty()).then(|| Signature::unpacked(text, WIRE))
}

/// A plan in front of what is said, with its signature; an empty thought is nothing.
pub(super) fn planned(plan: Option<String>, said: Vec<Part>) -> Vec<Part> {
    let mut parts: Vec<Part> =
        plan.map(|plan| Part::new(Content::Thinking(plan))).into_iter().collect();
    for part in said {
        let silent = matches!(&part.content, Content::Thinking(text) if text.is_empty());
        match parts.as_mut_slice() {
            [Part { content: Content::Thinking(_), signature: signature @ None, .. }] if silent => {
                *signature = part.signature;
            }
            _ if silent && part.signature.is_none() => {}
            _ => parts.push(part),
        }
    }
    parts
}
