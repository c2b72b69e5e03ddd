//! Reasoning in messages, which the vendor of this dialect never shows and its kin do, each in its
//! own way: `reasoning_content`, `reasoning`, or `reasoning_details`, a list that also carries what
//! proves the reasoning:
//!
//! `{"type": "reasoning.text", "text", "signature", "format"}`,
//! `{"type": "reasoning.encrypted", "data", "format"}`.
//!
//! `format` names the dialect that a signature is of; one with any other format belongs to a
//! provider of this dialect, and all of it is its signature. The signature of a text is an
//! encrypted item with the id `text`; what only another dialect knows is a `tollgate.native` one.
//! A tool call carries its signature in `extra_content`.

use crate::fields::Fields;
use crate::neutral::{Content, Native, Part, Signature};
use crate::{Invalid, Wire};
use serde_json::{Value, json};

/// What an encrypted item is called that is the signature of the text.
const OF_TEXT: &str = "text";

/// Takes the reasoning out of a message.
pub(super) fn of_message(message: &mut Fields) -> Result<Vec<Part>, Invalid> {
    let shown = match message.string("reasoning_content")? {
        Some(text) => Some(text),
        None => message.string("reasoning")?,
    };
    let details = message.list("reasoning_details")?.unwrap_or_default();
    let mut parts = Vec::new();
    for item in details {
        if !item.value.is_object() {
            return Err(item.wrong("an object"));
        }
        parts.extend(part_of(item.value));
    }
    let told = parts.iter().any(|part| matches!(part.content, Content::Thinking(_)));
    if let Some(text) = shown.filter(|text| !told && !text.is_empty()) {
        parts.insert(0, Part::new(Content::Thinking(text)));
    }
    Ok(parts)
}

/// What an item of `reasoning_details` says; `None` for one that says nothing.
pub(super) fn part_of(item: Value) -> Option<Part> {
    let word = |name: &str| item.get(name).and_then(Value::as_str);
    let wire = word("format").and_then(Wire::parse);
    if word("type") == Some("tollgate.native") {
        let native = Native { wire: wire?, value: item.get("data")?.clone() };
        return Some(Part::new(Content::Native(native)));
    }
    let data = word("data");
    let content = match (word("text").or_else(|| word("summary")), data) {
        (Some(text), _) => Content::Thinking(text.to_owned()),
        (None, Some(_)) if wire.is_some() && word("id") == Some(OF_TEXT) => {
            Content::Text { text: String::new(), citations: Vec::new() }
        }
        (None, Some(_)) => Content::HiddenThinking,
        // A signature that comes alone, at a stream's end.
        (None, None) if word("signature").is_some() => Content::Thinking(String::new()),
        (None, None) => return None,
    };
    let signature = match wire {
        Some(wire) => {
            let value = word("signature").or(data).map(str::to_owned);
            value.map(|value| Signature { wire, value })
        }
        None if word("signature").is_some() || data.is_some() => {
            Some(Signature { wire: Wire::Chat, value: item.to_string() })
        }
        None => None,
    };
    Some(Part { signature, ..Part::new(content) })
}

/// Moves the signature of a text, which came as an item of its own, to the text itself.
pub(super) fn sign_text(parts: &mut Vec<Part>) {
    let is_mark = |part: &Part| {
        part.signature.is_some()
            && matches!(&part.content, Content::Text { text, .. } if text.is_empty())
    };
    let Some(at) = parts.iter().position(is_mark) else { return };
    let has_text = parts
        .iter()
        .enumerate()
        .any(|(n, part)| n != at && matches!(part.content, Content::Text { .. }));
    if !has_text {
        return;
    }
    let signature = parts.remove(at).signature;
    let last = parts.iter_mut().rfind(|part| matches!(part.content, Content::Text { .. }));
    if let Some(text) = last {
        text.signature = signature;
    }
}

/// Takes the signature out of a tool call.
pub(super) fn of_call(call: &mut Fields) -> Result<Option<Signature>, Invalid> {
    let extra = call.map("extra_content")?;
    Ok(extra.and_then(|extra| of_extra(&extra.into())))
}

