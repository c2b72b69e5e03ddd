//! Reads a generateContent request. Everything may be spelt in camelCase or snake_case; null is
//! absent. What only Gemini knows is kept under its path: `generationConfig.responseModalities`.

use super::config;
use super::part::{Calls, read_part};
use super::proto::Proto;
use super::tools;
use super::words;
use crate::convert::Address;
use crate::fields::Item;
use crate::neutral::{Content, Extra, Native, Part, Request, Role, Turn};
use crate::{Invalid, Wire};
use serde_json::{Map, Value, json};

/// Reads the body of generateContent or streamGenerateContent.
pub(super) fn read_request(body: &[u8], at: &Address<'_>) -> Result<Request, Invalid> {
    let mut request =
        Request { stream: at.stream.unwrap_or_default(), ..read_fields(Proto::of_body(body)?)? };
    if let Some(model) = at.model {
        model.clone_into(&mut request.model);
    } else if request.model.is_empty() {
        return Err(Invalid::at(
            "model",
            "The model is missing. Name it in the path: `models/{model}:generateContent`.",
        ));
    }
    Ok(request)
}

/// Reads what a request's object holds; its model may be missing.
pub(super) fn read_fields(mut body: Proto) -> Result<Request, Invalid> {
    let mut request = Request::default();
    if let Some(model) = body.string("model")? {
        request.model = model.strip_prefix("models/").unwrap_or(&model).to_owned();
    }
    if let Some(name) = body.string("cachedContent")? {
        request.turns.push(cached_content(name));
    }
    if let Some(item) = body.item("systemInstruction") {
        request.turns.extend(instructions(item)?);
    }
    if !body.has("contents") {
        return Err(body.missing("contents", "a list of turns"));
    }
    let (mut calls, mut silent) = (Calls::default(), true);
    for item in body.list("contents")? {
        if let Some(turn) = turn(item, &mut calls)? {
            silent = false;
            join(&mut request.turns, turn);
        }
    }
    if silent {
        return Err(body.wrong("contents", "at least one turn with a part that says something"));
    }
    for item in body.list("tools")? {
        tools::read_tool(item, &mut request)?;
    }
    if let Some(choice) = body.object("toolConfig")? {
        tools::read_config(choice, &mut request)?;
    }
    if let Some(config) = body.object("generationConfig")? {
        config::read(config, &mut request)?;
    }
    request.service_tier = body.string("serviceTier")?.map(words::tier);
    extras(&mut request, "", body.rest());
    Ok(request)
}

/// Content that the vendor keeps and that comes before everything: no other vendor has it, so no
/// other dialect may leave it out.
fn cached_content(name: String) -> Turn {
    let value = json!({"cachedContent": name});
    let part = Part::new(Content::Native(Native { wire: Wire::Gemini, value }));
    Turn::new(Role::System, vec![part])
}

fn instructions(item: Item) -> Result<Option<Turn>, Invalid> {
    let mut content = Proto::of(item)?;
    let parts = parts(&mut content, &mut Calls::default())?;
    Ok((!parts.is_empty()).then(|| Turn::new(Role::System, parts)))
}

/// A turn; one without parts says nothing.
fn turn(item: Item, calls: &mut Calls) -> Result<Option<Turn>, Invalid> {
    let mut content = Proto::of(item)?;
    let role = match content.string("role")?.as_deref() {
        // Google's own older name for the side that answers calls.
        None | Some("" | "user" | "function") => Role::User,
        Some("model") => Role::Assistant,
        Some(_) => return Err(content.wrong("role", "`user` or `model`")),
    };
    let parts = parts(&mut content, calls)?;
    Ok((!parts.is_empty()).then(|| Turn::new(role, parts)))
}

/// Adds a turn. Google's SDKs keep every event of a streamed answer as a turn of its own: what the
/// model said in one go becomes one turn again.
fn join(turns: &mut Vec<Turn>, turn: Turn) {
    match turns.last_mut().filter(|last| last.role == Role::Assistant && turn.role == last.role) {
        Some(last) => {
            let mut parts = turn.parts.into_iter();
            if let Some(first) = parts.next() {
                continue_with(&mut last.parts, first, true);
            }
            last.parts.extend(parts);
        }
        None => turns.push(turn),
    }
}

/// Adds a part, or goes on with the last one: thoughts up to the signature that proves them, and
/// texts where an answer was cut into events. What is signed keeps its borders.
fn continue_with(parts: &mut Vec<Part>, next: Part, across: bool) {
    let says_nothing = match &next.content {
        Content::Text { text, .. } | Content::Thinking(text) => text.is_empty(),
        _ => false,
    };
    if says_nothing && next.signature.is_none() && !parts.is_empty() {
        return;
    }
    let last = parts.last_mut().filter(|last| last.signature.is_none());
    match (last.map(|last| (&mut last.content, &mut last.signature)), &next.content) {
        (Some((Content::Thinking(text), signature)), Content::Thinking(more)) => {
            text.push_str(more);
            *signature = next.signature;
        }
        (Some((Content::Thinking(_), signature)), Content::HiddenThinking) => {
            *signature = next.signature;
        }
        (Some((Content::Text { text, .. }, _)), Content::Text { text: more, .. })
            if across && next.signature.is_none() =>
        {
            text.push_str(more);
        }
        _ => parts.push(next),
    }
}

fn parts(content: &mut Proto, calls: &mut Calls) -> Result<Vec<Part>, Invalid> {
    let mut parts = Vec::new();
    for item in content.list("parts")? {
        continue_with(&mut parts, read_part(item, calls)?, false);
    }
    Ok(parts)
}

/// Keeps what a reader did not know of the object at `path`.
pub(super) fn extras(request: &mut Request, path: &str, rest: Map<String, Value>) {
    for (name, value) in rest {
        let name = if path.is_empty() { name } else { format!("{path}.{name}") };
        request.extra.push(Extra { wire: Wire::Gemini, name, value });
    }
}
