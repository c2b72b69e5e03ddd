//! What a call may not rest on, even where the provider speaks the dialect itself: things that the
//! provider keeps. Tenants share the provider's account, so an id that leaks would open what is
//! another tenant's; and what a stored conversation or a later answer costs cannot be known before,
//! or billed after.

use crate::json::{self, Kind, Member};
use crate::{Invalid, Wire};

/// The field, and why it cannot be used.
type Refused = Option<(&'static str, &'static str)>;

const WHOLE: &str = "nothing is kept between calls. Send what it stands for, whole.";

/// Refuses a body of `wire` that rests on what the provider keeps.
///
/// # Errors
/// [`Invalid`] with the field.
pub fn refuse(wire: Wire, body: &[u8]) -> Result<(), Invalid> {
    let find: fn(&[u8], &Member, &[u8]) -> Refused = match wire {
        Wire::Responses => responses,
        Wire::Messages => messages,
        Wire::Gemini => gemini,
        Wire::Cohere => cohere,
        Wire::Chat | Wire::Converse | Wire::Watsonx | Wire::Ollama => return Ok(()),
    };
    let mut refused = None;
    json::walk_object(body, |member| {
        if refused.is_none()
            && let Some(name) = member.name(body)
        {
            refused = find(&name, &member, member.raw(body));
        }
    })?;
    let Some((field, why)) = refused else { return Ok(()) };
    Err(Invalid::at(field, format!("`{field}` cannot be used here: {why}")))
}

fn responses(name: &[u8], member: &Member, value: &[u8]) -> Refused {
    let given = member.kind != Kind::Null;
    match name {
        b"previous_response_id" if given => Some(("previous_response_id", WHOLE)),
        b"conversation" if given => Some(("conversation", WHOLE)),
        b"background" if member.kind == Kind::True => {
            Some(("background", "an answer cannot be fetched later. Use `stream`."))
        }
        b"input" if member.kind == Kind::Array && holds(value, b"\"item_reference\"") => {
            Some(("input", "an `item_reference` names an item that is not kept. Send it whole."))
        }
        _ => None,
    }
}

fn messages(name: &[u8], member: &Member, value: &[u8]) -> Refused {
    let named = match member.kind {
        Kind::String => true,
        // An object may only say what a new one shall hold.
        Kind::Object => holds(value, b"\"id\""),
        _ => false,
    };
    (name == b"container" && named).then_some(("container", WHOLE))
}

fn gemini(name: &[u8], member: &Member, value: &[u8]) -> Refused {
    let within = || holds(value, b"\"cachedContent\"") || holds(value, b"\"cached_content\"");
    let named = match name {
        b"cachedContent" | b"cached_content" => member.kind != Kind::Null,
        // A request whose tokens are to be counted.
        b"generateContentRequest" | b"generate_content_request" => within(),
        _ => false,
    };
    named.then_some(("cachedContent", WHOLE))
}

/// What version 1 kept, and version 2 has no place for: should a provider take it all the same.
fn cohere(name: &[u8], member: &Member, value: &[u8]) -> Refused {
    match name {
        b"conversation_id" if member.kind != Kind::Null => Some(("conversation_id", WHOLE)),
        b"connectors" if member.kind != Kind::Null && holds(value, b"\"id\"") => {
            Some(("connectors", "it names what another may have registered. Use `documents`."))
        }
        _ => None,
    }
}

fn holds(value: &[u8], text: &[u8]) -> bool {
    memchr::memmem::find(value, text).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_may_not_rest_on_what_the_provider_keeps() {
        for (wire, body, field) in [
            (Wire::Responses, r#"{"previous_response_id":"resp_1"}"#, "previous_response_id"),
            (Wire::Responses, r#"{"conversation":{"id":"conv_1"}}"#, "conversation"),
            (Wire::Responses, r#"{"convers\u0061tion":"conv_1"}"#, "conversation"),
            (Wire::Responses, r#"{"background":true}"#, "background"),
            (Wire::Responses, r#"{"input":[{"type":"item_reference","id":"msg_1"}]}"#, "input"),
            (Wire::Messages, r#"{"container":"container_1"}"#, "container"),
            (Wire::Messages, r#"{"container":{"id":"container_1","skills":[]}}"#, "container"),
            (Wire::Gemini, r#"{"cachedContent":"cachedContents/1"}"#, "cachedContent"),
            (Wire::Gemini, r#"{"cached_content":"cachedContents/1"}"#, "cachedContent"),
            (
                Wire::Gemini,
                r#"{"generateContentRequest":{"cachedContent":"cachedContents/1"}}"#,
                "cachedContent",
            ),
            (Wire::Cohere, r#"{"conversation_id":"c-1"}"#, "conversation_id"),
            (Wire::Cohere, r#"{"connectors":[{"id":"web-search"}]}"#, "connectors"),
        ] {
            let refused = refuse(wire, body.as_bytes()).unwrap_err();
            assert_eq!(refused.param.as_deref(), Some(field), "{body}");
        }
    }

    #[test]
    fn a_call_that_only_looks_like_it_goes_on() {
        for (wire, body) in [
            (
                Wire::Responses,
                r#"{"previous_response_id":null,"background":false,"input":"item_reference"}"#,
            ),
            (Wire::Messages, r#"{"container":null,"messages":[{"container":"x"}]}"#),
            (Wire::Messages, r#"{"container":{"skills":[{"skill_id":"pdf"}]}}"#),
            (Wire::Gemini, r#"{"cachedContent":null}"#),
            (Wire::Cohere, r#"{"conversation_id":null,"connectors":[],"documents":[{"id":"1"}]}"#),
            (Wire::Chat, r#"{"conversation":"x","container":"x"}"#),
        ] {
            assert_eq!(refuse(wire, body.as_bytes()), Ok(()), "{body}");
        }
    }
}
