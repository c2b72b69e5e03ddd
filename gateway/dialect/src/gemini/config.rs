//! Reads `generationConfig`: sampling, the answer's form, reasoning.

use super::proto::Proto;
use super::read::extras;
use super::schema;
use super::words;
use crate::neutral::{Extra, Format, Reasoning, Request, Schema};
use crate::{Invalid, Wire};
use serde_json::{Map, Value, json};

const PATH: &str = "generationConfig";

pub(super) fn read(mut config: Proto, request: &mut Request) -> Result<(), Invalid> {
    let sampling = &mut request.sampling;
    sampling.temperature = config.number("temperature")?;
    sampling.top_p = config.number("topP")?;
    sampling.top_k = top_k(&mut config)?;
    sampling.frequency_penalty = config.number("frequencyPenalty")?;
    sampling.presence_penalty = config.number("presencePenalty")?;
    sampling.seed = config.integer("seed")?;
    sampling.stop = config.strings("stopSequences")?;
    sampling.candidates = config.count("candidateCount")?;
    request.output_tokens_max = config.count("maxOutputTokens")?;
    let others = config.count("logprobs")?;
    request.logprobs = match config.boolean("responseLogprobs")? {
        Some(true) => Some(u32::try_from(others.unwrap_or(0)).unwrap_or(u32::MAX)),
        _ => None,
    };
    format(&mut config, request)?;
    if let Some(thinking) = config.object("thinkingConfig")? {
        reasoning(thinking, request)?;
    }
    // Text is what every model answers in.
    let modalities = config.take("responseModalities");
    if let Some(value) = modalities.filter(|value| *value != json!(["TEXT"])) {
        let name = "generationConfig.responseModalities".to_owned();
        request.extra.push(Extra { wire: Wire::Gemini, name, value });
    }
    let rest = config.rest();
    extras(request, PATH, rest);
    Ok(())
}

/// Google's own type for it is a float.
fn top_k(config: &mut Proto) -> Result<Option<u64>, Invalid> {
    let Some(k) = config.number("topK")? else { return Ok(None) };
    if k < 0.0 || k.fract() != 0.0 || k > 1e9 {
        return Err(config.wrong("topK", "a whole number that is not negative"));
    }
    Ok(Some(k as u64))
}

/// JSON, free or by a schema. An enumeration's bare word is a form that only Gemini has.
fn format(config: &mut Proto, request: &mut Request) -> Result<(), Invalid> {
    match config.string("responseMimeType")?.as_deref() {
        None | Some("" | "text/plain") => return Ok(()),
        Some("application/json") => {}
        Some(other) => {
            let mut rest = Map::new();
            rest.insert("responseMimeType".to_owned(), other.into());
            rest.extend(config.take("responseSchema").map(|s| ("responseSchema".to_owned(), s)));
            extras(request, PATH, rest);
            return Ok(());
        }
    }
    let schema = config
        .take("responseJsonSchema")
        .or_else(|| config.take("_responseJsonSchema"))
        .or_else(|| config.take("responseSchema").map(schema::to_json));
    request.format = match schema {
        None => Format::Json,
        Some(schema) => {
            let name =
                schema.get("title").and_then(Value::as_str).map_or("response", |title| title);
            let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
            let name = name.chars().take(64).map(plain).collect();
            Format::Schema(Schema { name, description: None, schema, strict: None })
        }
    };
    Ok(())
}

/// A budget of -1 lets the model choose, which no other dialect can say.
fn reasoning(mut thinking: Proto, request: &mut Request) -> Result<(), Invalid> {
    let mut reasoning =
        Reasoning { show: thinking.boolean("includeThoughts")?, ..Reasoning::default() };
    let mut rest = Map::new();
    match thinking.integer("thinkingBudget")? {
        None => {}
        Some(-1) => {
            rest.insert("thinkingBudget".to_owned(), (-1).into());
        }
        Some(tokens) => {
            let tokens = u64::try_from(tokens)
                .map_err(|_| thinking.wrong("thinkingBudget", "-1, 0 or a number of tokens"))?;
            reasoning.tokens_max = Some(tokens);
        }
    }
    if let Some(level) = thinking.string("thinkingLevel")? {
        reasoning.effort = words::effort(&level);
        if reasoning.effort.is_none() && level != "THINKING_LEVEL_UNSPECIFIED" {
            rest.insert("thinkingLevel".to_owned(), level.into());
        }
    }
    rest.extend(thinking.rest());
    request.reasoning = Some(reasoning);
    extras(request, "generationConfig.thinkingConfig", rest);
    Ok(())
}
