//! How signatures travel. One of this dialect is bare, in `thinking.signature` or
//! `redacted_thinking.data`. One of another dialect is packed there. One of another dialect that
//! belongs to a text or to a tool call has no field: it travels in a thinking block of its own,
//! without text, in front of its piece — or behind it, marked so, where a stream told the
//! signature only after the piece.

use super::WIRE;
use crate::Wire;
use crate::neutral::{Content, Part, Signature};

/// Marks a packed signature of the piece in front of it.
const BEHIND: &str = "tollgate.behind.";

/// The text that carries a signature of the piece behind it.
pub(super) fn ahead(signature: &Signature) -> String {
    signature.packed(WIRE)
}

/// The text that carries a signature of the piece in front of it.
pub(super) fn behind(signature: &Signature) -> String {
    format!("{BEHIND}{}.{}", signature.wire, signature.value)
}

/// Whether the vendor takes a signature: its own, and those of its models behind Converse.
pub(super) fn is_own(signature: &Signature) -> bool {
    matches!(signature.wire, Wire::Messages | Wire::Converse)
}

/// Gives the signatures of thinking blocks without text to the pieces that they belong to.
pub(super) fn settle(parts: Vec<Part>) -> Vec<Part> {
    let mut out: Vec<Part> = Vec::with_capacity(parts.len());
    let mut carried = None;
    for mut part in parts {
        let silent = matches!(&part.content, Content::Thinking(text) if text.is_empty());
        let carrier = part.signature.as_ref().filter(|_| silent);
        match carrier.map_or(Carried::Nothing, self::carried) {
            Carried::Nothing => {}
            Carried::Ahead(signature) => {
                carried = Some(signature);
                continue;
            }
            Carried::Behind(signature) => {
                if let Some(last) = out.last_mut() {
                    last.signature = Some(signature);
                }
                continue;
            }
        }
        if part.signature.is_none() {
            part.signature = carried.take();
        }
        out.push(part);
    }
    if let Some(signature) = carried {
        let mut part = Part::new(Content::HiddenThinking);
        part.signature = Some(signature);
        out.push(part);
    }
    out
}

/// What thinking without text carries for another piece.
pub(super) enum Carried {
    Nothing,
    Ahead(Signature),
    Behind(Signature),
}

/// What the signature of thinking without text is.
pub(super) fn carried(signature: &Signature) -> Carried {
    if signature.wire != WIRE {
        return Carried::Ahead(signature.clone());
    }
    let behind = signature.value.strip_prefix(BEHIND).and_then(|rest| {
        let (wire, value) = rest.split_once('.')?;
        Some(Signature { wire: Wire::parse(wire)?, value: value.to_owned() })
    });
    behind.map_or(Carried::Nothing, Carried::Behind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::neutral::ToolCall;

    fn thinking(signature: &str) -> Part {
        let mut part = Part::new(Content::Thinking(String::new()));
        part.signature = Some(Signature::unpacked(signature, WIRE));
        part
    }

    fn call() -> Part {
        Part::new(Content::ToolCall(ToolCall {
            id: "a".into(),
            name: "f".into(),
            input: "{}".into(),
            kind: crate::neutral::CallKind::Function,
        }))
    }

    #[test]
    fn a_signature_without_text_finds_its_piece() {
        let foreign = Signature { wire: Wire::Gemini, value: "s.1".into() };
        let before = settle(vec![thinking(&ahead(&foreign)), call(), call()]);
        assert_eq!(before.len(), 2);
        assert_eq!(before[0].signature.as_ref(), Some(&foreign));
        assert_eq!(before[1].signature, None);
        let after = settle(vec![call(), thinking(&behind(&foreign)), call()]);
        assert_eq!(after.len(), 2);
        assert_eq!(after[0].signature.as_ref(), Some(&foreign));
        assert_eq!(after[1].signature, None);
    }

    #[test]
    fn thinking_that_its_own_vendor_left_out_stays_thinking() {
        let own = settle(vec![thinking("EsgD"), call()]);
        assert_eq!(own.len(), 2);
        assert_eq!(own[0].signature, Some(Signature { wire: WIRE, value: "EsgD".into() }));
    }

    #[test]
    fn a_signature_that_belongs_to_nothing_is_hidden_thinking() {
        let foreign = Signature { wire: Wire::Responses, value: "x".into() };
        let parts = settle(vec![thinking(&ahead(&foreign))]);
        assert_eq!(parts[0].content, Content::HiddenThinking);
        assert_eq!(parts[0].signature, Some(foreign));
    }
}
