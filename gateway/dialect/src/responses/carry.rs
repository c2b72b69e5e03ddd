//! How a reasoning item carries signatures, its own and those of others.
//!
//! OpenAI binds `encrypted_content` to the item's id, so in the neutral form both are one value,
//! `<id>.<encrypted content>`. Another provider's signature is packed. One that belongs to a text
//! or to a call travels in an empty reasoning item right after it, marked as such: in a stream it
//! is known only once that piece is complete.

use super::WIRE;
use crate::neutral::Signature;
use std::borrow::Cow;

/// Marks the signature of the piece before.
const OF_LAST: &str = "of_last.";
/// What OpenAI's ids of reasoning items start with.
const ID: &str = "rs_";
/// What ours start with, which no signature is bound to.
pub(super) const MADE_UP: &str = "rs_tollgate_";

/// Whose signature a reasoning item carries.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Carried {
    Own(Signature),
    OfLast(Signature),
}

/// Reads `encrypted_content` of an item.
pub(super) fn read(id: Option<&str>, content: &str) -> Carried {
    if let Some(packed) = content.strip_prefix(OF_LAST) {
        return Carried::OfLast(Signature::unpacked(packed, WIRE));
    }
    let mut signature = Signature::unpacked(content, WIRE);
    if let Some(id) = id.filter(|id| id.starts_with(ID) && !id.starts_with(MADE_UP))
        && signature.wire == WIRE
    {
        signature.value = format!("{id}.{content}");
    }
    Carried::Own(signature)
}

/// The id, where the signature is bound to one, and `encrypted_content`.
pub(super) fn write(signature: &Signature) -> (Option<&str>, Cow<'_, str>) {
    if signature.wire != WIRE {
        return (None, signature.packed(WIRE).into());
    }
    match signature.value.split_once('.') {
        Some((id, content)) if id.starts_with(ID) => (Some(id), content.into()),
        _ => (None, signature.value.as_str().into()),
    }
}

/// `encrypted_content` of an item whose id was told already, maybe before the signature was known.
pub(super) fn write_under<'a>(signature: &'a Signature, id: &str) -> Cow<'a, str> {
    match write(signature) {
        (Some(bound), _) if bound != id => {
            format!("tollgate.{}.{}", WIRE.as_str(), signature.value).into()
        }
        (_, content) => content,
    }
}

/// `encrypted_content` of an item that carries the signature of the piece before it.
pub(super) fn write_of_last(signature: &Signature) -> String {
    format!("{OF_LAST}{}", signature.packed(WIRE))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Wire;

    #[test]
    fn a_signature_comes_back_as_it_was_whosever_it_is() {
        let signature = |wire, value: &str| Signature { wire, value: value.to_owned() };
        for own in [
            signature(WIRE, "rs_1.gAAAA=="),
            signature(WIRE, "bare"),
            signature(Wire::Messages, "a.b=="),
            signature(Wire::Gemini, "x"),
        ] {
            let (id, content) = write(&own);
            let id = id.unwrap_or("rs_tollgate_req_1_0");
            assert_eq!(read(Some(id), &content), Carried::Own(own.clone()));
            let id = "rs_tollgate_1";
            assert_eq!(read(Some(id), &write_under(&own, id)), Carried::Own(own.clone()));
            assert_eq!(read(Some("rs_tollgate_2"), &write_of_last(&own)), Carried::OfLast(own));
        }
    }
}
