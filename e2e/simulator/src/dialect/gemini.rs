//! Gemini generateContent; the same on Vertex AI.

use super::{Dialect, Refusal, Target, set};
use crate::ask::{Ask, Choice, Item, Shape};
use crate::node::{Invalid, Node};
use crate::reply::{Block, Finish, Kind, Piece, Reply};
use crate::stream::{Writer, sse};
use http::HeaderMap;
use serde_json::{Value, json};

pub(crate) struct Gemini;

/// What the vendor documents for a call whose signature is not at hand, as it is and in base64: it
/// is not checked.
const NOT_SIGNED: [&str; 2] =
    ["skip_thought_signature_validator", "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I="];

impl Dialect for Gemini {
    fn ask(&self, target: &Target, _: &HeaderMap, body: &Node<'_>) -> Result<Ask, Invalid> {
        let body = &camel(body.value);
        let body = &Node::root(body);
        // countTokens may wrap the request that it counts.
        let wrapped = body.get("generateContentRequest");
        let body = wrapped.as_ref().unwrap_or(body);
        body.only(&[
            "model",
            "contents",
            "systemInstruction",
            "tools",
            "toolConfig",
            "safetySettings",
            "generationConfig",
            "cachedContent",
            "labels",
            "serviceTier",
            "store",
        ])?;
        let mut ask = Ask::new(target.model.as_deref().unwrap_or_default())?;
        let contents = body.some("contents")?;
        for content in &contents {
            read(content, &mut ask)?;
        }
        for tool in body.list("tools")? {
            for function in tool.list("functionDeclarations")? {
                let schema = function.get("parametersJsonSchema").or(function.get("parameters"));
                ask.tool(function.need("name")?.text()?, schema);
            }
        }
        ask.weigh(&contents, &[body.get("systemInstruction"), body.get("tools")]);
        let calling = body.get("toolConfig").and_then(|node| node.get("functionCallingConfig"));
        ask.choice = calling.map(choice).transpose()?.unwrap_or_default();
        ask.stream = target.stream;
        if let Some(config) = body.get("generationConfig") {
            ask.cap = config.opt("maxOutputTokens", Node::number)?;
            let schema = config.get("responseJsonSchema").or(config.get("responseSchema"));
            ask.shape = match (config.opt("responseMimeType", Node::text)?, schema) {
                (Some("application/json"), Some(schema)) => Shape::Fitting(schema.value.clone()),
                (Some("application/json"), None) => Shape::Object,
                (_, Some(schema)) => {
                    return Err(schema.wrong("given with responseMimeType application/json"));
                }
                _ => Shape::Text,
            };
            let thinking = config.get("thinkingConfig");
            let shown = thinking.map(|node| node.opt("includeThoughts", Node::flag)).transpose()?;
            ask.thinks = shown.flatten().unwrap_or(false);
        }
        ask.shows_thoughts = true;
        Ok(ask)
    }

    fn whole(&self, reply: &Reply) -> Value {
        let parts: Vec<_> = reply.blocks.iter().map(|block| part(block, &block.text)).collect();
        chunk(reply, &parts, Some(reply.visible))
    }

    fn writer(&self, _: &Reply) -> Box<dyn Writer> {
        Box::new(Chunks)
    }

    fn refusal(&self, refusal: &Refusal<'_>) -> (Value, Option<(&'static str, String)>) {
        (error(refusal), None)
    }
}

/// Google reads names in either spelling, and its SDK writes some so: here all are in `camelCase`,
/// but those of schemas, arguments and results, which are the caller's own.
fn camel(value: &Value) -> Value {
    const FREE: [&str; 6] = [
        "parameters",
        "parametersJsonSchema",
        "responseSchema",
        "responseJsonSchema",
        "args",
        "response",
    ];
    match value {
        Value::Array(items) => items.iter().map(camel).collect(),
        Value::Object(object) => {
            let members = object.iter().map(|(key, value)| {
                let mut words = key.split('_');
                let mut name = words.next().unwrap_or_default().to_owned();
                for word in words {
                    let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
                    name += &first.to_uppercase();
                    name += rest;
                }
                let value = if FREE.contains(&&*name) { value.clone() } else { camel(value) };
                (name, value)
            });
            Value::Object(members.collect())
        }
        other => other.clone(),
    }
}

fn read(content: &Node<'_>, ask: &mut Ask) -> Result<(), Invalid> {
    if let Some(role) = content.get("role")
        && !matches!(role.text()?, "user" | "model" | "function")
    {
        return Err(role.wrong("user or model"));
    }
    for part in content.some("parts")? {
        part.only(&[
            "text",
            "thought",
            "thoughtSignature",
            "inlineData",
            "fileData",
            "functionCall",
            "functionResponse",
            "executableCode",
            "codeExecutionResult",
            "videoMetadata",
            "mediaResolution",
            "partMetadata",
        ])?;
        if let Some(signature) = part.opt("thoughtSignature", Node::text)?
            && !NOT_SIGNED.contains(&signature)
        {
            let (signature, text) = (signature.to_owned(), String::new());
            ask.items.push(Item::Signed { signature, text });
        }
        if let Some(call) = part.get("functionCall") {
            call.opt("args", Node::object)?;
            ask.items.push(Item::Called(identity(&call)?));
        } else if let Some(result) = part.get("functionResponse") {
            let text = result.need("response")?.object()?.to_string();
            ask.items.push(Item::Result(identity(&result)?, text));
        } else if part.get("inlineData").is_some() || part.get("fileData").is_some() {
            ask.items.push(Item::Medium);
        } else {
            ask.items.push(Item::Said);
        }
    }
    Ok(())
}

