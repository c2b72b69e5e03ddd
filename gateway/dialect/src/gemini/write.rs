//! Writes a request: turns first, then what is asked about them (`ask.rs`).

use super::ask;
use super::model::Model;
use super::wire::{WireContent, WirePart};
use super::write_part::PartWriter;
use crate::convert::Provider;
use crate::loss::{Feature, Losses};
use crate::neutral::{Content, Native, Part, Request, Role, Turn};
use crate::{Invalid, Wire};
use serde::Serialize;
use serde_json::{Map, Value};

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Body<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<Instruction<'a>>,
    contents: Vec<WireContent<'a>>,
    #[serde(flatten)]
    rest: Map<String, Value>,
}

#[derive(Debug, Serialize)]
struct Instruction<'a> {
    parts: Vec<WirePart<'a>>,
}

/// Writes the body of generateContent or streamGenerateContent: they are the same, the path tells.
pub(super) fn write_request(
    request: &Request,
    to: &Provider<'_>,
    losses: &mut Losses,
) -> Result<Vec<u8>, Invalid> {
    let body = body(request, to, losses)?;
    serde_json::to_vec(&body).map_err(|error| Invalid::at("body", error.to_string()))
}

pub(super) fn body<'a>(
    request: &'a Request,
    to: &Provider<'_>,
    losses: &mut Losses,
) -> Result<Body<'a>, Invalid> {
    let model = Model::of(to.model);
    let mut rest = Map::new();
    let mut turns =
        Turns { writer: PartWriter::new(model), instructions: Vec::new(), contents: Vec::new() };
    for (n, turn) in request.turns.iter().enumerate() {
        turns.add(n, turn, &mut rest, losses)?;
    }
    ask::write(request, model, &mut rest, losses)?;
    let Turns { instructions: mut parts, mut contents, .. } = turns;
    if contents.is_empty() && !parts.is_empty() {
        // Instructions alone are refused; said by the user, they are a question.
        losses.meet(Feature::LateInstructions, "turns")?;
        contents.push(WireContent { role: "user", parts: std::mem::take(&mut parts) });
    }
    if contents.is_empty() {
        return Err(Invalid::silent());
    }
    let system_instruction = (!parts.is_empty()).then_some(Instruction { parts });
    Ok(Body { system_instruction, contents, rest })
}

struct Turns<'a, 'm> {
    writer: PartWriter<'a, 'm>,
    instructions: Vec<WirePart<'a>>,
    contents: Vec<WireContent<'a>>,
}

impl<'a> Turns<'a, '_> {
    fn add(
        &mut self,
        n: usize,
        turn: &'a Turn,
        rest: &mut Map<String, Value>,
        losses: &mut Losses,
    ) -> Result<(), Invalid> {
        if turn.name.is_some() {
            losses.meet(Feature::SpeakerName, &format!("turns[{n}].name"))?;
        }
        let role = match turn.role {
            Role::System if self.contents.is_empty() => {
                return self.instruct(n, turn, rest, losses);
            }
            // There is one place for instructions, and it is before everything.
            Role::System => {
                losses.meet(Feature::LateInstructions, &format!("turns[{n}]"))?;
                "user"
            }
            Role::User => "user",
            Role::Assistant => "model",
        };
        let mut parts = Vec::with_capacity(turn.parts.len());
        self.writer.begin();
        for (p, part) in turn.parts.iter().enumerate() {
            self.writer.write(part, &format!("turns[{n}].parts[{p}]"), &mut parts, losses)?;
        }
        self.writer.end(&mut parts);
        if parts.is_empty() {
            return Ok(());
        }
        // Results of calls must come in one turn right after them, so neighbours are one.
        match self.contents.last_mut().filter(|last| last.role == role) {
            Some(last) => last.parts.append(&mut parts),
            None => self.contents.push(WireContent { role, parts }),
        }
        Ok(())
    }

    fn instruct(
        &mut self,
        n: usize,
        turn: &'a Turn,
        rest: &mut Map<String, Value>,
        losses: &mut Losses,
    ) -> Result<(), Invalid> {
        for (p, part) in turn.parts.iter().enumerate() {
            let at = format!("turns[{n}].parts[{p}]");
            if let Some(name) = cached_content(part) {
                rest.insert("cachedContent".to_owned(), name.into());
                continue;
            }
            let mut parts = Vec::new();
            match &part.content {
                Content::Text { .. } => self.writer.write(part, &at, &mut parts, losses)?,
                Content::Native(Native { wire: Wire::Gemini, value }) => {
                    parts.push(WirePart::Native(value));
                }
                _ => {
                    losses.meet(Feature::InstructionMedia, &at)?;
                }
            }
            self.instructions.append(&mut parts);
        }
        Ok(())
    }
}

fn cached_content(part: &Part) -> Option<&str> {
    match &part.content {
        Content::Native(Native { wire: Wire::Gemini, value }) => {
            value.get("cachedContent").and_then(Value::as_str)
        }
        _ => None,
    }
}