/// The signature in the `extra_content` of a tool call.
pub(super) fn of_extra(extra: &Value) -> Option<Signature> {
    let google = extra.get("google").and_then(|google| google.get("thought_signature"));
    if let Some(value) = google.and_then(Value::as_str) {
        return Some(Signature { wire: Wire::Gemini, value: value.to_owned() });
    }
    let packed = extra.get("tollgate")?.get("signature")?.as_str()?;
    Some(Signature::unpacked(packed, Wire::Chat))
}

/// The `extra_content` of a tool call with this signature.
pub(super) fn extra_content(signature: &Signature) -> Value {
    if signature.wire == Wire::Gemini {
        return json!({"google": {"thought_signature": signature.value}});
    }
    json!({"tollgate": {"signature": signature.packed(Wire::Chat)}})
}

/// A part as an item of `reasoning_details`; `None` for one that needs none.
pub(super) fn detail(part: &Part, index: usize) -> Option<Value> {
    let signature = part.signature.as_ref();
    if let Some(own) = signature.and_then(own_detail) {
        return Some(own);
    }
    let format = signature.map(|signature| signature.wire.as_str());
    let value = signature.map(|signature| signature.value.as_str());
    match &part.content {
        Content::Thinking(text) => Some(match value {
            Some(value) => json!({"type": "reasoning.text", "text": text, "signature": value,
                "format": format, "index": index}),
            None => {
                json!({"type": "reasoning.text", "text": text, "format": "unknown", "index": index})
            }
        }),
        Content::HiddenThinking => Some(
            json!({"type": "reasoning.encrypted", "data": value?, "format": format, "index": index}),
        ),
        Content::Text { .. } => Some(json!({"type": "reasoning.encrypted", "id": OF_TEXT,
            "data": value?, "format": format, "index": index})),
        Content::Native(native) if native.wire != Wire::Chat => Some(
            json!({"type": "tollgate.native", "data": native.value, "format": native.wire.as_str(),
                "index": index}),
        ),
        _ => None,
    }
}

/// The item that a provider of this dialect gave, whole.
pub(super) fn own_detail(signature: &Signature) -> Option<Value> {
    if signature.wire != Wire::Chat {
        return None;
    }
    serde_json::from_str(&signature.value).ok().filter(Value::is_object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thinking(text: &str, wire: Wire, value: &str) -> Part {
        let signature = Some(Signature { wire, value: value.to_owned() });
        Part { signature, ..Part::new(Content::Thinking(text.to_owned())) }
    }

    #[test]
    fn what_an_item_carries_comes_back_as_it_was() {
        let hidden =
            Part { content: Content::HiddenThinking, ..thinking("", Wire::Responses, "enc") };
        let native = Native { wire: Wire::Messages, value: json!({"type": "server_tool_use"}) };
        for part in [
            thinking("hm", Wire::Messages, "c2ln"),
            thinking("hm", Wire::Gemini, "c2ln"),
            Part::new(Content::Thinking("hm".to_owned())),
            hidden,
            Part::new(Content::Native(native)),
        ] {
            assert_eq!(part_of(detail(&part, 0).unwrap()).as_ref(), Some(&part));
        }
    }

    #[test]
    fn an_item_of_another_provider_of_this_dialect_is_handed_back_untouched() {
        let item = json!({"type": "reasoning.text", "text": "hm", "signature": "s", "id": null,
            "format": "anthropic-claude-v1", "index": 3});
        let part = part_of(item.clone()).unwrap();
        assert_eq!(part.content, Content::Thinking("hm".to_owned()));
        assert_eq!(detail(&part, 0), Some(item));
    }

    #[test]
    fn a_texts_signature_finds_its_text() {
        let signature = Some(Signature { wire: Wire::Gemini, value: "s".to_owned() });
        let signed = Part { signature, ..Part::text("21") };
        let mut parts = vec![part_of(detail(&signed, 0).unwrap()).unwrap(), Part::text("21")];
        sign_text(&mut parts);
        assert_eq!(parts, [signed]);
    }
}