/// Calls and results belong together by id where there is one, else by name.
fn identity(node: &Node<'_>) -> Result<String, Invalid> {
    let name = node.need("name")?.text()?;
    Ok(node.opt("id", Node::text)?.unwrap_or(name).to_owned())
}

fn choice(node: Node<'_>) -> Result<Choice, Invalid> {
    let mode = node.opt("mode", Node::text)?.unwrap_or("AUTO");
    let named = node.list("allowedFunctionNames")?;
    match (mode, named.as_slice()) {
        ("AUTO" | "VALIDATED" | "MODE_UNSPECIFIED", _) => Ok(Choice::Auto),
        ("NONE", _) => Ok(Choice::Never),
        ("ANY", [one]) => Ok(Choice::Named(one.text()?.to_owned())),
        ("ANY", _) => Ok(Choice::Any),
        _ => Err(node.wrong("of mode AUTO, ANY or NONE")),
    }
}

fn part(block: &Block, text: &str) -> Value {
    let mut part = match &block.kind {
        Kind::Text => json!({"text": text}),
        Kind::Thought => json!({"text": text, "thought": true}),
        Kind::Call { id, name } => {
            json!({"functionCall": {"id": id, "name": name, "args": block.arguments()}})
        }
    };
    if let Some(signature) = &block.signature {
        set(&mut part, "thoughtSignature", json!(signature));
    }
    part
}

/// An answer, or one chunk of it. `ends` with all tokens: the last.
fn chunk(reply: &Reply, parts: &[Value], ends: Option<u64>) -> Value {
    let mut candidate = json!({"content": {"parts": parts, "role": "model"}, "index": 0});
    if ends.is_some() {
        let reason = if reply.finish == Finish::Length { "MAX_TOKENS" } else { "STOP" };
        set(&mut candidate, "finishReason", reason);
    }
    let mut chunk = json!({
        "candidates": [candidate],
        "modelVersion": reply.model,
        "responseId": format!("sim-{}", reply.id),
    });
    if reply.usage {
        let visible = ends.unwrap_or(0);
        let mut usage = json!({
            "promptTokenCount": reply.prompt,
            "totalTokenCount": reply.prompt + visible + reply.reasoning,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": reply.prompt}],
        });
        if ends.is_some() {
            set(&mut usage, "candidatesTokenCount", visible);
        }
        if reply.reasoning > 0 {
            set(&mut usage, "thoughtsTokenCount", reply.reasoning);
        }
        if reply.cached > 0 {
            set(&mut usage, "cachedContentTokenCount", reply.cached);
        }
        set(&mut chunk, "usageMetadata", usage);
    }
    chunk
}

fn error(refusal: &Refusal<'_>) -> Value {
    let mut message = refusal.message;
    let mut word = refusal.code.unwrap_or(match refusal.status {
        401 => "UNAUTHENTICATED",
        403 => "PERMISSION_DENIED",
        404 => "NOT_FOUND",
        429 => "RESOURCE_EXHAUSTED",
        499 => "CANCELLED",
        503 => "UNAVAILABLE",
        504 => "DEADLINE_EXCEEDED",
        400..=499 => "INVALID_ARGUMENT",
        _ => "INTERNAL",
    });
    if word == "context_length_exceeded" {
        word = "INVALID_ARGUMENT";
        message = "The input token count (1048577) exceeds the maximum number of tokens allowed \
                   (1048576).";
    }
    json!({"error": {"code": refusal.status, "message": message, "status": word}})
}

struct Chunks;

impl Writer for Chunks {
    /// Nothing comes before the first content; the vendor's SDK reads not even a comment.
    fn open(&mut self, _: &Reply) -> Vec<u8> {
        Vec::new()
    }

    /// A call comes whole, with its last piece.
    fn piece(&mut self, reply: &Reply, block: &Block, piece: &Piece) -> Vec<u8> {
        let call = matches!(block.kind, Kind::Call { .. });
        if call && !piece.last {
            return Vec::new();
        }
        let mut part = part(block, &piece.text);
        if !call && let Some(part) = part.as_object_mut() {
            // The signature of a text follows it, in the last chunk.
            part.remove("thoughtSignature");
        }
        sse(None, &chunk(reply, &[part], None))
    }

    /// There is no end mark beside the finish reason.
    fn end(&mut self, reply: &Reply, done: bool) -> Vec<u8> {
        if !done {
            return Vec::new();
        }
        let signed = reply.blocks.last().filter(|block| block.kind == Kind::Text);
        let parts = signed.map_or_else(|| json!({"text": ""}), |block| part(block, ""));
        sse(None, &chunk(reply, &[parts], Some(reply.visible)))
    }

    fn error(&mut self, code: Option<&str>, message: &str) -> Vec<u8> {
        sse(None, &error(&Refusal { status: 503, code, message, param: None }))
    }
}
