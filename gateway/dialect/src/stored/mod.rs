//! What a call may not rest on, even where the provider speaks the dialect itself: things that the
//! provider keeps. Tenants share the provider's account, so an id that leaks would open what is
//! another tenant's; and what a stored conversation or a later answer costs cannot be known before,
//! or billed after.

mod deep;
mod path;

use crate::json::{self, Kind, Member};
use crate::{Invalid, Wire};
use deep::{Leaf, Rules, Words, searches};
use path::Path;

/// Judges a member of the body: its name, itself, its value.
type Find = fn(&[u8], &Member, &[u8]) -> Refused;
/// The field, and why it cannot be used.
type Refused = Option<(&'static str, &'static str)>;

const WHOLE: &str = "nothing is kept between calls. Send what it stands for, whole.";
const FILE: &str = "uploaded files belong to an account that many share. Send the data inline, or a \
    public URL.";
const STORE: &str = "what is searched belongs to an account that many share. Search yourself, and \
    send what was found.";
const BUCKET: &str = "it is read with the rights of an account that many share. Send the bytes.";
const GUARD: &str = "it belongs to an account that many share, and what it costs is not told.";
const SPOKEN: &str = "nothing is kept between calls. Send what was said, as text.";
const UNPRICED: &str = "what it costs is not told with the answer, so it cannot be metered. Run it \
    yourself, as a function.";

/// Refuses a conversation in `wire` that rests on what the provider keeps, or lets it run what
/// cannot be metered.
///
/// # Errors
/// [`Invalid`] with the field.
pub fn refuse(wire: Wire, body: &[u8]) -> Result<(), Invalid> {
    let (find, rules): (Find, _) = match wire {
        Wire::Chat => (|_, _, _| None, Some(&CHAT)),
        Wire::Responses => (responses, Some(&RESPONSES)),
        Wire::Messages => (messages, Some(&MESSAGES)),
        Wire::Gemini => (gemini, Some(&GEMINI)),
        Wire::Cohere => (cohere, None),
        Wire::Converse => (|_, _, _| None, Some(&CONVERSE)),
        Wire::Watsonx | Wire::Ollama => return Ok(()),
    };
    let mut refused = None;
    json::walk_object(body, |member| {
        if refused.is_none()
            && let Some(name) = member.name(body)
        {
            refused = find(&name, &member, member.raw(body));
        }
    })?;
    let Some((field, why)) = refused else {
        return rules.map_or(Ok(()), |rules| deep::refuse(rules, body));
    };
    Err(Invalid::at(field, format!("`{field}` cannot be used here: {why}")))
}

static CHAT: Rules = Rules {
    words: Words::new(|| {
        searches(&[
            "file_id",
            "\"audio\"",
            "data_sources",
            "plugins",
            "_store_ids",
            "_search",
            "interpreter",
        ])
    }),
    own: &["parameters", "schema", "metadata", "arguments"],
    judge: |at, leaf| {
        if at.is_top() {
            return match at.name() {
                // Searched with the account's own rights.
                Some("data_sources") => Some(STORE),
                // OpenRouter's, some of which cost.
                Some("plugins") => Some(UNPRICED),
                _ => None,
            };
        }
        let spoken = at.name() == Some("id")
            && at.parent().name() == Some("audio")
            && at.parent().parent().is_item_of("messages");
        if spoken { Some(SPOKEN) } else { openai(at, leaf) }
    },
};

static RESPONSES: Rules = Rules {
    words: Words::new(|| {
        searches(&["file_id", "_store_ids", "_search", "interpreter", "container"])
    }),
    own: &["parameters", "schema", "metadata", "arguments"],
    judge: |at, leaf| match (at.name(), leaf) {
        (Some("container_id"), Leaf::Text(_)) => Some(WHOLE),
        (Some("type"), Leaf::Text(kind))
            if at.parent().name() == Some("environment") && kind.starts_with("container") =>
        {
            Some(UNPRICED)
        }
        _ => openai(at, leaf),
    },
};

/// What both dialects of OpenAI's have.
fn openai(at: &Path<'_>, leaf: Leaf<'_>) -> Option<&'static str> {
    match (at.name()?, leaf) {
        ("file_id", Leaf::Text(_)) => Some(FILE),
        ("vector_store_ids" | "collection_ids", _) => Some(STORE),
        ("type", Leaf::Text(kind)) if at.parent().is_item_of("tools") => match kind {
            "file_search" | "collections_search" => Some(STORE),
            "code_interpreter" => Some(UNPRICED),
            _ => None,
        },
        _ => None,
    }
}

static MESSAGES: Rules = Rules {
    words: Words::new(|| searches(&["file_id", "code_execution"])),
    own: &["input", "input_schema", "metadata"],
    judge: |at, leaf| match (at.name()?, leaf) {
        ("file_id", Leaf::Text(_)) => Some(FILE),
        ("type", Leaf::Text(kind))
            if at.parent().is_item_of("tools") && kind.starts_with("code_execution") =>
        {
            Some(UNPRICED)
        }
        _ => None,
    },
};

static GEMINI: Rules = Rules {
    words: Words::new(|| {
        searches(&["fileUri", "file_uri", "fileSearch", "file_search", "retrieval"])
    }),
    own: &[
        "args",
        "response",
        "parameters",
        "parametersJsonSchema",
        "parameters_json_schema",
        "responseSchema",
        "response_schema",
        "responseJsonSchema",
        "response_json_schema",
    ],
    judge: |at, leaf| match (at.name()?, leaf) {
        ("fileUri" | "file_uri", Leaf::Text(uri)) if is_of_the_account(uri) => Some(FILE),
        ("fileUri" | "file_uri", Leaf::Text(uri)) if is_in_a_bucket(uri) => Some(BUCKET),
        ("fileSearch" | "file_search" | "retrieval", _) if at.parent().is_item_of("tools") => {
            Some(STORE)
        }
        _ => None,
    },
};

static CONVERSE: Rules = Rules {
    words: Words::new(|| searches(&["s3Location", "guardrailConfig", "systemTool"])),
    own: &["input", "json", "requestMetadata"],
    judge: |at, _| match at.name()? {
        "s3Location" => Some(BUCKET),
        "guardrailConfig" if at.is_top() => Some(GUARD),
        "systemTool" => Some(UNPRICED),
        _ => None,
    },
};

/// Whether a file lies in Google's storage, which the provider's own credential may open.
fn is_in_a_bucket(uri: &str) -> bool {
    uri.trim_start().get(..5).is_some_and(|scheme| scheme.eq_ignore_ascii_case("gs://"))
}

/// Whether a file's address is one of Google's Files API, where the account's files are. Anything
/// else is public, or lies where Google asks for rights of its own.
fn is_of_the_account(uri: &str) -> bool {
    let uri = uri.to_ascii_lowercase();
    let Some((_, rest)) = uri.split_once("://") else { return true };
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    host.contains("generativelanguage") || host.contains('%')
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
mod tests;
