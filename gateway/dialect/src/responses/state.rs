//! What a call may not rest on, even where the provider speaks the dialect itself: answers that
//! the provider keeps. Tenants share the provider's account, so an id that leaks would open
//! another tenant's conversation; and what a stored conversation or a later answer costs cannot be
//! known before, or billed after.

use crate::Invalid;
use crate::json::{self, Kind, Member};

/// Fields of the body that name something stored.
const STORED: [&[u8]; 2] = [b"previous_response_id", b"conversation"];

/// Refuses a body that rests on what the provider keeps.
///
/// # Errors
/// [`Invalid`] with the field.
pub fn refuse_stored(body: &[u8]) -> Result<(), Invalid> {
    let mut refused = None;
    json::walk_object(body, |member| {
        if let Some(name) = member.name(body)
            && refused.is_none()
        {
            refused = stored(&name, &member, body);
        }
    })?;
    refused.map_or(Ok(()), Err)
}

fn stored(name: &[u8], member: &Member, body: &[u8]) -> Option<Invalid> {
    let refuse = |field: &str, instead: &str| {
        let detail = format!("`{field}` cannot be used here: {instead}");
        Some(Invalid::at(field.to_owned(), detail))
    };
    if STORED.contains(&name) && member.kind != Kind::Null {
        let field = String::from_utf8_lossy(name);
        return refuse(&field, "answers are not kept. Send the whole conversation in `input`.");
    }
    if name == b"background" && member.kind == Kind::True {
        return refuse("background", "an answer cannot be fetched later. Use `stream`.");
    }
    let refers = || memchr::memmem::find(member.raw(body), b"\"item_reference\"").is_some();
    if name == b"input" && member.kind == Kind::Array && refers() {
        return refuse(
            "input",
            "an `item_reference` names an item that is not kept. Send it whole.",
        );
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_may_not_rest_on_what_the_provider_keeps() {
        for (body, field) in [
            (r#"{"previous_response_id":"resp_1"}"#, "previous_response_id"),
            (r#"{"conversation":{"id":"conv_1"}}"#, "conversation"),
            (r#"{"convers\u0061tion":"conv_1"}"#, "conversation"),
            (r#"{"background":true}"#, "background"),
            (r#"{"input":[{"type":"item_reference","id":"msg_1"}]}"#, "input"),
        ] {
            let refused = refuse_stored(body.as_bytes()).unwrap_err();
            assert_eq!(refused.param.as_deref(), Some(field), "{body}");
        }
        let plain = r#"{"previous_response_id":null,"background":false,"input":"item_reference"}"#;
        assert_eq!(refuse_stored(plain.as_bytes()), Ok(()));
    }
}
